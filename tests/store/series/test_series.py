"""What every kind of series does."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from echodeck.errors import UnknownName
from echodeck.model.series import DAY_S, Row
from echodeck.store.series import MOST_METRICS, Moment, Series

T0_S = 1_700_006_400.0
"""A border of every resolution's span but the last."""


def moments(values: Sequence[float], *, host: str = "studio", metric: str = "cpu.percent", at_s: float = T0_S,
            period_s: float = 1.0) -> list[Moment]:
    return [Moment(host, at_s + n * period_s, [(metric, value)]) for n, value in enumerate(values)]


async def kept_up(series: Series, now_s: float, limit: int = 100) -> None:
    while await series.compact(now_s, limit):
        pass


async def read(series: Series, since_s: float = 0.0, until_s: float = 1e9, points: int = 5000, *,
               metric: str = "cpu.percent") -> list[Row]:
    """A range counted from T0_S."""
    return await series.range("studio", metric, T0_S + since_s, T0_S + until_s, points)


@pytest.fixture(autouse=True)
def now(clock: Any) -> None:
    clock.now_s = T0_S


async def test_gives_back_what_it_was_given(series: Series) -> None:
    assert await series.append(moments([1.5, 2.5, 3.5])) == 3
    expected = [(T0_S + n, n + 1.5, n + 1.5, n + 1.5) for n in range(3)]
    assert await read(series, 0, 60) == expected
    assert await read(series, 1, 2) == expected[1:2], "from since on, but not at until"
    assert await read(series, 5, 60) == []
    assert await read(series, 60, 0) == []


async def test_names_what_there_is(series: Series) -> None:
    assert await series.names() == {}
    await series.append([Moment("b", T0_S, [("z", 1.0), ("a", 2.0)]), Moment("a", T0_S, [("m", 1.0)])])
    assert await series.names() == {"a": ["m"], "b": ["a", "z"]}


async def test_says_which_names_there_are(series: Series) -> None:
    with pytest.raises(UnknownName, match="host: none is called 'studio'; there is none yet"):
        await read(series)
    await series.append([Moment("studio", T0_S, [(f"m{n:02}", 1.0) for n in range(25)])])
    with pytest.raises(UnknownName, match=r"metric: none is called 'cpu.percent'; there are m00, .*, m19 and 5 more"):
        await read(series)
    with pytest.raises(UnknownName, match="host: none is called 'attic'; there are studio") as caught:
        await series.range("attic", "m00", 0.0, 1.0, 1)
    assert (caught.value.code, caught.value.field) == ("unknown_host", "host")


async def test_a_moment_is_taken_once(series: Series) -> None:
    assert await series.append(moments([1.0, 2.0])) == 2
    assert await series.append(moments([7.0, 8.0, 3.0])) == 1
    assert [row[2] for row in await read(series, 0, 60)] == [1.0, 2.0, 3.0]


async def test_moments_may_come_in_any_order_while_they_are_open(series: Series) -> None:
    for at_s in (5.0, 3.0, 4.0):
        await series.append(moments([at_s], at_s=T0_S + at_s))
    assert [row[2] for row in await read(series, 0, 60)] == [3.0, 4.0, 5.0]


async def test_what_is_closed_stays_as_it_is(series: Series, clock: Any) -> None:
    await series.append(moments([1.0] * 1300))
    clock.now_s = T0_S + 1300
    await kept_up(series, clock.now_s)
    assert await series.append(moments([9.0], at_s=T0_S + 10.5)) == 0
    assert await series.append(moments([9.0], at_s=T0_S + 1299.5)) == 1
    assert len(await read(series, 0, 2000)) == 1301


async def test_what_cannot_be_kept_is_left_out(series: Series) -> None:
    await series.append([Moment("studio", T0_S, [("nan", math.nan), ("inf", math.inf), ("large", 1e39), ("ok", 1.0)])])
    assert await series.names() == {"studio": ["ok"]}


async def test_a_host_has_only_so_many_figures(series: Series) -> None:
    await series.append([Moment("studio", T0_S, [(f"m{n:04}", float(n)) for n in range(MOST_METRICS + 5)])])
    assert len((await series.names())["studio"]) == MOST_METRICS
    assert await read(series, metric="m0999") == [(T0_S, 999.0, 999.0, 999.0)]


async def test_figures_may_come_and_go(series: Series, clock: Any) -> None:
    """A GPU that is plugged in, and one that at times does not say."""
    told = []
    for n in range(1500):
        values = [("cpu.percent", float(n))]
        if n >= 700:
            values.append(("gpu.0.power_w", float(-n)))
        if n % 3 == 0:
            values.append(("temp.c", 40.0))
        told.append(Moment("studio", T0_S + n, values))
    await series.append(told[:100])
    await series.append(told[100:])
    clock.now_s = T0_S + 1500
    for _ in range(2):
        assert len(await read(series, 0, 1500)) == 1500
        power = await read(series, 0, 1500, metric="gpu.0.power_w")
        assert [(row[0], row[2]) for row in power] == [(T0_S + n, -n) for n in range(700, 1500)]
        assert len(await read(series, 0, 1500, metric="temp.c")) == 500
        await kept_up(series, clock.now_s)


async def test_hosts_do_not_meet(series: Series, clock: Any) -> None:
    await series.append([*moments([1.0] * 700), *moments([2.0] * 700, host="attic")])
    clock.now_s = T0_S + 700
    await kept_up(series, clock.now_s)
    assert {row[2] for row in await read(series)} == {1.0}
    assert {row[2] for row in await series.range("attic", "cpu.percent", T0_S, T0_S + 700, 900)} == {2.0}


async def test_answers_do_not_depend_on_the_upkeep(series: Series, clock: Any) -> None:
    await series.append(moments([float(n * 7919 % 1000) for n in range(9000)]))
    clock.now_s = T0_S + 9000
    asked = [(0.0, 9000.0, 500), (0.0, 9000.0, 20), (1234.5, 8888.8, 77), (8000.0, 9000.0, 5000), (0.0, 9000.0, 1)]

    async def answers() -> list[list[Row]]:
        return [await read(series, *one) for one in asked]

    before = await answers()
    assert [len(one) for one in before] == [500, 20, 77, 1000, 1]
    while await series.compact(clock.now_s, 1):
        for was, now in zip(before, await answers(), strict=True):
            assert [(row[0], row[1], row[3]) for row in now] == [(row[0], row[1], row[3]) for row in was]
            assert [row[2] for row in now] == pytest.approx([row[2] for row in was], rel=1e-6)


async def test_a_bucket_at_the_edge_counts_whole(series: Series, clock: Any) -> None:
    await series.append(moments([float(n) for n in range(100)]))
    clock.now_s = T0_S + 10 * DAY_S  # only buckets of a minute are kept of that time
    assert await read(series, 65, 66, 10) == [(T0_S + 60, 60.0, 79.5, 99.0)]


async def test_a_long_silence_costs_nothing(series: Series, clock: Any) -> None:
    await series.append(moments([1.0] * 100))
    clock.now_s = T0_S + 300 * DAY_S
    await kept_up(series, clock.now_s)
    assert await series.append(moments([5.0], at_s=clock.now_s)) == 1
    found = await series.range("studio", "cpu.percent", T0_S - 900, clock.now_s + 1, 5000)
    assert [row[1] for row in found] == [1.0, 5.0]


async def test_what_is_too_old_goes_and_its_name_with_it(series: Series, clock: Any) -> None:
    await series.append(moments([1.0] * 100))
    clock.now_s = T0_S + 729 * DAY_S
    await kept_up(series, clock.now_s)
    assert len(await read(series)) == 1
    clock.now_s = T0_S + 745 * DAY_S
    await series.append(moments([5.0], metric="new", at_s=clock.now_s))
    await kept_up(series, clock.now_s)
    assert await series.names() == {"studio": ["new"]}
    clock.now_s += 745 * DAY_S
    await kept_up(series, clock.now_s)
    assert await series.names() == {}
    assert await series.append(moments([2.0], at_s=clock.now_s)) == 1, "and it may come back"


async def test_many_at_once(series: Series) -> None:
    await asyncio.gather(*(series.append(moments([float(n)], at_s=T0_S + n)) for n in range(50)))
    assert [row[2] for row in await read(series, 0, 60)] == [float(n) for n in range(50)]


async def test_outlives_close(series: Series) -> None:
    await series.append(moments([1.0]))
    await series.close()
    await series.open()
    assert len(await read(series)) == 1
