"""Trends that one odd value does not move: the median of the slopes between all pairs (Theil, 1950; Sen, 1968), and
whether there is a trend at all (Mann, 1945; Kendall, 1975)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import median

Point = tuple[float, float]
"""(x, y)"""


def slope(points: Sequence[Point]) -> float:
    """Units of y per unit of x; 0 when no two points have different x."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
    return median(slopes) if slopes else 0.0


def certainty(points: Sequence[Point]) -> float:
    """Standard deviations by which the values rise (or fall, below 0) more often than chance would have it."""
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
