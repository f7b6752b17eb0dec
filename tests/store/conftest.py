from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from echodeck.model.job import Job, JobSpec, JobState
from echodeck.store import Event, Store
from echodeck.store.memory import MemoryStore
from echodeck.store.sqlite import SqliteStore


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """Each kind of store, open and empty."""
    made: Store = MemoryStore(clock=clock) if request.param == "memory" else SqliteStore(tmp_path / "data", clock=clock)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def job() -> Callable[..., Job]:
    def make(id_: str, state: JobState = JobState.PENDING, *, seq: int = 1, created_s: float = 10.0,
             **changed: Any) -> Job:
        spec = JobSpec("sketch", "sketch-s", title="<b>Ω</b>", width=256, height=128, steps=20,
                       options={"strength": 0.5, "tiled": True, "note": "x", "n": 3})
        return Job(id_, spec, state, seq=seq, created_s=created_s, user="ann", **changed)

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(key: str, at_s: float = 10.0, **payload: Any) -> Event:
        return Event("generation_queued", "job", key, payload or {"jobId": key, "title": "Ω", "n": 1.5}, at_s)

    return make
