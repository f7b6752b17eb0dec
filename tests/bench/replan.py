"""What does a command cost the hub's event loop, its re-plan included, and how long does a question hold it?

A real room with a queue of mixed jobs in front of three workers, at two lengths. Times are of the loop's own thread
(`time.thread_time`): all that it does for one command until nothing is left to do, and the longest step without giving
way to others, in milliseconds, at the median. The floor is a plain sort of the same queue, by priority,
model and steps.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from echodeck import wire
from echodeck.config import Settings
from echodeck.hub.app import smooth
from echodeck.hub.room import Room
from echodeck.hub.session import Session
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.store.memory import MemoryStore
from echodeck.wire import say

LENGTHS = (1000, 5000)
WORKERS, STEPS_OF_LOOP = 3, 400
MODELS = tuple("abcdef")
ENGINE = EngineInfo("sim", models=tuple(map(ModelInfo, MODELS)), params=(
    Param("width", 64, 512, 64, 8), Param("height", 64, 512, 64, 8), Param("steps", 1, 100, 4),
    Param("seed", 0, 2**31 - 1, 0)))
KINDS = {name: kind for kinds in say.ENDPOINTS.values() for name, kind in kinds.items()}
Doing = Callable[[], Awaitable[object]]


class Deck:
    """A room with a long queue, and somebody who steers it. Its clock stands still but for `later`."""

    def __init__(self, seed: int) -> None:
        self.rng, self.now_s = random.Random(seed), 1.8e9
        settings = Settings(data=Path("unused"), engine=ENGINE.name)
        self.room = Room(MemoryStore(), settings, lambda shown: None, clock=lambda: self.now_s)
        self.person = Session("person", "/api/echo/ws", "person", "ada", lambda shown: None)

    async def say(self, type_: str, session: Session | None = None, **payload: Any) -> dict[str, Any]:
        checked = wire.check(KINDS[type_], msgspec.json.encode(payload))
        return await self.room.handle(session or self.person, wire.Request(type_, checked, None))

    async def fill(self, length: int) -> None:
        await self.room.start()
        for number in range(WORKERS):
            agent = Session(f"agent-{number}", "/api/coordination/ws", f"agent-{number}", "", lambda shown: None)
            await self.say("register", agent, agentId=agent.id, host=agent.id, engines=[ENGINE], workers=[agent.id])
        while (left := length - len(self.waiting())) > 0:
            await self.submit(min(left, self.rng.choice([10, 40, 150])))
        self.now_s += 1.0
        self.room.tick(self.now_s)
        await idle()

    def waiting(self) -> list[str]:
        return [job.id for job in self.room.desk.queue.waiting()]

    async def submit(self, count: int = 1) -> None:
        draw = self.rng.choice
        await self.say("submit", prompt="hills", count=count, model=draw(MODELS), steps=draw([4, 8, 20]),
                       width=draw([64, 128, 256]), priority=draw(["low", "normal", "normal", "normal", "high"]))

    async def move(self) -> None:
        await self.say("move", jobId=self.rng.choice(self.waiting()), place=self.rng.randrange(50))

    async def pause(self) -> None:
        await self.say("generation_command", jobId=self.rng.choice(self.waiting()), command="pause")

    async def plan(self) -> None:
        await self.say("query", what="plan", add=[{"prompt": "hills", "model": "a", "count": 20}])

    async def recommend(self) -> None:
        await self.say("query", what="recommend", job={"prompt": "hills"})

    def sort(self) -> object:
        return sorted(self.room.desk.queue.waiting(), key=lambda job: (-job.priority, job.spec.model, job.spec.steps))


async def idle() -> None:
    """Returns when the loop has nothing more to do for what was asked."""
    for _ in range(STEPS_OF_LOOP):
        await asyncio.sleep(0)


async def cost_ms(do: Doing) -> tuple[float, float]:
    """All that the loop does for it, and its longest step."""
    steps_ms, ended = list[float](), False

    async def watch() -> None:
        last_s = time.thread_time()
        while not ended:
            await asyncio.sleep(0)
            now_s = time.thread_time()
            steps_ms.append((now_s - last_s) * 1e3)
            last_s = now_s

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await do()
    await idle()
    ended = True
    await watching
    empty_ms = statistics.median(steps_ms)
    return sum(max(0.0, step_ms - empty_ms) for step_ms in steps_ms), max(steps_ms)


async def measured(length: int, seed: int, seconds: float) -> tuple[dict[str, float], float]:
    """Figures by name, and what the floor takes."""
    deck, costs, floor_ms = Deck(seed), dict[str, list[tuple[float, float]]](), list[float]()
    await deck.fill(length)
    began_s = time.perf_counter()
    while not costs or time.perf_counter() - began_s < seconds:
        for do in (deck.move, deck.pause, deck.submit, deck.plan, deck.recommend):
            deck.now_s += 1.0
            costs.setdefault(do.__name__, []).append(await cost_ms(do))
        before_s = time.thread_time()
        deck.sort()
        floor_ms.append((time.thread_time() - before_s) * 1e3)
    await deck.room.stop()
    found: dict[str, float] = {}
    for name, pairs in costs.items():
        found[f"{name}_{length}_ms"] = statistics.median(whole for whole, _ in pairs)
        found[f"{name}_{length}_longest_step_ms"] = statistics.median(longest for _, longest in pairs)
    return found, statistics.median(floor_ms)


def bench(seed: int, seconds: float) -> dict[str, object]:
    smooth()
    ours, peer = dict[str, float](), dict[str, float]()
    for length in LENGTHS:
        found, floor_ms = asyncio.run(measured(length, seed, seconds / len(LENGTHS)))
        ours |= found
        peer |= dict.fromkeys(found, floor_ms)
    return {"name": "replan", "ours": ours, "peer": peer, "ratio": {name: ours[name] / peer[name] for name in ours},
            "notes": "Milliseconds of the loop's thread, medians. The floor only sorts; ours also gives each job its "
                     "worker, start, end and interval, and tells everybody whose place or start is another."}
