"""What a step of `track` costs the thread that makes it: with no hub, with one, and with one that hangs; beside tqdm.

Microseconds a step, in this process, one figure for the middle and one for the 99th of a hundred; steps are made in
bursts with pauses between, as a generation makes them, so that the link's thread is really at work meanwhile.
"""

from __future__ import annotations

import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

APP = Path(__file__).parents[2] / "app"
sys.path.insert(0, str(APP))

BURST = 200
PAUSE_S = 0.01


def costs_us(steps: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """Each step's own time, for each kind. Their bursts take turns, so that a machine busy with other things is so for
    all of them."""
    taken: list[list[float]] = [[] for _ in steps]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for step, times in zip(steps, taken, strict=True):
            for _ in range(BURST):
                began = time.perf_counter_ns()
                step()
                times.append((time.perf_counter_ns() - began) / 1000.0)
            time.sleep(PAUSE_S)
    return taken


def figures(taken: list[float], name: str) -> dict[str, float]:
    return {f"{name}_us": round(statistics.median(taken), 3),
            f"{name}_p99_us": round(statistics.quantiles(taken, n=100)[98], 3)}


@contextmanager
def hub() -> Iterator[str]:
    """A real hub, as a process."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen([sys.executable, "-m", "echodeck", "hub", "--port", "0", "--data", data], text=True,
                                   stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(APP)})
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
        process.wait(20)


@contextmanager
def hanging() -> Iterator[str]:
    """Takes connections, and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    for one in held:
        one.close()


@contextmanager
def nobody() -> Iterator[str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{found.getsockname()[1]}"


def beside(url: str, seconds: float) -> list[list[float]]:
    """Of ours with that hub, and of tqdm's, in microseconds."""
    from echodeck.tracking import job as jobs
    from echodeck.tracking import link as links

    os.environ["ECHODECK_HUB"] = url
    links._link = None
    with jobs.Job("benchmark", total=10**9, bar=False) as job, tqdm(total=10**9, file=io.StringIO()) as bar:
        time.sleep(0.5)  # it has connected, if it can
        taken = costs_us((job.step, bar.update), seconds)
    links.link().finish()
    return taken


def bench(seed: int, seconds: float) -> dict[str, object]:
    ours: dict[str, float] = {}
    peer: dict[str, float] = {}
    for name, place in (("no_hub", nobody), ("connected", hub), ("hanging", hanging)):
        with place() as url:
            mine, theirs = beside(url, max(0.3, seconds / 3))
        ours |= figures(mine, name)
        peer |= figures(theirs, name)
    return {"name": "sdk", "ours": ours, "peer": peer,
            "ratio": {name: round(value / peer[name], 3) for name, value in ours.items()},
            "notes": "microseconds of the calling thread a step; peer: tqdm.update with its usual mininterval"}
