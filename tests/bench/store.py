"""How fast is the store? Events a second with group commit, beside plain sqlite3 and a commit for every event."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from echodeck.store import Batch, Event
from echodeck.store.schema import INSERT_EVENT, MIGRATIONS, pack
from echodeck.store.sqlite import SqliteStore

GROUP_S = 0.020
ROWS = 1000
"""The floor writes this many events in a transaction."""


def events_of(seed: int, count: int = 2000) -> list[Event]:
    """Events of about 250 bytes, as a job's progress tells them."""
    rng = random.Random(seed)
    return [
        Event("generation_progress", "job", f"job{rng.randrange(100)}",
              {"jobId": f"job{n}", "progress": rng.random() * 100, "currentStep": n, "totalSteps": 40,
               "stage": "sample", "eta": rng.random() * 60, "etaLow": rng.random(), "etaHigh": rng.random(),
               "speed": rng.random(), "workerId": "worker-1", "model": "sketch-m", "resolution": "512×512"}, 1.7e9 + n)
        for n in range(count)
    ]


async def grouped(directory: Path, events: list[Event], seconds: float) -> tuple[float, list[float]]:
    """Events a second, and how long each group waited for its answer (from the middle of its 20 ms), in seconds.

    What arrives while a group is written makes the next; so much arrives that the store never waits for more.
    """
    store = SqliteStore(directory)
    await store.open()
    written, waits, group = 0, [], 32
    began_s = time.perf_counter()
    while (now_s := time.perf_counter()) - began_s < seconds:
        written += len(await store.append(Batch(events=events[:group])))
        took_s = time.perf_counter() - now_s
        waits.append(took_s + GROUP_S / 2)
        # As many as come in 20 ms at the pace that was reached.
        group = max(1, min(len(events), int(group * GROUP_S / took_s)))
    elapsed_s = time.perf_counter() - began_s
    await store.close()
    return written / elapsed_s, waits


async def single(directory: Path, events: list[Event], seconds: float) -> float:
    """Events a second when each is a batch of its own."""
    store = SqliteStore(directory)
    await store.open()
    written, began_s = 0, time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        written += len(await store.append(Batch(events=[events[written % len(events)]])))
    elapsed_s = time.perf_counter() - began_s
    await store.close()
    return written / elapsed_s


def floor(directory: Path, events: list[Event], seconds: float) -> float:
    """Events a second of plain sqlite3 on the same table with the same pragmas, the payload made JSON as well."""
    with closing(sqlite3.connect(directory / "floor.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        for statement in MIGRATIONS[0][:2]:
            connection.execute(statement)
        written, began_s = 0, time.perf_counter()
        while time.perf_counter() - began_s < seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT_EVENT, [
                (None, one.at_s, one.type, one.kind, one.key, pack(one.payload)) for one in events[:ROWS]])
            connection.execute("COMMIT")
            written += ROWS
        return written / (time.perf_counter() - began_s)


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Events a second, all durable; the peer is plain sqlite3 with 1000 events a transaction."""
    events, share_s = events_of(seed), max(seconds, 0.3) / 3
    with tempfile.TemporaryDirectory() as name:
        ours, waits = asyncio.run(grouped(Path(name) / "grouped", events, share_s))
        alone = asyncio.run(single(Path(name) / "single", events, share_s))
        peer = floor(Path(name), events, share_s)
    waits.sort()
    return {"name": "store", "ours": {"durable_events_per_s": ours}, "peer": {"durable_events_per_s": peer},
            "ratio": {"durable_events_per_s": ours / peer},
            "notes": "peer: plain sqlite3 with the same pragmas; "
                     f"group commit of {GROUP_S * 1000:.0f} ms, answer after {1000 * waits[len(waits) // 2]:.1f} ms "
                     f"(median); a commit an event: {alone:,.0f}/s"}
