"""Workflows: jobs after others, fan-out and fan-in, what becomes of them when one fails, and any order of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from echodeck.errors import BadField
from echodeck.hub import chains
from echodeck.model.job import TERMINAL

DIAMOND = [{"name": "a", "prompt": "a"}, {"name": "b", "prompt": "b", "after": ["a"]},
           {"name": "c", "prompt": "c", "after": [0]}, {"name": "d", "prompt": "d", "after": ["b", "c"]}]


async def flow(ada: Any, jobs: list[dict[str, Any]], **more: Any) -> list[str]:
    found = await ada.say("workflow", jobs=jobs, name="test", **more)
    ids: list[str] = found["jobIds"]
    return ids


async def fail(agent: Any, job: dict[str, Any]) -> None:
    await agent.report(job, "failed", error={"kind": "crash", "message": "it broke"})


def result(place: Any) -> dict[str, Any]:
    [told] = place.told("workflow_result")
    answer: dict[str, Any] = told["answer"]
    return answer


async def test_a_job_is_given_out_when_all_before_it_have_completed(place: Any, ada: Any) -> None:
    one, two = await place.hand("agent-1"), await place.hand("agent-2")
    a, b, c, d = await flow(ada, DIAMOND)
    first = await one.claim()
    assert first["id"] == a
    assert await two.claim() is None, "all others wait for it"
    assert place.job(d)["waits"] == [b, c]
    await one.finish(first)
    mine, other = await one.claim(), await two.claim()
    assert {mine["id"], other["id"]} == {b, c}, "fan-out"
    await one.finish(mine)
    assert await one.claim() is None, "fan-in"
    await two.finish(other)
    last = await one.claim()
    assert last["id"] == d
    await one.finish(last)
    await place.wait_s(1.0)
    assert result(place)["ok"] is True


async def test_the_worker_hears_at_once_that_a_job_may_begin(place: Any, ada: Any, agent: Any) -> None:
    await flow(ada, DIAMOND[:2])
    job = await agent.claim()
    agent.told.clear()
    await agent.finish(job)
    assert agent.heard("work_available"), "not only at the next tick"


async def test_what_comes_after_a_failure_is_called_off_with_the_reason(place: Any, ada: Any, agent: Any) -> None:
    a, b, c, d = await flow(ada, DIAMOND)
    await fail(agent, await agent.claim())
    assert [place.job(one)["status"] for one in (a, b, c, d)] == ["failed", "cancelled", "cancelled", "cancelled"]
    assert place.job(b)["calledOff"] == "a, which it comes after, failed: it broke"
    assert place.job(d)["calledOff"].endswith(", which it comes after, was cancelled")
    await place.wait_s(1.0)
    answer = result(place)
    assert answer["ok"] is False
    assert answer["jobs"][0] == {"jobId": a, "status": "failed", "reason": "it broke"}
    assert answer["jobs"][1]["reason"] == place.job(b)["calledOff"]


@pytest.mark.parametrize("whole", [True, False], ids=["for all", "for one"])
async def test_a_job_may_go_on_all_the_same(place: Any, ada: Any, agent: Any, whole: bool) -> None:
    jobs = [dict(one) for one in DIAMOND[:2]]
    if not whole:
        jobs[1]["onFailure"] = "continue"
    _, b = await flow(ada, jobs, **({"onFailure": "continue"} if whole else {}))
    await fail(agent, await agent.claim())
    job = await agent.claim()
    assert job["id"] == b


async def test_a_person_who_cancels_one_cancels_what_comes_after(place: Any, ada: Any, agent: Any) -> None:
    a, b, *_ = await flow(ada, DIAMOND)
    await ada.command(a, "cancel")
    assert place.job(a)["cancelledBy"] == "ada"
    assert (place.job(b)["status"], place.job(b)["cancelledBy"]) == ("cancelled", "")
    assert await agent.claim() is None


async def test_what_is_taken_off_the_list_will_never_complete(place: Any, ada: Any, agent: Any) -> None:
    a, b, *_ = await flow(ada, DIAMOND)
    await ada.say("remove", jobId=a)
    await place.wait_s(1.0)
    assert "taken off the list" in place.job(b)["calledOff"]
    await place.wait_s(1.0)
    assert [one["status"] for one in result(place)["jobs"]] == ["removed", "cancelled", "cancelled", "cancelled"]


async def test_trying_again_brings_back_what_was_called_off(place: Any, ada: Any, agent: Any) -> None:
    a, b, c, d = await flow(ada, DIAMOND)
    await fail(agent, await agent.claim())
    await ada.say("retry", jobId=a)
    assert [place.job(one)["status"] for one in (a, b, c, d)] == ["pending"] * 4
    assert place.job(b)["waits"] == [a]
    assert set(place.job(d)["waits"]) == {b, c}
    done = []
    while (job := await agent.claim()) is not None:
        done.append(job["id"])
        await agent.finish(job)
    assert done[0] == a
    assert done[-1] == d
    assert len(done) == 4


async def test_one_called_off_that_a_person_tries_again_runs(place: Any, ada: Any, agent: Any) -> None:
    _, b, *_ = await flow(ada, DIAMOND)
    await fail(agent, await agent.claim())
    await ada.say("retry", jobId=b)
    job = await agent.claim()
    assert job["id"] == b, "what it came after has ended, and the person knows"


async def test_one_that_a_person_cancelled_stays_so(place: Any, ada: Any, agent: Any) -> None:
    a, b, *_ = await flow(ada, DIAMOND)
    await ada.command(b, "cancel")
    await fail(agent, await agent.claim())
    await ada.say("retry", jobId=a)
    assert place.job(b)["status"] == "cancelled"


async def test_it_survives_the_hub(place: Any, ada: Any, agent: Any) -> None:
    a, b, c, d = await flow(ada, DIAMOND)
    await agent.finish(await agent.claim())
    await place.restart()
    again = await place.hand("agent-9")
    assert place.job(d)["waits"] == [b, c]
    seen = []
    while (job := await again.claim()) is not None:
        seen.append(job["id"])
        await again.finish(job)
    assert seen == [b, c, d]
    await place.wait_s(1.0)
    assert [one["jobId"] for one in result(place)["jobs"]] == [a, b, c, d]


async def test_an_entry_may_be_several_jobs(place: Any, ada: Any, agent: Any) -> None:
    ids = await flow(ada, [{"name": "many", "prompt": "a", "count": 3}, {"prompt": "b", "after": ["many"]}])
    assert place.job(ids[3])["waits"] == ids[:3]


async def test_the_order_of_the_queue_is_one_in_which_they_can_run(place: Any, ada: Any, agent: Any) -> None:
    late, first = await flow(ada, [{"prompt": "late", "after": [1]}, {"prompt": "first"}])
    assert place.order() == [first, late]


@pytest.mark.parametrize(("jobs", "field"), [
    ([{"prompt": "a", "after": ["b"]}], "jobs[0].after"),
    ([{"prompt": "a", "after": [1]}, {"prompt": "b", "after": [0]}], "jobs[0].after"),
    ([{"prompt": "a", "name": "x"}, {"prompt": "b", "name": "x"}], "jobs[1].name"),
])
async def test_what_can_never_run_is_refused(ada: Any, agent: Any, jobs: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(BadField) as caught:
        await flow(ada, jobs)
    assert caught.value.field in (field, "jobs[1].after")


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 7))):
        after = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        jobs.append({"prompt": f"p{place}", "after": sorted(after),
                     "onFailure": draw(st.sampled_from(["cancel", "cancel", "continue"]))})
    return jobs


ENDS = st.lists(st.sampled_from(["completed", "completed", "failed", "cancel", "pause", "remove", "restart"]),
                min_size=30, max_size=30)


@given(graphs(), ENDS, st.integers(0, 6))
@example([{"prompt": f"p{n}", "after": [2] if n == 3 else [], "onFailure": "continue"} for n in range(6)],
         ["completed", "pause", *["completed"] * 21, "remove", *["completed"] * 6], 5)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_graph_runs_each_job_once_in_order_and_never_sticks(
        place_of: Callable[..., Any], jobs: list[dict[str, Any]], ends: list[str], which: int) -> None:
    asyncio.run(_any(place_of(), jobs, ends, which))


async def _any(place: Any, jobs: list[dict[str, Any]], ends: list[str], which: int) -> None:
    await place.room.start()
    ada, hand = place.person("ada"), await place.hand("agent-0")
    ids = await flow(ada, jobs)
    began: list[tuple[str, int]] = []
    for number, end in enumerate(ends):
        job = await hand.claim()
        target = ids[which % len(ids)]
        if job is not None:
            began.append((job["id"], job["attempt"]))
            _may_begin(place, jobs, ids, job["id"])
        if end == "restart":
            await place.restart()
            hand = await place.hand(f"agent-{number + 1}")
            await place.wait_s(30.0)  # what the other had in hand is queued again, or ended
        elif end in ("cancel", "pause", "remove"):
            await _steer(place, ada, target, end)
        if job is not None and place.room.desk.queue.get(job["id"]).in_hand:
            await (fail(hand, job) if end == "failed" else hand.report(job, "completed"))
        which += 3
    for job_id in ids:
        await _steer(place, ada, job_id, "resume")
    await place.wait_s(1.0)  # what follows one that was taken off the list is let go with the next tick
    while (job := await hand.claim()) is not None:
        began.append((job["id"], job["attempt"]))
        _may_begin(place, jobs, ids, job["id"])
        await hand.report(job, "completed")
        await place.wait_s(1.0)
    await place.wait_s(1.0)
    queue = place.room.desk.queue
    assert all(queue.get(one).state in TERMINAL for one in ids if one in queue), "none is stuck"
    assert len(place.told("workflow_result")) <= 1
    assert place.room.staff._workflows.__dict__["_workflows"] == []
    assert len(set(began)) == len(began), "no attempt was begun twice"
    await place.room.stop()


def _may_begin(place: Any, jobs: list[dict[str, Any]], ids: list[str], job_id: str) -> None:
    """Whatever it comes after is over, and has completed if that matters."""
    entry, queue = jobs[ids.index(job_id)], place.room.desk.queue
    for other in (ids[one] for one in entry["after"]):
        state = queue.get(other).state.value if other in queue else "cancelled"  # it was taken off the list
        assert state == "completed" or (entry["onFailure"] == "continue" and state in TERMINAL)


async def _steer(place: Any, ada: Any, job_id: str, what: str) -> None:
    """As far as it is possible now."""
    queue = place.room.desk.queue
    if job_id not in queue or (job := queue.get(job_id)).state in TERMINAL or job.in_hand:
        return
    if what == "remove":
        await ada.say("remove", jobId=job_id)
    elif what != "resume" or job.held:
        await ada.command(job_id, what)


async def test_when_they_should_begin_is_foreseen_one_after_the_other(place: Any, ada: Any, agent: Any) -> None:
    a, b, c, d = await flow(ada, DIAMOND)
    starts = [place.job(one)["expectedStart"] for one in (a, b, c, d)]
    assert starts == sorted(starts)
    assert len(set(starts)) == 4, "on one worker none runs beside another"
    clear = place.room.board.get("queue").clear_at
    assert clear > starts[-1]
    await ada.command(a, "pause")
    await place.settle()
    assert [place.job(one)["expectedStart"] for one in (b, c, d)] == [None] * 3, "nobody knows when it goes on"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(chains, "MOST_AT_ONCE", 20)
    return 20


@pytest.mark.parametrize("shape", ["chain", "fan"])
async def test_a_long_one_is_settled_in_parts(place: Any, ada: Any, agent: Any, few: int, shape: str) -> None:
    count = 3 * few
    jobs = [{"prompt": str(n), "after": [n - 1 if shape == "chain" else 0] if n else []} for n in range(count)]
    ids = await flow(ada, jobs)
    await ada.command(ids[0], "cancel")
    statuses = [place.job(one)["status"] for one in ids]
    assert "pending" in statuses, "the hub has time for others in between"
    for _ in range(5):
        await place.settle()
    assert {place.job(one)["status"] for one in ids} == {"cancelled"}
    await ada.say("retry", jobId=ids[0])
    for _ in range(10):
        await place.settle()
    assert {place.job(one)["status"] for one in ids} == {"pending"}
    assert place.job(ids[-1])["waits"] == [ids[-2 if shape == "chain" else 0]]


async def test_one_that_is_tried_again_at_once_keeps_those_that_were_not_called_off_yet(
        place: Any, ada: Any, agent: Any, few: int) -> None:
    ids = await flow(ada, [{"prompt": str(n), "after": [0] if n else []} for n in range(2 * few)])
    failing, again = ada.command(ids[0], "cancel"), ada.say("retry", jobId=ids[0])
    await asyncio.gather(failing, again)
    for _ in range(10):
        await place.settle()
    assert {place.job(one)["status"] for one in ids} == {"pending"}
    assert all(place.job(one)["waits"] == [ids[0]] for one in ids[1:])


async def test_one_that_is_put_right_takes_nothing_with_it(place: Any, ada: Any, agent: Any) -> None:
    a, b = await flow(ada, DIAMOND[:2])
    job = await agent.claim()
    await agent.report(job, "failed", error={"kind": "server_lost", "message": "it is away", "retryable": True})
    assert [place.job(one)["status"] for one in (a, b)] == ["pending", "pending"], "it is tried again by itself"
    assert place.job(b)["waits"] == [a]
    await place.wait_s(60.0)
    await agent.finish(await agent.claim())
    last = await agent.claim()
    assert last["id"] == b


@pytest.mark.parametrize("wrong", ["After", "on_failure", "modle"])
async def test_a_misspelt_field_of_a_job_is_refused(ada: Any, agent: Any, wrong: str) -> None:
    with pytest.raises(BadField, match=wrong):
        await ada.say("workflow", jobs=[{"prompt": "hills"}, {"prompt": "lake", wrong: "x"}])


async def test_what_is_wrong_with_a_job_names_its_place(place: Any, ada: Any, agent: Any) -> None:
    jobs = [{"prompt": "a", "name": "x", "after": ["y"]}, {"prompt": "b", "name": "y", "steps": 4000}]
    with pytest.raises(BadField, match=r"jobs\[1\]\.steps: ") as caught:
        await ada.say("workflow", jobs=jobs)
    assert caught.value.field == "jobs[1].steps"
    with pytest.raises(BadField, match=r"add\[1\]\.model: engine sketch has no model"):
        await ada.say("query", what="plan", add=[{"prompt": "a"}, {"prompt": "a", "model": "none"}])
    with pytest.raises(BadField, match=r"^job\.model: "):
        await ada.say("query", what="estimate", job={"prompt": "a", "model": "none"})
    with pytest.raises(BadField, match=r"^steps: "):
        await ada.submit(steps=4000)
