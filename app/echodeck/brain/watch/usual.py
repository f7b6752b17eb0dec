"""The usual pace of a configuration on a machine: how long each part of a run's steps takes, and how far that scatters.

Everything is in logs of seconds. The places of steps are the shares of the steps before them, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from .conditions import Conditions

PARTS = 8
BETWEEN_PRIOR, WITHIN_PRIOR, PRIOR_RUNS = 0.04**2, 0.05**2, 4.0
"""What machines are like while few runs are known, worth so many of them."""
CHI2_MEDIAN = 0.4549
"""The median of χ² with one degree of freedom: from the median of squares to the variance of normal values."""


@dataclass(frozen=True, slots=True)
class Past:
    """A run that has ended: the median of each part of its steps, the variance of one step, and how the machine was."""

    profile: tuple[float, ...]
    scatter: float
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Usual:
    """The variances are `between` the paces of runs (of the next one) and `within` one, of a step."""

    profile: tuple[float, ...]
    between: float
    within: float

    def at(self, place: float) -> float:
        return self.profile[_part(place)]


def past_of(steps: Sequence[tuple[float, float]], conditions: Conditions) -> Past:
    """From a run's steps as (place, log of the duration). A part without steps has the median of all."""
    whole = median(log for _, log in steps)
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for place, log in steps:
        parts[_part(place)].append(log)
    squares = [(after - before) ** 2 for (_, before), (_, after) in pairwise(steps)]
    scatter = median(squares) / 2.0 / CHI2_MEDIAN if squares else WITHIN_PRIOR
    return Past(tuple(median(logs) if logs else whole for logs in parts), scatter, conditions)


def usual_of(past: Sequence[Past]) -> Usual:
    """From at least one run."""
    n = len(past)
    profile = tuple(median(run.profile[part] for run in past) for part in range(PARTS))
    paces = [median(a - b for a, b in zip(run.profile, profile, strict=True)) for run in past]
    spread = (1.4826 * median(abs(pace) for pace in paces)) ** 2
    between = (PRIOR_RUNS * BETWEEN_PRIOR + n * spread) / (PRIOR_RUNS + n) * (1.0 + 1.0 / n)
    within = (PRIOR_RUNS * WITHIN_PRIOR + sum(run.scatter for run in past)) / (PRIOR_RUNS + n)
    return Usual(profile, between, within)


def _part(place: float) -> int:
    return min(PARTS - 1, int(PARTS * place))
