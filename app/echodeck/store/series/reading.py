"""One figure read back: blocks of the resolution asked for, and where those are not made yet, of the finer ones."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import UnknownName
from ...model.series import Columns, Resolution, aligned, roll_up
from . import blocks, schema


@dataclass(frozen=True, slots=True)
class Figure:
    """A series with what it takes to read it: its id, its place in the tail's rows, and its host's moments."""

    id: int
    place: int
    moments: int


def find(connection: sqlite3.Connection, host: str, metric: str) -> Figure:
    """Raises UnknownName."""
    known = {name: (id_, place) for name, id_, place in connection.execute(schema.SERIES_OF, (host,))}
    if not known:
        raise UnknownName("host", host, sorted(names(connection)))
    if metric not in known or not metric:
        raise UnknownName("metric", metric, sorted(name for name in known if name))
    return Figure(*known[metric], moments=known[""][0])


def names(connection: sqlite3.Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host, metric in connection.execute(schema.NAMES):
        found.setdefault(host, []).append(metric)
    return found


def columns(connection: sqlite3.Connection, figure: Figure, kept: Sequence[Resolution], level: int, since_s: float,
            until_s: float) -> Columns:
    """Buckets of `kept[level]` that begin in [since, until), both on their borders."""
    found, finer = Columns(), Columns()
    for at in range(level, -1, -1):
        frontier_s = frontier(connection, figure.id if at else figure.moments, at)
        if since_s < frontier_s:
            part = made(connection, figure, kept[at], at, since_s, min(until_s, frontier_s))
            (found if at == level else finer).add(part)
            since_s = frontier_s
    if since_s < until_s:
        finer.add(tail(connection, figure, since_s, until_s))
    found.add(roll_up(finer, kept[level].step_s))
    return found


def frontier(connection: sqlite3.Connection, series: int, level: int) -> int:
    (until_s,) = connection.execute(schema.FRONTIER, (series, level)).fetchone()
    return int(until_s)


def made(connection: sqlite3.Connection, figure: Figure, resolution: Resolution, level: int, since_s: float,
         until_s: float) -> Columns:
    """What the blocks of one level have in [since, until)."""
    found = Columns()
    first_s = aligned(since_s, resolution.span_s)
    if level:
        for start_s, body in connection.execute(schema.BLOCKS, (figure.id, level, first_s, until_s)):
            found.add(blocks.unpack_buckets(body, start_s, resolution.step_s))
    else:
        given = (figure.moments, figure.id, first_s, until_s)
        for start_s, body, moments in connection.execute(schema.BLOCKS_OF_SAMPLES, given):
            found.add(blocks.unpack_samples(body, blocks.unpack_moments(moments, start_s)))
    return found.between(since_s, until_s)


def tail(connection: sqlite3.Connection, figure: Figure, since_s: float, until_s: float) -> Columns:
    """What came last and is in no block yet."""
    at_s, values = array("d"), array("f")
    from_ms, to_ms = (round(min(bound_s, 1e12) * 1000) for bound_s in (since_s, until_s))
    for at_ms, body in connection.execute(schema.TAIL, (figure.moments, from_ms, to_ms)):
        if 4 * figure.place < len(body):  # a figure that was new later is not in the row
            at_s.append(at_ms / 1000.0)
            values.frombytes(body[4 * figure.place : 4 * figure.place + 4])
    return blocks.present(at_s, values)
