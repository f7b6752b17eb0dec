"""How much VRAM a job should need, learnt from what earlier ones took: the 0.9 quantile, linear in the job's size.

For each model: peak = base + a·pixels + b·pixels·batch + c·pixels·frames, fitted by quantile regression (pinball loss)
with the majorise-minimise steps of Hunter and Lange, "Quantile regression via an MM algorithm", J. Comput. Graph. Stat.
9, 2000: each is a weighted least-squares problem. A little ridge keeps what the runs do not tell apart from growing
large, and nothing shrinks with size: a coefficient that would be negative is 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model.job import Job, JobSpec

QUANTILE = 0.9
LEAST_RUNS = 3
"""With fewer of a model nothing is foretold, and the job may try."""
KEPT_RUNS = 32
GIB = float(1 << 30)
_STEPS, _SHARPEST = 16, 0.02
_RIDGE = 1e-3

_Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """`base_bytes` for the model, and so much a megapixel of one picture, of each in a batch, of each frame."""

    base_bytes: float
    per_bytes: tuple[float, float, float]

    def of(self, spec: JobSpec) -> float:
        """Bytes that a job with this spec should need at its peak."""
        return self.base_bytes + sum(per * x for per, x in zip(self.per_bytes, _sizes(spec), strict=True))


class Memory:
    """What jobs took, by engine, model and shape; the latest KEPT_RUNS of each."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str, str], deque[tuple[JobSpec, float]]] = {}
        self._needs: dict[tuple[str, str, str], Need | None] = {}

    def learn(self, spec: JobSpec, peak_bytes: float) -> None:
        if peak_bytes > 0:
            self._runs.setdefault(_kind(spec), deque(maxlen=KEPT_RUNS)).append((spec, peak_bytes))
            self._needs.pop(_kind(spec), None)

    def need_bytes(self, spec: JobSpec) -> float | None:
        """None: too little is known."""
        kind = _kind(spec)
        if kind not in self._needs:
            runs = self._runs.get(kind, ())
            self._needs[kind] = fit(runs) if len(runs) >= LEAST_RUNS else None
        need = self._needs[kind]
        return None if need is None else need.of(spec)


def peak_bytes(job: Job) -> float:
    """The most VRAM that a job took in any of its stages; 0: it was not measured, or not apart from others'."""
    peaks = [one.vram_bytes.peak for one in job.usage if one.vram_bytes is not None and one.by_process]
    return max(peaks, default=0.0)


def fit(runs: Iterable[tuple[JobSpec, float]], quantile: float = QUANTILE) -> Need:
    """The need of one model from its runs: (spec, peak bytes). Needs at least one."""
    rows: list[_Row] = []
    peaks: list[float] = []
    for spec, peak in runs:
        rows.append((1.0, *_sizes(spec)))
        peaks.append(peak / GIB)
    free = {0, 1, 2, 3}
    while True:
        found = _quantile_fit(rows, peaks, quantile, sorted(free))
        falling = {n for n in free if n and found[n] < 0.0}
        if not falling:
            return Need(found[0] * GIB, (found[1] * GIB, found[2] * GIB, found[3] * GIB))
        free -= {min(falling, key=lambda n: found[n])}


def _kind(spec: JobSpec) -> tuple[str, str, str]:
    return spec.engine, spec.model, spec.shape


def _sizes(spec: JobSpec) -> tuple[float, float, float]:
    """Megapixels of one picture, of those a batch adds, of those that more frames add."""
    pixels = max(0, spec.width) * max(0, spec.height) / 1e6
    return pixels, pixels * (max(1, spec.batch) - 1), pixels * (max(1, spec.frames) - 1)


def _quantile_fit(rows: Sequence[_Row], ys: Sequence[float], quantile: float, free: Sequence[int]) -> list[float]:
    """The coefficients; those that are not free are 0."""
    found = [0.0] * len(rows[0])
    weights = [1.0] * len(rows)
    shift = [0.0] * len(rows)
    sharpness = 1.0
    for _ in range(_STEPS):
        solved = _least_squares([[row[n] for n in free] for row in rows],
                                [y + pull for y, pull in zip(ys, shift, strict=True)], weights)
        for n, value in zip(free, solved, strict=True):
            found[n] = value
        sharpness = max(_SHARPEST, sharpness / 1.5)
        left = [y - sum(a * x for a, x in zip(found, row, strict=True)) for row, y in zip(rows, ys, strict=True)]
        # The loss |r|/2 + (q - 1/2) r lies below r²/4s + s/4 + (q - 1/2) r, s = |r|: least squares of y + (2q - 1) s.
        weights = [1.0 / max(abs(r), sharpness) for r in left]
        shift = [(2.0 * quantile - 1.0) / weight for weight in weights]
    return found


def _least_squares(rows: Sequence[Sequence[float]], ys: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Weighted, with a ridge on all but the first coefficient. A handful of unknowns: Gauss's elimination will do."""
    size = len(rows[0])
    table = [[sum(w * row[i] * row[j] for row, w in zip(rows, weights, strict=True)) for j in range(size)]
             + [sum(w * row[i] * y for row, y, w in zip(rows, ys, weights, strict=True))] for i in range(size)]
    total = sum(weights)
    for i in range(size):
        table[i][i] += total * (_RIDGE if i else 1e-9)
    for i in range(size):
        pivot = table[i][i]
        table[i] = [value / pivot for value in table[i]]
        for k in range(size):
            if k != i and table[k][i]:
                factor = table[k][i]
                table[k] = [a - factor * b for a, b in zip(table[k], table[i], strict=True)]
    return [row[size] for row in table]
