"""The real thing: `echodeck up` in a temporary directory on free ports, and pages of it in Chromium."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(what: str, ready: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


@dataclass
class Deck:
    """A running `echodeck up`."""

    port: int
    dash_port: int
    data: Path
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.dash_port}/"

    def rest(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def up(self) -> bool:
        try:
            return bool(self.rest("/api/echo/health"))
        except (OSError, urllib.error.URLError):
            return False

    def state(self) -> dict[str, Any]:
        """What a viewer is shown on connecting."""
        answer = self.rest("/api/state")
        found: dict[str, Any] = answer.get("initial", answer)
        return found

    def samples(self, count: int) -> Callable[[], bool]:
        """A condition that holds once `count` further samples of the machine were measured."""
        def at() -> float:
            return max((host["at_s"] for host in self.state()["hosts"]), default=0.0)

        seen = [at()]

        def ready() -> bool:
            if at() > seen[-1]:
                seen.append(at())
            return len(seen) > count

        return ready

    def jobs(self, *states: str) -> list[dict[str, Any]]:
        return [job for job in self.state()["jobs"] if not states or job["status"] in states]

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.rest(f"/api/generations/{job_id}")
        return found

    def submit(self, **spec: Any) -> str:
        answer = self.rest("/api/generations", {"engine": "sketch", **spec})
        return str((answer.get("jobIds") or answer["result"]["jobIds"])[0])

    def child(self, verb: str) -> psutil.Process:
        """The supervised process that runs `echodeck VERB`."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if verb in child.cmdline())

    def kill(self, verb: str) -> None:
        self.child(verb).send_signal(signal.SIGKILL)

    def clear(self) -> None:
        """Ends whatever is still queued or running, so that the next test starts quietly."""
        for job in self.jobs("pending", "running", "paused"):
            try:
                self.rest(f"/api/generations/{job['jobId']}/cancel", {})
            except urllib.error.HTTPError as error:
                if error.code != 409:  # it ended meanwhile
                    raise
        wait_for("a quiet queue", lambda: not self.jobs("pending", "running", "paused"))


def start(tmp: Path, *flags: str, **environ: str) -> Deck:
    port, dash_port = free_port(), free_port()
    log = tmp / "up.log"
    command = [sys.executable, "-m", "echodeck", "up", "--no-browser", "--port", str(port), "--dash-port",
               str(dash_port), "--data", str(tmp / "data"), *flags]
    environment = {**os.environ, "ECHODECK_LEASE_S": "4", "ECHODECK_HEARTBEAT_S": "1", **environ}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=tmp)
    deck = Deck(port, dash_port, tmp / "data", log, process)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        return deck.up() and bool(deck.state()["engines"])

    wait_for("the hub and the agent", answers)
    return deck


def stop(deck: Deck) -> None:
    children = psutil.Process(deck.process.pid).children(recursive=True)
    deck.process.send_signal(signal.SIGINT)
    deck.process.wait(30)
    _, left = psutil.wait_procs(children, 5)
    assert not left, f"children outlived the supervisor: {left}"


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deck]:
    """`echodeck up --demo`, as a newcomer starts it; 300 MB for a picture, so that a huge job can fail."""
    running = start(tmp_path_factory.mktemp("deck"), "--demo", ECHODECK_SKETCH_MEMORY=str(300 << 20))
    yield running
    stop(running)


@pytest.fixture
def page(chromium: Any, deck: Deck) -> Iterator[Any]:
    """A live page of the dashboard, 1440 px wide. No error may reach its console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    open_live(opened, deck)
    yield opened
    context.close()
    assert not errors


def open_live(page: Any, deck: Deck) -> None:
    wait_for("the dashboard", lambda: _answers(deck.page_url))
    page.goto(deck.page_url)
    page.get_by_test_id("connection").and_(page.locator("[data-state=live]")).wait_for(timeout=PATIENCE_S * 1000)


@pytest.fixture(name="wait_for", scope="session")
def wait_for_fixture() -> Callable[..., Any]:
    return wait_for


@pytest.fixture(name="open_live", scope="session")
def open_live_fixture() -> Callable[[Any, Deck], None]:
    return open_live


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
