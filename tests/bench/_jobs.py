"""Jobs as they really went, simulated from a seed or recorded, one scenario a configuration that is repeated.

A scenario's jobs come in order, as one machine makes them day after day; what is learnt of one is known of the next.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from echodeck.model.job import JobSpec
from echodeck.model.record import StageRun

SPEC = JobSpec("sim", "image", width=1024, height=1024, steps=30)


@dataclass(frozen=True)
class Stage:
    """A stage and how long it took, in seconds; where it has steps, each of them."""

    name: str
    took_s: float
    steps_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Made:
    """A job that was made."""

    spec: JobSpec
    stages: tuple[Stage, ...]

    @property
    def total_s(self) -> float:
        return sum(stage.took_s for stage in self.stages)

    @property
    def kind(self) -> tuple[object, ...]:
        """What jobs that repeat one another have in common."""
        spec = self.spec
        return spec.engine, spec.model, spec.width, spec.height, spec.frames, spec.batch, self.plan

    @property
    def plan(self) -> tuple[tuple[str, int], ...]:
        return tuple((stage.name, len(stage.steps_s)) for stage in self.stages)

    def events(self) -> list[tuple[float, int, int, float]]:
        """(at_s, stage, step, duration_s) in order; step 0 is the end of the stage."""
        found, began_s = [], 0.0
        for index, stage in enumerate(self.stages):
            at_s = began_s
            for step, duration_s in enumerate(stage.steps_s, 1):
                at_s += duration_s
                found.append((at_s, index, step, duration_s))
            began_s += stage.took_s
            found.append((began_s, index, 0, stage.took_s))
        return found

    def runs(self, name: str, at_s: float) -> list[StageRun]:
        spec, made = self.spec, []
        for index, stage in enumerate(self.stages):
            first, rest = stage.steps_s[:1], sorted(stage.steps_s[1:])
            made.append(StageRun(
                name, 1, spec.engine, spec.model, spec.width, spec.height, len(stage.steps_s), spec.frames, spec.batch,
                stage.name, at_s + 1e-3 * index, stage.took_s, first[0] if first else 0.0,
                rest[len(rest) // 2] if rest else 0.0,
                sampler=spec.sampler))
        return made


@dataclass(frozen=True)
class Scenario:
    """So many jobs of a life; of each kind `burn_in` are learnt from before the first is judged."""

    name: str
    jobs: Callable[[random.Random], Iterator[Made]]
    burn_in: int = 10
    count: int = 30
    firsts: bool = False
    """Judged are those that are the first of their kind, but for the very first of all."""
    steady: bool = False
    """Repeated at steady speed with at most 5 % noise: what an estimate can be exact about."""

    def judges(self, seen: Counter[object], job: Made) -> bool:
        """Whether `job` is judged; `seen` counts those of each kind, it included."""
        if self.firsts:
            return seen[job.kind] == 1 and len(seen) > 1
        return seen[job.kind] > self.burn_in

    def life(self, rng: random.Random) -> Iterator[Made]:
        return islice(self.jobs(rng), self.count)


@dataclass(frozen=True)
class Machine:
    """How a simulated machine works: the usual seconds of each stage and step, and what may happen.

    `noise` is the deviation of the log of each step and stage, `day` that of a whole job's pace. A model is loaded with
    the chance `cold`, else it lies in memory. Throttled, all steps from some one on take `throttled` times as long; in
    the tail a step takes 1 + Pareto(1.5) times as long.
    """

    load_s: float = 4.0
    step_s: float = 1.0
    decode_s: float = 3.0
    save_s: float = 0.5
    noise: float = 0.05
    day: float = 0.02
    cold: float = 1.0
    warm: float = 1.5
    throttle: float = 0.0
    throttled: float = 1.6
    tail: float = 0.0
    spec: JobSpec = field(default=SPEC)

    def make(self, rng: random.Random) -> Made:
        pace = rng.lognormvariate(0.0, self.day)
        steps = self.spec.steps
        slow_from = rng.randrange(steps // 6, steps) if rng.random() < self.throttle else steps
        steps_s = [pace * self.step_s * rng.lognormvariate(0.0, self.noise) for _ in range(steps)]
        steps_s[0] *= self.warm * rng.lognormvariate(0.0, self.noise)
        steps_s = [step_s * (self.throttled if i >= slow_from else 1.0) for i, step_s in enumerate(steps_s)]
        steps_s = [step_s * (1.0 + rng.paretovariate(1.5) if rng.random() < self.tail else 1.0) for step_s in steps_s]
        load_s = self.load_s if rng.random() < self.cold else 0.02
        silent = [pace * usual_s * rng.lognormvariate(0.0, self.noise)
                  for usual_s in (load_s, self.decode_s, self.save_s)]
        return Made(self.spec, (Stage("load model", silent[0]), Stage("sample", sum(steps_s), tuple(steps_s)),
                                Stage("decode", silent[1]), Stage("save", silent[2])))

    def jobs(self, rng: random.Random) -> Iterator[Made]:
        while True:
            yield self.make(rng)


FEW = replace(SPEC, steps=4)
VIDEO = JobSpec("sim", "video", width=512, height=512, steps=30, frames=24)


def video(rng: random.Random) -> Iterator[Made]:
    """A film on a machine that others use too: it loads, warms up, sometimes hiccups or throttles, decodes long."""
    while True:
        yield Machine(
            load_s=8.0 * rng.lognormvariate(0.0, 0.3), step_s=2.0, decode_s=16.0 * rng.lognormvariate(0.0, 0.1),
            save_s=3.0 * rng.lognormvariate(0.0, 0.2), noise=0.08, day=0.10, warm=rng.lognormvariate(1.2, 0.2),
            throttle=0.15, tail=0.02, spec=VIDEO,
        ).make(rng)


SIMULATED = (
    Scenario("steady, 2 % noise", Machine(noise=0.02).jobs, steady=True),
    Scenario("steady, 5 % noise", Machine(noise=0.05).jobs, steady=True),
    Scenario("steady, 10 % noise", Machine(noise=0.10).jobs),
    Scenario("a model to load, every third time", Machine(load_s=20.0, cold=0.33).jobs),
    Scenario("warm-up", Machine(warm=8.0, load_s=1.0).jobs, steady=True),
    Scenario("throttling", Machine(throttle=0.5).jobs),
    Scenario("tail", Machine(tail=0.06).jobs),
    Scenario("silent stages", Machine(load_s=12.0, decode_s=25.0, save_s=4.0).jobs, steady=True),
    Scenario("four steps", Machine(load_s=0.3, step_s=0.6, decode_s=0.8, save_s=0.2, spec=FEW).jobs, steady=True),
    Scenario("video", video),
)
