"""Stalls that do not lie: a job in hand of which nothing has been heard for much longer than it normally takes.

What is normal is the stage's own history with its spread, and once it has done some steps, this job's own steps. A
stage without steps is silent by nature: it may take until far beyond its own upper bound. Time paused does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from ...model.expect import Expectation, log_s
from ...model.history import History
from ...model.job import Job, JobState
from .finding import Finding
from .quantity import span

OWN_STEPS, KEPT_STEPS = 3, 20
OWN_DEVIATION = 0.1
"""The least spread of a job's own steps, of their log."""


@dataclass(frozen=True, slots=True)
class StallLimits:
    """`times` what it normally takes at most, but never less than `least_s` (`silent_s` in a stage without steps).
    Of what was never seen before nothing is said until `unknown_s`."""

    times: float = 4.0
    least_s: float = 60.0
    silent_s: float = 300.0
    unknown_s: float = 3600.0
    level: str = "warning"


@dataclass(slots=True)
class _Heard:
    """When something was last heard of a stage, in seconds of work; `own` has the log durations of its steps."""

    attempt: int
    index: int
    step: int
    work_s: float
    expected: Expectation | None = None
    own: list[float] = field(default_factory=list)


class Stalls:
    """`heard` is told of every fact of a job, `stepped` of every measured step."""

    def __init__(self, limits: StallLimits) -> None:
        self._limits = limits
        self._heard: dict[str, _Heard] = {}

    def heard(self, job: Job, at_s: float) -> None:
        """Something has happened to the job, which is now so: if it got any further, it does not stall."""
        if not job.in_hand:
            self._heard.pop(job.id, None)
            return
        stage, known, work_s = job.stage, self._heard.get(job.id), job.elapsed_s(at_s)
        step = stage.step if stage is not None else 0
        if known is None or (known.attempt, known.index) != (job.attempt, job.stage_index):
            self._heard[job.id] = _Heard(job.attempt, job.stage_index, step, work_s)
        elif step > known.step:
            known.step, known.work_s = step, max(known.work_s, work_s)

    def stepped(self, job_id: str, index: int, step: int, duration_s: float) -> None:
        known = self._heard.get(job_id)
        if known is not None and known.index == index and step > 1 and 0 < duration_s < math.inf:
            known.own = [*known.own[1 - KEPT_STEPS :], log_s(duration_s)]

    def forgive(self, span_s: float) -> None:
        """Nobody was listened to for so long."""
        for known in self._heard.values():
            known.work_s += span_s

    def findings(self, jobs: Iterable[Job], history: History, now_s: float) -> Iterator[Finding]:
        """Of the jobs in hand."""
        for job in jobs:
            known = self._heard.get(job.id)
            if known is None:
                self.heard(job, now_s)
            elif job.state is JobState.RUNNING and job.stage is not None:
                gone_s = job.elapsed_s(now_s) - known.work_s
                if gone_s > self._limits.least_s and (found := self._judge(job, known, gone_s, history)) is not None:
                    yield found

    def _judge(self, job: Job, known: _Heard, gone_s: float, history: History) -> Finding | None:
        stage = job.stage
        assert stage is not None
        stepping = stage.steps > 0 or bool(known.own)
        expected = known.expected or history.expect(job.spec, stage.name, stage.steps)
        known.expected = expected
        normal_s, bound_s = self._of_steps(known, expected, stage.steps) if stepping else self._of_silence(expected)
        if gone_s <= bound_s:
            return None
        what = f"no step of {stage.name} for {span(gone_s)}" if stepping else f"{stage.name} goes on for {span(gone_s)}"
        usual = f"{'one' if stepping else 'it'} normally takes {span(normal_s)}"
        if expected.basis == "default" and len(known.own) < OWN_STEPS:
            usual = "how long it normally takes is not known yet"
        return Finding(f"stall:{job.id}", self._limits.level, f"{job.spec.title} does not get any further",
                       f"{what}; {usual}", job.host, job.id)

    def _of_steps(self, known: _Heard, expected: Expectation, steps: int) -> tuple[float, float]:
        """What a step normally takes, and after how long without one the job stalls."""
        limits = self._limits
        sigmas = 2.0 if known.step else 4.0  # a first step loads, compiles, and warms up
        if len(known.own) >= OWN_STEPS:
            middle = median(known.own)
            spread = max(OWN_DEVIATION, 1.4826 * median(abs(one - middle) for one in known.own))
        else:
            warm = known.step == 0
            middle = log_s(expected.step_s) + (expected.warm if warm else 0.0)
            spread = math.sqrt(expected.step_variance + (expected.warm_variance if warm else 0.0))
        bound_s = max(limits.least_s, limits.times * math.exp(middle + sigmas * spread))
        if len(known.own) < OWN_STEPS and expected.basis == "default":
            bound_s = max(bound_s, limits.unknown_s)
        if 0 < steps <= known.step:  # all steps are done, and what still belongs to the stage is silent
            bound_s = max(bound_s, limits.silent_s, limits.times * expected.median_s)
        return math.exp(middle), bound_s

    def _of_silence(self, expected: Expectation) -> tuple[float, float]:
        limits = self._limits
        far_s = limits.times * expected.median_s * math.exp(3.0 * math.sqrt(expected.variance))
        least_s = limits.unknown_s if expected.basis == "default" else limits.silent_s
        return expected.median_s, max(least_s, far_s)
