"""Labelled days of one machine, from a seed: jobs of several kinds with silent stages, bursts, pauses, hiccups and
failures, downloads and nights, and on some days one fault whose kind and moment are known.

Whatever watches is told what happens as the hub would be: samples, facts of jobs, steps.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from statistics import median

from echodeck.model.engine import EngineInfo
from echodeck.model.facts import (
    CancelAsked,
    CancelledNow,
    Claimed,
    Completed,
    Fact,
    Failed,
    PausedNow,
    Planned,
    ResumedNow,
    StageDone,
    StageStarted,
    Stepped,
)
from echodeck.model.history import History
from echodeck.model.job import Job, JobError, JobSpec, JobState, StageState
from echodeck.model.record import Agent, Disk, Gpu, GpuProcess, Host, Process, StageRun
from echodeck.model.transitions import advance

DAY_S, TICK_S = 86_400.0, 10.0
VRAM, DISK = 24e9, 1e12
ENGINE = "comfyui"


@dataclass(frozen=True)
class Kind:
    """A configuration: `stages` as (name, steps, seconds a step or of the stage, spread of its log)."""

    name: str
    stages: tuple[tuple[str, int, float, float], ...]
    vram: float
    late: float = 1.0
    """The last fifth of the steps takes so many times as long."""


KINDS = (
    Kind("sdxl", (("load model", 0, 9.0, 0.7), ("sample", 30, 0.45, 0.03), ("decode", 0, 1.5, 0.2)), 9e9),
    Kind("sdxl-refined", (("load model", 0, 14.0, 0.7), ("sample", 40, 0.5, 0.03), ("decode", 0, 1.5, 0.2)), 13e9, 1.6),
    Kind("flux", (("load model", 0, 25.0, 0.6), ("sample", 20, 1.6, 0.03), ("decode", 0, 2.5, 0.2)), 19e9),
    Kind("video", (("load model", 0, 40.0, 0.6), ("sample", 30, 9.0, 0.05), ("decode", 0, 55.0, 0.25),
                   ("encode", 0, 12.0, 0.3)), 21e9),
    Kind("upscale", (("load model", 0, 3.0, 0.5), ("upscale", 0, 40.0, 0.3)), 6e9),
)
FAULTS = ("stall", "slow", "leak", "disk", "hot", "queue", "fails", "engine", "silent")


@dataclass(frozen=True)
class Fault:
    """What is wrong from `start_s` to `end_s`; `why` is what a slow-down comes from, `size` how large it is."""

    kind: str
    start_s: float
    end_s: float
    why: str = ""
    size: float = 1.0

    def on(self, kind: str, now_s: float) -> bool:
        return self.kind == kind and self.start_s <= now_s < self.end_s


def fault_of(rng: random.Random, kind: str, day_s: float) -> Fault:
    """One of this kind within the working hours of the day that begins at `day_s`."""
    start_s = day_s + rng.uniform(10.5, 13.0) * 3600
    hours = {"stall": 1.0, "slow": 6.0, "leak": 7.0, "disk": 9.0, "hot": 0.4, "queue": 1.0, "fails": 7.0,
             "engine": 0.5, "silent": 0.3}[kind]
    why = rng.choice(("throttle", "other", "vram"))
    return Fault(kind, start_s, start_s + 3600 * hours, why, rng.uniform(1.25, 1.9))


@dataclass
class Told:
    """What was told of the machine since the last tick."""

    now_s: float
    host: Host | None
    facts: list[tuple[Job, Job, float]] = field(default_factory=list)
    """(before, after, how long the step took that it tells of; 0: it tells of none)"""


class World:
    """One machine with one worker. `tick` goes 10 s further."""

    def __init__(self, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        rng = self.rng = random.Random(seed)
        self.faults, self.now_s, self.history = faults, 0.0, History()
        self.pace, self.scatter = rng.uniform(0.7, 1.5), rng.choice((0.01, 0.02, 0.04))
        self.current: Job | None = None
        self.waiting: list[Job] = []
        self.coming = deque[tuple[float, Kind, int]]()
        self.events = deque[tuple[float, Fact, float]]()
        """(moment, fact, duration of the step) of the job in hand."""
        self.loaded, self.leaked, self.temp_c, self.used = "", 0.0, 40.0, rng.uniform(0.3, 0.6) * DISK
        self.cool_c, self.frees = rng.uniform(66.0, 83.0), rng.random() < 0.3
        self.took, self.hung = list[float](), False
        self.sleeps, self.number, self.broken = rng.random() < 0.3, 0, rng.choice(KINDS[:3]).name

    def on(self, kind: str) -> Fault | None:
        return next((one for one in self.faults if one.on(kind, self.now_s)), None)

    @property
    def asleep(self) -> bool:
        return self.sleeps and self.now_s % DAY_S < 7 * 3600 and self.current is None and not self.waiting

    @property
    def agents(self) -> list[Agent]:
        return [Agent("a", "offline" if self.asleep else "online", host="studio", kind="worker", engines=(ENGINE,))]

    @property
    def engines(self) -> dict[str, EngineInfo]:
        return {ENGINE: EngineInfo(ENGINE, reason="it does not answer" if self.on("engine") else "")}

    def tick(self) -> Told:
        if self.now_s % DAY_S < TICK_S:
            self._plan_day()
        self.now_s += TICK_S
        told = Told(self.now_s, None)
        while self.coming and self.coming[0][0] <= self.now_s:
            _, kind, count = self.coming.popleft()
            self.waiting += [self._job(kind) for _ in range(count)]
        self._work(told)
        self._machine(told)
        return told

    def _plan_day(self) -> None:
        """Sessions of some hours; in each, batches of one kind or another."""
        rng, at_s = self.rng, self.now_s + rng_hours(self.rng, 8.0, 10.0)
        while at_s < self.now_s + 21 * 3600:
            kind = rng.choice(KINDS)
            self.coming.append((at_s, kind, rng.choice((1, 1, 2, 4, 8, 20)) if kind.name != "video" else 1))
            at_s += rng.expovariate(1 / 900.0) + (5400 if rng.random() < 0.08 else 0)
        for one in self.faults:  # so that there is something that it shows in
            kind = next(kind for kind in KINDS if kind.name == self.broken)
            hours = range(int((one.end_s - one.start_s) / 3600) + 1)
            self.coming.extend((one.start_s + 3600 * hour + 1, kind, 10) for hour in hours
                               if self.now_s <= one.start_s < self.now_s + DAY_S)
        self.coming = deque(sorted(self.coming, key=lambda item: item[0]))
        if rng.random() < 0.2:  # a download of models
            self.used += rng.uniform(5e9, 40e9)
        if self.used > 0.7 * DISK:  # somebody tidies up at night
            self.used = 0.4 * DISK

    def _job(self, kind: Kind) -> Job:
        self.number += 1
        spec = JobSpec(ENGINE, kind.name, f"job {self.number}", width=1024, height=1024, steps=kind.stages[1][1])
        return Job(f"j{self.number}", spec, created_s=self.now_s)

    # --- the worker ---

    def _work(self, told: Told) -> None:
        while True:
            if self.current is None:
                if not self.waiting or self.on("queue") or self.on("engine") or self.asleep:
                    return
                self._begin(self.waiting.pop(0))
            if not self.events or self.events[0][0] > self.now_s:
                return
            at_s, fact, step_s = self.events.popleft()
            before = self.current
            assert before is not None
            after = advance(before, fact)
            told.facts.append((before, after, step_s))
            self.current = after
            if step_s:
                self.took.append(step_s)
            if after.finished_s is not None:
                self._end(after, at_s)

    def _begin(self, job: Job) -> None:
        kind = next(one for one in KINDS if one.name == job.spec.model)
        self.events = deque(self._story(kind, max(self.now_s - TICK_S, job.created_s) + 0.5))
        self.current, self.took = job, []

    def _story(self, kind: Kind, at_s: float) -> Iterator[tuple[float, Fact, float]]:
        """All that will happen to a job that is claimed now."""
        rng, run = self.rng, self.rng.lognormvariate(0.0, self.scatter) * self.pace
        yield at_s, Claimed(at_s, "w", "studio"), 0.0
        yield at_s, Planned(at_s, tuple((name, steps) for name, steps, _, _ in kind.stages)), 0.0
        for index, (name, steps, usual_s, spread) in enumerate(kind.stages):
            yield at_s, StageStarted(at_s, index), 0.0
            began_s = at_s
            if steps:
                at_s, ended = yield from self._steps(kind, index, run, at_s)
                if ended:
                    return
            else:
                cached = name == "load model" and self.loaded == kind.name
                at_s += 0.3 if cached else usual_s * rng.lognormvariate(0.0, spread)
                if name != "load model" and self._hangs(at_s):
                    yield from self._hang(at_s)
                    return
            yield at_s, StageDone(at_s, index, at_s - began_s), 0.0
        yield at_s, Completed(at_s), 0.0

    def _steps(self, kind: Kind, index: int, run: float,
               at_s: float) -> Generator[tuple[float, Fact, float], None, tuple[float, bool]]:
        """The steps of a stage; returns when they were done, and whether the job has ended with them."""
        rng, held, (_, steps, usual_s, spread) = self.rng, self.rng.random() < 0.05, kind.stages[index]
        ends = "fail" if rng.random() < 0.03 or (self.on("fails") and kind.name == self.broken) else \
            "cancel" if rng.random() < 0.03 else ""
        for step in range(1, steps + 1):
            step_s = self._step_s(kind, step, usual_s * run, spread, at_s)
            at_s += step_s
            yield at_s, Stepped(at_s, index, step), step_s
            if held and step == steps // 2:
                gone_s = rng.choice((60.0, 600.0, 7200.0))
                yield at_s, PausedNow(at_s), 0.0
                yield at_s + gone_s, ResumedNow(at_s + gone_s), 0.0
                at_s += gone_s
            if self._hangs(at_s) and step >= 3:
                yield from self._hang(at_s)
                return at_s, True
            if ends and step == steps - 2:
                yield from self._early(ends, at_s)
                return at_s, True
        return at_s, False

    def _step_s(self, kind: Kind, step: int, usual_s: float, spread: float, at_s: float) -> float:
        rng, steps = self.rng, kind.stages[1][1]
        factor = rng.lognormvariate(0.0, spread) * (kind.late if step > 0.8 * steps else 1.0)
        factor *= rng.lognormvariate(0.5, 0.3) if step == 1 else 1.0
        factor *= rng.uniform(2.0, 5.0) if rng.random() < 0.01 else 1.0
        slow = next((one for one in self.faults if one.on("slow", at_s)), None)
        more_s = rng.uniform(5.0, 25.0) if rng.random() < 0.0005 else 0.0
        return usual_s * factor * (slow.size if slow else 1.0) + more_s

    def _hangs(self, at_s: float) -> bool:
        return not self.hung and any(one.on("stall", at_s) for one in self.faults)

    def _hang(self, at_s: float) -> Iterator[tuple[float, Fact, float]]:
        """Nothing more comes of it; somebody cancels it at the end of the fault."""
        self.hung, fault = True, next(one for one in self.faults if one.on("stall", at_s))
        self.faults = (*(one for one in self.faults if one is not fault), replace(fault, start_s=at_s,
                                                                                  end_s=at_s + 3600.0))
        yield at_s + 3600.0, CancelAsked(at_s + 3600.0, "ann"), 0.0
        yield at_s + 3600.0, CancelledNow(at_s + 3600.0), 0.0

    def _early(self, ends: str, at_s: float) -> Iterator[tuple[float, Fact, float]]:
        if ends == "cancel":
            yield at_s, CancelAsked(at_s, "ann"), 0.0
            yield at_s, CancelledNow(at_s), 0.0
        else:
            yield at_s, Failed(at_s, JobError("engine_error", "a node failed")), 0.0

    def _end(self, job: Job, at_s: float) -> None:
        if job.state is JobState.COMPLETED:
            for run in runs_of(job, self.took):
                self.history.add(run)
        leak = self.on("leak")
        self.leaked += self.rng.uniform(0.8, 1.2) * 0.004 * VRAM * leak.size if leak else 0.0
        self.used += self.rng.uniform(2e6, 6e7)
        self.loaded = "" if self.frees else job.spec.model
        self.current = None

    # --- the machine ---

    def _machine(self, told: Told) -> None:
        rng, busy = self.rng, self.current is not None and self.current.state is JobState.RUNNING
        target_c = 96.0 if self.on("hot") else self.cool_c if busy else 42.0
        self.temp_c += (target_c - self.temp_c) * 0.1 + rng.gauss(0.0, 0.4)
        filling = self.on("disk")
        if filling is not None:
            self.used += (0.98 * DISK - self.used) / max(1.0, (filling.end_s - self.now_s) / TICK_S)
        if not self.on("leak"):
            self.leaked = 0.0
        if not (self.asleep or self.on("silent")):
            told.host = self._sample(busy)

    def _sample(self, busy: bool) -> Host:
        rng, slow = self.rng, self.on("slow")
        kind = next((one for one in KINDS if self.current and one.name == self.current.spec.model), None)
        kept = next((one.vram for one in KINDS if one.name == self.loaded), 0.0)
        used = max(0.7 * kept, kind.vram if kind else 0.0) + self.leaked + 6e8 + rng.uniform(0.0, 3e7)
        others = [GpuProcess(900, "Xorg", int(3e8), 1.0)]
        if slow and slow.why == "other":
            others.append(GpuProcess(901, "game", int(3e9), 45.0))
            used += 3e9
        used = 0.995 * VRAM if slow and slow.why == "vram" and busy else min(used, 0.97 * VRAM)
        hot = bool(slow and slow.why == "throttle" and busy)
        gpu = Gpu(0, "card", "nvidia", util_percent=97.0 if busy else 1.0, vram_used_bytes=int(used),
                  vram_total_bytes=int(VRAM), temp_c=self.temp_c, clock_sm_mhz=1300.0 if hot else 1900.0,
                  clock_sm_max_mhz=2000.0, throttle=("thermal",) if hot else (), processes=tuple(others))
        disk = Disk("/", int(DISK), int(self.used), int(DISK - self.used))
        memory = int(rng.uniform(0.4, 0.6) * 64e9)
        return Host("studio", self.now_s, TICK_S, cpu_percent=min(100.0, abs(rng.gauss(30.0, 15.0))),
                    memory_used_bytes=memory, memory_total_bytes=int(64e9), disks=(disk,), gpus=(gpu,),
                    generators=(Process("python", 500, 50.0, int(8e9), ENGINE),))


def rng_hours(rng: random.Random, low: float, high: float) -> float:
    return 3600.0 * rng.uniform(low, high)


def runs_of(job: Job, took: list[float]) -> list[StageRun]:
    """As the hub learns from a job that has completed. `took` are the durations of its steps, which one stage has."""
    spec, found = job.spec, []
    for stage in job.stages:
        if stage.status is StageState.COMPLETED and stage.duration_s is not None and stage.started_s is not None:
            first_s, step_s = (took[0], median(took[1:])) if stage.steps else (0.0, 0.0)
            found.append(StageRun(job.id, job.attempt, spec.engine, spec.model, spec.width, spec.height, stage.steps,
                                  spec.frames, spec.batch, stage.name, stage.started_s + stage.duration_s,
                                  stage.duration_s, first_s, step_s))
    return found
