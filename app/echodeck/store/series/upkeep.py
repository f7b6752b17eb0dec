"""The upkeep of the series' file, in slices: the tail becomes blocks, blocks become coarser ones, old ones go.

Each slice is one transaction: whatever ends the process, nothing is lost and nothing counted twice. The finer levels
come first, and nothing is forgotten that the next coarser level has not been made of.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from itertools import chain, islice
from math import nan

from ...model.series import Resolution, aligned, roll_up
from ..connection import transaction
from . import LATE_S, blocks, reading, schema

_Behind = tuple[int, int, str, str]
"""A series that is behind: its id and frontier, and its names."""


def compact(connection: sqlite3.Connection, kept: Sequence[Resolution], now_s: float, limit: int) -> int:
    """One slice; how much was done."""
    for level, resolution in enumerate(kept):
        until_s = aligned(now_s - LATE_S, resolution.span_s)
        behind: list[_Behind] = connection.execute(schema.BEHIND, (level, until_s, limit if level else 1)).fetchall()
        if behind:
            with transaction(connection):
                for one in behind:
                    if level:
                        _roll(connection, one, kept, level, until_s)
                    else:
                        _pack(connection, one, resolution.span_s, until_s)
            return len(behind)
    return _forget(connection, kept, now_s, limit)


def _pack(connection: sqlite3.Connection, behind: _Behind, span_s: int, until_s: int) -> None:
    """The first span of a host's tail into blocks of samples, all figures at once: its rows go together."""
    moments, _, host, _ = behind
    (first_ms,) = connection.execute(schema.TAIL_FIRST, (moments,)).fetchone()
    if first_ms is None or first_ms >= until_s * 1000:
        connection.execute(schema.SET_FRONTIER, (moments, 0, until_s))
        return
    start_s = aligned(first_ms / 1000.0, span_s)
    rows = connection.execute(schema.TAIL, (moments, first_ms, (start_s + span_s) * 1000)).fetchall()
    made = [(moments, blocks.pack_moments([at_ms for at_ms, _ in rows], start_s))]
    width, values = _level([body for _, body in rows])
    for _, series, place in connection.execute(schema.SERIES_OF, (host,)).fetchall():
        if 0 <= place < width:
            column = values[place::width]
            if any(value == value for value in column):
                made.append((series, blocks.pack_samples(column)))
    connection.executemany(schema.INSERT_BLOCK, ((series, 0, start_s, body) for series, body in made))
    connection.execute(schema.DELETE_TAIL, (moments, (start_s + span_s) * 1000))
    connection.execute(schema.SET_FRONTIER, (moments, 0, start_s + span_s))


def _level(bodies: list[bytes]) -> tuple[int, array[float]]:
    """The rows one after another, all as wide as the widest, with that width."""
    width = max(len(body) for body in bodies) // 4
    missing = array("f", [nan]).tobytes()
    return width, array("f", b"".join(body + missing * (width - len(body) // 4) for body in bodies))


def _roll(connection: sqlite3.Connection, behind: _Behind, kept: Sequence[Resolution], level: int,
          until_s: int) -> None:
    """One figure's first span of finer buckets into one block."""
    series, frontier_s, host, metric = behind
    figure = reading.find(connection, host, metric)
    (first_s,) = connection.execute(schema.BLOCK_FIRST, (series, level - 1, frontier_s)).fetchone()
    if first_s is None or first_s >= until_s:
        connection.execute(schema.SET_FRONTIER, (series, level, until_s))
        return
    resolution = kept[level]
    start_s = aligned(first_s, resolution.span_s)
    finer = reading.made(connection, figure, kept[level - 1], level - 1, start_s, start_s + resolution.span_s)
    rolled = roll_up(finer, resolution.step_s)
    body = blocks.pack_buckets(rolled, start_s, resolution.step_s, resolution.span_s)
    connection.execute(schema.INSERT_BLOCK, (series, level, start_s, body))
    connection.execute(schema.SET_FRONTIER, (series, level, start_s + resolution.span_s))


def _forget(connection: sqlite3.Connection, kept: Sequence[Resolution], now_s: float, limit: int) -> int:
    """Blocks that are older than their resolution is kept; a series whose last block went goes with it."""
    found = list(islice(chain.from_iterable(
        connection.execute(schema.OLD_BLOCKS, (level, _before(kept, level, now_s), limit)).fetchall()
        for level in range(len(kept))), limit))
    if found:
        with transaction(connection):
            connection.executemany(schema.DELETE_BLOCK, ((row,) for row, _ in found))
            for series in {series for _, series in found}:
                if connection.execute(schema.HAS_BLOCKS, (series,)).fetchone() is None:
                    _part_with(connection, series)
    return len(found)


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
