"""A disk that fills: how long what is free lasts at the pace of the last hours.

A download or a film is a burst, and says little of the hours to come: the pace is the mean over stretches of ten
minutes without the fastest and the slowest quarter of them. What is nearly full is said at once, however slow it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...model.record import Disk, Host
from .finding import Finding
from .quantity import size, span
from .trend import certainty, steady

BUCKET_S, BUCKETS = 600.0, 18
LEAST_BUCKETS = 9
SURE = 3.0
SMALL_BYTES = 8e9
"""Of a file system smaller than this (one to start from, say) only the pace counts, not how full it is."""
STALE_S = 1800.0
"""A disk that was not seen for so long was taken away, or nobody knows of it."""
AGAIN = 2.0
"""It is good again when there is so many times what it was said at."""


@dataclass(frozen=True, slots=True)
class DiskLimits:
    """Said when what is free lasts less than `left_s`, or is less than `free_percent` and `free_gb`."""

    left_s: float = 12 * 3600.0
    free_percent: float = 3.0
    free_gb: float = 5.0
    level: str = "warning"


@dataclass(slots=True)
class _Filling:
    disk: Disk
    buckets: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=BUCKETS))
    """(when it begins, bytes free then)"""
    left_s: float | None = None
    soon: bool = False
    full: bool = False
    last_s: float = 0.0

    def see(self, at_s: float, disk: Disk, limits: DiskLimits) -> None:
        self.disk, self.last_s = disk, at_s
        low_bytes = min(limits.free_gb * 1e9, limits.free_percent / 100 * disk.total_bytes)
        self.full = disk.total_bytes >= SMALL_BYTES and disk.free_bytes < (AGAIN if self.full else 1.0) * low_bytes
        if not self.buckets or at_s - self.buckets[-1][0] >= BUCKET_S:
            if self.buckets and at_s - self.buckets[-1][0] > 3 * BUCKET_S:  # nobody knows what was in between
                self.buckets.clear()
            self.buckets.append((at_s, float(disk.free_bytes)))
            self.left_s = self._left_s()
            bound_s = (AGAIN if self.soon else 1.0) * limits.left_s
            self.soon = self.left_s is not None and self.left_s < bound_s

    def _left_s(self) -> float | None:
        """None when it does not surely fill, or that is not known yet."""
        points = [*self.buckets]
        if len(points) < LEAST_BUCKETS or certainty(points) > -SURE:
            return None
        pace = -steady(points)
        return self.disk.free_bytes / pace if pace > 0 else None


class Disks:
    """`sampled` is told of each sample of a machine."""

    def __init__(self, limits: DiskLimits) -> None:
        self._limits = limits
        self._filling: dict[tuple[str, str], _Filling] = {}

    def sampled(self, host: Host) -> None:
        for disk in host.disks:
            filling = self._filling.setdefault((host.name, disk.mount), _Filling(disk))
            filling.see(host.at_s, disk, self._limits)

    def findings(self, now_s: float) -> Iterator[Finding]:
        self._filling = {key: one for key, one in self._filling.items() if now_s - one.last_s < STALE_S}
        for (host, mount), one in self._filling.items():
            if not (one.soon or one.full):
                continue
            free = f"{size(float(f'{one.disk.free_bytes:.2g}'))} of {size(one.disk.total_bytes)} is free"
            lasts = f", enough for about {span(_rough(one.left_s))} as it has been filling" if one.left_s else ""
            level = "error" if one.full else self._limits.level
            title = f"Disk {mount} of {host} is {'nearly full' if one.full else 'filling'}"
            yield Finding(f"disk:{host}:{mount}", level, title, free + lasts, host)


def _rough(left_s: float) -> float:
    """An hour, or half of one: nobody needs it more exactly, and it is not told anew every minute."""
    return max(1800.0, 1800.0 * round(left_s / 1800.0)) if left_s < 7200 else 3600.0 * round(left_s / 3600.0)
