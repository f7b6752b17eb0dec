"""Intervals that hold as often as they say: estimates are judged by the truth, and later intervals set by it.

A score is by how many of its own deviations an estimate was off, in logarithms: z = ln(truth / estimate) / deviation.
The ends of an 80 % interval are the tenth and the ninetieth percentile of the latest scores of the same kind of job, as
far as it was: split conformal prediction (Vovk et al. 2005), each side by itself, since what goes wrong takes longer
and seldom less long. The two levels follow what really falls outside, so that coverage holds also while the world
changes: Gibbs & Candès, "Adaptive conformal inference under distribution shift" (2021).

Few scores are drawn towards those of the coarser kind: the model at any resolution, the engine, everything. A job
that is the first of its configuration is of a kind of its own: what is foretold of a size that was never seen is wrong
in other ways than what was measured before, and neither says anything of the other's intervals.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .span import Z80, Total, deviation_of

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75)
"""How much of a job was done, where estimates are judged; 0 is a job that waits."""
WINDOW = 100
"""Scores of a kind that count."""
KEPT_KINDS = 2_000
MISS, RATE = 0.1, 0.01
"""The share of truths to lie beyond each end, and how fast a level follows what does."""
LEAST_MISS, MOST_MISS = 0.02, 0.3
PRIOR_SCORES = 5.0
"""What the coarser kind says counts as much as this many scores; fewer count for much less, as they say little of the
ends of an interval."""
LEAST_Z, MOST_Z = 0.1, 12.0
"""An end is never nearer to the estimate than this many deviations, nor farther."""
MOST_TIMES = 8.0
"""Calibration makes an end no farther from the estimate than this many times. Beyond it an interval says nothing, and
the sum of a long queue's would be years."""
LEAST_DEVIATION = 0.01

Kind = tuple[str, ...]
"""Engine, model and resolution, or only the first of them: () is everything. Of first jobs: FIRST, engine and model."""
FIRST = "first of their kind"


@dataclass(frozen=True, slots=True)
class Score:
    """One estimate beside the truth: at which share, ln(truth / estimate) of what was told, the same in deviations of
    what had been told before calibration, and whether the interval held the truth."""

    share: float
    away: float
    z: float
    held: bool

    @property
    def error(self) -> float:
        """(estimate − truth) / truth."""
        return math.expm1(-self.away)


@dataclass(frozen=True, slots=True)
class Record:
    """How good the estimates of a kind were at a share, over the latest `count`: the mean of |estimate − truth| over
    the truth, the mean with its sign (above 0: too long), the share of truths that the interval held, and how many
    times as wide each side of the interval is now as without calibration."""

    share: float
    count: int
    error: float
    bias: float
    coverage: float
    factor_low: float
    factor_high: float


@dataclass(slots=True)
class _Side:
    """One end of the interval: as a distance above 0, in deviations."""

    miss: float = MISS
    seen: float = Z80
    """The quantile of the scores alone."""

    def learn(self, beyond: bool, distances: Sequence[float]) -> None:
        """`beyond`: the newest truth lay outside; `distances` are all scores, turned so that this end is up."""
        self.miss = min(MOST_MISS, max(LEAST_MISS, self.miss + RATE * (MISS - beyond)))
        self.seen = min(MOST_Z, max(LEAST_Z, _quantile(sorted(distances), 1.0 - self.miss)))


@dataclass(slots=True)
class _Group:
    """The latest scores of one kind at one share."""

    scores: deque[Score] = field(default_factory=lambda: deque(maxlen=WINDOW))
    low: _Side = field(default_factory=_Side)
    high: _Side = field(default_factory=_Side)

    def ends(self, coarser: tuple[float, float], known: int) -> tuple[float, float]:
        """How far the two ends are from the estimate, in deviations; few scores leave much to the coarser kind. That
        has `known` of them: the same few say nothing twice."""
        if len(self.scores) == known < WINDOW:
            return coarser
        own = len(self.scores) ** 2 / (len(self.scores) ** 2 + PRIOR_SCORES**2)
        return (self.low.seen**own * coarser[0] ** (1.0 - own), self.high.seen**own * coarser[1] ** (1.0 - own))

    def learn(self, score: Score, told: tuple[float, float]) -> None:
        """`told` are the ends that it would have had."""
        self.scores.append(score)
        distances = [one.z for one in self.scores]
        self.low.learn(-score.z > told[0], [-z for z in distances])
        self.high.learn(score.z > told[1], distances)


class Calibration:
    """Learns scores, widens and narrows intervals, and keeps the record. Bounded however long it learns."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Kind, float], _Group] = {}

    def learn(self, kind: Kind, scores: Iterable[Score]) -> None:
        """The estimates of one job of this kind (engine, model, resolution), once it has ended."""
        for score in scores:
            if score.share not in SHARES or not math.isfinite(score.away) or not math.isfinite(score.z):
                continue
            ends, known = (Z80, Z80), 0
            levels = list(_levels(kind))
            for level in dict.fromkeys(((), *levels)):
                group = self._groups.pop((level, score.share), None) or _Group()
                self._groups[level, score.share] = group  # at the end: the first is the one unused for longest
                told, count = group.ends(ends, known), len(group.scores)
                group.learn(score, told)
                ends, known = (told, count) if level in levels else (ends, known)
            while len(self._groups) > KEPT_KINDS * len(SHARES):
                del self._groups[next(iter(self._groups))]

    def ends(self, kind: Kind, share: float) -> tuple[float, float]:
        """How far below and above the estimate the interval's ends lie, in deviations; Z80 both where nothing is known.

        Between two of SHARES it is between what holds there.
        """
        share = min(SHARES[-1], max(0.0, share))
        after = bisect_right(SHARES, share)
        if after == len(SHARES):
            return self._ends(kind, SHARES[-1])
        before, next_ = SHARES[after - 1], SHARES[after]
        part = (share - before) / (next_ - before)
        here, there = self._ends(kind, before), self._ends(kind, next_)
        return here[0] ** (1.0 - part) * there[0] ** part, here[1] ** (1.0 - part) * there[1] ** part

    def _ends(self, kind: Kind, share: float) -> tuple[float, float]:
        ends, known = (Z80, Z80), 0
        for level in _levels(kind):
            if (group := self._groups.get((level, share))) is not None:
                ends, known = group.ends(ends, known), len(group.scores)
        return ends

    def set(self, kind: Kind, share: float, span: Total) -> Total:
        """The same estimate with an interval that holds as often as it says."""
        if span.median_s <= 0:
            return span
        low, high = self.ends(kind, share)
        deviation = max(LEAST_DEVIATION, deviation_of(span))
        most = max(math.log(MOST_TIMES), Z80 * deviation)
        return Total(span.median_s, span.median_s * math.exp(-min(most, deviation * low)),
                     span.median_s * math.exp(min(most, deviation * high)))

    def kinds(self) -> list[Kind]:
        """Every kind that was learnt of, the coarser first."""
        return sorted({kind for kind, _ in self._groups}, key=lambda kind: (len(kind), kind))

    def record(self, kind: Kind) -> list[Record]:
        """What is known of a kind, by share; nothing where nothing was learnt."""
        return [self._record(kind, share, group) for share in SHARES
                if (group := self._groups.get((kind, share))) is not None]

    def _record(self, kind: Kind, share: float, group: _Group) -> Record:
        low, high = self._ends(kind, share)
        errors = [one.error for one in group.scores]
        return Record(share, len(errors), _mean([abs(error) for error in errors]), _mean(errors),
                      _mean([one.held for one in group.scores]), low / Z80, high / Z80)


def score(share: float, truth_s: float, plain: Total, told: Total) -> Score:
    """What an estimate was worth: `plain` before and `told` after calibration, both above 0 as the truth is."""
    z = math.log(truth_s / plain.median_s) / max(LEAST_DEVIATION, deviation_of(plain))
    return Score(share, math.log(truth_s / told.median_s), z, told.low_s <= truth_s <= told.high_s)


def _levels(kind: Kind) -> Iterator[Kind]:
    """Those that set the intervals of a kind, from everything to the kind itself."""
    return (kind[:length] for length in range(1 if kind[:1] == (FIRST,) else 0, len(kind) + 1))


def _quantile(values: Sequence[float], level: float) -> float:
    """Of sorted values, as conformal prediction takes it: with one more value to come, (n + 1) places."""
    place = level * (len(values) + 1) - 1.0
    below = min(len(values) - 1, max(0, math.floor(place)))
    above = min(len(values) - 1, below + 1)
    return values[below] + (values[above] - values[below]) * min(1.0, max(0.0, place - below))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
