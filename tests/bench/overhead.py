"""What does watching a machine cost? CPU and memory of an agent without work, beside `glances` in server mode.

Both run at 1 Hz on this machine at the same time. glances measures when it is asked, so it is asked once a second by a
client whose own cost does not count. It is no dependency: it is found on the path, or named by ECHODECK_GLANCES.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

APP = Path(__file__).parents[2] / "app"
WARM_S = 5.0
"""What starting costs does not count."""
READY_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(*command: str, **environ: str) -> Iterator[psutil.Popen]:
    """A process that is ended with the block."""
    started = psutil.Popen(command, env={**os.environ, "PYTHONPATH": str(APP), **environ}, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(20)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def cost(watched: dict[str, psutil.Process], seconds: float, every_second: Callable[[], Any]) -> dict[str, Any]:
    """Percent of one core and the most MiB of resident memory, by name."""
    cpu = {name: sum(one.cpu_times()[:2]) for name, one in watched.items()}
    memory = dict.fromkeys(watched, 0.0)
    began_s = time.monotonic()
    while time.monotonic() - began_s < seconds:
        every_second()
        for name, one in watched.items():
            memory[name] = max(memory[name], one.memory_info().rss / 2**20)
        time.sleep(1.0)
    elapsed_s = time.monotonic() - began_s
    return {name: {"cpu_percent": 100 * (sum(one.cpu_times()[:2]) - cpu[name]) / elapsed_s, "rss_mib": memory[name]}
            for name, one in watched.items()}


def bench(seed: int, seconds: float) -> dict[str, object]:
    """CPU in percent of one core and resident memory of our agent; the peer is glances, or null where there is none."""
    glances = os.environ.get("ECHODECK_GLANCES") or shutil.which("glances")
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        hub_port, glances_port = free_port(), free_port()
        ours = [sys.executable, "-m", "echodeck"]
        stack.enter_context(process(*ours, "hub", "--port", str(hub_port), "--data", data))
        wait_for(hub_port)
        agent = process(*ours, "agent", "--hub", f"http://127.0.0.1:{hub_port}", "--data", data,
                        ECHODECK_PERIOD_S="1")
        watched = {"ours": stack.enter_context(agent)}
        ask: Callable[[], Any] = lambda: None  # noqa: E731 - nobody to ask
        if glances:
            server = process(glances, "-s", "-B", "127.0.0.1", "-p", str(glances_port), "--disable-check-update")
            watched["peer"] = stack.enter_context(server)
            wait_for(glances_port)
            ask = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{glances_port}").getAll
        cost(watched, min(WARM_S, seconds), ask)
        found = cost(watched, seconds, ask)
    peer = found.get("peer", dict.fromkeys(found["ours"]))
    return {"name": "overhead", "ours": found["ours"], "peer": peer,
            "ratio": {name: value / peer[name] if peer[name] else None for name, value in found["ours"].items()},
            "notes": "our agent with its embedded engine loaded; peer: glances -s, asked once a second" if glances else
                     "no peer: glances is not installed"}
