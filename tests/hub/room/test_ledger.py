"""What is durable when, and what becomes of it while the disk is full and after."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from echodeck.errors import StoreUnavailable

FULL = "the data directory is full: make room"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again after moments, not seconds."""
    monkeypatch.setattr("echodeck.hub.ledger.RETRY_FIRST_S", 0.01)
    monkeypatch.setattr("echodeck.hub.ledger.RETRY_LAST_S", 0.02)


async def until(condition: Any) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_nothing_is_told_before_it_is_written(place: Any, ada: Any, agent: Any) -> None:
    started, go = asyncio.Event(), asyncio.Event()
    write = place.store.append

    async def slow(batch: Any) -> list[int]:
        started.set()
        await go.wait()
        return list(await write(batch))

    place.store.append = slow
    asking = asyncio.create_task(ada.submit())
    await started.wait()
    assert not place.told("generation_queued")
    assert place.room.initial_state().jobs == []
    assert await asyncio.wait([asking], timeout=0.02) == (set(), {asking})
    go.set()
    accepted = await asking
    assert place.order() == accepted


async def test_many_at_once_are_written_together_and_told_in_order(place: Any, agent: Any) -> None:
    before = len(place.store.appends)
    people = [place.person(f"p{number}") for number in range(50)]
    await asyncio.gather(*(one.submit() for one in people))
    assert len(place.store.appends) - before <= 5
    seqs = [one.seq for one in place.stream if one.seq is not None]
    assert seqs == sorted(set(seqs))
    stored = await place.store.events(0, 10_000)
    assert seqs == [one.seq for one in stored]


async def test_a_full_disk_refuses_new_jobs_and_lets_the_others_go_on(place: Any, ada: Any, agent: Any) -> None:
    running, waiting = await ada.submit(2)
    job = await agent.claim()
    place.store.broken = FULL
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="full"):
            await ada.submit()
    assert place.room.refused == FULL
    assert place.order() == [running, waiting]
    assert (await ada.command(waiting, "pause"))["durable"] is False
    assert place.job(waiting)["status"] == "paused"
    await agent.finish(job)
    assert place.job(running)["status"] == "completed"
    [alert] = place.alerts()
    assert alert["level"] == "error"
    assert FULL in alert["message"]
    assert place.room.initial_state().queue.reason == FULL
    assert not place.room.initial_state().system_status.healthy


async def test_what_was_owed_is_written_when_there_is_room_again(place: Any, ada: Any, agent: Any) -> None:
    running, waiting = await ada.submit(2)
    job = await agent.claim()
    place.store.broken = FULL
    await agent.finish(job)
    await ada.command(waiting, "pause")
    await place.settle()
    assert (await place.stored())[running].state.value == "running"
    place.store.broken = ""
    await until(lambda: not place.room.refused)
    await place.settle()
    stored = await place.stored()
    assert [stored[one].state.value for one in (running, waiting)] == ["completed", "paused"]
    assert await place.store.runs()
    assert len(await place.store.steps(job_id=running)) == 4
    assert place.alerts() == []
    assert len(await ada.submit()) == 1
    types = [one.type for one in await place.store.events(0, 10_000)]
    assert types.count("generation_complete") == 1
    assert "alert_resolved" in types


async def test_an_event_that_was_owed_is_not_told_twice(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    place.store.broken = FULL
    await ada.command(job_id, "cancel")
    place.store.broken = ""
    await until(lambda: not place.room.refused)
    await place.settle()
    assert len(place.told("generation_cancelled")) == 1
    seqs = [one.seq for one in place.stream if one.seq is not None]
    assert seqs == sorted(set(seqs))


async def test_a_store_that_fails_unforeseen_does_not_stop_the_hub(place: Any, ada: Any, agent: Any,
                                                                  caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a store raises: who asked is told, and the next ones are served."""
    [job_id] = await ada.submit()
    write, failures = place.store.append, 1

    async def odd(batch: Any) -> list[int]:
        nonlocal failures
        if failures:
            failures -= 1
            raise RuntimeError("a mistake")
        return list(await write(batch))

    place.store.append = odd
    async with asyncio.timeout(5.0):
        await ada.command(job_id, "pause")
        await until(lambda: not place.room.refused)
        assert len(await ada.submit()) == 1
    assert place.job(job_id)["status"] == "paused"




async def test_what_waits_is_written_when_the_hub_stops(place_of: Any) -> None:
    place = place_of()
    await place.room.start()
    agent = await place.hand()
    ada = place.person("ada")
    [job_id] = await ada.submit()
    job = await agent.claim()
    asking = asyncio.create_task(agent.report(job, "failed", error={"kind": "crash", "message": "it broke"}))
    await asyncio.sleep(0)
    await place.room.stop()
    async with asyncio.timeout(5.0):
        await asking
    assert (await place.stored())[job_id].state.value == "failed"


async def test_a_reply_that_cannot_be_read_does_not_keep_anybody_from_steering(place: Any, ada: Any,
                                                                             agent: Any) -> None:
    """A damaged disk: what is asked of jobs in memory still happens."""
    [job_id] = await ada.submit()
    place.store.unreadable = "the database is damaged"
    await ada.say("generation_command", id_="r1", jobId=job_id, command="pause")
    assert place.job(job_id)["status"] == "paused"
