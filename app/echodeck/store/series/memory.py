"""Series in memory: for hubs that shall leave nothing behind, for tests, and as the measure for the other.

A figure is one run of buckets that grow coarser with age, so what it holds is bounded as it is on disk.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence

from ...errors import UnknownName
from ...model.series import Columns, Resolution, Row, aligned, fits, resolution_for, resolutions, roll_up, thin, whole
from . import LATE_S, MOST_METRICS, Moment


class MemorySeries:
    """Keeps what it is given until the process ends, also from `close` to the next `open`."""

    def __init__(self, kept: Sequence[Resolution] | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._kept = resolutions() if kept is None else kept
        self._clock = clock
        self._figures: dict[str, dict[str, Columns]] = {}
        self._closed_s: dict[str, int] = {}
        self._open_ms: dict[str, set[int]] = {}
        """The moments of each host that are not closed."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def append(self, moments: Sequence[Moment]) -> int:
        return sum(self._take(one) for one in moments)

    def _take(self, moment: Moment) -> bool:
        at_ms = round(moment.at_s * 1000)
        span_s = self._kept[0].span_s
        closed_s = self._closed_s.setdefault(moment.host, aligned(at_ms / 1000.0 - LATE_S, span_s))
        known = self._open_ms.setdefault(moment.host, set())
        if at_ms < closed_s * 1000 or at_ms in known:
            return False
        known.add(at_ms)
        figures = self._figures.setdefault(moment.host, {})
        for metric, value in moment.values:
            if fits(value) and (metric in figures or len(figures) < MOST_METRICS):
                _insert(figures.setdefault(metric, Columns()), at_ms / 1000.0, value)
        return True

    async def range(self, host: str, metric: str, since_s: float, until_s: float, points: int) -> list[Row]:
        figures = self._figures.get(host)
        if figures is None:
            raise UnknownName("host", host, sorted(self._figures))
        if metric not in figures:
            raise UnknownName("metric", metric, sorted(figures))
        now_s = self._clock()
        since_s = max(since_s, now_s - self._kept[-1].keep_s)
        if since_s >= until_s:
            return []
        step_s = self._kept[resolution_for(self._kept, since_s, until_s, points, now_s)].step_s
        found = figures[metric].between(*whole(since_s, until_s, step_s))
        return thin(roll_up(found, step_s), since_s, until_s, points)

    async def names(self) -> dict[str, list[str]]:
        return {host: sorted(figures) for host, figures in sorted(self._figures.items())}

    async def compact(self, now_s: float, limit: int) -> int:
        """All at once, whatever the limit."""
        done = 0
        for host, figures in [*self._figures.items()]:
            closed_s = self._closed_s[host] = max(self._closed_s[host], aligned(now_s - LATE_S, self._kept[0].span_s))
            self._open_ms[host] = {at_ms for at_ms in self._open_ms[host] if at_ms >= closed_s * 1000}
            coarser = {metric: self._coarser(columns, now_s, closed_s) for metric, columns in figures.items()}
            done += sum(len(figures[metric]) - len(columns) for metric, columns in coarser.items())
            self._figures[host] = {metric: columns for metric, columns in coarser.items() if columns}
            if not self._figures[host] and not self._open_ms[host]:
                for known in (self._figures, self._closed_s, self._open_ms):
                    del known[host]
        return done

    def _coarser(self, columns: Columns, now_s: float, closed_s: int) -> Columns:
        made = Columns()
        since_s = aligned(now_s - self._kept[-1].keep_s, self._kept[-1].step_s)
        for finer, coarser in zip(self._kept[-2::-1], self._kept[:0:-1], strict=True):
            until_s = aligned(min(now_s - finer.keep_s, closed_s), coarser.step_s)
            made.add(roll_up(columns.between(since_s, until_s), coarser.step_s))
            since_s = max(since_s, until_s)
        made.add(columns.between(since_s, math.inf))
        return made


def _insert(columns: Columns, at_s: float, value: float) -> None:
    place = bisect_left(columns.at_s, at_s)
    columns.at_s.insert(place, at_s)
    for column in (columns.low, columns.mean, columns.high):
        column.insert(place, value)
    columns.n.insert(place, 1)
