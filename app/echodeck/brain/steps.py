"""How many steps a model usually needs, and when a job has too few of them: pure.

A picture of few steps says little about its model: noise is left over, whatever the model could have done. So verdicts
on them are kept apart, and what they call for is more steps, not a better model.
"""

from __future__ import annotations

import math

FEW = 1 / 3
"""Of the steps that a model usually needs: fewer are few. The embedded engine (of 20) leaves noise with 2 and 3."""
QUICK_STEPS = 4
QUICK = ("turbo", "lightning", "lcm", "schnell", "hyper")
"""Words in the names of models that need few steps."""


def quick(model: str) -> bool:
    """Whether its name says that it needs few steps."""
    named = model.lower()
    return any(word in named for word in QUICK)


def usual(model: str, default: int) -> int:
    """How many the model usually needs: its engine's default, or less where it is made for less. 0 where the engine
    counts no steps. What people tried with it does not move it: quick trials are no norm."""
    return min(default, QUICK_STEPS) if quick(model) else default


def few(steps: int, usually: float) -> bool:
    """False where either is not known (0)."""
    return 0 < steps < FEW * usually


def span(usually: int, *, lacking: bool) -> str:
    """In words the numbers of steps that are few, or that are not; "" where there is no such difference."""
    least = math.ceil(FEW * usually)
    if least <= 1:  # no number is few
        return ""
    return f"less than {least} steps" if lacking else f"{least} steps or more"
