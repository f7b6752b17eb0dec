"""The embedded engine's real refusal for lack of memory, through a real hub and real agents, to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck.agent.agent import Agent
from echodeck.client import Backoff, Client
from echodeck.config import Settings
from echodeck.engines.sketch import Sketch
from echodeck.engines.sketch.size import needed_bytes
from echodeck.hub.app import Hub
from echodeck.model.engine import fit
from echodeck.model.record import Host
from echodeck.store.memory import MemoryStore

pytestmark = pytest.mark.slow

GIVEN = {"model": "sketch-s", "width": 128, "height": 128, "steps": 2, "batch": 4, "prompt": "hills"}
ASKED = fit(Sketch(Path()).info(), GIVEN)


class Machine:
    """A source that tells one figure: how much memory there is."""

    def __init__(self, name: str, memory_bytes: int) -> None:
        self.name, self.memory_bytes = name, memory_bytes

    def read(self) -> Host:
        return Host(self.name, 1.0, memory_total_bytes=self.memory_bytes)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    settings = Settings(port=0, data=tmp_path, brain={"mend": {"backoff_s": 0.1}})
    made = Hub(settings, MemoryStore())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def viewer(hub: Hub) -> AsyncIterator[Client]:
    async with Client(hub.url, backoff=Backoff(0.05, 0.2, soon_s=0.05)) as client:
        await client.ready(20)
        yield client


@pytest.fixture
async def begin(hub: Hub, tmp_path: Path) -> AsyncIterator[Callable[[str, int], Any]]:
    """Starts an agent on a machine of this name whose engine may use so many bytes."""
    running: list[tuple[Agent, asyncio.Task[None]]] = []

    def start(name: str, limit_bytes: int) -> Agent:
        settings = replace(Settings(hub=hub.url, data=tmp_path), heartbeat_s=0.2, period_s=0.1)
        engine = Sketch(tmp_path / name, memory_limit_bytes=limit_bytes)
        agent = Agent(settings, engines={"sketch": engine}, source=Machine(name, limit_bytes), name=name)
        running.append((agent, asyncio.create_task(agent.run())))
        return agent

    yield start
    for agent, task in running:
        agent.stop()
        await task


async def ended(viewer: Client, until: Any, job_id: str) -> dict[str, Any]:
    def end() -> Any:
        job = viewer.board.get("jobs", job_id)
        return job if job and job["status"] in ("completed", "failed") else None

    return dict(await until("the end", end))


async def submit(viewer: Client, until: Any, **fields: Any) -> str:
    def usable() -> Any:
        info = viewer.board.get("engines", "sketch")
        return info is not None and not info.get("reason")

    await until("the engine", usable)
    return (await viewer.submit(**{**GIVEN, **fields}))[0]


async def test_it_frees_makes_fewer_and_smaller_and_then_fits(viewer: Client, begin: Any, until: Any) -> None:
    begin("studio", needed_bytes(replace(ASKED, batch=1, width=96, height=96)))
    job = await ended(viewer, until, await submit(viewer, until, allow=["batch", "resolution"]))
    assert job["status"] == "completed", job["error"]
    assert [one["cure"] for one in job["tries"]] == ["free", "batch", "batch", "resolution"]
    assert all(one["errorKind"] == "out_of_memory" for one in job["tries"])
    assert (job["batch"], job["resolution"], job["attempt"]) == (1, "96×96", 5)
    assert job["asked"] == {"batch": 4, "width": 128, "height": 128}
    assert len(job["outputs"]) == 1


async def test_a_larger_machine_makes_what_was_asked_for(viewer: Client, begin: Any, until: Any) -> None:
    begin("large", 2 * needed_bytes(ASKED))
    long = await submit(viewer, until, steps=150)
    await until("the large one busy", lambda: viewer.board.get("jobs", long)["status"] == "running")
    begin("small", needed_bytes(ASKED) // 2)
    await until("both machines", lambda: viewer.board.get("hosts", "small") and viewer.board.get("hosts", "large"))
    job_id = await submit(viewer, until)
    await until("it not fitting", lambda: viewer.board.get("jobs", job_id)["avoid"])
    await viewer.cancel(long)
    job = await ended(viewer, until, job_id)
    assert [(one["host"], one["cure"]) for one in job["tries"]] == [("small", "free"), ("small", "worker")]
    assert (job["status"], job["host"], job["batch"], job["resolution"]) == ("completed", "large", 4, "128×128")


async def test_what_fits_nowhere_fails_with_what_it_would_need(viewer: Client, begin: Any, until: Any) -> None:
    begin("studio", 1 << 20)
    job = await ended(viewer, until, await submit(viewer, until))
    assert job["status"] == "failed"
    assert f"it would need at least {needed_bytes(ASKED) / (1 << 20) - 1:.0f} MiB more" in job["error"]
    assert "the largest machine has 1 MiB" in job["error"]
    assert [one["cure"] for one in job["tries"]] == ["free"]


async def test_a_model_left_open_comes_down_to_one_that_fits(viewer: Client, begin: Any, until: Any) -> None:
    begin("studio", needed_bytes(replace(ASKED, batch=1)))
    # With few steps no model has a head start, and the cheapest would be taken at once.
    job = await ended(viewer, until, await submit(viewer, until, model="auto", quality="final", steps=7, batch=1))
    assert (job["status"], job["model"]) == ("completed", "sketch-s"), job["error"]
    first, *moves = [one["cause"] for one in job["climbs"]]
    assert (first, set(moves)) == ("choice", {"memory"})
