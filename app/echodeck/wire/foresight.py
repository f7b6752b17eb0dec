"""How good the estimates were, as it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.calibration import FIRST, Kind, Record
from .show import Show


class ShareScore(Show):
    """Estimates that were made when `share` (0 to 1) of a job was done, over the latest `count` jobs: the mean of
    |estimate − truth| / truth of the time left, the mean with its sign (above 0: too long), the share of truths that
    the 80 % interval held, and how many times as wide each of its sides is now as it would be uncalibrated."""

    share: float
    count: int
    error: float
    bias: float
    coverage: float
    factor_low: float
    factor_high: float


class EstimateScore(Show):
    """Of jobs of one kind; "" stands for any. `name` tells the kinds apart. `first`: of jobs that were the first of
    their configuration, which are judged by themselves."""

    name: str
    engine: str
    model: str
    resolution: str
    first: bool
    shares: list[ShareScore]


def score_view(kind: Kind, records: Iterable[Record]) -> EstimateScore:
    """`kind` is engine, model and resolution, or the first of them; or as first jobs have it."""
    first = kind[:1] == (FIRST,)
    engine, model, resolution = (*kind[first:], "", "", "")[:3]
    shares = [ShareScore(one.share, one.count, round(one.error, 4), round(one.bias, 4), round(one.coverage, 4),
                         round(one.factor_low, 3), round(one.factor_high, 3)) for one in records]
    return EstimateScore(" ".join(kind), engine, model, resolution, first, shares)
