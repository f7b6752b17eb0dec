"""A real hub and a real agent for the notebooks, each in a process of its own, in a temporary directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
PATIENCE_S = 60.0
STOP_S = 10.0


def wait_for(what: str, ready: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := ready():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment for a child: our package, and nothing of this user's Jupyter or echodeck settings."""
    ours = ("ECHODECK_", "JUPYTER", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(TOP / "app"), os.environ.get("PYTHONPATH", ""))))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
                 "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"):
        kept[name] = str(folder / name.lower())
    return kept | more


@dataclass
class Hub:
    url: str
    data: Path

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def state(self) -> dict[str, Any]:
        """What a viewer is shown on connecting."""
        answer = self.get("/api/state")
        found: dict[str, Any] = answer.get("initial", answer)
        return found


class Child:
    """A process of ours, its output in a file; ended, at the latest killed, by `stop`."""

    def __init__(self, arguments: list[str], log: Path, env: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=out, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, env=env, cwd=log.parent)

    def said(self) -> str:
        text = self.log.read_text(errors="replace")
        assert self.process.poll() is None, f"it ended with {self.process.returncode}: {text[-2000:]}"
        return text

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    data = folder / "data"
    env = environment(folder)
    children = [Child(["echodeck", "hub", "--port", "0", "--data", str(data)], folder / "hub.log", env)]
    try:
        words = wait_for("the hub's address", lambda: [word for line in children[0].said().splitlines()
                                                       if "listening on" in line for word in line.split()])
        found = Hub(words[-1], data)
        agent = ["echodeck", "agent", "--hub", found.url, "--data", str(data)]
        children.append(Child(agent, folder / "agent.log", env))
        wait_for("an engine", lambda: children[1].said() is not None and found.state()["engines"])
        yield found
    finally:
        for child in reversed(children):
            child.stop()
