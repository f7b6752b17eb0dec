"""Quiet hours, by the clock on the wall: over midnight, and over the changes to and from summer time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, tzinfo


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `start` (which is quiet) until `end` (which is not). `zone` None is the machine's own time."""

    start: time
    end: time
    errors_pass: bool = True
    zone: tzinfo | None = None

    def on(self, at_s: float) -> bool:
        """Whether it is quiet at this moment (seconds since the epoch)."""
        now = datetime.fromtimestamp(at_s, self.zone).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def holds(self, level: str, at_s: float) -> bool:
        """Whether what has this level has to wait now."""
        return self.on(at_s) and not (self.errors_pass and level == "error")
