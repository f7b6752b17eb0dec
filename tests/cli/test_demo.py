"""What `--demo` queues, and when."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from echodeck.cli import demo
from echodeck.engines.sketch import INFO
from echodeck.engines.sketch.prompt import read
from echodeck.errors import HubUnreachable
from echodeck.model.engine import fit

SKETCH = {"name": "sketch", "models": [], "reason": ""}


def test_every_demo_job_is_one_the_engine_takes() -> None:
    specs = [fit(INFO, {key: it for key, it in job.items() if key != "priority"}) for job in demo.JOBS]
    assert len({spec.title for spec in specs}) == len(specs) == 8
    assert [spec.type for spec in specs].count("video") == 1
    assert {spec.model for spec in specs} == {model.name for model in INFO.models}
    assert len({read(spec.prompt).subject for spec in specs}) == 5


async def test_they_are_queued_once_an_engine_is_announced(hub: Any, say: Any) -> None:
    queued = asyncio.create_task(demo.queue(hub.url))
    deadline = time.monotonic() + 20
    while not hub.said("ping"):  # it has had its initial state
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    assert not hub.said("submit")
    hub.do(hub.say(say.frame("engine_update", {**SKETCH, "reason": "no agent is online"})))
    hub.do(hub.say(say.frame("engine_update", SKETCH)))
    assert await queued == 8
    assert [r["payload"]["prompt"] for r in hub.said("submit")] == [job["prompt"] for job in demo.JOBS]
    assert hub.queries[0]["user"] == demo.USER


async def test_they_are_queued_only_the_first_time(hub: Any, say: Any) -> None:
    hub.greeting = [say.initial(1, [{"jobId": "a", "user": demo.USER}])]
    assert await demo.queue(hub.url) == 0
    assert not hub.said("submit")


async def test_without_an_engine_it_says_so(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PATIENCE_S", 0.3)
    with pytest.raises(HubUnreachable, match="no agent has announced"):
        await demo.queue(hub.url)
