"""`echodeck up`: hub, agent and dashboard as supervised processes.

Each child's stdin is a pipe that ends with this process, however it ends (see `leash`). A child that dies is started
again after 0.5 s, doubling to 10 s; 30 s of health start that over. A child that refuses to start at all (its exit
code says that trying again is no help) ends everything with that code; one that has been well before may refuse
a few times.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ..addresses import ANYWHERE, of_this_machine
from ..config import Settings
from ..errors import ConfigError, EchodeckError, HubUnreachable
from .ask import BAD_INPUT, UNREACHABLE
from .child import Child
from .ports import answers, check_free, free_port
from .printer import Printer

START_S = 60.0
"""How long the hub and the page may take to answer."""
PATIENT_S = 20.0
"""For one answer: a page is made anew for each who asks, and a busy machine takes seconds for it."""
STOP_S = 12.0
HOPELESS = frozenset({BAD_INPUT, UNREACHABLE})
PATIENCE = 5
"""How often in a row a child that has been well may refuse to start: its port, say, may be free again soon."""

Command = tuple[str, ...]


def main(settings: Settings, *, demo: bool, browser: bool, as_json: bool = False) -> int:
    """Runs until Ctrl-C, SIGTERM or SIGHUP; returns the exit code. Raises ConfigError when a port is taken."""
    settings = checked(with_ports(settings))
    supervisor = Supervisor(settings, demo=demo, browser=browser, printer=Printer(as_json=as_json))
    return asyncio.run(supervisor.run())


def checked(settings: Settings) -> Settings:
    """Raises ConfigError for what only a child would find wrong, after others have started."""
    from ..brain import limits, order, parts

    _ = settings.comfyui_servers, settings.a1111_servers
    _ = parts.off_at_start(settings.brain), order.rules_of(settings.brain)
    limits.checked(settings.brain, settings.ladders)
    return settings


def with_ports(settings: Settings) -> Settings:
    """The settings with port 0 made a free port, and both ports checked before anything starts."""
    if settings.port and settings.port == settings.dash_port:
        raise ConfigError(f"hub and dashboard cannot both have port {settings.port}; choose another with --port or "
                          "--dash-port (0: any free one)", field="dash-port")
    port = settings.port or free_port(settings.host, "port", "hub", other_than=settings.dash_port)
    dash_port = settings.dash_port or free_port(settings.dash_host, "dash-port", "dashboard", other_than=port)
    check_free(settings.host, port, "port", "hub")
    check_free(settings.dash_host, dash_port, "dash-port", "dashboard")
    return replace(settings, port=port, dash_port=dash_port, hub="", data=settings.data.resolve())


@dataclass
class Supervisor:
    """The children and what is done with them. `command` is how an `echodeck` process is started."""

    settings: Settings
    demo: bool = False
    browser: bool = False
    printer: Printer = field(default_factory=Printer)
    command: Command = (sys.executable, "-m", "echodeck")
    _children: list[Child] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _code: int = 0

    @property
    def page_url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.settings.dash_host, self.settings.dash_host)
        return f"http://{host}:{self.settings.dash_port}/"

    async def run(self) -> int:
        restore = _on_signals(self.stop)
        work = asyncio.create_task(self._work())
        try:
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if work.done():
                work.result()
        finally:
            work.cancel()
            await self._end(work)
            restore()
        return self._code

    def stop(self, code: int = 0) -> None:
        """Ends everything, cleanly; asked a second time, at once."""
        if self._stopping.is_set():
            for child in self._children:
                child.kill()
            return
        self._code = code
        self._stopping.set()

    async def _work(self) -> None:
        settings = self.settings
        hub = ("hub", "--host", settings.host, "--port", str(settings.port), "--data", str(settings.data))
        agent = ("agent", "--hub", settings.hub_url, "--engine", settings.engine, "--data", str(settings.data))
        dash = ("dash", "--hub", settings.hub_url, "--host", settings.dash_host, "--port", str(settings.dash_port))
        first = self._start(hub)
        await self._answer(settings.hub_url + "/api/echo/health", "the hub")
        first.was_healthy = True
        self._start(agent)
        page = self._start(dash)
        await asyncio.gather(self._show_page(page), self._queue_demo())
        await asyncio.Event().wait()

    async def _show_page(self, page: Child) -> None:
        await self._answer(self.page_url, "the dashboard")
        page.was_healthy = True
        self.printer.addresses(page=self.page_url, hub=self.settings.hub_url, data=self.settings.data,
                               elsewhere=self._elsewhere())
        if self.browser and has_display():
            # In a thread that nobody waits for: some browsers keep the caller until they are closed.
            threading.Thread(target=webbrowser.open, args=(self.page_url,), daemon=True).start()

    def _elsewhere(self) -> list[str]:
        """Where browsers on other machines find the page."""
        if self.settings.dash_host not in ANYWHERE:
            return []
        return [f"http://{address}:{self.settings.dash_port}/" for address in of_this_machine()]

    def _start(self, arguments: Command) -> Child:
        # In the environment, not among the arguments, which everybody on the machine can see: they may have passwords.
        environ = {"ECHODECK_COMFYUI": self.settings.comfyui, "ECHODECK_A1111": self.settings.a1111}
        child = Child(arguments[0], (*self.command, *arguments), self.printer.child(arguments[0]),
                      self.settings.data / "logs" / f"{arguments[0]}.log", self._gave_up, environ=environ)
        self._children.append(child)
        child.start()
        return child

    def _gave_up(self, child: Child, code: int) -> bool:
        """A child ended by itself; True when starting it again is no help, and everything ends."""
        child.refusals = child.refusals + 1 if code in HOPELESS else 0
        if not child.refusals or (child.was_healthy and child.refusals < PATIENCE):
            return False
        self.printer.line("up", f"{child.name} cannot be started (exit code {code}), see above; ending")
        self.stop(code)
        return True

    async def _answer(self, url: str, who: str) -> None:
        try:
            async with asyncio.timeout(START_S):
                while not await asyncio.to_thread(answers, url, PATIENT_S):  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise HubUnreachable(f"{who} did not answer at {url} within {START_S:.0f} s; see above") from error

    async def _queue_demo(self) -> None:
        if not self.demo:
            return
        from .demo import queue

        try:
            count = await queue(self.settings.hub_url)
        except EchodeckError as error:  # the rest goes on without a demo
            self.printer.line("up", f"no demo: {error}")
        else:
            self.printer.line("up", f"queued {count} demo jobs" if count else "the demo jobs are there already")

    async def _end(self, work: asyncio.Task[None]) -> None:
        """The agent and the page first, the hub last, so that it hears what they still say."""
        with suppress(asyncio.CancelledError):
            await asyncio.gather(work, return_exceptions=True)
        for group in ([c for c in self._children if c.name != "hub"], [c for c in self._children if c.name == "hub"]):
            await asyncio.gather(*(child.stop(STOP_S) for child in group))


def has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _on_signals(stop: Callable[[], None]) -> Callable[[], None]:
    """Calls `stop` in the loop on Ctrl-C, SIGTERM, and when the terminal is closed. Returns what undoes it."""
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
            before[number] = signal.getsignal(number)
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


