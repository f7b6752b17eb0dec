"""A room without sockets: a store that can be broken, a clock that is moved by hand, agents and people who speak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from echodeck import wire
from echodeck.config import Settings
from echodeck.errors import StoreUnavailable
from echodeck.hub.room import Room
from echodeck.hub.session import Session, Shown
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.job import Job
from echodeck.store import Batch
from echodeck.store.memory import MemoryStore
from echodeck.wire import say

ENGINE = EngineInfo("sketch", models=(ModelInfo("sketch-s"),), samplers=("euler",), params=(
    Param("width", 64, 512, 64, 8), Param("height", 64, 512, 64, 8), Param("steps", 1, 100, 4),
    Param("seed", 0, 2**31 - 1, 0)))
STAGES = [("load model", 0), ("sample", 4), ("save", 0)]
LEASE_S = 10.0
KINDS = {name: kind for kinds in say.ENDPOINTS.values() for name, kind in kinds.items()}


class Clock:
    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


class BreakableStore(MemoryStore):
    """Writes fail while `broken` says why."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""
        self.unreadable = ""
        self.appends: list[int] = []

    async def append(self, batch: Batch) -> list[int]:
        await asyncio.sleep(0)  # as with a real store, others speak meanwhile
        if self.broken:
            raise StoreUnavailable(self.broken)
        self.appends.append(len(batch.events))
        return await super().append(batch)

    async def reply(self, key: str) -> dict[str, Any] | None:
        if self.unreadable:
            raise StoreUnavailable(self.unreadable)
        return await super().reply(key)


class Person:
    """A connection to the room: what it says is checked as the wire does, what it is told is in `told`."""

    def __init__(self, place: Place, name: str, endpoint: str) -> None:
        self.place, self.told = place, list[Shown]()
        self.session = Session(f"s-{name}", endpoint, f"c-{name}", name if endpoint != "/api/coordination/ws" else "",
                               self.told.append)

    async def say(self, type_: str, *, id_: str | None = None, **payload: Any) -> dict[str, Any]:
        """The ack's result. Keywords are the payload's keys as they go over the wire."""
        checked = wire.check(KINDS[type_], msgspec.json.encode(payload))
        return await self.place.room.handle(self.session, wire.Request(type_, checked, id_))

    async def submit(self, count: int = 1, **payload: Any) -> list[str]:
        result = await self.say("submit", count=count, **{"prompt": "hills", **payload})
        return list(result["jobIds"])

    async def command(self, job_id: str, command: str) -> dict[str, Any]:
        return await self.say("generation_command", jobId=job_id, command=command)

    def heard(self, type_: str) -> list[dict[str, Any]]:
        return [wire.plain(one.payload) for one in self.told if one.type == type_]


class Hand(Person):
    """An agent with one worker."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__(place, name, "/api/coordination/ws")
        self.name, self.worker = name, f"studio/sketch/{name}"

    async def register(self, running: list[dict[str, Any]] | None = None, slots: int = 1) -> dict[str, Any]:
        self.place.room.joined(self.session)
        return await self.say("register", agentId=self.name, host="studio", engines=[ENGINE], slots=slots,
                              running=running or [])

    async def greet(self, host: str = "studio", **more: str) -> dict[str, Any]:
        """Registers without engines."""
        self.place.room.joined(self.session)
        return await self.say("register", agentId=self.name, host=host, **more)

    async def claim(self, id_: str | None = None) -> dict[str, Any] | None:
        return (await self.say("claim", id_=id_, workerId=self.worker, engines=["sketch"]))["job"]

    def named(self, job: dict[str, Any]) -> dict[str, Any]:
        return {"jobId": job["id"], "attempt": job["attempt"], "workerId": self.worker}

    async def report(self, job: dict[str, Any], fact: str, *, id_: str | None = None, **fields: Any) -> dict[str, Any]:
        fields = {"atS": self.place.clock.now_s, **fields}
        return await self.say("job_report", id_=id_, **self.named(job), fact=fact, **fields)

    async def step(self, job: dict[str, Any], step: int, took_s: float = 0.5, index: int = 1) -> dict[str, Any]:
        now_s = self.place.clock.now_s
        return await self.say("job_progress", **self.named(job), index=index, step=step, atS=now_s,
                              samples=[[index, step, now_s, took_s]])

    async def begin(self, job: dict[str, Any]) -> None:
        """Through loading, into sampling."""
        await self.report(job, "planned", stages=STAGES)
        await self.report(job, "stage_started", index=0)
        self.place.clock.now_s += 0.5
        await self.report(job, "stage_done", index=0, durationS=0.5)
        await self.report(job, "stage_started", index=1)

    async def finish(self, job: dict[str, Any]) -> None:
        """Everything there is to do."""
        await self.begin(job)
        for step in range(1, 5):
            self.place.clock.now_s += 0.5
            await self.step(job, step)
        await self.report(job, "stage_done", index=1, durationS=2.0)
        await self.report(job, "stage_started", index=2)
        await self.report(job, "stage_done", index=2, durationS=0.1)
        await self.report(job, "completed", outputs=[{"path": "a.png"}])

    def leave(self) -> None:
        self.place.room.left(self.session)


class Place:
    """A room with what is around it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store if store is not None else BreakableStore()
        self.clock = Clock()
        self.settings = Settings(data=Path("unused"), lease_s=LEASE_S)
        self.stream: list[Shown] = []
        self.room = self._room()
        self._names = 0

    def _room(self) -> Room:
        return Room(self.store, self.settings, self.stream.append, clock=self.clock)

    async def restart(self) -> None:
        """The hub is stopped and started on the same store."""
        await self.room.stop()
        self.stream.clear()
        self.room = self._room()
        await self.room.start()

    def person(self, name: str = "ada", endpoint: str = "/api/echo/ws") -> Person:
        return Person(self, name, endpoint)

    def hand_of(self, name: str) -> Hand:
        """An agent that has not registered."""
        return Hand(self, name)

    async def hand(self, name: str = "agent-1", slots: int = 1) -> Hand:
        """A registered agent."""
        hand = Hand(self, name)
        await hand.register(slots=slots)
        return hand

    async def settle(self) -> None:
        """Returns when all that was begun is written and told."""
        await self.person("settler").say("communicate", message="is it all written?")

    async def wait_s(self, seconds: float) -> None:
        """Time goes by, in one tick."""
        self.clock.now_s += seconds
        self.room.tick(self.clock.now_s)
        await self.settle()

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = wire.plain(self.room.job_view(job_id))
        return found

    def order(self) -> list[str]:
        return list(self.room.board.get("queue").order)

    def told(self, type_: str) -> list[dict[str, Any]]:
        """What was told of this type; of waiting jobs only events, not each new place in the queue."""
        return [wire.plain(one.payload) for one in self.stream
                if one.type == type_ and (one.seq is not None or type_ != "generation_queued")]

    def alerts(self) -> list[dict[str, Any]]:
        """Those not resolved."""
        found = [wire.plain(one) for one in self.room.board.all("alerts").values()]
        return [alert for alert in found if alert["resolvedAt"] is None]

    async def stored(self) -> dict[str, Job]:
        return {job.id: job for job in await self.store.jobs()}


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks come from `wait_s` alone, not from the clock on the wall."""
    monkeypatch.setattr("echodeck.hub.room.TICK_S", 3600.0)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    await found.room.start()
    yield found
    await found.room.stop()


@pytest.fixture
def ada(place: Place) -> Person:
    return place.person("ada")


@pytest.fixture
async def agent(place: Place) -> Hand:
    return await place.hand("agent-1")


@pytest.fixture
def place_of() -> Callable[..., Place]:
    """Makes a Place that is not started, for machines that run their own loop."""
    return Place
