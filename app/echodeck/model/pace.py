"""One stage under way: how fast its steps are, and what is left of it. Pure; durations in seconds.

The log of the step time is followed by a Kalman filter, on top of how steps differ by their place (see `profile`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .expect import Expectation, log_s
from .span import left_of_silent

DRIFT = 0.02**2
NOISE_PRIOR, NOISE_PRIOR_STEPS = 0.1**2, 6.0
WANDER = 0.5
"""Of the steps' noise this much is no chance of each: what else the machine does slows many steps in a row."""
OUTLIER = 9.0
REGIME_VARIANCE = 0.25
LEAST_LEFT = 0.1


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

    def observe(self, duration_s: float, *, first: bool = False, usual: float = 0.0) -> None:
        """`usual` is by how much the log of a step in this place is away from the others'."""
        y = log_s(duration_s) - usual
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
class Track:
    """One stage under way or to come. Times are on the job's own clock: seconds worked since it started."""

    steps: int
    expected: Expectation
    filter: StepFilter
    step: int = 0
    entered_s: float = 0.0
    last_s: float = 0.0
    took_s: float | None = None

    @classmethod
    def of(cls, steps: int, expected: Expectation) -> Track:
        start = StepFilter(log_s(expected.step_s), expected.step_variance, expected.warm, expected.warm_variance)
        return cls(max(0, steps), expected, start)

    def usual(self, step: int) -> float:
        """By how much the log of step `step` (from 1) is usually away from the others'."""
        return self.expected.profile.usual(step, self.steps)

    def observe(self, step: int, duration_s: float) -> None:
        self.filter.observe(duration_s, first=step == 1, usual=self.usual(step))

    def left(self, now_s: float) -> tuple[float, float]:
        """Seconds left of this stage while it runs, and the variance of that."""
        if self.steps == 0:
            return left_of_silent(self.expected, now_s - self.entered_s)
        if self.step >= self.steps:
            return 0.0, 0.0
        rate, step_s = self.filter, math.exp(self.filter.mu)
        current_s = math.exp(rate.mu + (rate.warm if self.step == 0 else self.usual(self.step + 1)))
        current_s = max(current_s - max(0.0, now_s - self.last_s), LEAST_LEFT * current_s)
        # The fewer steps there are left, the likelier that none of them hangs.
        profile = self.expected.profile
        hanging = (profile.overhead - 1.0) * (self.steps - self.step) / self.steps
        later = profile.worth(self.step + 1, self.steps) * (1.0 + hanging)
        left_s = current_s + step_s * later
        wander = rate.p + DRIFT * later / 3.0 + WANDER * rate.noise
        variance = left_s**2 * wander + rate.noise * (current_s**2 + step_s**2 * later)
        return left_s, variance + (rate.warm_variance * current_s**2 if self.step == 0 else 0.0)

    def to_come(self) -> tuple[float, float]:
        """Seconds the whole stage should take, and the variance of that."""
        middle_s, variance = self.expected.median_s, self.expected.variance
        return middle_s, middle_s**2 * math.expm1(min(variance, 4.0))
