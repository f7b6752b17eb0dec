"""When will it be done? Observations in, remaining time with its interval out. Pure: time is an argument.

A stage with steps is followed by a Kalman filter on the log of the step time (see `StepFilter`), a stage without by
the conditional median of its log-normal given that it is not done yet. What a stage should take comes from `History`.
Times `at_s` and `now_s` are seconds on one clock, whichever; durations are seconds. Paused time does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .expect import Expectation
from .history import History
from .job import JobSpec
from .lanes import plan_queue
from .pace import StepFilter, Track
from .span import Total, total_of

__all__ = ["Expectation", "History", "JobEstimator", "Reading", "StepFilter", "Total", "expected_total", "plan_queue"]

Plan = Iterable[tuple[str, int]]
"""The stages of a job in order: (name, steps), steps 0 where a stage has none."""

MAX_PROGRESS = 99.9


@dataclass(frozen=True, slots=True)
class Reading:
    """The estimate at one moment.

    `eta_s` is the time left with its 80 % interval; `progress` the share of the whole job's time that is gone, 0 to
    99.9 and never falling; `speed` the steps a second of the current stage (0 where it has none or none is done);
    `expected_s` what each stage takes in all: measured for those that ended.
    """

    eta_s: float
    low_s: float
    high_s: float
    progress: float
    speed: float
    expected_s: tuple[float, ...]


@dataclass(slots=True)
class JobEstimator:
    """One attempt at one job. Tell it what happens, as it happens; ask `at(now_s)`.

    Nothing here raises for odd input: a report that comes twice, late or out of order is passed over, a stage or steps
    that were never reported are taken as done, since what comes after them has begun.
    """

    _start_s: float
    _tracks: tuple[Track, ...]
    _index: int = 0
    _paused_at_s: float | None = None
    _paused_total_s: float = 0.0
    _worked_s: float = 0.0
    _progress: float = 0.0

    @classmethod
    def start(cls, spec: JobSpec, stages: Plan, history: History, at_s: float) -> JobEstimator:
        """An attempt that started at `at_s`. If it is taken up later, add the time it has been paused to `at_s`."""
        return cls(at_s, tuple(Track.of(steps, history.expect(spec, name, steps)) for name, steps in stages))

    def replan(self, spec: JobSpec, stages: Plan, history: History, begun: int) -> None:
        """The stages are others than was thought, but for the first `begun`, whose number of steps may be known now."""
        tracks = []
        for number, (name, steps) in enumerate(stages):
            old = self._tracks[number] if number < len(self._tracks) else None
            if old is not None and number < begun:
                old.steps = max(0, steps)
                tracks.append(old)
                continue
            track = Track.of(steps, history.expect(spec, name, steps))
            if old is not None and number == self._index:
                track.entered_s, track.last_s = old.entered_s, old.last_s
            tracks.append(track)
        if len(tracks) >= min(begun, len(self._tracks)):
            self._tracks = tuple(tracks)

    def stage_started(self, index: int, at_s: float) -> None:
        if self._index <= index < len(self._tracks) and not self._tracks[index].step:
            self._enter(index, self._work(at_s))

    def step(self, index: int, step: int, at_s: float, duration_s: float) -> None:
        """Step `step` (from 1) of a stage ended at `at_s` after `duration_s`; steps before it may have gone unreported.

        A `duration_s` of 0 means unknown: then the time since the last step, shared among the steps since.
        """
        if not self._index <= index < len(self._tracks):
            return
        work_s, track = self._work(at_s), self._tracks[index]
        if index > self._index:
            self._enter(index, max(self._worked_s, work_s - max(0.0, duration_s)))
        if not track.step < step <= track.steps:
            return
        if not duration_s > 0:
            duration_s = (work_s - track.last_s) / (step - track.step)
        if 0 < duration_s < math.inf:
            track.observe(step, duration_s)
        track.step, track.last_s = step, work_s
        self._worked_s = work_s

    def stage_done(self, index: int, at_s: float, duration_s: float) -> None:
        """The stage ended (or was skipped, with duration 0); the next one is taken to begin at once."""
        if not self._index <= index < len(self._tracks):
            return
        self._enter(index + 1, self._work(at_s))
        self._tracks[index].took_s = duration_s if 0 <= duration_s < math.inf else 0.0

    def paused(self, at_s: float) -> None:
        if self._paused_at_s is None:
            self._paused_at_s = at_s

    def resumed(self, at_s: float) -> None:
        if self._paused_at_s is not None:
            self._paused_total_s += max(0.0, at_s - self._paused_at_s)
            self._paused_at_s = None

    def at(self, now_s: float) -> Reading:
        """The estimate as it stands. Asking often is cheap."""
        now_s = self._work(now_s)
        spans = [(track.took_s or 0.0, 0.0) for track in self._tracks[: self._index]]
        expected_s = [span_s for span_s, _ in spans]
        speed = 0.0
        ahead: list[tuple[float, float]] = []
        if self._index < len(self._tracks):
            track = self._tracks[self._index]
            ahead.append(track.left(now_s))
            expected_s.append(max(0.0, now_s - track.entered_s) + ahead[0][0])
            speed = math.exp(-track.filter.mu - track.usual(track.step)) if track.step else 0.0
        ahead += [track.to_come() for track in self._tracks[self._index + 1 :]]
        expected_s += [span_s for span_s, _ in ahead[1:]]
        total = total_of(ahead)
        share = now_s / (now_s + total.median_s) if now_s > 0 else 0.0
        self._progress = max(self._progress, min(MAX_PROGRESS, 100.0 * share))
        return Reading(total.median_s, total.low_s, total.high_s, self._progress, speed, tuple(expected_s))

    def _work(self, at_s: float) -> float:
        """Seconds worked at `at_s`; never before what was reported last."""
        if self._paused_at_s is not None:
            at_s = min(at_s, self._paused_at_s)
        return max(self._worked_s, at_s - self._start_s - self._paused_total_s)

    def _enter(self, index: int, work_s: float) -> None:
        for track in self._tracks[self._index : index]:
            if track.took_s is None:
                track.took_s = max(0.0, work_s - track.entered_s)
                track.entered_s = work_s
        self._index, self._worked_s = index, work_s
        if index < len(self._tracks):
            self._tracks[index].entered_s = self._tracks[index].last_s = work_s


def expected_total(spec: JobSpec, stages: Plan, history: History) -> Total:
    """What a job that has not begun should take in all. `History.plan` knows the stages of a model it has seen."""
    return total_of([Track.of(steps, history.expect(spec, name, steps)).to_come() for name, steps in stages])
