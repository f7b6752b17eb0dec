"""The agent as a process, with the embedded engine: makes a picture, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck.model.job import JobState

pytestmark = pytest.mark.skipif(os.name == "nt", reason="ends the process with a signal that Windows lacks")


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    started: list[asyncio.subprocess.Process] = []

    async def start(url: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "echodeck", "agent", "--hub", url, "--data", str(tmp_path))
        environ = {**os.environ, "PYTHONPATH": str(Path(echodeck.__file__).parent.parent)}
        found = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environ,
                                                     stderr=asyncio.subprocess.PIPE, cwd=tmp_path)
        started.append(found)
        return found

    yield start
    for one in started:
        if one.returncode is None:
            one.kill()
            await one.communicate()


async def end(process: asyncio.subprocess.Process) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    return out.decode(), err.decode()


async def test_it_makes_a_picture_and_ends_in_the_middle_of_the_next(hub: Any, process: Any, until: Any,
                                                                     tmp_path: Path) -> None:
    hub.queue("a", engine="sketch", model="sketch-s", width=64, height=64, steps=2, sampler="euler")
    hub.queue("b", engine="sketch", model="sketch-s", width=64, height=64, steps=150, sampler="euler", batch=8)
    url = f"http://127.0.0.1:{hub.port}"
    running = await process(url)
    await until("the picture", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    output = hub.jobs["a"].outputs[0]
    assert Path(output.path) == tmp_path / "outputs" / "a" / "00.png"
    assert Path(output.path).stat().st_size == output.size_bytes
    await until("the machine", lambda: any(one.host.memory_total_bytes for one in hub.of("host_metrics")))
    assert [info.name for info in hub.of("register")[0].engines] == ["sketch"]
    await until("steps of the next", lambda: max((s.step for s in hub.jobs["b"].stages), default=0) > 1)
    out, err = await end(running)
    assert out.endswith(f"connected to {url}\n")
    assert err == ""
    assert hub.jobs["b"].state is JobState.PENDING  # it is given back
    assert hub.refused == []


async def test_without_a_hub_it_says_so_once_and_still_ends(hub: Any, process: Any) -> None:
    port = hub.port
    await hub.kill()
    running = await process(f"http://127.0.0.1:{port}")
    line = await asyncio.wait_for(running.stderr.readline(), 30)
    assert line.decode() == f"no hub at http://127.0.0.1:{port} (connection refused); trying again and again\n"
    _, err = await end(running)
    assert err == ""
