"""How the steps of a stage differ from one another: a sampler whose steps grow cheaper, or that changes model half-way,
and steps that hang now and then.

A profile is relative to the stage's median step and by the share of the stage, so that it holds for any size and any
number of steps. The first step warms up and is kept out: see `Expectation.warm`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

BINS = 16
KEPT_PROFILES = 20
KEPT_STAGES = 500
LEAST_STEPS = 4
"""With fewer steps the differences are noise."""
PRIOR_PROFILES = 2.0
"""A flat profile counts as much as this many seen."""
MOST_AWAY = math.log(4.0)
MOST_OVERHEAD = 2.0

Key = tuple[str, str, str, str]
"""Engine, model, shape and stage."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`away` is by how much the log of a step differs, one figure for each of BINS parts of the stage (empty: nothing
    is known); `overhead` how many times as long all steps take as they would if none hung.

    Asking costs the same for any number of steps.
    """

    away: tuple[float, ...] = ()
    overhead: float = 1.0

    def usual(self, step: int, steps: int) -> float:
        """By how much the log of step `step` (from 1) of so many is usually away from the others'."""
        return self.away[_bin_of(step, steps)] if self.away and 1 < step <= steps else 0.0

    def worth(self, step: int, steps: int) -> float:
        """How many usual steps those after step `step` are worth."""
        if not self.away:
            return max(0.0, float(steps - step))
        found, before = 0.0, step
        for number, away in enumerate(self.away):
            last = min(steps, math.ceil((number + 1) * steps / BINS + 0.5) - 1)
            found += max(0, last - before) * math.exp(away)
            before = max(before, last)
        return found


FLAT = Profile()


class Profiles:
    """The latest profiles of each kind of stage; bounded."""

    def __init__(self) -> None:
        self._seen: dict[Key, deque[Profile]] = {}

    def add(self, key: Key, profile: Profile) -> None:
        """One more, as `profile_of` made it; anything else is passed over."""
        if len(profile.away) != BINS:
            return
        seen = self._seen.pop(key, None) or deque(maxlen=KEPT_PROFILES)
        seen.append(profile)
        self._seen[key] = seen  # put back at the end, so that the first key is the one unused for longest
        if len(self._seen) > KEPT_STAGES:
            del self._seen[next(iter(self._seen))]

    def of(self, key: Key, steps: int) -> Profile:
        """What so many steps should be like; FLAT where nothing is known."""
        seen = self._seen.get(key)
        if not seen or steps < LEAST_STEPS:
            return FLAT
        belief = len(seen) / (len(seen) + PRIOR_PROFILES)
        away = tuple(belief * median(values) for values in zip(*(one.away for one in seen), strict=True))
        return Profile(away, 1.0 + belief * (median(one.overhead for one in seen) - 1.0))


def profile_of(steps_s: Sequence[float]) -> Profile:
    """The profile of a stage from the duration of each of its steps, in seconds; FLAT when they are too few."""
    count = len(steps_s)
    if count < LEAST_STEPS or not all(0 < step_s < math.inf for step_s in steps_s):
        return FLAT
    rest = list(steps_s[1:])
    calm = [median(rest[max(0, i - 2) : i + 3]) for i in range(len(rest))]  # one step that hangs is not in it
    middle = math.log(median(rest))
    logs = [min(MOST_AWAY, max(-MOST_AWAY, math.log(one) - middle)) for one in rest]
    logs.insert(0, logs[0])
    away = []
    for number in range(BINS):
        inside = [logs[step - 1] for step in range(1, count + 1) if _bin_of(step, count) == number]
        nearest = logs[min(count - 1, int((number + 0.5) / BINS * count))]
        away.append(round(sum(inside) / len(inside) if inside else nearest, 4))
    return Profile(tuple(away), round(min(MOST_OVERHEAD, max(1.0, sum(rest) / sum(calm))), 4))


def _bin_of(step: int, steps: int) -> int:
    """Where step `step` (from 1) of so many lies."""
    return min(BINS - 1, max(0, int((step - 0.5) / steps * BINS)))
