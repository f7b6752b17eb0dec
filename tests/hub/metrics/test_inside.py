"""Agents, engines and the hub itself on the page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from echodeck.config import Settings
from echodeck.hub.app import Hub
from echodeck.model.record import Host
from echodeck.store.memory import MemoryStore
from echodeck.version import __version__


async def test_agents_and_engines(hub: Hub, meet: Any, value: Any) -> None:
    talk = await meet("/api/coordination/ws")
    await talk.register()
    script = await meet("/api/coordination/ws")
    await script.register(agentId="studio-77-abc", engines=[], kind="script")
    assert value(hub.metrics, "agents", host="studio", status="online") == 1.0, "scripts are none"
    assert value(hub.metrics, "agents", host="studio", status="offline") == 0.0
    assert value(hub.metrics, "engine_up", engine="sketch") == 1.0
    await talk.ask("announce", {"engines": [{"name": "sketch", "reason": "its server is away", "kind": "comfyui"}]})
    assert value(hub.metrics, "engine_up", engine="sketch") == 0.0
    assert value(hub.metrics, "engine_info", engine="sketch", kind="comfyui", version="") == 1.0


async def test_the_hub_itself(hub: Hub, meet: Any, read: Any, value: Any) -> None:
    viewer = await meet()
    await viewer.ask("communicate", {"message": "hello"})
    assert value(hub.metrics, "hub_viewers") == 1.0
    assert value(hub.metrics, "hub_store_accepting") == 1.0
    assert value(hub.metrics, "hub_log_events_total") == hub.room.board.seq > 0
    written = value(hub.metrics, "hub_ledger_write_seconds_count")
    assert written
    assert value(hub.metrics, "hub_ledger_group_changes_sum") >= written, "one change a group at least"
    hub.keeper.take(Host("studio", time.time()), time.time())
    assert value(hub.metrics, "hub_series_waiting_samples") == 1.0
    names = {name for name, _ in read(hub.metrics)}
    assert {"echodeck_hub_event_loop_lag_seconds", "echodeck_hub_outbox_messages",
            "echodeck_hub_ledger_waiting_changes"} <= names
    [build] = [labels for name, labels in read(hub.metrics) if name == "echodeck_build_info"]
    assert ("version", __version__) in build


class Held(MemoryStore):
    """Cannot be opened."""

    async def open(self) -> None:
        from echodeck.errors import StoreUnavailable

        raise StoreUnavailable("the disk is read-only")


async def test_a_hub_that_cannot_keep_anything_says_so(tmp_path: Path, value: Any) -> None:
    hub = Hub(Settings(port=0, data=tmp_path), Held())
    await hub.start()
    try:
        assert value(hub.metrics, "hub_store_accepting") == 0.0
        assert value(hub.metrics, "jobs", state="pending") == 0.0
    finally:
        await hub.stop()


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
async def test_counters_begin_with_the_process(hub: Hub, read: Any, accept: str) -> None:
    page = read(hub.metrics, accept)
    finished = [number for (name, _), number in page.items() if name == "echodeck_jobs_finished_total"]
    assert sum(finished) == 0.0
