"""What is shown of the queue is what a plan from scratch would show, whatever was kept from the plan before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echodeck import wire
from echodeck.hub.standings import AT_ONCE

LONG = 3 * AT_ONCE
COMMANDS = st.tuples(st.sampled_from(["submit", "move", "pause", "resume", "cancel", "urgent", "claim"]),
                     st.integers(0, 9), st.integers(0, 9))


async def do(ada: Any, agent: Any, place: Any, command: str, which: int, where: int) -> None:
    waiting = place.room.desk.queue.waiting()
    if command == "submit" or not waiting:
        await ada.submit(1 + which % 3, model="sketch-s", steps=4 * (1 + where % 3))
        return
    job = waiting[which % len(waiting)]
    if command == "claim":
        if (taken := await agent.claim()) is not None:
            await agent.finish(taken)
    elif command == "move":
        await ada.say("move", jobId=job.id, place=where)
    elif command == "urgent":
        await ada.say("set_priority", jobId=job.id, priority="urgent")
    elif command == "cancel" or command == ("resume" if job.paused_s is not None else "pause"):
        await ada.command(job.id, command)


def from_scratch(place: Any) -> tuple[Any, dict[str, Any]]:
    """The queue and the places, reasons and starts of all that waits, with nothing kept of the plan before. How long
    jobs take is not worked out again: that is kept until something is learnt."""
    desk, order, standings = place.room.desk, place.room.staff.order, place.room.staff.standings
    order._seen.clear()
    order._planned = (None, 0.0, [])
    standings._items.clear()
    standings._basis = ()
    desk.refresh(place.clock.now_s)
    starts = {job.id: desk.outlooks.start_s(job.id) for job in desk.queue.waiting()}
    return wire.plain(desk.board.get("queue")), {"places": dict(desk.places), "whys": dict(desk.whys), "starts": starts}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15, derandomize=True,
          database=None)
@given(st.lists(COMMANDS, max_size=12))
def test_what_is_shown_is_what_a_plan_from_scratch_shows(place_of: Any, commands: list[tuple[str, int, int]]) -> None:
    async def story() -> None:
        place = place_of()
        await place.room.start()
        ada, agent = place.person("ada"), await place.hand("agent-1")
        for command, which, where in commands:
            await do(ada, agent, place, command, which, where)
        await place.wait_s(6.0)  # a plan that was made from the same is made anew after 5 s
        desk = place.room.desk
        shown = wire.plain(desk.board.get("queue")), {
            "places": dict(desk.places), "whys": dict(desk.whys),
            "starts": {job.id: desk.outlooks.start_s(job.id) for job in desk.queue.waiting()}}
        assert shown == from_scratch(place)
        await place.room.stop()

    asyncio.run(story())


async def test_a_long_queue_is_told_in_slices_and_each_job_as_it_is_then(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(LONG)
    await place.settle()
    place.stream.clear()
    await ada.say("move", jobId=ids[-1], direction="top")
    told = [one.key for one in place.stream if one.type == "generation_queued" and one.seq is None]
    assert len(told) >= AT_ONCE
    for _ in range(LONG):
        await asyncio.sleep(0)
    assert [place.job(one)["position"] for one in place.order()] == list(range(LONG))
    board = place.room.board.all("jobs")
    assert [board[one].position for one in place.order()] == list(range(LONG)), "everybody has been told"


async def test_a_queue_that_is_as_it_was_is_not_planned_again(place: Any, ada: Any, agent: Any,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.submit(3)
    await place.settle()
    planned: list[float] = []
    plan = place.room.desk.outlooks.plan
    monkeypatch.setattr(place.room.desk.outlooks, "plan", lambda *given: (planned.append(1.0), plan(*given)))
    await ada.say("communicate", message="hello")
    await place.settle()
    assert planned == []
    await ada.submit()
    await place.settle()
    assert planned


async def test_a_job_taken_off_the_list_is_counted_no_more_at_once(place: Any, ada: Any, agent: Any) -> None:
    first, _ = await ada.submit(2)
    await ada.command(first, "cancel")
    await place.settle()
    assert place.room.board.get("queue").stats.cancelled == 1
    await ada.say("remove", jobId=first)
    await place.settle()
    assert place.room.board.get("queue").stats.cancelled == 0
