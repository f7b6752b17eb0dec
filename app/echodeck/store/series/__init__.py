"""Where the machines' figures over time lie: a protocol of its own, with SQLite and memory behind it.

They are many, no single one matters, and they are written whether or not anything happens, so they share neither file
nor thread with the events: whatever is done here, the one writer of facts never waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...model.series import Row

LATE_S = 60.0
"""Samples this old may still come; what is older is closed."""
MOST_METRICS = 1_000
"""Figures of one host; further ones are not taken."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was measured of a host at once: figures by their key."""

    host: str
    at_s: float
    values: Sequence[tuple[str, float]]


class Series(Protocol):
    """Values are kept as 32-bit floats: seven digits. Raises StoreUnavailable when it cannot write or read."""

    async def open(self) -> None:
        """Make ready. Whoever opens it holds the data directory's lock already."""

    async def close(self) -> None: ...

    async def append(self, moments: Sequence[Moment]) -> int:
        """Write them all or none; returns how many were new. A second one of the same host and millisecond, and one
        from a time that is closed, is left out. They outlive the process on return, not always a power cut."""

    async def range(self, host: str, metric: str, since_s: float, until_s: float, points: int) -> list[Row]:
        """At most `points` rows of what began in [since, until), in order; see `model.series` for what a row is.

        Where the range is wide or old, buckets are read; one that has `since` within it counts whole.
        Raises UnknownRecord ("host" or "metric"), naming those there are.
        """

    async def names(self) -> dict[str, list[str]]:
        """The metrics of every host that anything is kept of, both in order."""

    async def compact(self, now_s: float, limit: int) -> int:
        """So many steps of the upkeep at most, each about a millisecond of work; whoever writes meanwhile waits for no
        more than one. Returns how many were done, 0 when there is nothing to do."""
