"""The machines' figures through the hub: taken from what agents say, kept, asked for over REST."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from echodeck.config import Settings
from echodeck.errors import StoreUnavailable
from echodeck.hub import keeper as keeper_module
from echodeck.hub.app import Hub
from echodeck.hub.keeper import Keeper
from echodeck.hub.session import Session
from echodeck.model.record import Gpu, Host
from echodeck.store.series import Moment
from echodeck.store.series.memory import MemorySeries
from echodeck.wire import Request, say

NOW_S = 1_700_000_000.0
PATIENCE_S = 10.0
GPU = {"index": 0, "name": "RTX 3060", "vendor": "nvidia", "util_percent": 90.0, "power_w": 150.0}


async def measured(talk: Any, *cpu: float) -> float:
    """Samples of a second each that end now; when the first was taken."""
    first_s = time.time() - len(cpu)
    for n, percent in enumerate(cpu):
        await talk.ask("host_metrics", {"host": {"name": "studio", "at_s": first_s + n, "cpu_percent": percent,
                                                 "gpus": [GPU]}})
    return first_s


async def test_a_sample_can_be_asked_for(hub: Hub, meet: Any, web: Any) -> None:
    talk = await meet("/api/coordination/ws")
    await talk.register()
    first_s = await measured(talk, 10.0, 30.0, 20.0)
    await hub.keeper.flush()
    assert (await web.get("/api/series/names"))["hosts"]["studio"][0] == "cpu.percent"
    found = await web.get(f"/api/series?host=studio&metric=cpu.percent&since={first_s - 10}")
    assert (found["label"], found["unit"], found["host"]) == ("CPU", "%", "studio")
    assert [row[1:] for row in found["rows"]] == [[value] * 3 for value in (10.0, 30.0, 20.0)]
    assert found["rows"][0][0] == pytest.approx(first_s, abs=0.002)
    power = await web.get("/api/series?host=studio&metric=gpu.0.power_w")
    assert {row[2] for row in power["rows"]} == {150.0}, "the last hour unless it is said otherwise"
    one = await web.get("/api/series?host=studio&metric=cpu.percent&points=1")
    assert [row[1:] for row in one["rows"]] == [[10.0, 20.0, 30.0]]
    iso = await web.get("/api/series?host=studio&metric=cpu.percent&since=2026-01-01T00:00:00Z&until=2199-01-01")
    assert len(iso["rows"]) == 1, "coarse, but there"
    assert (await web.get("/api/series?host=studio&metric=cpu.percent&until=1000000"))["rows"] == []


async def test_the_last_minutes_are_there_after_a_restart(tmp_path: Any) -> None:
    """Also that the end of one that did not come back is told to the second."""
    settings, now_s = Settings(data=tmp_path, port=0), time.time()
    before = Hub(settings)
    await before.start()
    hand = Session("s", "/api/coordination/ws", "c", "", lambda shown: None)
    for n in range(5):
        host = Host("studio", now_s - 5 + n, cpu_percent=10.0 * n, gpus=(Gpu(0, "RTX", "nvidia", util_percent=n),))
        await before.room.handle(hand, Request("host_metrics", say.HostMetrics(host), None))
    await before.stop()
    after = Hub(settings)
    await after.start()
    try:
        assert after._recalling is not None
        await asyncio.wait_for(after._recalling, PATIENCE_S)
        samples = after.room.staff.hosts.recent()["studio"]
        assert [(one.cpu_percent, one.gpus[0].util_percent) for one in samples] == [(10.0 * n, n) for n in range(5)]
        assert after.room.board.get("hosts", "studio").at_s == pytest.approx(now_s - 1, abs=0.002)
    finally:
        await after.stop()


async def test_what_cannot_be_asked(hub: Hub, meet: Any, web: Any) -> None:
    none = await web("GET", "/api/series?host=studio&metric=x")
    assert (none.status, none.json["error"]["code"]) == (404, "unknown_host")
    assert none.json["error"]["message"] == "host: none is called 'studio'; there is none yet"
    talk = await meet("/api/coordination/ws")
    await talk.register()
    await measured(talk, 1.0)
    await hub.keeper.flush()
    for query, status, field, says in (
        ("host=attic&metric=cpu.percent", 404, "host", "there are studio"),
        ("host=studio&metric=cpu", 404, "metric", "there are cpu.percent, gpu.0.power_w"),
        ("host=studio&metric=", 404, "metric", "there are cpu.percent"),
        ("metric=cpu.percent", 400, "host", "required"),
        ("host=studio&metric=cpu.percent&points=0", 400, "points", "greater"),
        ("host=studio&metric=cpu.percent&points=1000000", 400, "points", "less"),
        ("host=studio&metric=cpu.percent&since=soon", 400, "since", "ISO 8601"),
        ("host=studio&metric=cpu.percent&until=soon", 400, "until", "ISO 8601"),
        ("host=studio&metric=cpu.percent&since=2000&until=1000", 400, "since", "before until"),
        ("host=studio&metric=cpu.percent&since=nan", 400, "since", "seconds since 1970"),
    ):
        refused = await web("GET", f"/api/series?{query}")
        error = refused.json["error"]
        assert (refused.status, error["field"]) == (status, field), query
        assert says.casefold() in error["message"].casefold(), query


async def test_it_is_described(web: Any) -> None:
    paths = (await web.get("/openapi.json"))["paths"]
    assert {"/api/series", "/api/series/names"} <= paths.keys()


async def test_outlives_the_hub(settings: Settings, web_at: Any) -> None:
    for _ in range(2):
        hub = Hub(settings)
        await hub.start()
        try:
            hub.room.desk.sampled(Host("studio", time.time(), cpu_percent=5.0), time.time())
        finally:
            await hub.stop()  # what waited is written
    hub = Hub(settings)
    await hub.start()
    try:
        found = await web_at(hub.url).get("/api/series?host=studio&metric=cpu.percent")
        assert len(found["rows"]) == 2
    finally:
        await hub.stop()


async def test_a_broken_file_stops_nothing_else(settings: Settings, web_at: Any) -> None:
    settings.data.mkdir()
    (settings.data / "series.db").write_bytes(b"no database " * 1000)
    hub = Hub(settings)
    await hub.start()
    try:
        web = web_at(hub.url)
        hub.keeper.take(Host("studio", time.time()), time.time())
        refused = await web("GET", "/api/series?host=studio&metric=cpu.percent")
        assert (refused.status, refused.json["error"]["code"]) == (503, "store_unavailable")
        assert "move that file away" in refused.json["error"]["message"]
        assert (await web.get("/api/echo/health"))["accepting"]
    finally:
        await hub.stop()


class Fragile(MemorySeries):
    """Cannot write while it is `full`; `odd` breaks it in a way nobody foresaw."""

    full = odd = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.called = asyncio.Event()

    async def append(self, moments: Sequence[Moment]) -> int:
        self.called.set()
        if self.full:
            raise StoreUnavailable("its disk is full")
        if self.odd:
            raise ZeroDivisionError
        return await super().append(moments)


def host(at_s: float) -> Host:
    return Host("studio", at_s, cpu_percent=1.0, gpus=(Gpu(0, "g", "nvidia", util_percent=5.0),))


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "FLUSH_S", 0.001)


async def kept(series: MemorySeries) -> list[float]:
    return [row[0] for row in await series.range("studio", "cpu.percent", NOW_S - 1000, NOW_S + 1000, 5000)]


async def test_what_could_not_be_written_is_written_later(caplog: pytest.LogCaptureFixture) -> None:
    series = Fragile(clock=lambda: NOW_S)
    keeper = Keeper(series)
    await keeper.start()
    series.full = True
    for n in range(3):
        keeper.take(host(NOW_S + n), NOW_S + n)
        await keeper.flush()
    assert len([record for record in caplog.records if "its disk is full" in record.message]) == 1
    series.full = False
    await keeper.flush()
    await keeper.flush()
    assert await kept(series) == [NOW_S, NOW_S + 1, NOW_S + 2]
    await keeper.stop()


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "MOST_WAITING", 3)
    series = Fragile(clock=lambda: NOW_S)
    keeper = Keeper(series)
    series.full = True
    for n in range(5):
        keeper.take(host(NOW_S + n), NOW_S)
        await keeper.flush()
    series.full = False
    await keeper.flush()
    assert await kept(series) == [NOW_S + 2, NOW_S + 3, NOW_S + 4]


async def test_an_odd_failure_does_not_end_the_keeping(fast: None, caplog: pytest.LogCaptureFixture) -> None:
    series = Fragile(clock=lambda: NOW_S)
    keeper = Keeper(series, clock=lambda: NOW_S)
    series.odd = True
    await keeper.start()
    keeper.take(host(NOW_S), NOW_S)
    await asyncio.wait_for(series.called.wait(), PATIENCE_S)
    series.odd = False
    series.called.clear()
    keeper.take(host(NOW_S + 1), NOW_S)
    await asyncio.wait_for(series.called.wait(), PATIENCE_S)
    await keeper.stop()
    assert await kept(series) == [NOW_S + 1]
    assert "could not be kept" in caplog.text


async def test_a_clock_that_is_wrong_does_not_count() -> None:
    series = MemorySeries(clock=lambda: NOW_S)
    keeper = Keeper(series)
    for at_s in (0.0, 1e12, NOW_S - 7200, NOW_S - 1.5):
        keeper.take(host(at_s), NOW_S + (at_s == 0.0))
        await keeper.flush()
    assert await kept(series) == [NOW_S - 1.5, NOW_S, NOW_S + 1]


async def test_not_open_is_said() -> None:
    with pytest.raises(StoreUnavailable, match="are not open"):
        _ = Keeper(MemorySeries()).series


async def test_the_settings_say_how_long(settings: Settings) -> None:
    hub = Hub(replace(settings, keep_raw_s=60.0, keep_15min_s=1e9))
    assert [one.keep_s for one in hub.keeper._series._kept] == [60.0, 7 * 86_400.0, 90 * 86_400.0, 1e9]  # type: ignore[attr-defined]
