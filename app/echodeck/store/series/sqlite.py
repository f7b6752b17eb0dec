"""Series on disk: a SQLite file beside the events' (`series.db`), with connections and threads of its own.

`synchronous=NORMAL`: what is written outlives the process, and a power cut leaves the file whole but may take the last
seconds, which for figures is worth not waiting for the disk at each of them.
"""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from math import nan
from pathlib import Path
from typing import TypeVar

from ...errors import StoreUnavailable
from ...model.series import Resolution, Row, aligned, fits, resolution_for, resolutions, thin, whole
from ..connection import Connection, Work, snapshot, transaction
from ..lock import unusable
from ..schema import migrate
from . import LATE_S, MOST_METRICS, Moment, reading, schema
from .upkeep import Upkeep

FILE_NAME = "series.db"

_T = TypeVar("_T")


class SqliteSeries:
    """Series in `directory`, which is made if it is not there. See the protocol for what the methods promise."""

    def __init__(self, directory: Path, kept: Sequence[Resolution] | None = None, *,
                 clock: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self._kept = resolutions() if kept is None else kept
        self._clock = clock
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._upkeep = Upkeep(self._kept)

    async def open(self) -> None:
        path = self.directory / FILE_NAME
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self.directory, error) from error
        self._writer, self._reader = Connection(path, "rwc", "NORMAL"), Connection(path, "ro")
        try:
            await self._writer.run(lambda connection: migrate(connection, str(path), schema.MIGRATIONS))
            await self._reader.run(reading.names)
        except BaseException:  # whatever it was, no thread stays behind
            await self.close()
            raise

    async def close(self) -> None:
        # The reader first: the last connection to go folds the WAL into the file, and only the writer can.
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        for connection in (reader, writer):
            if connection is not None:
                await connection.close()

    async def append(self, moments: Sequence[Moment]) -> int:
        return await self._run(self._writer, lambda connection: _append(connection, moments, self._kept))

    async def range(self, host: str, metric: str, since_s: float, until_s: float, points: int) -> list[Row]:
        now_s = self._clock()
        from_s = max(since_s, now_s - self._kept[-1].keep_s)
        return await self._run(self._reader, lambda connection: _range(
            connection, self._kept, (host, metric), from_s, until_s, points, now_s))

    async def names(self) -> dict[str, list[str]]:
        return await self._run(self._reader, reading.names)

    async def compact(self, now_s: float, limit: int) -> int:
        done = 0
        # One at a time: whoever writes meanwhile comes in between.
        while done < limit and await self._run(self._writer, lambda connection: self._upkeep.step(connection, now_s)):
            done += 1
        return done

    async def _run(self, connection: Connection | None, work: Work[_T]) -> _T:
        if connection is None:
            raise StoreUnavailable(f"the series in {self.directory} are not open")
        return await connection.run(work)


def _range(connection: sqlite3.Connection, kept: Sequence[Resolution], name: tuple[str, str], since_s: float,
           until_s: float, points: int, now_s: float) -> list[Row]:
    with snapshot(connection):
        figure = reading.find(connection, *name)
        if since_s >= until_s:
            return []
        level = resolution_for(kept, since_s, until_s, points, now_s)
        found = reading.columns(connection, figure, kept, level, *whole(since_s, until_s, kept[level].step_s))
    return thin(found, since_s, until_s, points)


def _append(connection: sqlite3.Connection, moments: Iterable[Moment], kept: Sequence[Resolution]) -> int:
    hosts: dict[str, list[tuple[int, Moment]]] = {}
    for one in moments:
        hosts.setdefault(one.host, []).append((round(one.at_s * 1000), one))
    with transaction(connection):
        return sum(_append_to(connection, host, ones, kept) for host, ones in hosts.items())


def _append_to(connection: sqlite3.Connection, host: str, moments: list[tuple[int, Moment]],
               kept: Sequence[Resolution]) -> int:
    known = {metric: (id_, place) for metric, id_, place in connection.execute(schema.SERIES_OF, (host,))}
    if not known:
        first_s = aligned(moments[0][0] / 1000.0 - LATE_S, kept[0].span_s)
        known[""] = _add(connection, host, "", -1), -1
        connection.execute(schema.SET_FRONTIER, (known[""][0], 0, first_s))
    of = known[""][0]
    closed_s = reading.frontier(connection, of, 0)
    rows = []
    for at_ms, moment in moments:
        if at_ms >= closed_s * 1000:
            values = [(metric, value) for metric, value in moment.values if fits(value)]
            _name(connection, host, [metric for metric, _ in values], known, closed_s, kept)
            rows.append((of, at_ms, _body(values, known)))
    return connection.executemany(schema.INSERT_TAIL, rows).rowcount if rows else 0


def _name(connection: sqlite3.Connection, host: str, metrics: Iterable[str], known: dict[str, tuple[int, int]],
          closed_s: int, kept: Sequence[Resolution]) -> None:
    """Give metrics that are new a place each, as long as there are not too many."""
    for metric in metrics:
        if metric not in known and len(known) <= MOST_METRICS:
            place = 1 + max(place for _, place in known.values())
            known[metric] = _add(connection, host, metric, place), place
            for level, resolution in enumerate(kept[1:], 1):
                frontier_s = aligned(closed_s, resolution.span_s)
                connection.execute(schema.SET_FRONTIER, (known[metric][0], level, frontier_s))


def _add(connection: sqlite3.Connection, host: str, metric: str, place: int) -> int:
    id_ = connection.execute(schema.INSERT_SERIES, (host, metric, place)).lastrowid
    assert id_ is not None
    return id_


def _body(values: list[tuple[str, float]], known: dict[str, tuple[int, int]]) -> bytes:
    """A row of the tail: each value in its series' place, NaN where there is none."""
    body = array("f", [nan]) * (1 + max(place for _, place in known.values()))
    for metric, value in values:
        if metric in known and metric:
            body[known[metric][1]] = value
    return body.tobytes()
