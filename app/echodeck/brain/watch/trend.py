"""Trends that a jump does not make: how fast a figure changes most of the time, and whether there is a trend at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

Point = tuple[float, float]
"""(x, y)"""


def steady(points: Sequence[Point]) -> float:
    """Units of y per unit of x: the mean of the slopes between neighbours without the greatest and the least quarter of
    them, so that neither a jump nor an odd value moves it. Points are in the order of x; fewer than two give 0."""
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(points) if x1 != x2)
    middle = slopes[len(slopes) // 4 : len(slopes) - len(slopes) // 4]
    return math.fsum(middle) / len(middle) if middle else 0.0


def certainty(points: Sequence[Point]) -> float:
    """Standard deviations by which the values rise (or fall, below 0) more often than chance would have it (Mann, 1945;
    Kendall, 1975)."""
    n = len(points)
    if n < 3:
        return 0.0
    score = sum(_signs(points))
    variance = n * (n - 1) * (2 * n + 5) / 18.0
    return math.copysign(max(0.0, abs(score) - 1.0), score) / math.sqrt(variance)


def _signs(points: Sequence[Point]) -> Iterator[int]:
    ordered = [y for _, y in sorted(points)]
    for earlier, later in combinations(ordered, 2):
        yield (later > earlier) - (later < earlier)
