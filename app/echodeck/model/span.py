"""Spans of time to come: a middle, a variance, and the 80 % interval that they make. Seconds throughout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from .expect import MAX_S, Expectation, log_s

Z80 = 1.2815515655446004
"""Standard deviations either side of the middle that hold 80 %."""
FAR_OUT = 2.0
"""A silent stage this many deviations over its median is judged by those runs alone that took as long."""
WIDE = 1.0
"""And so is one whose runs are e times apart, or more."""
LIKE_VARIANCE = 0.15**2
JOB_VARIANCE = 0.1**2
"""Of the log of what equal jobs take, one after the other."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Total:
    """A span to come, in seconds: its middle and the bounds of its 80 % interval."""

    median_s: float
    low_s: float
    high_s: float


def total_of(spans: Sequence[tuple[float, float]]) -> Total:
    """The sum of independent spans (middle, variance) as one log-normal about the sum of their middles."""
    middle_s = min(MAX_S, math.fsum(span_s for span_s, _ in spans))
    if middle_s <= 0:
        return Total(0.0, 0.0, 0.0)
    deviation = math.sqrt(math.log1p(math.fsum(variance for _, variance in spans) / middle_s**2))
    return Total(middle_s, middle_s * math.exp(-Z80 * deviation), middle_s * math.exp(Z80 * deviation))


def stretched(span: Total, median_s: float) -> Total:
    """With this middle, and as unsure in proportion as it was."""
    share = median_s / span.median_s if span.median_s > 0 else 1.0
    return Total(median_s, share * span.low_s, share * span.high_s)


def deviation_of(span: Total) -> float:
    """The deviation of the log that an interval stands for; 0 where it has no bounds above 0."""
    return math.log(span.high_s / span.low_s) / (2.0 * Z80) if 0 < span.low_s <= span.high_s else 0.0


def with_twin(own: Total, twin: Total) -> Total:
    """What a job should take, given what an equal one in work takes as it turns out (`twin`, all of it).

    A job nobody knows believes its twin, one that is well known hardly minds.
    """
    variance = deviation_of(own) ** 2
    if not (own.median_s > 0 and twin.median_s > 0 and variance > 0):
        return own
    gain = variance / (variance + deviation_of(twin) ** 2 + JOB_VARIANCE)
    middle_s = own.median_s * (twin.median_s / own.median_s) ** gain
    narrower = math.sqrt(1.0 - gain)
    return Total(middle_s, middle_s * (own.low_s / own.median_s) ** narrower,
                 middle_s * (own.high_s / own.median_s) ** narrower)


def left_of_silent(expected: Expectation, gone_s: float) -> tuple[float, float]:
    """Median left of a stage without steps of which `gone_s` are gone, and a variance from its 80 % interval.

    The log-normal of its history, given that it is not over yet. A stage that is now and then another thing altogether
    (a model loaded, or kept in memory) is no log-normal: what counts then are the runs that took as long.
    """
    middle, deviation = log_s(expected.median_s), math.sqrt(max(expected.variance, 1e-6))
    z = (log_s(gone_s) - middle) / deviation if gone_s > 0 else -math.inf
    like = [log_s(took_s) for took_s in expected.runs_s if took_s > gone_s] if z > FAR_OUT or deviation > WIDE else []
    if like:
        middle, deviation = median(like), math.sqrt(LIKE_VARIANCE)
        z = (log_s(gone_s) - middle) / deviation
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
