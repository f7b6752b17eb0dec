"""A real hub as a process, jobs of this process told to it, and what a viewer sees of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.client import Live, connect
from echodeck.tracking import link as links

APP = Path(__file__).parents[2] / "app"
PATIENCE_S = 20.0


class HubProcess:
    """At `url`, the same over `kill` and `start`."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environ = {**os.environ, "PYTHONPATH": str(APP), "ECHODECK_LEASE_S": "3", "ECHODECK_HEARTBEAT_S": "0.5"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "echodeck", "hub", "--port", str(self.port), "--data", str(self.data)], text=True,
            stdout=subprocess.PIPE, env=environ)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "listening" in line, line
        self.port = int(line.split()[-1].rsplit(":", 1)[1])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    made = HubProcess(tmp_path / "hub")
    yield made
    made.kill()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's link is a new one, and ends with the test. Nobody is at the hub's address."""
    monkeypatch.setenv("ECHODECK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ECHODECK_HUB", "http://127.0.0.1:9")
    monkeypatch.setattr(links, "_link", None)
    monkeypatch.setattr(links, "_at_the_end", lambda made: None)
    monkeypatch.chdir(tmp_path)
    yield
    if links._link is not None:
        links._link.finish(10.0)
        links._link.joined()


@pytest.fixture
def told(alone: None, hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> HubProcess:
    """Jobs of this process are told to the hub."""
    monkeypatch.setenv("ECHODECK_HUB", hub.url)
    return hub


@pytest.fixture
def seen(hub: HubProcess) -> Iterator[Live]:
    with connect(hub.url) as live:
        yield live


@pytest.fixture
def until() -> Callable[..., Any]:
    def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs code as a script of its own."""

    def run(code: str, hub: str = "http://127.0.0.1:9", **environ: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script.py"
        file.write_text(code, encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": str(APP), "ECHODECK_HUB": hub, "ECHODECK_DATA": str(tmp_path / "data"),
               **environ}
        return subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=60, env=env,
                              cwd=tmp_path)

    return run
