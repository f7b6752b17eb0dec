"""The processor: how busy each core is, and how fast it runs."""

from __future__ import annotations

import psutil

from .system import ask


class Cpu:
    """`busy` and `mhz` of the cores; busy is over the time since the last call."""

    def __init__(self) -> None:
        self._times = _times()

    def busy(self) -> tuple[float, tuple[float, ...]]:
        """Percent of all cores and of each. psutil's own figures are kept by thread, and ours may change."""
        before, self._times = self._times, _times()
        if len(before) != len(self._times):  # a core was switched on or off
            return 0.0, tuple(0.0 for _ in self._times)
        deltas = [(max(0.0, b2 - b1), max(0.0, t2 - t1))
                  for (b1, t1), (b2, t2) in zip(before, self._times, strict=True)]
        cores = tuple(_percent(busy, total) for busy, total in deltas)
        return _percent(sum(busy for busy, _ in deltas), sum(total for _, total in deltas)), cores


def mhz() -> tuple[float, ...]:
    """Of each core now, whole; empty where the system does not tell. Dear: some kernels ask every core."""
    found = tuple(float(round(one.current)) for one in ask(lambda: psutil.cpu_freq(percpu=True)) or [])
    return found if any(found) else ()


def _percent(part: float, whole: float) -> float:
    return min(100.0, 100.0 * part / whole) if whole > 0 else 0.0


def _times() -> list[tuple[float, float]]:
    """(busy, total) seconds since boot of each core. Time of guests is part of the user's on Linux already."""
    found = []
    for times in ask(psutil.cpu_times, True) or []:
        fields: dict[str, float] = times._asdict()
        total = sum(fields.values()) - fields.get("guest", 0.0) - fields.get("guest_nice", 0.0)
        found.append((total - fields.get("idle", 0.0) - fields.get("iowait", 0.0), total))
    return found
