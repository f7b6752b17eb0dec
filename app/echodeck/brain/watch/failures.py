"""One workflow that fails again and again: not an accident of one job, but something with its model or its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten

from ...model.job import Job, JobState
from ..causes import AWAY
from .finding import Finding

KEPT = 1000
FORGET_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """After `times` failures without a success in between, each within `within_s` of the one before."""

    times: float = 3.0
    within_s: float = 6 * 3600.0
    level: str = "error"


@dataclass(slots=True)
class _Streak:
    count: int
    at_s: float
    message: str


class Failures:
    """`ended` is told of each job that has ended."""

    def __init__(self, limits: FailureLimits) -> None:
        self._limits = limits
        self._streaks: dict[tuple[str, str, str], _Streak] = {}

    def ended(self, job: Job, at_s: float) -> None:
        key = (job.spec.engine, job.spec.model, job.spec.shape)
        known = self._streaks.pop(key, None)
        if job.state is JobState.FAILED and job.error is not None and job.error.kind not in AWAY:
            again = known is not None and at_s - known.at_s <= self._limits.within_s
            count = known.count + 1 if known is not None and again else 1
            self._streaks[key] = _Streak(count, at_s, job.error.message)
            if len(self._streaks) > KEPT:
                del self._streaks[next(iter(self._streaks))]
        elif job.state is not JobState.COMPLETED and known is not None:
            # Somebody cancelled it, or its server was gone: that tells nothing.
            self._streaks[key] = known

    def findings(self, now_s: float) -> Iterator[Finding]:
        for (engine, model, shape), streak in self._streaks.items():
            if streak.count >= self._limits.times and now_s - streak.at_s < FORGET_S:
                what = f"{model or engine} as {shape}" if shape else model or engine
                last = shorten(streak.message, 300, placeholder=" …")
                yield Finding(f"fails:{engine}:{model}:{shape}", self._limits.level, f"{what} fails again and again",
                              f"{streak.count} times in a row on {engine}, the last time: {last}")
