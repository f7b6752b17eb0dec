"""The upkeep of the series' file, in steps: the tail becomes blocks, blocks become coarser ones, old ones go.

A step takes about a millisecond, folding in the WAL three, and who writes meanwhile waits for no more than one: a task
reads and computes for some steps, with no transaction open, and writes in its last, whole or not at all. Whatever ends
the process, nothing is lost and nothing counted twice. The finer levels come first, and nothing is forgotten that the
next coarser level has not been made of.

The WAL is folded into the file in a step of the upkeep too, and often: that takes time by its length, and left to
SQLite it would fall on whoever writes when it has grown long.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import nan

from ...model.series import Columns, Resolution, aligned, roll_up
from ..connection import transaction
from . import LATE_S, blocks, reading, schema

FIGURES = 5
"""Packed in a step."""
BLOCKS = 5
"""Forgotten in a step."""
FOLD_ROWS = 60
"""Rows written, after which the WAL is folded in: of one machine's figures, a minute's."""

_Behind = tuple[int, int, str, str]
"""A series that is behind: its id and frontier, and its names."""
_Task = Iterator[None]
"""Each `next` does a step."""
_OVER = object()


class Upkeep:
    """What is under way. `step` is called with the one connection that writes."""

    def __init__(self, kept: Sequence[Resolution]) -> None:
        self._kept = kept
        self._connection: sqlite3.Connection | None = None
        self._task: _Task | None = None
        self._folded_rows = 0

    def step(self, connection: sqlite3.Connection, now_s: float) -> bool:
        """Whether there was something to do. A task that fails is begun anew by the next step."""
        if connection is not self._connection:
            self._connection, self._task, self._folded_rows = connection, None, connection.total_changes
        task, self._task = self._task or self._next(connection, now_s), None
        if task is None:
            return False
        if next(task, _OVER) is not _OVER:
            self._task = task
        return True

    def _next(self, connection: sqlite3.Connection, now_s: float) -> _Task | None:
        if connection.total_changes - self._folded_rows >= FOLD_ROWS:
            self._folded_rows = connection.total_changes
            return _fold(connection)
        for level, resolution in enumerate(self._kept):
            until_s = aligned(now_s - LATE_S, resolution.span_s)
            behind: _Behind | None = connection.execute(schema.BEHIND, (level, until_s)).fetchone()
            if behind is not None:
                return _roll(connection, behind, self._kept, level, until_s) if level \
                    else _pack(connection, behind, resolution.span_s, until_s)
        old = _old(connection, self._kept, now_s)
        return _forget(connection, old) if old else None


def _fold(connection: sqlite3.Connection) -> _Task:
    """What is read just now stays in the WAL until the next time."""
    connection.execute(schema.FOLD).fetchone()
    yield from ()


def _pack(connection: sqlite3.Connection, behind: _Behind, span_s: int, until_s: int) -> _Task:
    """The first span of a host's tail into blocks of samples, all figures at once: its rows go together."""
    moments, _, host, _ = behind
    (first_ms,) = connection.execute(schema.TAIL_FIRST, (moments,)).fetchone()
    if first_ms is None or first_ms >= until_s * 1000:
        connection.execute(schema.SET_FRONTIER, (moments, 0, until_s))
        return
    start_s = aligned(first_ms / 1000.0, span_s)
    end_s = start_s + span_s
    rows = connection.execute(schema.TAIL, (moments, first_ms, end_s * 1000)).fetchall()
    width, values = _level([body for _, body in rows])
    made = [(moments, 0, start_s, blocks.pack_moments([at_ms for at_ms, _ in rows], start_s))]
    places = [(series, place) for _, series, place in connection.execute(schema.SERIES_OF, (host,)) if place >= 0]
    for n, (series, place) in enumerate(places):
        if n % FIGURES == 0:
            yield
        column = values[place:width * len(rows):width] if place < width else ()
        if any(value == value for value in column):
            made.append((series, 0, start_s, blocks.pack_samples(column)))
    yield
    with transaction(connection):
        # What came late, since the rows were read, is to be in the blocks too: then all is done again.
        if connection.execute(schema.COUNT_TAIL, (moments, end_s * 1000)).fetchone() == (len(rows),):
            connection.executemany(schema.INSERT_BLOCK, made)
            connection.execute(schema.DELETE_TAIL, (moments, end_s * 1000))
            connection.execute(schema.SET_FRONTIER, (moments, 0, end_s))


def _level(bodies: list[bytes]) -> tuple[int, array[float]]:
    """The rows one after another, all as wide as the widest, with that width."""
    width = max(len(body) for body in bodies) // 4
    missing = array("f", [nan]).tobytes()
    return width, array("f", b"".join(body + missing * (width - len(body) // 4) for body in bodies))


def _roll(connection: sqlite3.Connection, behind: _Behind, kept: Sequence[Resolution], level: int,
          until_s: int) -> _Task:
    """One figure's first span of finer buckets into one block."""
    series, frontier_s, host, metric = behind
    figure = reading.find(connection, host, metric)
    (first_s,) = connection.execute(schema.BLOCK_FIRST, (series, level - 1, frontier_s)).fetchone()
    if first_s is None or first_s >= until_s:
        connection.execute(schema.SET_FRONTIER, (series, level, until_s))
        return
    coarser, finer = kept[level], kept[level - 1]
    start_s = aligned(first_s, coarser.span_s)
    rolled = Columns()
    for at_s in range(start_s, start_s + coarser.span_s, finer.span_s):
        found = reading.made(connection, figure, finer, level - 1, at_s, at_s + finer.span_s)
        rolled.add(roll_up(found, coarser.step_s))
        yield
    body = blocks.pack_buckets(rolled, start_s, coarser.step_s, coarser.span_s)
    with transaction(connection):
        connection.execute(schema.INSERT_BLOCK, (series, level, start_s, body))
        connection.execute(schema.SET_FRONTIER, (series, level, start_s + coarser.span_s))


def _old(connection: sqlite3.Connection, kept: Sequence[Resolution], now_s: float) -> list[tuple[int, int]]:
    """Some of the blocks that are older than their resolution is kept: (rowid, series)."""
    return list(islice(chain.from_iterable(
        connection.execute(schema.OLD_BLOCKS, (level, _before(kept, level, now_s), BLOCKS))
        for level in range(len(kept))), BLOCKS))


def _forget(connection: sqlite3.Connection, old: list[tuple[int, int]]) -> _Task:
    """A series whose last block goes goes with it."""
    with transaction(connection):
        connection.executemany(schema.DELETE_BLOCK, ((row,) for row, _ in old))
        for series in {series for _, series in old}:
            if connection.execute(schema.HAS_BLOCKS, (series,)).fetchone() is None:
                _part_with(connection, series)
    yield from ()


def _before(kept: Sequence[Resolution], level: int, now_s: float) -> int:
    """The last beginning of a block of this level that is too old."""
    until_s = now_s - kept[level].keep_s
    if level + 1 < len(kept):
        until_s = min(until_s, aligned(now_s - LATE_S, kept[level + 1].span_s))
    return int(until_s // 1) - kept[level].span_s


def _part_with(connection: sqlite3.Connection, series: int) -> None:
    """The series has no blocks left. Its name goes too, unless the tail still has something of it."""
    host, metric = connection.execute(schema.SERIES_BY_ID, (series,)).fetchone()
    if metric:
        figure = reading.find(connection, host, metric)
        gone = not len(reading.tail(connection, figure, 0.0, float("inf")))
    else:
        gone = connection.execute(schema.TAIL_FIRST, (series,)).fetchone() == (None,) \
            and len(connection.execute(schema.SERIES_OF, (host,)).fetchall()) == 1
    if gone:
        for statement in schema.FORGET_SERIES:
            connection.execute(statement, (series,))
