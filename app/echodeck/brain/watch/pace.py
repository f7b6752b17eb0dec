"""Slow-downs: a configuration now runs slower on a machine than it used to there, and the likely cause.

A run's steps are compared with those at the same place in past runs of the same configuration on the same machine, so
that a sampler whose later steps take longer is not taken for a slow machine. The first step warms up, and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from ...model.expect import log_s
from ...model.job import Job
from .conditions import Conditions, likely_cause, mean_of, typical_of
from .drift import Drift, evidence
from .finding import Finding
from .trigger import Trigger
from .usual import Past, Usual, past_of, usual_of

WINDOW, LEAST_STEPS = 15, 6
KEPT_RUNS, KEPT_KEYS, KEPT_CONDITIONS = 30, 500, 60
NEW_NORMAL_RUNS = 20
"""After so many runs at a new pace it is the usual one."""
HOLD_S = 60.0
"""It is said, and unsaid, when it has been so for so long."""
STALE_S = 6 * 3600.0
"""Of what has not run for so long nobody knows how fast it would be now."""
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Slower by `percent` is to be found, with the certainty `alarm`: false alarms are one in e^alarm runs or fewer.
    `runs` past ones must be known."""

    percent: float = 20.0
    alarm: float = 9.0
    runs: float = 5.0
    level: str = "warning"


@dataclass(slots=True)
class _Run:
    """The steps of one job so far, as (share of the steps before it, log of the duration)."""

    attempt: int
    steps: list[tuple[float, float]] = field(default_factory=list)
    seen: list[Conditions] = field(default_factory=list)


@dataclass(slots=True)
class _Kind:
    """One configuration on one machine. `since` are its runs since it is slow, `now` how the machine is since then."""

    drift: Drift
    title: str
    host: str
    past: list[Past] = field(default_factory=list)
    usual: Usual | None = None
    since: list[Past] = field(default_factory=list)
    deviation: float = 0.0
    now: Conditions = field(default_factory=Conditions)
    stepped_s: float = 0.0
    said: Trigger = field(default_factory=lambda: Trigger(HOLD_S, HOLD_S, math.inf))

    def keep(self, past: Sequence[Past], least: float) -> None:
        self.past = [*past[-KEPT_RUNS:]]
        self.usual = usual_of(self.past) if len(self.past) >= least else None


class Paces:
    """`stepped` is told of every measured step, `seen` of each sample of the job's machine, `ended` of the end."""

    def __init__(self, limits: PaceLimits) -> None:
        self._limits = limits
        self._shift = math.log1p(limits.percent / 100.0)
        self._kinds: dict[Key, _Kind] = {}
        self._runs: dict[tuple[str, int], _Run] = {}

    def stepped(self, job: Job, index: int, step: int, duration_s: float, now_s: float) -> None:
        if index >= len(job.stages) or not job.in_hand:
            return
        run = self._runs.get((job.id, index))
        if run is None or run.attempt != job.attempt:
            run = self._runs[job.id, index] = _Run(job.attempt)
        if not self._note(run, job, index, step, duration_s):
            return
        kind = self._kind(job, index)
        kind.stepped_s = now_s
        if (ratio := self._evidence(kind, run)) is not None:
            kind.drift.look(ratio)
            if kind.drift.slow and run.seen:
                kind.now = mean_of(run.seen)

    def seen(self, job: Job, conditions: Conditions) -> None:
        """How the job's machine is now."""
        run = self._runs.get((job.id, job.stage_index))
        if run is not None:
            run.seen = [*run.seen[1 - KEPT_CONDITIONS :], conditions]

    def recall(self, job: Job, index: int, durations: Sequence[tuple[int, float]]) -> None:
        """A run of the past, from its kept steps (from 1) and their durations, oldest run first."""
        run = _Run(job.attempt)
        for step, duration_s in durations:
            self._note(run, job, index, step, duration_s)
        if len(run.steps) >= LEAST_STEPS:
            self._learn(self._kind(job, index), run)

    def dropped(self, job: Job) -> None:
        """Nobody has it in hand any more, and it has not ended."""
        for key in [key for key in self._runs if key[0] == job.id]:
            del self._runs[key]

    def ended(self, job: Job) -> None:
        """What it teaches: a run that went as usual is one more past one."""
        for key in [key for key in self._runs if key[0] == job.id]:
            run = self._runs.pop(key)
            if len(run.steps) >= LEAST_STEPS and key[1] < len(job.stages):
                self._learn(self._kind(job, key[1]), run)

    def findings(self, now_s: float) -> Iterator[Finding]:
        for key, kind in self._kinds.items():
            slow = kind.drift.slow and now_s - kind.stepped_s < STALE_S
            # Of a run that only began slowly nothing is said, and what was said stands until the test takes it back.
            if kind.said.see(now_s, bad=slow and kind.deviation > self._shift / 2, good=not slow):
                slower = 100.0 * math.expm1(max(kind.deviation, 0.0))
                before = typical_of([run.conditions for run in kind.past])
                cause = likely_cause(before, kind.now) or "nothing that is measured differs from before"
                # The figure is told in steps of 5, so that it is not told anew with every step of a job.
                yield Finding("slow:" + "/".join(key), self._limits.level, f"{kind.title} has become slower",
                              f"it takes about {5 * round(slower / 5):.0f} % longer than it did on {kind.host}; likely "
                              f"cause: {cause}", kind.host)

    def _note(self, run: _Run, job: Job, index: int, step: int, duration_s: float) -> bool:
        """Whether the step counts."""
        if step < 2 or not 0 < duration_s < math.inf:
            return False
        run.steps.append(((step - 1) / max(job.stages[index].steps, step), log_s(duration_s)))
        return True

    def _evidence(self, kind: _Kind, run: _Run) -> float | None:
        """How much the run so far speaks for a slow-down; None while too little is known."""
        if len(run.steps) < LEAST_STEPS or kind.usual is None:
            return None
        window, usual = run.steps[-WINDOW:], kind.usual
        kind.deviation = median(log - usual.at(place) for place, log in window)
        return evidence(kind.deviation, self._shift, usual.between, usual.within, len(window))

    def _learn(self, kind: _Kind, run: _Run) -> None:
        ratio, past = self._evidence(kind, run), past_of(run.steps, mean_of(run.seen))
        if ratio is not None:
            kind.drift.keep(ratio)
        if not kind.drift.slow:
            kind.since = []
            # A run that may be the first of a slow-down would make it the usual.
            if kind.drift.score < self._limits.alarm / 2:
                kind.keep([*kind.past, past], self._limits.runs)
            return
        kind.since.append(past)
        if len(kind.since) >= NEW_NORMAL_RUNS:
            kind.keep(kind.since, self._limits.runs)
            kind.drift, kind.since = self._drift(), []

    def _kind(self, job: Job, index: int) -> _Kind:
        key = _key(job, index)
        kind = self._kinds.pop(key, None)
        if kind is None:
            spec = job.spec
            size = f" at {spec.resolution}" if spec.resolution else ""
            kind = _Kind(self._drift(), f"{spec.model or spec.engine}{size} ({job.stages[index].name})", job.host)
        self._kinds[key] = kind  # at the end, so that the first is the one unused for longest
        if len(self._kinds) > KEPT_KEYS:
            del self._kinds[next(iter(self._kinds))]
        return kind

    def _drift(self) -> Drift:
        return Drift(self._limits.alarm, self._limits.alarm / 2, 2 * self._limits.alarm)


def _key(job: Job, index: int) -> Key:
    spec, stage = job.spec, job.stages[index]
    parts: Sequence[object] = (job.host, spec.engine, spec.model, spec.shape, spec.resolution, spec.frames, spec.batch,
                               stage.name, stage.steps)
    return tuple(map(str, parts))
