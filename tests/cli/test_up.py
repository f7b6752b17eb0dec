"""The supervisor, with children that only play hub, agent and dashboard."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from echodeck.cli import ports
from echodeck.cli.child import Child
from echodeck.cli.printer import Printer
from echodeck.cli.up import Supervisor, has_display, main, with_ports
from echodeck.client import Backoff
from echodeck.config import Settings
from echodeck.errors import ConfigError

PATIENCE_S = 30.0
PLAYER = """
import http.server, os, sys, threading, time
from pathlib import Path
from echodeck.cli.leash import heel
heel()
name, arguments = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
print(f"{name} here with {sorted(arguments)}", flush=True)
if name == os.environ.get("REFUSES"):
    print("echodeck: another hub has it", file=sys.stderr, flush=True)
    sys.exit(3)
if name == os.environ.get("STUBBORN"):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "--port" in arguments:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
            self.wfile.write(b"{}")
        def log_message(self, *args): pass
    http.server.ThreadingHTTPServer(("127.0.0.1", int(arguments["--port"])), Handler).serve_forever()
time.sleep(600)
"""


class Heard(Printer):
    """Keeps what would be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def _write(self, text: str, *, error: bool = False) -> None:
        self.text += text


@pytest.fixture
def player(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "player.py"
    script.write_text(PLAYER)
    return (sys.executable, str(script))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return with_ports(Settings(port=0, dash_port=0, data=tmp_path / "data"))


@pytest.fixture
def deck(settings: Settings, player: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    app = Path(__file__).parents[2] / "app"
    monkeypatch.setenv("PYTHONPATH", str(app))
    return Supervisor(settings, printer=Heard(), command=player)


async def until(what: str, condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
        await asyncio.sleep(0.01)
    return found


def children(deck: Supervisor) -> dict[str, Child]:
    return {child.name: child for child in deck._children}


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        yield taken.getsockname()[1]


async def test_it_starts_all_three_and_ends_them(deck: Supervisor) -> None:
    running = asyncio.create_task(deck.run())
    printer: Any = deck.printer
    await until("the addresses", lambda: "echodeck is up" in printer.text)
    await until("all three", lambda: all(f"{name} here" in printer.text for name in ("hub", "agent", "dash")))
    assert list(children(deck)) == ["hub", "agent", "dash"]
    assert deck.page_url in printer.text
    assert deck.settings.hub_url in printer.text
    pids = [child.pid for child in children(deck).values()]
    os.kill(os.getpid(), signal.SIGTERM)  # as a service manager does
    assert await running == 0
    assert not any(alive(pid) for pid in pids if pid)
    for line in ("hub   │ hub here with ['--data', '--host', '--port']",
                 "agent │ agent here with ['--data', '--engine', '--hub']",
                 "dash  │ dash here with ['--host', '--hub', '--port']"):
        assert line in printer.text
    assert "starting it again" not in printer.text
    assert "hub here" in (deck.settings.data / "logs" / "hub.log").read_text()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that hang up")
async def test_it_ends_with_its_terminal_unless_told_not_to(deck: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        running = asyncio.create_task(deck.run())
        await until("the hub's start", lambda: children(deck))
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        assert not deck._stopping.is_set()
        deck.stop()
        await running
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        again = Supervisor(deck.settings, printer=Heard(), command=deck.command)
        running = asyncio.create_task(again.run())
        await until("the hub's start", lambda: children(again))
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            assert await running == 0
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_child_that_is_killed_is_started_again(deck: Supervisor) -> None:
    running = asyncio.create_task(deck.run())
    printer: Any = deck.printer
    await until("the addresses", lambda: "echodeck is up" in printer.text)
    for name in ("agent", "hub"):
        child = children(deck)[name]
        before = child.pid
        assert before
        os.kill(before, signal.SIGKILL)
        await until("another process", lambda child=child, before=before: child.pid not in (None, before))
        assert child.restarts == 1
        assert f"{name:<5} │ ended (killed by SIGKILL); starting it again in 0.5 s" in printer.text
    await until("the hub", lambda: ports.answers(deck.settings.hub_url + "/api/echo/health"))
    deck.stop()
    assert await running == 0


async def test_a_hub_that_refuses_to_start_ends_it_all(deck: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSES", "hub")
    async with asyncio.timeout(PATIENCE_S):
        assert await deck.run() == 3
    printer: Any = deck.printer
    assert "another hub has it" in printer.text
    assert list(children(deck)) == ["hub"]


@pytest.mark.parametrize("was_healthy", [False, True])
async def test_a_dashboard_that_refuses_to_start_ends_it_all(deck: Supervisor, monkeypatch: pytest.MonkeyPatch,
                                                             was_healthy: bool) -> None:
    monkeypatch.setenv("REFUSES", "dash")
    monkeypatch.setattr("echodeck.cli.child.Backoff", lambda *_, **__: Backoff(0.01, 0.01, chance=lambda: 0.0))
    running = asyncio.create_task(deck.run())
    await until("the dashboard's start", lambda: "dash" in children(deck))
    children(deck)["dash"].was_healthy = was_healthy
    async with asyncio.timeout(PATIENCE_S):
        assert await running == 3
    printer: Any = deck.printer
    assert printer.text.count("dash  │ echodeck: another hub has it") == (5 if was_healthy else 1)
    assert "dash cannot be started (exit code 3)" in printer.text


async def test_one_that_does_not_end_is_killed(deck: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUBBORN", "agent")
    running = asyncio.create_task(deck.run())
    printer: Any = deck.printer
    await until("the addresses", lambda: "echodeck is up" in printer.text)
    await until("its deaf agent", lambda: "agent here" in printer.text)
    deck.stop()
    await asyncio.sleep(0)
    deck.stop()  # Ctrl-C again: at once
    async with asyncio.timeout(10):
        await running
    assert not [c for c in children(deck).values() if c.pid]


async def test_the_backoff_grows_while_it_keeps_dying(tmp_path: Path) -> None:
    said: list[str] = []
    backoff = Backoff(0.01, 0.08, chance=lambda: 0.0)
    child = Child("x", (sys.executable, "-S", "-E", "-c", "print('hi'); raise SystemExit(7)"), said.append,
                  tmp_path / "x.log", lambda child, code: False, backoff)
    child.start()
    await until("five starts", lambda: child.restarts >= 5)
    await child.stop(5)
    waits = [line.rsplit(" ", 2)[-2] for line in said if "exit code 7" in line]
    assert waits[:5] == ["0.01", "0.02", "0.04", "0.08", "0.08"]


async def test_odd_output_is_passed_on(tmp_path: Path) -> None:
    said: list[str] = []
    code = "import sys; w = sys.stdout.buffer.write; w(b'\\xff caf\\xc3\\xa9\\r\\n' + b'x' * 200000 + b'\\nend')"
    ended = asyncio.Event()

    def over(child: Child, code: int) -> bool:
        ended.set()
        return True

    child = Child("x", (sys.executable, "-S", "-E", "-c", code), said.append, tmp_path / "x.log", over)
    child.start()
    async with asyncio.timeout(PATIENCE_S):
        await ended.wait()
    await child.stop(5)
    assert said[0] == "\ufffd café"
    assert sum(len(line) for line in said[1:-1]) == 200_000
    assert said[-1] == "end"


async def test_a_log_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("")
    ended = asyncio.Event()

    def over(child: Child, code: int) -> bool:
        ended.set()
        return True

    (tmp_path / "b.log").mkdir()
    for log in (tmp_path / "file" / "a.log", tmp_path / "b.log"):
        ended.clear()
        child = Child("x", (sys.executable, "-S", "-E", "-c", "print('hi\\nho')"), said.append, log, over)
        child.start()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
        await child.stop(5)
    assert [line for line in said if "going on without" in line] == [said[0], said[4]]
    assert said.count("hi") == said.count("ho") == 2


def test_no_child_outlives_a_killed_supervisor(deck: Supervisor, tmp_path: Path) -> None:
    settings = deck.settings
    script = tmp_path / "up.py"
    script.write_text(
        "import asyncio, sys\nfrom pathlib import Path\nfrom echodeck.cli.up import Supervisor\n"
        "from echodeck.config import Settings\n"
        f"s = Settings(port={settings.port}, dash_port={settings.dash_port}, data=Path({str(settings.data)!r}))\n"
        f"sys.exit(asyncio.run(Supervisor(s, command={deck.command!r}).run()))\n")
    up = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert up.stdout is not None
    for line in up.stdout:
        if "Ctrl-C" in line:
            break
    pids = [child.pid for child in psutil.Process(up.pid).children()]
    assert len(pids) == 3
    up.kill()
    up.wait(10)
    up.stdout.close()
    deadline = time.monotonic() + PATIENCE_S
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a child outlived its supervisor"
        time.sleep(0.02)


def test_a_taken_port_is_said_before_anything_starts(run: Any, tmp_path: Path) -> None:
    with listening() as port:
        done = run("up", "--port", str(port), "--data", str(tmp_path), "--no-browser")
        assert done.code == 3
        assert done.err == (f"echodeck: port {port}, for the hub, is taken by another program; stop that, or choose "
                            "another with --port (0: any free one)\n")
        done = run("up", "--port", "0", "--dash-port", str(port), "--data", str(tmp_path), "--json")
        assert done.error["code"] == "port_taken"
        assert f"port {port}, for the dashboard" in done.error["message"]
        assert "--dash-port" in done.error["message"]
    assert list(tmp_path.iterdir()) == []


def test_one_port_for_both_is_refused(run: Any, tmp_path: Path) -> None:
    done = run("up", "--port", "8400", "--dash-port", "8400", "--data", str(tmp_path / "d"), "--no-browser")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("echodeck: hub and dashboard cannot both have port 8400; choose another with --port or "
                        "--dash-port (0: any free one)\n")
    assert list(tmp_path.iterdir()) == []


def test_a_hub_on_the_port_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "answers", lambda url: True)
    with listening() as port, pytest.raises(ConfigError, match="a hub is running at"):
        ports.check_free("127.0.0.1", port, "port", "hub")


def test_a_foreign_address_is_no_place_to_listen() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen at 192\.0\.2\.1"):
        with_ports(Settings(host="192.0.2.1", port=0))


def test_a_bad_address_of_a_server_is_found_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--comfyui: expected an address"):
        main(Settings(port=0, dash_port=0, data=tmp_path, comfyui="ftp://x"), demo=False, browser=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("brain", "said"), [
    ({"offf": []}, r"brain\.offf: unknown"), ({"overtake": -1}, r"brain\.overtake")])
def test_a_mistake_in_the_brains_table_is_found_before_anything_starts(
        tmp_path: Path, brain: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        main(Settings(port=0, dash_port=0, data=tmp_path, brain=brain), demo=False, browser=False)
    assert list(tmp_path.iterdir()) == []


def test_free_ports_are_different() -> None:
    chosen = with_ports(Settings(port=0, dash_port=0))
    assert chosen.port
    assert chosen.dash_port not in (0, chosen.port)
    assert chosen.hub_url.endswith(str(chosen.port))


def test_the_terminal_may_go_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

        def isatty(self) -> bool:
            return False

    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", Gone())
        printer = Printer()
        printer.line("hub", "x")
        printer.line("hub", "y")
    quiet = Printer(as_json=True)
    quiet.line("hub", "z")
    quiet.addresses(page="p", hub="h", data=Path("d"), elsewhere=["e"])
    written = capsys.readouterr()
    assert json.loads(written.out) == {"dashboard": "p", "elsewhere": ["e"], "hub": "h", "data": "d"}
    assert written.err == "hub   │ z\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always one")
def test_without_a_display_no_browser_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()
