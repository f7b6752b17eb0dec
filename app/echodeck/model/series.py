"""A machine's figures over time: at which resolution they are kept how long, and how many rows become few.

Everything is in columns (`array`s): slices of an array are searched for extremes and summed at the speed of C, so two
years of one figure, 70,000 buckets of 15 minutes, become a few hundred rows in some milliseconds of plain Python.

Few rows are made of many by equal spans of time, each with its least, mean and greatest value, so that no extreme is
lost however coarse the picture: M4 (Jugel et al., "M4: a visualization-oriented time series data aggregation", 2014)
without the first and last value of each span, with the mean instead. An extreme's place is known to within its span.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import mul

DAY_S = 86_400.0
MOST_POINTS = 5_000
LARGEST = 3.4028234663852886e38
"""What fits into a 32-bit float, which is what is kept of a value."""

Row = tuple[float, float, float, float]
"""When it begins (seconds since the epoch), least, mean, greatest value."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Buckets of `step_s` seconds (0: samples as they were measured), kept for `keep_s`.

    The buckets of `span_s` seconds are stored together; it is a multiple of the span of the next finer resolution.
    """

    step_s: int
    keep_s: float
    span_s: int


def resolutions(raw_s: float = DAY_S, ten_seconds_s: float = 7 * DAY_S, minute_s: float = 90 * DAY_S,
                quarter_s: float = 730 * DAY_S) -> tuple[Resolution, ...]:
    """What is kept, finest first: as measured, and in buckets of 10 s, 1 min and 15 min, each for so many seconds."""
    return (Resolution(0, raw_s, 600), Resolution(10, ten_seconds_s, 7_200), Resolution(60, minute_s, 43_200),
            Resolution(900, quarter_s, 864_000))


def _floats() -> array[float]:
    return array("f")


@dataclass(frozen=True, slots=True)
class Columns:
    """Buckets in the order of time, one column a figure: when each begins, its extremes and mean, how many samples.

    All columns are of one length. A bucket without samples is not there, so there is no NaN.
    """

    at_s: array[float] = field(default_factory=lambda: array("d"))
    low: array[float] = field(default_factory=_floats)
    mean: array[float] = field(default_factory=_floats)
    high: array[float] = field(default_factory=_floats)
    n: array[int] = field(default_factory=lambda: array("I"))

    def __len__(self) -> int:
        return len(self.at_s)

    def add(self, other: Columns) -> None:
        """Put what comes later at the end."""
        for mine, theirs in zip(self._all(), other._all(), strict=True):
            mine.extend(theirs)  # type: ignore[arg-type]

    def between(self, since_s: float, until_s: float) -> Columns:
        """The buckets that begin in [since, until)."""
        i, j = bisect_left(self.at_s, since_s), bisect_left(self.at_s, until_s)
        return self if j - i == len(self) else Columns(*(column[i:j] for column in self._all()))  # type: ignore[arg-type]

    def _all(self) -> tuple[array[float] | array[int], ...]:
        return self.at_s, self.low, self.mean, self.high, self.n


def samples(at_s: Iterable[float], values: Iterable[float]) -> Columns:
    """Samples as buckets of one each."""
    at, column = array("d", at_s), array("f", values)
    return Columns(at, column, column[:], column[:], array("I", (1,)) * len(at))


def fits(value: float) -> bool:
    """Whether a value can be kept: a number, and not too large."""
    return abs(value) <= LARGEST


def aligned(at_s: float, step_s: int) -> int:
    """The last multiple of `step_s` that is not after `at_s`."""
    return int(at_s // step_s) * step_s


def whole(since_s: float, until_s: float, step_s: int) -> tuple[float, float]:
    """The range that has every bucket of `step_s` whole that [since, until) touches."""
    return (aligned(since_s, step_s), -aligned(-until_s, step_s)) if step_s else (since_s, until_s)


def resolution_for(kept: Sequence[Resolution], since_s: float, until_s: float, points: int, now_s: float) -> int:
    """Which resolution to read for a range: the coarsest that still has a bucket a point, or, where that has been
    forgotten at the beginning of the range, the finest that has not."""
    width_s = (until_s - since_s) / points
    index = max((i for i, one in enumerate(kept) if one.step_s <= width_s), default=0)
    while index + 1 < len(kept) and since_s < now_s - kept[index].keep_s:
        index += 1
    return index


def roll_up(columns: Columns, step_s: int) -> Columns:
    """Buckets of `step_s`, aligned to the epoch, of finer ones. The mean is that of the samples."""
    if not step_s:
        return columns
    at, begins, cuts = columns.at_s, array("d"), [0]
    while (i := cuts[-1]) < len(at):
        begin_s = aligned(at[i], step_s)
        begins.append(begin_s)
        cuts.append(bisect_left(at, begin_s + step_s, i + 1))
    return _pooled(columns, begins, cuts)


def thin(columns: Columns, since_s: float, until_s: float, points: int) -> list[Row]:
    """At most `points` rows: the buckets as they are if there are no more, else one a part of [since, until) that has
    any, beginning where its first bucket does. The first part has what begins before it, the last what comes after."""
    if len(columns) > points:
        width_s = (until_s - since_s) / points
        inner = (bisect_left(columns.at_s, since_s + k * width_s) for k in range(1, points))
        cuts = sorted({0, *inner, len(columns)})
        columns = _pooled(columns, array("d", [columns.at_s[i] for i in cuts[:-1]]), cuts)
    return list(zip(columns.at_s, columns.low, columns.mean, columns.high, strict=True))


def _pooled(columns: Columns, begins: array[float], cuts: list[int]) -> Columns:
    """The buckets from each cut to the next as one."""
    if columns.n.count(1) == len(columns):
        return _pooled_samples(columns.mean, begins, cuts)
    made = Columns(begins)
    for i, j in pairwise(cuts):
        counts = columns.n[i:j]
        count = sum(counts)
        made.low.append(min(columns.low[i:j]))
        made.high.append(max(columns.high[i:j]))
        made.mean.append(math.fsum(map(mul, columns.mean[i:j], counts)) / count)
        made.n.append(count)
    return made


def _pooled_samples(values: array[float], begins: array[float], cuts: list[int]) -> Columns:
    """The same of buckets with a sample each, in a third of the time: their three columns are one."""
    parts = [values[i:j] for i, j in pairwise(cuts)]
    sizes = array("I", map(len, parts))
    means = array("f", (math.fsum(part) / size for part, size in zip(parts, sizes, strict=True)))
    return Columns(begins, array("f", map(min, parts)), means, array("f", map(max, parts)), sizes)
