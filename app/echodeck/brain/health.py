"""How the hub is, and in what state of mind: one table of what can be wrong, how bad it is, and how it is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

LATE_S = 0.25
"""A loop that is later than this by its own clock is impaired."""
SLOW_S = 0.5
"""So is a hub whose store takes longer than this to write, one time in twenty."""
AWAKE_S = 60.0
"""Who decided something in this time is active."""
LEAST_WRITES = 5

Status = Literal["healthy", "degraded", "unhealthy"]
Consciousness = Literal["active", "idle", "impaired", "inactive"]


@dataclass(frozen=True, slots=True)
class Vitals:
    """`refused`: why new jobs cannot be accepted ("" when they can). `engines` are those that agents here drive, each
    with the reason why it cannot be used ("" when it can). `write_s` is the 95th percentile of the store's writes."""

    refused: str = ""
    engines: Mapping[str, str] = field(default_factory=dict)
    late_s: float = 0.0
    write_s: float = 0.0
    decided_ago_s: float = math.inf
    in_hand: int = 0
    slots: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """`status` and why: "unhealthy" cannot accept jobs, or nothing at all can run; "degraded" works with a fault."""

    status: Status
    consciousness: Consciousness
    working_memory: str
    reasons: tuple[str, ...]


def _none_here(vitals: Vitals) -> str:
    return "" if vitals.engines else "no agent is online, so nothing can be generated"


def _none_usable(vitals: Vitals) -> str:
    if not vitals.engines or not all(vitals.engines.values()):
        return ""
    return "no engine can be used: " + "; ".join(f"{name}: {why}" for name, why in sorted(vitals.engines.items()))


def _some_unusable(vitals: Vitals) -> str:
    down = {name: why for name, why in vitals.engines.items() if why}
    if not down or len(down) == len(vitals.engines):
        return ""
    return "; ".join(f"{name} cannot be used: {why}" for name, why in sorted(down.items()))


FAULTS: tuple[tuple[Status, Callable[[Vitals], str]], ...] = (
    ("unhealthy", lambda vitals: vitals.refused),
    ("unhealthy", _none_here),
    ("unhealthy", _none_usable),
    ("degraded", _some_unusable),
    ("degraded", lambda vitals: f"the hub is {vitals.late_s:.1f} s late" if vitals.late_s > LATE_S else ""),
    ("degraded", lambda vitals: f"the store takes {vitals.write_s:.1f} s to write" if vitals.write_s > SLOW_S else ""),
)
"""What can be wrong, the worst first: how bad it is, and what says so ("" when it is not so)."""


def examine(vitals: Vitals) -> Health:
    found = [(status, said) for status, fault in FAULTS if (said := fault(vitals))]
    return Health(found[0][0] if found else "healthy", consciousness(vitals), f"{vitals.in_hand}/{vitals.slots}",
                  tuple(said for _, said in found))


def consciousness(vitals: Vitals) -> Consciousness:
    if vitals.refused or vitals.late_s > LATE_S or vitals.write_s > SLOW_S:
        return "impaired"
    if not vitals.engines:
        return "inactive"
    return "active" if vitals.decided_ago_s < AWAKE_S else "idle"


def percentile_95(writes_s: Sequence[float]) -> float:
    """Of durations in seconds, by the nearest rank; 0 of too few to say."""
    if len(writes_s) < LEAST_WRITES:
        return 0.0
    return sorted(writes_s)[math.ceil(0.95 * len(writes_s)) - 1]
