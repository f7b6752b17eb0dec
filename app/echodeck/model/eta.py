"""When will it be done? Observations in, remaining time with its interval out. Pure: time is an argument.

A stage with steps is followed by a Kalman filter on the log of the step time (see `StepFilter`), a stage without by
the conditional median of its log-normal given that it is not done yet. What a stage should take comes from `History`.
Times `at_s` and `now_s` are seconds on one clock, whichever; durations are seconds. Paused time does not count.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from .history import MAX_S, Expectation, History, log_s
from .job import JobSpec

__all__ = ["Expectation", "History", "JobEstimator", "Reading", "StepFilter", "Total", "expected_total", "plan_queue"]

Plan = Iterable[tuple[str, int]]
"""The stages of a job in order: (name, steps), steps 0 where a stage has none."""

Z80 = 1.2815515655446004
"""Standard deviations either side of the middle that hold 80 %."""
MAX_PROGRESS = 99.9
DRIFT = 0.02**2
NOISE_PRIOR, NOISE_PRIOR_STEPS = 0.1**2, 6.0
OUTLIER = 9.0
REGIME_VARIANCE = 0.25
LEAST_LEFT = 0.1

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Total:
    """A span to come, in seconds: its middle and the bounds of its 80 % interval."""

    median_s: float
    low_s: float
    high_s: float


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
class StepFilter:
    """A Kalman filter on the log of the step time: `mu` with variance `p`. Feed it each step's duration.

    The first step warms up, so it is compared with `warm` added. A step more than three deviations away is skipped,
    unless the step before was away on the same side: then the machine has changed pace (it throttles, or another
    program left), and the filter opens up to follow.
    """

    mu: float
    p: float
    warm: float
    warm_variance: float
    _last: float | None = None
    _differences: int = 0
    _sum_squares: float = 0.0
    _outside: int = 0

    @property
    def noise(self) -> float:
        """Variance of one step's log time about `mu`, from successive differences: a change of pace is not noise."""
        return (NOISE_PRIOR_STEPS * NOISE_PRIOR + 0.5 * self._sum_squares) / (NOISE_PRIOR_STEPS + self._differences)

    def observe(self, duration_s: float, *, first: bool = False) -> None:
        y = log_s(duration_s)
        if first:
            self._update(y - self.warm, self.warm_variance + self.noise)
            return
        self.p += DRIFT
        self._update(y, self.noise)
        # A step that was skipped tells nothing of the others' noise.
        if self._last is not None and not self._outside:
            self._sum_squares += (y - self._last) ** 2
            self._differences += 1
        self._last = None if self._outside else y

    def _update(self, y: float, r: float) -> None:
        error = y - self.mu
        side = int(math.copysign(1, error)) if error * error > OUTLIER * (self.p + r) else 0
        again, self._outside = side != 0 and side == self._outside, side
        if side and not again:
            return
        if again:
            self.p, self._outside = max(self.p, REGIME_VARIANCE), 0
            self._last = None
        gain = self.p / (self.p + r)
        self.mu += gain * error
        self.p *= 1.0 - gain


@dataclass(slots=True)
class _Track:
    """One stage under way or to come. Times are on the job's own clock: seconds worked since it started."""

    steps: int
    expected: Expectation
    filter: StepFilter
    step: int = 0
    entered_s: float = 0.0
    last_s: float = 0.0
    took_s: float | None = None

    @classmethod
    def of(cls, steps: int, expected: Expectation) -> _Track:
        start = StepFilter(log_s(expected.step_s), expected.step_variance, expected.warm, expected.warm_variance)
        return cls(max(0, steps), expected, start)

    def left(self, now_s: float) -> tuple[float, float]:
        """Seconds left of this stage while it runs, and the variance of that."""
        if self.steps == 0:
            return _left_of_silent(self.expected, now_s - self.entered_s)
        if self.step >= self.steps:
            return 0.0, 0.0
        rate, step_s = self.filter, math.exp(self.filter.mu)
        current_s = math.exp(rate.mu + rate.warm) if self.step == 0 else step_s
        current_s = max(current_s - max(0.0, now_s - self.last_s), LEAST_LEFT * current_s)
        later = self.steps - self.step - 1
        left_s = current_s + step_s * later
        variance = left_s**2 * (rate.p + DRIFT * later / 3.0) + rate.noise * (current_s**2 + step_s**2 * later)
        return left_s, variance + (rate.warm_variance * current_s**2 if self.step == 0 else 0.0)

    def to_come(self) -> tuple[float, float]:
        """Seconds the whole stage should take, and the variance of that."""
        middle_s, variance = self.expected.median_s, self.expected.variance
        return middle_s, middle_s**2 * math.expm1(min(variance, 4.0))


@dataclass(slots=True)
class JobEstimator:
    """One attempt at one job. Tell it what happens, as it happens; ask `at(now_s)`.

    Nothing here raises for odd input: a report that comes twice, late or out of order is passed over, a stage or steps
    that were never reported are taken as done, since what comes after them has begun.
    """

    _start_s: float
    _tracks: tuple[_Track, ...]
    _index: int = 0
    _paused_at_s: float | None = None
    _paused_total_s: float = 0.0
    _worked_s: float = 0.0
    _progress: float = 0.0

    @classmethod
    def start(cls, spec: JobSpec, stages: Plan, history: History, at_s: float) -> JobEstimator:
        """An attempt that started at `at_s`. If it is taken up later, add the time it has been paused to `at_s`."""
        return cls(at_s, tuple(_Track.of(steps, history.expect(spec, name, steps)) for name, steps in stages))

    def replan(self, spec: JobSpec, stages: Plan, history: History, begun: int) -> None:
        """The stages are others than was thought, but for the first `begun`, whose number of steps may be known now."""
        tracks = []
        for number, (name, steps) in enumerate(stages):
            old = self._tracks[number] if number < len(self._tracks) else None
            if old is not None and number < begun:
                old.steps = max(0, steps)
                tracks.append(old)
                continue
            track = _Track.of(steps, history.expect(spec, name, steps))
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
            track.filter.observe(duration_s, first=step == 1)
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
            speed = math.exp(-track.filter.mu) if track.step else 0.0
        ahead += [track.to_come() for track in self._tracks[self._index + 1 :]]
        expected_s += [span_s for span_s, _ in ahead[1:]]
        total = _total(ahead)
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
    return _total([_Track.of(steps, history.expect(spec, name, steps)).to_come() for name, steps in stages])


def plan_queue(jobs: Iterable[tuple[str, str, float]], running: Iterable[tuple[str, float]],
               lanes: Sequence[frozenset[str]]) -> dict[str, tuple[float, float]]:
    """When each waiting job should start and finish, in seconds from now: each takes the lane that is free first.

    `jobs` are (id, engine, expected seconds) in the order of the queue, `running` (engine, seconds left) of those in
    work; a lane is a worker's slot, with the engines that it drives. A job that no lane can do is not in the answer.
    """
    groups: dict[frozenset[str], list[float]] = {}
    for lane in lanes:
        groups.setdefault(lane, []).append(0.0)
    for heap, left_s in _in_work(groups, running):
        # With more in work than there are slots (a worker has gone), the first to end free nothing.
        heapq.heapreplace(heap, max(0.0, left_s))
    able: dict[str, list[list[float]]] = {}
    plan: dict[str, tuple[float, float]] = {}
    for key, engine, expected_s in jobs:
        if engine not in able:
            able[engine] = [heap for lane, heap in groups.items() if engine in lane]
        if able[engine]:
            heap = min(able[engine], key=lambda heap: heap[0])
            start_s = heap[0]
            plan[key] = (start_s, start_s + max(0.0, expected_s))
            heapq.heapreplace(heap, plan[key][1])
    return plan


def _in_work(groups: dict[frozenset[str], list[float]],
             running: Iterable[tuple[str, float]]) -> Iterable[tuple[list[float], float]]:
    """The lanes that those in work take, the longest last: what no lane can do (a script's job) takes none."""
    for engine, left_s in sorted(running, key=lambda one: one[1]):
        heaps = [heap for lane, heap in groups.items() if engine in lane]
        if heaps:
            yield min(heaps, key=lambda heap: heap[0]), left_s


def _total(spans: Sequence[tuple[float, float]]) -> Total:
    """The sum of independent spans (middle, variance) as one log-normal about the sum of their middles."""
    middle_s = min(MAX_S, math.fsum(span_s for span_s, _ in spans))
    if middle_s <= 0:
        return Total(0.0, 0.0, 0.0)
    deviation = math.sqrt(math.log1p(math.fsum(variance for _, variance in spans) / middle_s**2))
    return Total(middle_s, middle_s * math.exp(-Z80 * deviation), middle_s * math.exp(Z80 * deviation))


def _left_of_silent(expected: Expectation, gone_s: float) -> tuple[float, float]:
    """Median left of a log-normal span of which `gone_s` are gone, and a variance from its 80 % interval."""
    middle, deviation = log_s(expected.median_s), math.sqrt(max(expected.variance, 1e-6))
    z = (log_s(gone_s) - middle) / deviation if gone_s > 0 else -math.inf
    low_s, left_s, high_s = (
        max(0.0, math.exp(min(log_s(MAX_S), middle + deviation * _later(z, p))) - max(0.0, gone_s))
        for p in (0.1, 0.5, 0.9)
    )
    return left_s, ((high_s - low_s) / (2.0 * Z80)) ** 2


def _later(z: float, p: float) -> float:
    """The quantile `p` of a standard normal that is known to be above `z`."""
    if z > 6.0:  # so far out the tail is exponential, and its probability too small to invert
        return z - math.log1p(-p) / z
    above = 0.5 * math.erfc(z / math.sqrt(2.0)) if z > -math.inf else 1.0
    return -_NORMAL.inv_cdf(above * (1.0 - p))
