"""An agent with a fake engine against the real hub, a process of its own that is killed and started again."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck.client import Backoff, Client
from echodeck.config import Settings
from echodeck.model.engine import EngineInfo

pytestmark = pytest.mark.slow


class HubProcess:
    def __init__(self, data: Path) -> None:
        self.data = data
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        command = (sys.executable, "-m", "echodeck", "hub", "--port", str(self.port), "--data", str(self.data))
        environ = {**os.environ, "PYTHONPATH": str(Path(echodeck.__file__).parent.parent), "ECHODECK_LEASE_S": "2",
                   "ECHODECK_HEARTBEAT_S": "0.5", "ECHODECK_ENGINE": "fake"}
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environ,
                                                             cwd=self.data)
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        assert line.startswith(b"Echo Brain listening")

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[HubProcess]:
    hub = HubProcess(tmp_path)
    await hub.start()
    yield hub
    await hub.kill()


@pytest.fixture
def settings(tmp_path: Path, real: HubProcess) -> Settings:
    return Settings(hub=real.url, data=tmp_path, engine="fake", lease_s=1.0, heartbeat_s=0.5, period_s=0.2)


@pytest.fixture
async def viewer(real: HubProcess) -> AsyncIterator[Client]:
    async with Client(real.url, backoff=Backoff(0.05, 0.2, soon_s=0.05)) as client:
        await client.ready(20)
        yield client


@pytest.fixture
def job(viewer: Client) -> Callable[[str], dict[str, Any]]:
    """A job as a viewer is shown it."""
    return lambda job_id: viewer.board.get("jobs", job_id) or {}


async def submit(viewer: Client, until: Any, steps: int) -> str:
    def usable() -> bool:
        info = viewer.board.get("engines", "fake")
        return info is not None and not info.get("reason")

    await until("the engine", usable)
    return (await viewer.submit("hills", steps=steps))[0]


async def sampling(job: Any, engine: Any, until: Any, job_id: str, steps: int = 2) -> None:
    engine.allow(steps)
    await until("the first steps", lambda: job(job_id).get("currentStep") == steps)


async def test_pause_holds_resume_goes_on_and_cancel_ends_within_a_step(
    viewer: Client, engine: Any, settings: Settings, start: Any, until: Any, job: Any,
) -> None:
    start(settings, engine)
    job_id = await submit(viewer, until, steps=50)
    await sampling(job, engine, until, job_id)
    await viewer.pause(job_id)
    await until("paused", lambda: job(job_id)["status"] == "paused")
    engine.allow(5)
    samples = {viewer.board.get("hosts", "here")["at_s"]}
    await until("time to pass", lambda: samples.add(viewer.board.get("hosts", "here")["at_s"]) or len(samples) > 4)
    assert engine.made == 2
    await viewer.resume(job_id)
    await until("further steps", lambda: job(job_id)["currentStep"] == 7)
    assert job(job_id)["status"] == "running"
    await viewer.cancel(job_id)
    engine.allow(1)
    await until("cancelled", lambda: job(job_id)["status"] == "cancelled")
    assert engine.made <= 8


async def test_a_killed_hub_gets_every_fact_once(real: HubProcess, viewer: Client, engine: Any, settings: Settings,
                                                 start: Any, until: Any, job: Any) -> None:
    agent = start(settings, engine)
    job_id = await submit(viewer, until, steps=30)
    await sampling(job, engine, until, job_id)
    await real.kill()
    engine.free = True
    await until("the job made", lambda: engine.made == 30)
    await until("the hub missed", lambda: not agent.client.connection.usable)
    await real.start()
    await until("the end", lambda: job(job_id)["status"] == "completed")
    assert job(job_id)["attempt"] == engine.started == 1
    assert [stage["status"] for stage in job(job_id)["stages"]] == ["completed"] * 3
    rows = await viewer.history("steps")
    assert sorted(row["step"] for row in rows) == list(range(1, 31))
    events = (await viewer.get("/api/events", after=0, limit=1000))["events"]
    assert [event["type"] for event in events].count("generation_complete") == 1


async def test_what_a_stopped_agent_had_in_hand_goes_to_another(viewer: Client, engine: Any, settings: Settings,
                                                                start: Any, until: Any, job: Any) -> None:
    agent = start(settings, engine)
    job_id = await submit(viewer, until, steps=5)
    await sampling(job, engine, until, job_id)
    agent.stop()
    await until("the end of the first", lambda: agent.client.connection.state == "closed")
    engine.free = True
    start(replace(settings, slots=2), engine)
    await until("the second attempt's end", lambda: job(job_id)["status"] == "completed")
    assert job(job_id)["attempt"] == 2
    assert engine.started == 2


async def test_an_urgent_job_is_done_beside_a_running_one_that_then_goes_on(
    viewer: Client, engine: Any, settings: Settings, start: Any, until: Any, job: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(engine), "info", lambda self: EngineInfo("fake", aside=True))
    start(settings, engine)
    long = await submit(viewer, until, steps=300)  # minutes, as far as anybody knows before its first step
    await until("its first step to come", lambda: job(long).get("stage") == "sample")
    [urgent] = await viewer.submit("now", steps=3, priority="urgent")
    await until("held", lambda: (job(long)["status"], job(long)["pausedBy"]) == ("paused", "brain"))
    await until("begun beside it", lambda: job(urgent)["status"] == "running")
    engine.allow(3)
    await until("the urgent one's end", lambda: job(urgent)["status"] == "completed")
    await until("the other goes on", lambda: job(long)["status"] == "running")
    engine.free = True
    await until("its end", lambda: job(long)["status"] == "completed")
    assert job(long)["attempt"] == 1
    assert engine.made == 303


async def test_an_urgent_job_that_a_person_pauses_lets_the_held_one_go_on(
    viewer: Client, engine: Any, settings: Settings, start: Any, until: Any, job: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(engine), "info", lambda self: EngineInfo("fake", aside=True))
    start(settings, engine)
    long = await submit(viewer, until, steps=300)
    await until("its first step to come", lambda: job(long).get("stage") == "sample")
    [urgent] = await viewer.submit("now", steps=3, priority="urgent")
    await until("begun beside it", lambda: job(urgent).get("stage") == "sample")
    await viewer.pause(urgent)
    engine.allow(1)
    await until("the urgent one to pause", lambda: job(urgent)["status"] == "paused")
    await until("the other goes on", lambda: job(long)["status"] == "running")
    [normal] = await viewer.submit("later", steps=3)
    engine.free = True
    await until("its end", lambda: job(long)["status"] == "completed")
    await until("the next one's end", lambda: job(normal)["status"] == "completed")
    await viewer.resume(urgent)
    await until("the urgent one's end", lambda: job(urgent)["status"] == "completed")
    assert [job(one)["attempt"] for one in (long, urgent, normal)] == [1, 1, 1]
