"""How what a stage takes grows with the size of the job: a power law, believed as far as runs bear it out.

ln(duration) = what the model costs + a · ln(cells) + b · ln(batch) + f · ln(frames). Each exponent starts at what is
usual for the kind of stage and is moved by the sizes that were seen: Bayesian linear regression, one update a size
(Bishop, "Pattern Recognition and Machine Learning" (2006), section 3.3). So the variance of an answer grows with how
far the size is from those seen, in each direction by itself. Models share the exponents, each has a cost of its own.

How far a size is from the law is learnt by leaving each size out in turn and asking for it: where sizes do not follow a
power law, everything foretold is less certain. A size that is far out by itself counts for less (Huber 1964).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import mul
from statistics import median

PRIOR_RUNS = 4.0
PRIOR_VARIANCE = 0.15**2
"""Of the log of what the same stage takes, one time and the next; counts as much as PRIOR_RUNS runs."""
MISFIT, PRIOR_SIZES = 0.35**2, 2.0
"""Of the log of how far one size is from the law; counts as much as PRIOR_SIZES sizes."""
LEAST_MISFIT, MOST_MISFIT = 0.1**2, 1.0
MODEL_VARIANCE = 1.0
"""Of the log of what one model costs beside another."""
ANY_VARIANCE = 1e3
FAR_OUT, MOST_OUT = 4.0, 9.0
"""From this squared deviation on a size counts for less; and none counts as farther than that."""
KEPT_SIZES = 12
"""The latest sizes of a model that its law is drawn from."""
OTHER_SIZES = 6
"""The latest of other models."""

Exponent = tuple[float, float]
"""What an exponent is thought to be, and the deviation of that."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The exponents of a kind of stage before anything was seen."""

    cells: Exponent
    batch: Exponent
    frames: Exponent


STEPS = Prior((1.1, 0.25), (0.9, 0.2), (1.0, 0.2))
"""A step works on all cells; attention makes it grow a little faster, a fuller GPU a little slower."""
LOADING = Prior((0.3, 0.4), (0.0, 0.1), (0.0, 0.1))
"""What is loaded is the same for any picture, unless the engine prepares something for the size."""
PICTURES = Prior((1.0, 0.25), (0.9, 0.2), (0.9, 0.2))
"""Decoding and saving go over each picture."""
OTHER = Prior((0.5, 0.5), (0.5, 0.4), (0.5, 0.4))
_OF_PICTURES = ("decod", "encod", "save", "upscale", "vae", "video", "combine")


@dataclass(frozen=True, slots=True)
class Size:
    """What the duration of a stage depends on besides the model. Cells are pixels, or what the steps work on in their
    place; an engine that knows no sizes has 1. `calls` is how often a step asks the model: it counts fully."""

    cells: int
    batch: int
    frames: int
    calls: int = 1

    @property
    def logs(self) -> tuple[float, float, float]:
        return math.log(self.cells), math.log(self.batch), math.log(self.frames)


@dataclass(frozen=True, slots=True)
class Seen:
    """The runs of one model at one size: the logs of what they took, oldest first."""

    model: str
    size: Size
    logs: Sequence[float]

    @property
    def middle(self) -> float:
        """The median, were the model asked once a step."""
        return median(self.logs) - math.log(self.size.calls)


@dataclass(frozen=True, slots=True)
class Law:
    """What is believed after the sizes that were seen: weights of (1, logs of the size, one a model) and their
    covariance; `misfit` and `noise` are the variances of a size about the law, and of a run about its size."""

    models: tuple[str, ...]
    middle: tuple[float, float, float]
    weights: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    misfit: float
    noise: float

    def at(self, model: str, size: Size) -> tuple[float, float]:
        """The log of what the next run should take, and its variance."""
        x = self._row(model, size)
        variance = _dot(x, [_dot(line, x) for line in self.covariance]) + self.misfit + self.noise
        unknown = 0.0 if model in self.models else MODEL_VARIANCE
        return _dot(self.weights, x) + math.log(size.calls), variance + unknown

    def shift(self, before: Size, after: Size) -> float:
        """By how much the log grows from one size to another."""
        grown = [b - a for a, b in zip(before.logs, after.logs, strict=True)]
        return _dot(self.weights[1:4], grown) + math.log(after.calls / before.calls)

    def _row(self, model: str, size: Size) -> list[float]:
        return _row(self.models, self.middle, model, size)


def prior_of(stage: str, *, stepped: bool) -> Prior:
    """What is usual for a stage by its name."""
    name = stage.lower()
    if stepped:
        return STEPS
    if "load" in name and "image" not in name:
        return LOADING
    return PICTURES if any(word in name for word in _OF_PICTURES) else OTHER


def law_of(prior: Prior, model: str, seen: Iterable[Seen]) -> Law | None:
    """The law for a model, from the sizes that it and others were seen at, the latest last; None without any."""
    seen = list(seen)
    own = [one for one in seen if one.model == model][-KEPT_SIZES:]
    used = own + [one for one in seen if one.model != model][-OTHER_SIZES:]
    if not used:
        return None
    models = tuple(dict.fromkeys(one.model for one in used))
    logs = [one.size.logs for one in used]
    middle = (_mean(one[0] for one in logs), _mean(one[1] for one in logs), _mean(one[2] for one in logs))
    rows = [_row(models, middle, one.model, one.size) for one in used]
    noise = _noise(used)
    first = _fitted(prior, models, middle, rows, used, MISFIT, noise, [1.0] * len(used))
    outs = [min(MOST_OUT, out) for out in _left_out(first, rows, used)]
    grown = (PRIOR_SIZES + math.fsum(outs)) / (PRIOR_SIZES + len(outs))
    misfit = min(MOST_MISFIT, max(LEAST_MISFIT, MISFIT * grown))
    return _fitted(prior, models, middle, rows, used, misfit, noise,
                   [max(1.0, out / (FAR_OUT * grown)) for out in outs])


def _fitted(prior: Prior, models: tuple[str, ...], middle: tuple[float, float, float], rows: Sequence[Sequence[float]],
            used: Sequence[Seen], misfit: float, noise: float, doubts: Sequence[float]) -> Law:
    """`doubts` are by how much the variance of each size is larger than it would be."""
    exponents = (prior.cells, prior.batch, prior.frames)
    weights = [0.0, *(mean for mean, _ in exponents), *(0.0 for _ in models)]
    spreads = [ANY_VARIANCE, *(deviation**2 for _, deviation in exponents), *(MODEL_VARIANCE for _ in models)]
    covariance = [[spread if i == j else 0.0 for j in range(len(spreads))] for i, spread in enumerate(spreads)]
    for x, one, doubt in zip(rows, used, doubts, strict=True):
        _update(weights, covariance, x, one.middle, doubt * (misfit + noise / len(one.logs)))
    return Law(models, middle, tuple(weights), tuple(map(tuple, covariance)), misfit, noise)


def _update(weights: list[float], covariance: list[list[float]], x: Sequence[float], y: float, variance: float) -> None:
    """One more size, in place: the Kalman update of a linear model that stands still."""
    spread = [_dot(line, x) for line in covariance]
    total = _dot(x, spread) + variance
    error = y - _dot(weights, x)
    for i, here in enumerate(spread):
        weights[i] += here / total * error
        for j, there in enumerate(spread):
            covariance[i][j] -= here * there / total


def _left_out(law: Law, rows: Sequence[Sequence[float]], used: Sequence[Seen]) -> Iterator[float]:
    """How far each size is from what the others say of it, squared, in deviations."""
    for x, one in zip(rows, used, strict=True):
        variance = law.misfit + law.noise / len(one.logs)
        leverage = min(0.999, _dot(x, [_dot(line, x) for line in law.covariance]) / variance)
        yield (one.middle - _dot(law.weights, x)) ** 2 / (variance * (1.0 - leverage))


def _noise(used: Sequence[Seen]) -> float:
    """The variance of one run about the others of its size, over all sizes."""
    found, count = PRIOR_RUNS * PRIOR_VARIANCE, PRIOR_RUNS
    for one in used:
        middle = median(one.logs)
        found += len(one.logs) * (1.4826 * median(abs(y - middle) for y in one.logs)) ** 2
        count += len(one.logs)
    return found / count


def _row(models: tuple[str, ...], middle: tuple[float, float, float], model: str, size: Size) -> list[float]:
    away = [log - there for log, there in zip(size.logs, middle, strict=True)]
    return [1.0, *away, *(1.0 if one == model else 0.0 for one in models)]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    found: float = sum(map(mul, a, b))
    return found


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)
