"""The one thread a process that carries what its jobs say to a hub, and what people want back to them.

A hub that is not there, dies, or hangs changes nothing for the script: what its jobs say is kept, bounded, and told
when a hub answers, what counts now first. Without a hub there is a bar in the terminal.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from functools import partial

from ..client.line import Address
from ..config import Settings, load
from ..errors import ConfigError
from .aside import Aside
from .bar import at_a_terminal, wanted
from .job import Job, living
from .liaison import Liaison
from .loop import Loop
from .told import Told

log = logging.getLogger(__name__)

LOOK_S = 0.05
ALONE_S = 1.0
"""When no hub has answered for so long there is a bar; sooner if it is known that none is there."""
FINISH_S = 2.0
"""How long a script that ends waits for what is still to be told, at most."""


class Link:
    """Made by the first job that begins. `finish` ends it. Raises RuntimeError where no thread can be started."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._fresh: deque[Job] = deque()
        self._awaited: deque[tuple[Job, threading.Event]] = deque()
        self._told: dict[str, Told] = {}
        self._finishing, self._finished = threading.Event(), threading.Event()
        self._began_s = time.monotonic()
        self._lost_s: float | None = self._began_s
        self._tried = self._greeted = False
        self._url = ""
        self._thread = threading.Thread(target=self._run, name="echodeck-link", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Its thread tells nothing any more."""
        return self._finished.is_set()

    def joined(self) -> None:
        """Returns when its thread has ended; for who has asked it to."""
        self._thread.join()

    def begin(self, job: Job) -> None:
        """The job has begun. Costs an append; the thread looks often enough."""
        self._fresh.append(job)

    def gone_s(self) -> float:
        """Since how many seconds no hub has answered; 0 while one does."""
        lost_s = self._lost_s
        return 0.0 if lost_s is None else time.monotonic() - lost_s

    def url_of(self, job_id: str) -> str:
        return f"{self._url}/api/generations/{job_id}" if self._url else ""

    def finish(self, timeout_s: float = FINISH_S) -> None:
        """At the end of the process: what is still to be told is told, if that is quickly done."""
        if self.pid != os.getpid():  # a forked child ends: the thread is its parent's
            return
        for job in [*living.values()]:  # a loop that was left without its end
            job.end(GeneratorExit())
        self._finishing.set()
        self._finished.wait(timeout_s)

    def settled(self, job: Job, timeout_s: float) -> None:
        """Returns when all that the job said has been told, or cannot be, or it takes too long."""
        if self.gone_s() < ALONE_S:
            event = threading.Event()
            self._awaited.append((job, event))
            event.wait(timeout_s)

    # --- the thread ---

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=Loop) as runner:
                runner.run(self._work())
        except Exception:
            # Whatever is wrong with us, the script goes on; it is said once that nobody watches it.
            log.exception("this process cannot be watched any more; it goes on without")
        finally:
            self._lost_s = self._lost_s or time.monotonic()
            self._finished.set()
            for job in [*living.values()]:
                job.let_go()

    async def _work(self) -> None:
        self._aside = Aside()
        self._settings = settings_in_force()
        self._liaison = Liaison(self._settings, self._told)
        talking = asyncio.create_task(self._liaison.run())
        try:
            await self._carry(talking)
        finally:
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talking
            self._aside.close()

    async def _carry(self, talking: asyncio.Task[None]) -> None:
        """Until the process ends, and what it said is told if that is possible."""
        while not self._finishing.is_set():
            if talking.done():
                return
            self._look()
            await asyncio.sleep(LOOK_S)
        self._liaison.hurry()
        until = time.monotonic() + 0.95 * FINISH_S  # so that there is time to say what is untold
        self._look()
        while self._open() and time.monotonic() < until:
            await asyncio.sleep(LOOK_S / 5)
            self._look()
        if self._open() and self._liaison.listening:
            log.warning("the hub did not take all in time: %d messages are untold", self._liaison.unsaid)

    def _open(self) -> bool:
        """Whether something is not done that could be: a hub that is there has not heard all, nobody knows yet whether
        one is there, a picture is not written, a bar not drawn."""
        hub = self._liaison.listening or not self._tried
        return bool(self._told) or self._aside.waiting > 0 or (hub and self._liaison.unsaid > 0)

    def _look(self) -> None:
        awaited = [self._awaited.popleft() for _ in range(len(self._awaited))]
        listening = self._liaison.listening
        self._lost_s = None if listening else self._lost_s or time.monotonic()
        self._tried = self._tried or listening or self._liaison.refused
        if listening:
            self._url = self._liaison.url
            self._greet()
        while self._fresh:
            job = self._fresh.popleft()
            self._told[job.id] = self._tell_of(job)
        alone = not listening and (self._tried or time.monotonic() - self._began_s > ALONE_S)
        for told in [*self._told.values()]:
            good = self._heard(told, listening)
            told.show(alone and wanted(told.job.bar))
            if told.over or not good:
                told.close()
                del self._told[told.job.id]
        for job, event in awaited:
            if job.id in self._told or (listening and self._liaison.unsaid > 0):
                self._awaited.append((job, event))
            else:
                event.set()

    def _heard(self, told: Told, listening: bool) -> bool:
        """False when its job cannot be told of: what is wrong with one must not end the telling of the others."""
        try:
            told.look(listening=listening, ending=self._finishing.is_set())
        except Exception:
            log.exception("%s cannot be told of any more; it goes on", told.job.title)
            told.job.mute()
            return False
        return True

    def _tell_of(self, job: Job) -> Told:
        liaison = self._liaison
        return Told(job, liaison.hand(job.id), liaison.tell, self._aside, ahead_s=liaison.ahead_s(),
                    directory=self._settings.output_dir / job.id, adopt=liaison.adopt)

    def _greet(self) -> None:
        """In a terminal, once, where a bar would be: who watches instead."""
        if not self._greeted and at_a_terminal() and any(wanted(told.job.bar) for told in self._told.values()):
            line = f"echodeck: told to the hub at {self._url}\n"
            self._aside.do(partial(sys.stderr.write, line), lambda _, error: None)
            self._greeted = True


_link: Link | None = None
_guard = threading.Lock()


def link() -> Link:
    """This process's link. Raises RuntimeError where no thread can be started."""
    global _link
    with _guard:
        if _link is None or _link.pid != os.getpid():
            _link = Link()
            _at_the_end(_link)
        return _link


def _at_the_end(made: Link) -> None:
    if "multiprocessing.util" in sys.modules:  # its children end without atexit
        from multiprocessing.util import Finalize

        Finalize(made, made.finish, exitpriority=10)
    else:
        atexit.register(made.finish)


def settings_in_force() -> Settings:
    """The usual ones where what is set cannot be used: a wrong setting must not end a script."""
    try:
        settings = load()
        Address(settings.hub_url)
    except ConfigError as error:
        log.warning("%s; going on with what is usual", error)
        return Settings()
    return settings


def _forked() -> None:
    global _link, _guard
    _link, _guard = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
