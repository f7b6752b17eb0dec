"""A small hub on a real socket that obeys the job table, and an engine whose steps a test allows one by one."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from echodeck import wire
from echodeck.agent import Agent
from echodeck.client import WORKER
from echodeck.config import Settings
from echodeck.errors import EchodeckError
from echodeck.model import facts as jobs
from echodeck.model.engine import EngineInfo
from echodeck.model.job import Job, JobError, JobSpec, JobState
from echodeck.model.record import Host
from echodeck.model.transitions import advance
from echodeck.wire import say
from echodeck.wire.show import iso

PATIENCE_S = 20.0


def fact_of(report: say.JobReport) -> jobs.Fact:
    at = report.at_s
    return {
        "planned": lambda: jobs.Planned(at, tuple(report.stages)),
        "stage_started": lambda: jobs.StageStarted(at, report.index),
        "stage_done": lambda: jobs.StageDone(at, report.index, report.duration_s, report.skipped),
        "paused": lambda: jobs.PausedNow(at),
        "resumed": lambda: jobs.ResumedNow(at),
        "cancelled": lambda: jobs.CancelledNow(at),
        "completed": lambda: jobs.Completed(at, tuple(report.outputs)),
        "failed": lambda: jobs.Failed(at, report.error or JobError("", "")),
        "released": lambda: jobs.Released(at),
    }[report.fact]()


class SmallHub:
    """What it knows outlives `kill` and `start`. `reports` are the facts that took effect, in order."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.reports: list[say.JobReport] = []
        self.samples: dict[tuple[str, int, int, int], float] = {}
        self.heard: list[wire.Request] = []
        self.refused: list[str] = []
        self.repeats = 0
        self.leased: set[str] = set()
        """Whose jobs are whose, which a hub does not know any more when it was restarted."""
        self.deaf: set[str] = set()
        """Types that take effect but get no answer: the hub died before it could say so."""
        self.says: dict[str, Any] = {}
        """What it answers to a register and a heartbeat besides."""
        self._replies: dict[str, dict[str, Any]] = {}
        self._sockets: set[ServerConnection] = set()
        self._server: Server | None = None
        self.port = 0

    # --- what a test does ---

    def queue(self, job_id: str, **spec: Any) -> None:
        given = {"engine": "fake", "model": "m", "steps": 5, "title": job_id, **spec}
        self.jobs[job_id] = Job(job_id, JobSpec(**given))

    async def ask(self, job_id: str, command: str, *, tell: bool = True) -> None:
        fact = {"pause": jobs.PauseAsked, "resume": jobs.ResumeAsked, "cancel": jobs.CancelAsked}[command]
        self.jobs[job_id] = advance(self.jobs[job_id], fact(time.time()))
        if tell:
            await self.say("job_command", {"jobId": job_id, "attempt": self.jobs[job_id].attempt, "command": command})

    async def say(self, type_: str, payload: dict[str, Any]) -> None:
        for socket in self._sockets:
            await socket.send(wire.encode(type_, payload, time.time()), text=True)

    def of(self, type_: str) -> list[Any]:
        return [request.payload for request in self.heard if request.type == type_]

    def facts(self, job_id: str) -> list[str]:
        return [report.fact for report in self.reports if report.job_id == job_id]

    async def start(self) -> None:
        self.leased.clear()
        self._server = await serve(self._serve, "127.0.0.1", self.port)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def kill(self) -> None:
        if self._server is not None:
            for socket in self._sockets:
                socket.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None
            self._sockets.clear()

    # --- what it does ---

    async def _serve(self, socket: ServerConnection) -> None:
        self._sockets.add(socket)
        try:
            await socket.send(wire.encode("initial_state", {"seq": 0, "hub": "small"}, time.time()), text=True)
            async for text in socket:
                answer = self._answer(text)
                if answer is not None:
                    await socket.send(json.dumps(answer))
        except ConnectionClosed:
            return
        finally:
            self._sockets.discard(socket)

    def _answer(self, text: str | bytes) -> dict[str, Any] | None:
        request = wire.decode_request(text, WORKER)
        self.heard.append(request)
        if request.type == "ping":
            return {"type": "pong", "payload": {"id": request.id, "now": iso(time.time())}}
        if request.id is None:
            return None
        if request.id in self._replies:
            self.repeats += 1
            return self._replies[request.id]
        try:
            reply = {"type": "ack", "payload": {"id": request.id, "result": self._effect(request)}}
        except EchodeckError as error:
            self.refused.append(f"{request.type}: {error}")
            reply = {"type": "error", "payload": {"id": request.id, **error.as_dict()}}
        if request.type not in ("heartbeat", "register"):
            self._replies[request.id] = reply
        return None if request.type in self.deaf else reply

    def _effect(self, request: wire.Request) -> dict[str, Any]:
        match request.payload:
            case say.Register(running=running):
                self.leased |= {one.job_id for one in running if self._has(one)}
                entries = [{"jobId": one.job_id, "action": "continue" if self._has(one) else "abandon",
                            "request": self.jobs[one.job_id].request} for one in running]
                return {"heartbeatS": 0.1, "leaseS": 10.0, "jobs": entries, **self.says}
            case say.Heartbeat(jobs=named):
                asked = [{"jobId": id_, "request": self.jobs[id_].request} for id_ in named if self.jobs[id_].request]
                mine = {id_ for id_ in self.leased if self.jobs[id_].in_hand}
                return {"jobs": asked, "abandon": [id_ for id_ in named if id_ not in mine], **self.says}
            case say.Claim(worker_id=worker_id):
                for job in self.jobs.values():
                    if job.state is JobState.PENDING:
                        claimed = advance(job, jobs.Claimed(time.time(), worker_id, "here"))
                        self.jobs[job.id] = claimed
                        self.leased.add(job.id)
                        return {"job": wire.plain(claimed)}
                return {"job": None}
            case say.JobReport() as report if self._has(report):
                self.jobs[report.job_id] = advance(self.jobs[report.job_id], fact_of(report))
                self.reports.append(report)
            case say.JobProgress(job_id=job_id) as progress if self._has(progress):
                stepped = jobs.Stepped(progress.at_s, progress.index, progress.step)
                self.jobs[job_id] = advance(self.jobs[job_id], stepped)
                for index, step, _, duration_s in progress.samples:
                    assert (job_id, progress.attempt, index, step) not in self.samples
                    self.samples[job_id, progress.attempt, index, step] = duration_s
        return {}

    def _has(self, said: Any) -> bool:
        job = self.jobs[said.job_id]
        return job.attempt == said.attempt and job.worker_id == said.worker_id


class FakeEngine:
    """Each step waits until the test allows it. `problem` is raised at step 2; `started` counts runs."""

    def __init__(self, output_dir: Path = Path()) -> None:
        self.allowed = threading.Semaphore(0)
        self.problem: BaseException | None = None
        self.made = self.started = 0
        self.free = False

    def info(self) -> EngineInfo:
        return EngineInfo("fake")

    def allow(self, steps: int) -> None:
        for _ in range(steps):
            self.allowed.release()

    def run(self, job_id: str, spec: JobSpec, control: Any) -> None:
        self.started += 1
        control.plan([("load", 0), ("sample", spec.steps), ("save", 0)])
        control.stage("load")
        control.stage("sample")
        for step in range(1, spec.steps + 1):
            while not self.free and not self.allowed.acquire(timeout=0.01):
                control.checkpoint()
            if step == 2 and self.problem is not None:
                raise self.problem
            self.made += 1
            control.step(step, lambda: ("image/png", b"picture"))
        control.stage("save")
        control.log("info", f"saved {job_id}")
        control.output(jobs.Output(f"/pictures/{job_id}/00.png"))


class FakeSource:
    def read(self) -> Host:
        return Host("here", at_s=time.time(), cpu_percent=12.5)


@pytest.fixture
async def hub() -> AsyncIterator[SmallHub]:
    small = SmallHub()
    await small.start()
    yield small
    await small.kill()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.free = True


@pytest.fixture
def settings(tmp_path: Path, hub: SmallHub) -> Settings:
    return Settings(hub=f"http://127.0.0.1:{hub.port}", data=tmp_path, period_s=0.05, heartbeat_s=0.1, lease_s=0.4)


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Agent]]:
    """Starts agents that are ended with the test. An agent that failed makes the test fail."""
    started: list[tuple[Agent, asyncio.Task[None]]] = []

    def begin(settings: Settings, engine: FakeEngine, **options: Any) -> Agent:
        agent = Agent(settings, engines={"fake": engine}, source=FakeSource(), name="here", **options)
        started.append((agent, asyncio.create_task(agent.run())))
        return agent

    yield begin
    for agent, task in started:
        agent.stop()
        await task


@pytest.fixture
def until() -> Callable[..., Any]:
    async def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
            await asyncio.sleep(0.005)
        return found

    return wait


@pytest.fixture
def two_slots(settings: Settings) -> Settings:
    return replace(settings, slots=2)
