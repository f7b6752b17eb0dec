"""What is too much of each measure: sound limits, moved by what is normal for a model.

A model that draws soft, grainy or dark on purpose does so in most of its pictures, so the median of its own measures
and their median absolute deviation (over 0.6745, as a deviation) say what is normal; most of them being good is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from ..steps import QUICK_STEPS, few, quick
from .figures import Measures

FEWEST, MOST = 12, 64
"""Pictures of a model before its limits move, and those that count: the latest."""
FEW = 1 / 6
"""Of a model's usual steps: with less, raggedness alone is noise left over."""
FAR = 8.0
"""Deviations from the model's median that are too far."""
LEAST, GREATEST = 0.85, 2.0
"""How far a limit may move, as a factor."""
USUAL_STEPS = 20.0


@dataclass(frozen=True, slots=True)
class Norms:
    """Limits: more is too much (of `span`, less). `steps` is how many a model usually makes."""

    grain: float = 3.0 / 255
    edge_px: float = 3.0
    bands: float = 0.0009
    cut: float = 0.039
    span: float = 0.2
    steps: float = USUAL_STEPS

    def speckle(self, steps: int) -> float:
        """How much raggedness is noise left over: only with steps that are few for the model, and then by how few."""
        share = steps / self.steps
        return 0.45 * share**0.7 if 0 < share < FEW else float("inf")

    def few(self, steps: int) -> bool:
        return few(steps, self.steps)


BEFORE_ANY = Norms()


def norms(model: str, seen: Sequence[tuple[Measures, int]]) -> Norms:
    """For a model of which these pictures were seen, with their steps (0: not known), oldest first."""
    start = replace(BEFORE_ANY, steps=float(QUICK_STEPS) if quick(model) else USUAL_STEPS)
    if len(seen) < FEWEST:
        return start
    latest = seen[-MOST:]
    measures, steps = [one for one, _ in latest], [count for _, count in latest if count]
    return Norms(
        grain=_limit(start.grain, [one.grain for one in measures]),
        edge_px=_limit(start.edge_px, [one.edge_px for one in measures if one.edge_px is not None]),
        bands=_limit(start.bands, [one.bands for one in measures]),
        cut=_limit(start.cut, [one.cut for one in measures]),
        span=1 / _limit(1 / start.span, [1 / max(one.span, 0.01) for one in measures]),
        steps=median(steps) if len(steps) >= FEWEST else start.steps,
    )


def _limit(start: float, values: Sequence[float]) -> float:
    """The limit for what is usually like `values`."""
    if len(values) < FEWEST:
        return start
    middle = median(values)
    spread = median(abs(value - middle) for value in values) / 0.6745
    return min(max(middle + FAR * spread, LEAST * start), GREATEST * start)
