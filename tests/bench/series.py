"""Two years of three machines' figures: how large, how fast is any range, and does the upkeep hold up who writes?

The two years are generated from a seed and stored as the upkeep would leave them: the last day as measured, a week in
buckets of 10 s, 90 days of 1 min, two years of 15 min, with 25 figures a machine. The peer is a plain SQLite table of
narrow rows with the same buckets of one figure of one machine, asked with GROUP BY. Every range is asked at random.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from echodeck.hub.keeper import FLUSH_S, STEPS
from echodeck.model.series import DAY_S, Columns, Resolution, resolution_for, resolutions
from echodeck.store import Batch, Event
from echodeck.store.series import Moment, blocks, reading, schema
from echodeck.store.series.sqlite import FILE_NAME, SqliteSeries
from echodeck.store.sqlite import SqliteStore

HOSTS = ("studio", "attic", "laptop")
METRICS = tuple(f"figure.{n:02}" for n in range(25))
KEPT = resolutions()
NOW_S = 1_728_000_000 + 5 * 86_400
"""A border of every span but the last, whose block under way is five days old."""
POINTS = 500
RANGES_S = (600.0, 3_600.0, 6 * 3_600.0, DAY_S, 7 * DAY_S, 30 * DAY_S, 90 * DAY_S, 365 * DAY_S, 730 * DAY_S)
GROUP_S = 0.005
ROUNDS = 5


def noise(rng: random.Random, count: int) -> array[float]:
    """A figure that wanders between 0 and 100 with a digit after the point, as most are."""
    value, made = 50.0, array("f")
    for _ in range(count):
        value = min(100.0, max(0.0, value + rng.gauss(0.0, 4.0)))
        made.append(round(value, 1))
    return made


def buckets(rng: random.Random, start_s: int, resolution: Resolution) -> Columns:
    """One full block's."""
    count = resolution.span_s // resolution.step_s
    mean, spread = noise(rng, count), noise(rng, count)
    low = array("f", (one - part / 3 for one, part in zip(mean, spread, strict=True)))
    high = array("f", (one + part / 3 for one, part in zip(mean, spread, strict=True)))
    at_s = array("d", range(start_s, start_s + resolution.span_s, resolution.step_s))
    return Columns(at_s, low, mean, high, array("I", [resolution.step_s]) * count)


def starts(level: int) -> range:
    """Where the blocks of a level begin, from the oldest that is kept to the last that is whole."""
    span_s = KEPT[level].span_s
    return range(int(NOW_S - KEPT[level].keep_s) // span_s * span_s, NOW_S // span_s * span_s, span_s)


def fill(connection: sqlite3.Connection, seed: int, hosts: Sequence[str], metrics: Sequence[str], since_s: int) -> None:
    """All blocks of all machines, from `since_s` on."""
    connection.execute("BEGIN")
    series = 0
    of: dict[tuple[str, str], int] = {}
    for host in hosts:
        for place, metric in enumerate(("", *metrics), -1):
            series += 1
            of[host, metric] = series
            connection.execute("INSERT INTO series (id, host, metric, place) VALUES (?, ?, ?, ?)",
                               (series, host, metric, place))
            for level in range(len(KEPT)) if metric else (0,):
                connection.execute(schema.SET_FRONTIER, (series, level, starts(level).stop))
    for level in range(len(KEPT)):
        for start_s in starts(level):
            connection.executemany(schema.INSERT_BLOCK, () if start_s < since_s else (
                (of[host, metric], level, start_s, body)
                for host in hosts for metric, body in bodies(seed, level, start_s, metrics)))
    connection.execute("COMMIT")


_drawn: dict[tuple[int, int, int], bytes] = {}


def bodies(seed: int, level: int, start_s: int, metrics: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """One block's bodies; sixteen different ones a level go round among figures and times."""
    if not level:
        moments_ms = [start_s * 1000 + n * 1000 + n * 7919 % 5 for n in range(KEPT[0].span_s)]
        yield "", blocks.pack_moments(moments_ms, start_s)
    for n, metric in enumerate(metrics):
        key = seed, level, (n + start_s // KEPT[level].span_s) % 16
        if key not in _drawn:
            rng = random.Random(hash(key))
            if level:
                made = buckets(rng, 0, KEPT[level])
                _drawn[key] = blocks.pack_buckets(made, 0, KEPT[level].step_s, KEPT[level].span_s)
            else:
                _drawn[key] = blocks.pack_samples(noise(rng, KEPT[0].span_s))
        yield metric, _drawn[key]


def narrow(directory: Path, ours: Path) -> sqlite3.Connection:
    """The peer: what one figure of one machine has at each level, a row a bucket."""
    peer = sqlite3.connect(directory / "narrow.db", isolation_level=None)
    peer.execute("CREATE TABLE rows (level INTEGER, series INTEGER, at_s REAL, low REAL, mean REAL, high REAL, "
                 "n INTEGER, PRIMARY KEY (level, series, at_s)) WITHOUT ROWID")
    peer.execute("BEGIN")
    with closing(sqlite3.connect(ours)) as connection:
        figure = reading.find(connection, HOSTS[0], METRICS[0])
        for level, resolution in enumerate(KEPT):
            one = reading.made(connection, figure, resolution, level, 0, NOW_S)
            rows = zip(one.at_s, one.low, one.mean, one.high, one.n, strict=True)
            peer.executemany("INSERT INTO rows VALUES (?, 1, ?, ?, ?, ?, ?)", ((level, *row) for row in rows))
    peer.execute("COMMIT")
    return peer


GROUPED = ("SELECT min(at_s), min(low), sum(mean * n) / sum(n), max(high) FROM rows WHERE level = ? AND series = 1 "
           "AND at_s >= ? AND at_s < ? GROUP BY cast((at_s - ?) / ? AS INTEGER) ORDER BY 1")


def asked(seed: int) -> Iterator[tuple[float, float]]:
    """Ranges of every length, half of them up to now; without end."""
    rng = random.Random(seed)
    while True:
        for length_s in RANGES_S:
            ago_s = rng.choice((0.0, rng.uniform(0.0, 730 * DAY_S - length_s)))
            yield NOW_S - ago_s - length_s, NOW_S - ago_s


async def ours(series: SqliteSeries, seed: int, metrics: int, seconds: float) -> list[float]:
    """How long each range took, in seconds."""
    took: list[float] = []
    rng, began_s = random.Random(seed), time.perf_counter()
    for since_s, until_s in asked(seed):
        if (start_s := time.perf_counter()) - began_s > seconds and len(took) >= 2 * len(RANGES_S):
            return took
        rows = await series.range(rng.choice(HOSTS), rng.choice(METRICS[:metrics]), since_s, until_s, POINTS)
        took.append(time.perf_counter() - start_s)
        assert len(rows) <= POINTS
    raise AssertionError


def peers(connection: sqlite3.Connection, seed: int, seconds: float) -> list[float]:
    """The same of the narrow rows, from the level that the range is read from with us."""
    took: list[float] = []
    began_s = time.perf_counter()
    for since_s, until_s in asked(seed):
        if (start_s := time.perf_counter()) - began_s > seconds and len(took) >= 2 * len(RANGES_S):
            return took
        level = resolution_for(KEPT, since_s, until_s, POINTS, NOW_S)
        width_s = (until_s - since_s) / POINTS
        connection.execute(GROUPED, (level, since_s, until_s, since_s, width_s)).fetchall()
        took.append(time.perf_counter() - start_s)
    raise AssertionError


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def held_up(directory: Path, seconds: float) -> dict[str, list[float]]:
    """p99 in ms of who writes events and who writes figures: with no upkeep; with upkeep at the hub's pace while it has
    much to catch up on; and with upkeep that never pauses. In turns, so that a busy machine is to none's harm."""
    store, series = SqliteStore(directory), SqliteSeries(directory)
    await store.open()
    await series.open()
    until_s = NOW_S + 18_000 * ROUNDS * max(1, round(seconds))
    await backlog(series, until_s)
    took: dict[str, list[list[float]]] = {"events": [[], [], []], "figures": [[], [], []]}
    for n in range(3 * ROUNDS):
        work = asyncio.create_task(upkeep(series, until_s, (None, FLUSH_S, 0.0)[n % 3]))
        found = await writing(store, series, seconds / ROUNDS, until_s + 600 + 10_000 * n)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        for name, times in found.items():
            took[name][n % 3] += times
    await series.close()
    await store.close()
    return {name: [1000 * percentile(times, 0.99) for times in cases] for name, cases in took.items()}


async def upkeep(series: SqliteSeries, now_s: float, pause_s: float | None) -> None:
    if pause_s is None:
        return
    while await series.compact(now_s, STEPS):  # noqa: ASYNC110 - the pause is the pace, it waits for nothing
        await asyncio.sleep(pause_s)


async def writing(store: SqliteStore, series: SqliteSeries, seconds: float, at_s: int) -> dict[str, list[float]]:
    """How long each group of events, and each second of three machines' figures, took to be written; in seconds."""
    took: dict[str, list[float]] = {"events": [], "figures": []}
    began_s = time.perf_counter()
    while (start_s := time.perf_counter()) - began_s < seconds:
        await store.append(Batch(events=[Event("log", "log", "x", {"text": "x" * 200}, 1.0)] * 10))
        took["events"].append(time.perf_counter() - start_s)
        start_s, at_s = time.perf_counter(), at_s + 1
        await series.append([Moment(host, at_s, [(name, 1.0) for name in METRICS]) for host in HOSTS])
        took["figures"].append(time.perf_counter() - start_s)
        await asyncio.sleep(GROUP_S)
    return took


async def soaked(directory: Path, seed: int, seconds: float) -> dict[str, list[float]]:
    """p50, p99 and the longest in ms of who writes two seconds' figures of three machines, one time after the other as
    fast as it can, with ranges asked at random: with no upkeep, and with as much beside it as the hub does; in turns.
    So an hour takes about a second."""
    took: dict[str, list[float]] = {"without": [], "with": []}
    at_s = dict.fromkeys(took, NOW_S)
    kinds = {name: SqliteSeries(directory / name, clock=partial(at_s.__getitem__, name)) for name in took}
    rng = random.Random(seed)
    columns = [noise(rng, 600) for _ in METRICS]
    for one in kinds.values():
        await one.open()
    for n in range(2 * (ROUNDS + 1)):
        name = ("without", "with")[n % 2]
        times, at_s[name] = await soak(kinds[name], rng, columns, at_s[name], seconds / ROUNDS, upkeep=name == "with")
        took[name] += times if n >= 2 else []  # the first of each finds the file empty
    for one in kinds.values():
        await one.close()
    return {name: [1000 * percentile(times, share) for share in (0.5, 0.99, 1.0)] for name, times in took.items()}


async def soak(series: SqliteSeries, rng: random.Random, columns: list[array[float]], at_s: int, seconds: float, *,
               upkeep: bool) -> tuple[list[float], int]:
    """How long each write took, in seconds, and how far it came."""
    took: list[float] = []
    work: asyncio.Future[int] | None = None
    began_s = time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        if upkeep and (work is None or work.done()):
            work = asyncio.ensure_future(series.compact(at_s, STEPS))
        told = [Moment(host, at, [(name, column[at % 600]) for name, column in zip(METRICS, columns, strict=True)])
                for at in (at_s, at_s + 1) for host in HOSTS]
        asked = [series.range(rng.choice(HOSTS), rng.choice(METRICS), at_s - rng.choice(RANGES_S[:4]), at_s, POINTS)
                 for _ in range(rng.random() < 0.02)] if took else []
        reads = asyncio.gather(*asked)
        start_s = time.perf_counter()
        await series.append(told)
        took.append(time.perf_counter() - start_s)
        await reads
        at_s += 2
    if work is not None:
        await work
    return took, at_s


async def backlog(series: SqliteSeries, until_s: int) -> None:
    """Hours of a machine that nothing was done with yet."""
    rng = random.Random(0)
    columns = [noise(rng, 600) for _ in METRICS]
    for start_s in range(NOW_S, until_s, 600):
        await series.append([Moment("backlog", start_s + n, [(name, column[n]) for name, column in
                                                             zip(METRICS, columns, strict=True)]) for n in range(600)])


async def filled(directory: Path, seed: int, hosts: int, metrics: int, since_s: int = 0) -> SqliteSeries:
    series = SqliteSeries(directory, clock=lambda: NOW_S)
    await series.open()
    assert series._writer is not None
    await series._writer.run(lambda connection: fill(connection, seed, HOSTS[:hosts], METRICS[:metrics], since_s))
    return series


def size(path: Path) -> int:
    return path.stat().st_size


async def measure(directory: Path, seed: int, seconds: float) -> tuple[list[float], float, float]:
    """How long ranges took; bytes a figure of two years; bytes of a week of one machine."""
    week, years = directory / "week", directory / "years"
    metrics = max(3, min(len(METRICS), round(5 * seconds)))
    await (await filled(week, seed, 1, metrics, NOW_S - 7 * 86_400)).close()
    series = await filled(years, seed, 3, metrics)
    took = await ours(series, seed, metrics, seconds)
    await series.close()
    of_week = size(week / FILE_NAME) / metrics * len(METRICS)
    return took, size(years / FILE_NAME) / metrics / 3, of_week


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Time of a range and size of a figure; the peer is a plain SQLite table of narrow rows and GROUP BY."""
    share_s = max(seconds, 0.5) / 2
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        writers = asyncio.run(held_up(directory / "writers", share_s))
        soaked_ms = asyncio.run(soaked(directory / "soak", seed, share_s))
        took, bytes_, week = asyncio.run(measure(directory, seed, seconds))
        with closing(narrow(directory, directory / "years" / FILE_NAME)) as peer:
            peer_took = peers(peer, seed, share_s)
        peer_bytes = size(directory / "narrow.db")
    mine = {"range_p50_ms": 1000 * percentile(took, 0.5), "range_p99_ms": 1000 * percentile(took, 0.99),
            "two_years_of_a_figure_mb": bytes_ / 1e6}
    theirs = {"range_p50_ms": 1000 * percentile(peer_took, 0.5), "range_p99_ms": 1000 * percentile(peer_took, 0.99),
              "two_years_of_a_figure_mb": peer_bytes / 1e6}
    pace = ", ".join(f"{name} {'/'.join(f'{p99:.1f}' for p99 in cases)} ms" for name, cases in writers.items())
    days = ", ".join(f"{name} {'/'.join(f'{ms:.1f}' for ms in each)} ms" for name, each in soaked_ms.items())
    return {"name": "series", "ours": mine, "peer": theirs, "ratio": {key: mine[key] / theirs[key] for key in mine},
            "notes": "peer: narrow rows of the same buckets in SQLite, of one figure only, and GROUP BY; "
                     f"{len(took)} ranges of 10 min to 2 years of three machines in at most {POINTS} rows, slowest "
                     f"{1000 * max(took):.1f} ms; 25 figures of one machine: {week / 1e6:.1f} MB for a week, "
                     f"{25 * bytes_ / 1e6:.1f} MB for two years; p99 of a write without upkeep/at the hub's "
                     f"pace/without a pause: {pace}; p50/p99/longest of a write in accelerated days {days} upkeep"}
