"""What only the series on disk do: survive, stay small, migrate, and say why they cannot."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck.errors import StoreUnavailable
from echodeck.model.series import resolutions
from echodeck.store.series import Moment, schema
from echodeck.store.series.sqlite import FILE_NAME, SqliteSeries

T0_S = 1_700_006_400

# Says how many moments are written after each batch; the upkeep goes on all the time, on a clock far ahead.
WRITER = """
import asyncio, sys
from pathlib import Path
from echodeck.store.series import Moment
from echodeck.store.series.sqlite import SqliteSeries
async def main():
    series = SqliteSeries(Path(sys.argv[1]))
    await series.open()
    n = int(sys.argv[2])
    while True:
        told = [Moment("studio", float(sys.argv[3]) + n + i, [("a", float(n + i)), ("b", -1.0)]) for i in range(200)]
        n += await series.append(told)
        print(n, flush=True)
        for _ in range(4):
            await series.compact(float(sys.argv[3]) + n, 1)
asyncio.run(main())
"""


async def opened(directory: Path, **options: Any) -> SqliteSeries:
    series = SqliteSeries(directory, **options)
    await series.open()
    return series


def told_of(directory: Path, start: int, batches: int) -> int:
    """Let another process write, and kill it in the midst; how many moments it has said are written."""
    app = str(Path(echodeck.__file__).parents[1])
    command = [sys.executable, "-c", WRITER, str(directory), str(start), str(T0_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": app}) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(batches)]
        process.send_signal(signal.SIGKILL)
        return max([*said, *(int(late) for late in process.stdout.read().split("\n")[:-1])])


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
async def test_what_was_taken_survives_a_kill_once(tmp_path: Path) -> None:
    """Killed in the midst of writing and upkeep: every moment is there exactly once, in whatever form."""
    kept = resolutions()
    written = 0
    for batches in (3, 30, 60):
        written = told_of(tmp_path, written, batches)
        series = await opened(tmp_path, clock=lambda: T0_S + 20_000.0)
        until_s = T0_S + written
        for points in (5_000, 100):
            rows = await series.range("studio", "a", float(T0_S), until_s, points)
            assert rows[0][1] == 0.0
            assert rows[-1][3] >= written - 1
        found: list[float] = []
        for start_s in range(T0_S, until_s, 3_000):
            rows = await series.range("studio", "a", start_s, min(start_s + 3_000, until_s), 5_000)
            found += [row[2] for row in rows]
        assert found == [float(n) for n in range(written)]
        # Some that were written may not have been said any more; go on after them.
        rows = await series.range("studio", "a", until_s, until_s + 3_000, 5_000)
        written += len(rows)
        await series.close()
    assert written > kept[1].span_s, "the upkeep had coarser blocks to make"


async def test_leaves_one_file_and_needs_no_lock(tmp_path: Path) -> None:
    series = await opened(tmp_path)
    await series.append([Moment("studio", float(T0_S), [("a", 1.0)])])
    await series.close()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME], "the WAL is folded in"


async def test_a_week_of_a_host_is_small(tmp_path: Path) -> None:
    """An hour of 25 noisy figures, scaled: raw for a day, 10 s for a week, a minute for the week."""
    rng, now_s = random.Random(0), T0_S + 3 * 3_600.0
    series = await opened(tmp_path, clock=lambda: now_s)
    names = [f"m{n}" for n in range(25)]
    for start_s in range(T0_S, int(now_s), 600):
        await series.append([Moment("studio", start_s + n + rng.random() / 100, [(name, rng.gauss(50, 20))
                                                                             for name in names]) for n in range(600)])
    while await series.compact(now_s, 100):
        pass
    sizes = await series._run(series._reader, lambda connection: dict(connection.execute(
        "SELECT level, sum(length(body)) FROM blocks GROUP BY level").fetchall()))
    await series.close()
    day = sizes[0] / 3 * 24  # three hours of samples, and one block of two hours of buckets of 10 s
    week = sizes[1] / 2 * 24 * 7
    assert day + week * 7 / 6 < 45e6, "bytes of blocks; with pages half empty at worst it is still less than 60 MB"


async def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as outside:
        assert outside.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
        outside.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match=f"{FILE_NAME} was written by a newer echodeck"):
        await opened(tmp_path)


async def test_not_open_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="are not open"):
        await SqliteSeries(tmp_path).append([])
    with pytest.raises(StoreUnavailable, match="are not open"):
        await SqliteSeries(tmp_path).names()


async def test_no_database_in_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 1000)
    with pytest.raises(StoreUnavailable, match=f"{FILE_NAME} in it is damaged .*move that file away"):
        await opened(tmp_path)
    assert not [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]


async def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    with pytest.raises(StoreUnavailable, match=f"{path} cannot be used"):
        await opened(path)


async def test_a_full_disk_takes_nothing_by_half(tmp_path: Path) -> None:
    series = await opened(tmp_path, clock=lambda: float(T0_S))
    await series.append([Moment("studio", float(T0_S), [("a", 1.0)])])

    async def change(pragma: str) -> Any:
        return await series._run(series._writer, lambda connection: connection.execute(f"PRAGMA {pragma}").fetchone())

    (pages,) = await change("page_count")
    await change(f"max_page_count = {pages}")
    told = [Moment("studio", T0_S + n / 10, [(f"m{m}", 1.0) for m in range(200)]) for n in range(1, 100)]
    with pytest.raises(StoreUnavailable, match="its disk is full; free some space"):
        await series.append(told)
    assert await series.names() == {"studio": ["a"]}
    await change("max_page_count = 100000")
    assert await series.append(told) == 99
    await series.close()
