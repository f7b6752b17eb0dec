"""The upkeep between its steps: who writes comes in between, and whatever happens there, nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.series import Row
from echodeck.store.series import LATE_S, Moment, blocks
from echodeck.store.series.sqlite import FILE_NAME, SqliteSeries

T0_S = 1_700_006_400
FIGURES = tuple(f"m{n}" for n in range(12))


def moments(times_s: list[float]) -> list[Moment]:
    return [Moment("studio", T0_S + at_s, [(name, at_s) for name in FIGURES]) for at_s in times_s]


def opened(directory: Path, until_s: float) -> SqliteSeries:
    return SqliteSeries(directory, clock=lambda: T0_S + until_s)


async def rows(series: SqliteSeries, until_s: float, figure: str = FIGURES[0]) -> list[Row]:
    return await series.range("studio", figure, T0_S, T0_S + until_s, 5_000)


async def test_no_more_steps_than_asked_and_none_leaves_a_transaction_open(tmp_path: Path) -> None:
    series = opened(tmp_path, 10_000.0)
    await series.open()
    await series.append(moments([n * 10.0 for n in range(1_000)]))
    done = []
    while steps := await series.compact(T0_S + 10_000.0, 4):
        done.append(steps)
        assert not await series._run(series._writer, lambda connection: connection.in_transaction)
    assert set(done[:-1]) == {4}
    assert len(await rows(series, 10_000.0)) == 1_000
    levels = await series._run(series._reader, lambda connection: connection.execute(
        "SELECT level, count(*) FROM blocks GROUP BY level").fetchall())
    assert levels == [(0, 16 * (1 + len(FIGURES))), (1, len(FIGURES))]
    await series.close()


@settings(max_examples=25, deadline=None)
@given(late=st.lists(st.tuples(st.integers(0, 6), st.floats(0.25, 1_199.75)), max_size=12))
def test_what_comes_late_between_the_steps_is_not_lost(late: list[tuple[int, float]]) -> None:
    async def story(directory: Path) -> None:
        series = opened(directory, 1_300.0)
        await series.open()
        taken = 60 if await series.append(moments([n * 20.0 for n in range(60)])) else 0
        for steps, at_s in late:
            await series.compact(T0_S + 1_200.0 + LATE_S, steps)
            taken += await series.append(moments([at_s]))
        for _ in range(2):
            found = await rows(series, 1_300.0)
            assert len(found) == taken
            assert all(at_s == pytest.approx(T0_S + value, abs=0.001) for at_s, value, _, _ in found)
            while await series.compact(T0_S + 1_200.0 + LATE_S, 5):
                pass
        await series.close()

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(story(Path(name)))


async def test_what_is_under_way_begins_anew_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(values: object) -> bytes:
        raise ZeroDivisionError

    series = opened(tmp_path, 1_300.0)
    await series.open()
    await series.append(moments([float(n) for n in range(1_300)]))
    with monkeypatch.context() as patch:
        patch.setattr(blocks, "pack_samples", broken)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await series.compact(T0_S + 1_300.0, 100)
    while await series.compact(T0_S + 1_300.0, 1):
        pass
    assert [row[1] for row in await rows(series, 1_300.0, FIGURES[-1])] == [float(n) for n in range(1_300)]
    await series.close()


async def test_what_is_under_way_begins_anew_with_another_connection(tmp_path: Path) -> None:
    series = opened(tmp_path, 1_300.0)
    await series.open()
    await series.append(moments([float(n) for n in range(1_300)]))
    for steps in range(12):
        await series.compact(T0_S + 1_300.0, steps)
        await series.close()
        await series.open()
    while await series.compact(T0_S + 1_300.0, 1):
        pass
    assert [row[1] for row in await rows(series, 1_300.0)] == [float(n) for n in range(1_300)]
    await series.close()


async def test_the_wal_stays_short(tmp_path: Path) -> None:
    """SQLite itself would let it grow to 1000 pages, and then fold it into the file in somebody's commit."""
    series = opened(tmp_path, 2_000.0)
    await series.open()
    for n in range(0, 2_000, 2):
        await series.append(moments([float(n), n + 1.0]))
        await series.compact(T0_S + float(n), 2)
    assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size < 200 * 4_096
    await series.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT count(*) FROM blocks WHERE level = 0").fetchone() == (3 * (1 + len(FIGURES)),)
    connection.close()
