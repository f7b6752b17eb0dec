"""The room's rules one by one: order, repeated requests, leases, alerts, sentences, figures, workflows."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest

from echodeck import wire
from echodeck.errors import BadField, BadFrame, IllegalTransition, InputError, UnknownRecord
from echodeck.hub import desk as desk_module
from echodeck.hub import intake
from echodeck.hub import room as room_module
from echodeck.hub.queue import GAP, Queue
from echodeck.model.job import Job, JobSpec, JobState
from echodeck.wire import say

# --- the queue, pure --------------------------------------------------------------------------------------------------


def waiting(*names: str, priority: int = 0) -> list[Job]:
    return [Job(name, JobSpec("sketch", "m"), rank=float(n), priority=priority) for n, name in enumerate(names)]


def ids(queue: Queue) -> list[str]:
    return [job.id for job in queue.waiting()]


@pytest.mark.parametrize(("move", "order"), [
    (say.Move("c", direction="up"), "acbde"),
    (say.Move("a", direction="up"), "abcde"),
    (say.Move("c", direction="down"), "abdce"),
    (say.Move("e", direction="down"), "abcde"),
    (say.Move("d", direction="top"), "dabce"),
    (say.Move("b", direction="bottom"), "acdeb"),
    (say.Move("e", place=0), "eabcd"),
    (say.Move("a", place=2), "bcade"),
    (say.Move("a", place=4), "bcdea"),
    (say.Move("a", place=99), "bcdea"),
    (say.Move("c", place=2), "abcde"),
    (say.Move("e", before="a"), "eabcd"),
    (say.Move("a", before="e"), "bcdae"),
    (say.Move("a", after="c"), "bcade"),
    (say.Move("e", after="a"), "aebcd"),
    (say.Move("a", after="e"), "bcdea"),
])
def test_every_kind_of_move(move: say.Move, order: str) -> None:
    queue = Queue(waiting(*"abcde"))
    rank = queue.rank_of_move(move)
    moved = queue.get(move.job_id)
    queue.put(Job(moved.id, moved.spec, rank=rank))
    assert "".join(ids(queue)) == order


@pytest.mark.parametrize(("move", "error", "field"), [
    (say.Move("a"), BadField, "direction"),
    (say.Move("a", direction="up", place=1), BadField, "direction"),
    (say.Move("x", direction="up"), UnknownRecord, "jobId"),
    (say.Move("a", before="x"), UnknownRecord, "jobId"),
    (say.Move("a", before="run"), BadField, "before"),
    (say.Move("a", after="a"), BadField, "after"),
    (say.Move("run", direction="up"), BadField, "jobId"),
])
def test_moves_that_make_no_sense(move: say.Move, error: type[InputError], field: str) -> None:
    running = Job("run", JobSpec("sketch", "m"), JobState.RUNNING, worker_id="w")
    with pytest.raises(error) as caught:
        Queue([*waiting("a", "b"), running]).rank_of_move(move)
    assert caught.value.field == field


def test_a_job_among_jobs_of_other_priorities() -> None:
    low, high = waiting("l1", "l2", priority=-10), waiting("h1", priority=10)
    queue = Queue([*high, *(Job(job.id, job.spec, rank=job.rank + 5, priority=-10) for job in low)])
    for name, priority, count in (("n", 0, 2), ("u", 20, 1), ("h", 10, 1), ("l", -10, 1)):
        for number, rank in enumerate(queue.ranks_for(priority, count)):
            queue.put(Job(f"{name}{number}", JobSpec("sketch", "m"), rank=rank, priority=priority))
    assert ids(queue) == ["u0", "h1", "h0", "n0", "n1", "l1", "l2", "l0"]


def test_places_are_kept_for_those_that_are_being_written() -> None:
    queue = Queue(waiting("a"))
    normal = [Job("n", JobSpec("sketch", "m"), rank=queue.ranks_for(0)[0])]
    queue.expect(normal)
    urgent = [Job("u", JobSpec("sketch", "m"), rank=queue.ranks_for(20)[0], priority=20)]
    queue.expect(urgent)
    lost = [Job("x", JobSpec("sketch", "m"), rank=queue.ranks_for(0)[0])]
    queue.expect(lost)
    assert (ids(queue), queue.open()) == (["a"], 4)
    queue.unexpect(lost)
    assert queue.arrive(normal) == queue.arrive(urgent) == []
    assert (ids(queue), queue.open()) == (["u", "a", "n"], 3)


def test_ranks_are_spread_before_they_meet() -> None:
    """400 jobs, and one after the other moved between the same two: the order stays, and no two ranks are one."""
    queue = Queue(waiting(*(f"j{n:03}" for n in range(400))))
    order, spreads = ids(queue), 0
    for n in range(399, 299, -1):
        id_ = f"j{n:03}"
        rank = queue.rank_of_move(say.Move(id_, after="j000"))
        queue.put(Job(id_, queue.get(id_).spec, rank=rank))
        order.remove(id_)
        order.insert(1, id_)
        spreads += bool(queue.spread())
        assert ids(queue) == order
    assert spreads > 2
    assert all(two.rank - one.rank > GAP for one, two in pairwise(queue.waiting()))


def test_a_job_that_is_being_written_keeps_its_place_when_ranks_are_spread() -> None:
    a, b = waiting("a", "b")
    queue = Queue([a, Job("b", b.spec, rank=GAP / 2)])
    coming = [Job("c", b.spec, rank=GAP / 4)]
    queue.expect(coming)
    assert [(job.id, job.rank) for job in queue.spread()] == [("a", 0.0), ("b", 2.0)]
    assert [(job.id, job.rank) for job in queue.arrive(coming)] == [("c", 1.0)], "to be written again"
    assert ids(queue) == ["a", "c", "b"]


# --- order in the room ------------------------------------------------------------------------------------------------


async def test_a_workflow_keeps_its_order(rig: Any) -> None:
    await rig.agent()
    found = await rig.ask(rig.session(), "workflow", {"jobs": [{"prompt": f"p{n}", "count": 2} for n in range(10)]})
    assert rig.order() == found["jobIds"]
    assert [rig.job(id_).spec.prompt for id_ in rig.order()] == [f"p{n // 2}" for n in range(20)]
    await rig.restart()
    assert rig.order() == found["jobIds"]


async def test_who_comes_at_the_same_time_is_in_order_too(rig: Any) -> None:
    await rig.agent()
    sent = [rig.submit(rig.session(), prompt=str(n), priority="urgent" if n == 3 else 0) for n in range(5)]
    found = [one for (one,) in await asyncio.gather(*sent)]
    assert rig.order() == [found[3], found[0], found[1], found[2], found[4]]
    ranks = [job.rank for job in rig.room.desk.queue.waiting()]
    assert len(set(ranks)) == 5


async def test_the_order_is_the_same_after_a_restart_however_often_it_changed(rig: Any) -> None:
    person = rig.session()
    await rig.agent()
    jobs = await rig.submit(person, count=6)
    for n in range(60):  # each halves the gap between the first two
        await rig.ask(person, "move", {"jobId": jobs[2 + n % 4], "after": jobs[0]})
        stored = {job.id: job.rank for job in await rig.store.jobs()}
        assert stored == {id_: rig.job(id_).rank for id_ in jobs}
    order = rig.order()
    await rig.restart()
    assert rig.order() == order


async def test_a_batch_gets_seeds_of_its_own_and_is_one_action(rig: Any) -> None:
    await rig.agent()
    jobs = await rig.submit(rig.session("mika"), count=3, seed=2**32 - 1, prompt="hills")
    assert [rig.job(id_).spec.seed for id_ in jobs] == [2**32 - 1, 0, 1]
    assert [shown.payload.detail for shown in rig.told if shown.type == "user_action"] == ["(3 jobs)"]
    assert {rig.job(id_).user for id_ in jobs} == {"mika"}


async def test_400_jobs(rig: Any) -> None:
    person, agent = rig.session(), await rig.agent()
    jobs = await rig.submit(person, count=400)
    assert rig.order() == jobs
    await rig.ask(person, "move", {"jobId": jobs[399], "direction": "top"})
    job = await rig.claim(agent)
    assert job is not None
    assert job["id"] == jobs[399]
    for _ in jobs:  # a long queue is told in slices, one in each step of the loop
        await asyncio.sleep(0)
    assert rig.room.board.get("jobs", jobs[398]).position == 398
    await rig.restart()
    assert rig.order() == jobs[:399]


# --- requests said again ----------------------------------------------------------------------------------------------


async def test_the_same_id_has_one_effect_and_one_answer(rig: Any) -> None:
    person = rig.session(client="me")
    await rig.agent()
    first = await rig.ask(person, "submit", {"prompt": "x"}, "7")
    assert await rig.ask(person, "submit", {"prompt": "x"}, "7") == first
    assert await rig.ask(rig.session(client="me"), "submit", {"prompt": "x"}, "7") == first, "over a new connection"
    assert (await rig.ask(rig.session(client="you"), "submit", {"prompt": "x"}, "7")) != first, "somebody else's 7"
    await rig.restart()
    again = await rig.ask(rig.session(client="me"), "submit", {"prompt": "x"}, "7")
    assert again["jobIds"] == first["jobIds"]
    assert len(rig.order()) == 2


async def test_the_same_id_at_the_same_time(rig: Any) -> None:
    person = rig.session(client="me")
    await rig.agent()
    found = await asyncio.gather(*(rig.ask(person, "submit", {"prompt": "x"}, "7") for _ in range(5)))
    assert len(rig.order()) == 1
    assert all(one == found[0] for one in found)
    bad = await asyncio.gather(*(rig.ask(person, "submit", {"width": 63}, "8") for _ in range(3)),
                               return_exceptions=True)
    assert [type(error) for error in bad] == [BadField] * 3


async def test_a_refusal_is_not_remembered(rig: Any) -> None:
    person = rig.session(client="me")
    with pytest.raises(BadField):
        await rig.ask(person, "submit", {"prompt": "x"}, "7")
    await rig.agent()
    assert await rig.ask(person, "submit", {"prompt": "x"}, "7")


# --- leases -----------------------------------------------------------------------------------------------------------


async def begun(rig: Any, **fields: Any) -> tuple[Any, dict[str, Any]]:
    """An agent with a job in hand, two steps in."""
    agent = await rig.agent(**fields)
    await rig.submit(rig.session())
    job = await rig.claim(agent)
    assert job is not None
    await rig.report(agent, job, "planned", stages=[["load", 0], ["sample", 10]])
    await rig.report(agent, job, "stage_started", index=0)
    rig.now_s += 1.0
    await rig.report(agent, job, "stage_done", index=0, durationS=1.0)
    await rig.report(agent, job, "stage_started", index=1)
    await step(rig, agent, job, 2)
    return agent, job


async def step(rig: Any, agent: Any, job: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = await rig.ask(agent, "job_progress", {
        "jobId": job["id"], "attempt": job["attempt"], "workerId": "w1", "index": 1, "step": number, "atS": rig.now_s,
        "samples": [[1, number, rig.now_s, 0.5]]})
    return found


def held(job: dict[str, Any]) -> dict[str, Any]:
    return {"jobId": job["id"], "attempt": job["attempt"], "workerId": "w1"}


async def test_heartbeats_and_reports_keep_a_job(rig: Any) -> None:
    agent, job = await begun(rig)
    for _ in range(4):
        await rig.tick(8.0)
        await rig.ask(agent, "heartbeat", {"jobs": [job["id"]]})
    for number in range(3, 6):
        await rig.tick(8.0)
        await step(rig, agent, job, number)
    assert rig.job(job["id"]).state is JobState.RUNNING
    assert rig.job(job["id"]).attempt == 1


async def test_a_lost_worker_puts_its_job_in_front_and_says_so(rig: Any) -> None:
    agent, job = await begun(rig)
    others = await rig.submit(rig.session(), priority="urgent", count=2)
    rig.room.left(agent)
    await rig.tick(9.9)
    assert rig.job(job["id"]).in_hand
    await rig.tick(0.2)
    assert rig.order() == [job["id"], *others]
    alert = rig.alerts()["silent:studio"]
    assert list(rig.alerts()) == ["silent:studio"], "one trouble, one alert"
    assert (alert.level, alert.title, alert.job_id, alert.host) == ("warning", "studio is silent", job["id"], "studio")
    assert alert.message.endswith("the network is cut; hills is queued again, at the front")
    assert alert.detail == "worker w1 was not heard from for 10 s"
    assert rig.room.board.get("agents", "agent-1").status == "offline"
    assert rig.room.board.get("engines", "sketch").reason == "no agent that has it is online"
    other = await rig.agent("agent-2")
    assert rig.room.board.get("engines", "sketch").reason == ""
    assert (await rig.claim(other, "w2"))["id"] == job["id"]
    assert rig.alerts() == {}
    assert rig.job(job["id"]).attempt == 2
    assert rig.job(job["id"]).stages == ()


async def test_after_three_losses_it_has_failed(rig: Any) -> None:
    agent = await rig.agent()
    (one,) = await rig.submit(rig.session())
    for attempt in (1, 2, 3):
        assert (await rig.claim(agent))["attempt"] == attempt
        await rig.tick(10.5)
    job = rig.job(one)
    assert (job.state, job.error.kind, job.error.retryable) == (JobState.FAILED, "worker_lost", True)
    assert "worker w1 was not heard from" in job.error.message
    assert list(rig.alerts()) == ["failed:sketch:studio:worker_lost"]
    assert rig.alerts()["failed:sketch:studio:worker_lost"].level == "error"
    assert rig.alerts(open_=False)["worker_lost:sketch:studio"].count == 2
    await rig.tick(1.0)
    assert rig.room.board.get("metrics").metrics.error_rate == 100.0
    await rig.ask(rig.session(), "retry", {"jobId": one})
    assert rig.alerts() == {}
    again = await rig.claim(agent)
    assert again is not None
    await rig.tick(10.5)
    assert rig.job(one).state is JobState.PENDING, "losses are counted anew"


async def test_an_agent_that_comes_back_keeps_its_job(rig: Any) -> None:
    agent, job = await begun(rig)
    rig.room.left(agent)
    await rig.tick(5.0)
    await rig.agent(running=[held(job)])
    assert rig.registered["jobs"] == [{"jobId": job["id"], "action": "continue", "request": ""}]
    await rig.tick(9.0)
    assert rig.job(job["id"]).in_hand


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_agent_that_was_given_up_takes_its_job_back_and_goes_on_where_it_was(rig: Any,
                                                                                      restarted: bool) -> None:
    agent, job = await begun(rig)
    before = rig.room.board.get("jobs", job["id"])
    rig.room.left(agent)
    await rig.tick(11.0)
    assert rig.job(job["id"]).state is JobState.PENDING
    if restarted:
        await rig.restart()
    agent = await rig.agent(running=[held(job)])
    assert rig.registered["jobs"][0]["action"] == "continue"
    now = rig.job(job["id"])
    assert (now.state, now.worker_id, now.attempt) == (JobState.RUNNING, "w1", 1)
    assert now.stages[0].status == "completed"
    assert rig.alerts() == {}
    view = rig.room.board.get("jobs", job["id"])
    assert view.eta is not None
    assert restarted or view.progress >= before.progress
    assert view.stages[0].expected == 1.0, "the estimate knows what was done"
    await step(rig, agent, job, 9)
    await rig.report(agent, job, "completed")
    assert rig.job(job["id"]).state is JobState.COMPLETED


async def test_a_late_report_of_a_job_that_waits_again_counts(rig: Any) -> None:
    agent, job = await begun(rig)
    await rig.tick(11.0)
    assert await rig.report(agent, job, "completed") == {}
    assert rig.job(job["id"]).state is JobState.COMPLETED
    assert rig.alerts() == {}


async def test_who_takes_a_job_back_by_a_report_has_a_lease_again(rig: Any) -> None:
    agent, job = await begun(rig)
    await rig.tick(11.0)
    await step(rig, agent, job, 3)
    assert rig.job(job["id"]).in_hand
    assert (await rig.ask(agent, "heartbeat", {"jobs": [job["id"]]}))["abandon"] == []
    rig.room.left(agent)
    await rig.tick(11.0)
    assert rig.job(job["id"]).state is JobState.PENDING


async def test_a_report_by_another_way_leaves_the_job_with_its_agent(rig: Any) -> None:
    agent, job = await begun(rig)
    await rig.report(rig.session(), job, "stage_started", index=1)
    assert (await rig.ask(agent, "heartbeat", {"jobs": [job["id"]]}))["abandon"] == []


async def test_a_job_that_somebody_else_has_is_abandoned(rig: Any) -> None:
    agent, job = await begun(rig)
    await rig.tick(11.0)
    other = await rig.agent("agent-2")
    taken = await rig.claim(other, "w2")
    assert taken is not None
    assert taken["id"] == job["id"]
    assert await rig.report(agent, job, "completed") == {"stale": True}
    assert await step(rig, agent, job, 3) == {"stale": True}
    assert (await rig.ask(agent, "heartbeat", {"jobs": [job["id"]]}))["abandon"] == [job["id"]]
    await rig.agent(running=[held(job), {**held(job), "jobId": "gone"}])
    assert [entry["action"] for entry in rig.registered["jobs"]] == ["abandon", "abandon"]
    assert rig.job(job["id"]).worker_id == "w2"


async def test_a_restarted_hub_gives_workers_a_lease_to_come_back(rig: Any) -> None:
    _, job = await begun(rig)
    await rig.tick(5.0)
    await rig.restart()
    await rig.tick(9.0)
    await rig.agent(running=[held(job)])
    assert rig.registered["jobs"][0]["action"] == "continue"
    view = rig.room.board.get("jobs", job["id"])
    assert view.stages[0].status == "completed"
    assert view.eta is not None
    await rig.restart()
    await rig.tick(10.5)
    assert rig.job(job["id"]).state is JobState.PENDING
    assert [alert.jobs for alert in rig.alerts().values()] == [(job["id"],)]


async def test_commands_reach_the_worker_also_when_it_was_away(rig: Any) -> None:
    agent, job = await begun(rig)
    person = rig.session()
    await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "pause"})
    assert [(it.payload.job_id, it.payload.command) for it in rig.own if it.type == "job_command"] == [
        (job["id"], "pause")]
    await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "pause"})
    assert (await rig.ask(agent, "heartbeat", {"jobs": [job["id"]]}))["jobs"] == [
        {"jobId": job["id"], "request": "pause"}]
    rig.room.left(agent)
    await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "cancel"})
    agent = await rig.agent(running=[held(job)])
    assert rig.registered["jobs"][0]["request"] == "cancel"
    await rig.report(agent, job, "cancelled")
    assert rig.job(job["id"]).state is JobState.CANCELLED
    assert rig.job(job["id"]).cancelled_by == "ann"


async def test_cancelled_while_its_worker_is_lost(rig: Any) -> None:
    agent, job = await begun(rig)
    rig.room.left(agent)
    await rig.ask(rig.session(), "generation_command", {"jobId": job["id"], "command": "cancel"})
    await rig.tick(11.0)
    assert rig.job(job["id"]).state is JobState.CANCELLED
    assert list(rig.alerts()) == ["silent:studio"], "nothing is left to be done about the job"
    assert "generation_cancelled" in rig.types()
    agent = await rig.agent(running=[held(job)])
    assert rig.registered["jobs"][0]["action"] == "abandon"


async def test_cancelled_after_its_worker_was_lost(rig: Any) -> None:
    _, job = await begun(rig)
    await rig.tick(11.0)
    assert rig.alerts()
    await rig.ask(rig.session(), "generation_command", {"jobId": job["id"], "command": "cancel"})
    assert rig.alerts() == {}


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_paused_job_whose_worker_is_lost_stays_held(rig: Any, confirmed: bool) -> None:
    agent, job = await begun(rig)
    person = rig.session()
    await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "pause"})
    if confirmed:
        await rig.report(agent, job, "paused")
    rig.room.left(agent)
    await rig.tick(11.0)
    assert rig.job(job["id"]).held
    assert rig.order() == [job["id"]]
    other = await rig.agent("agent-2")
    assert await rig.claim(other, "w2") is None
    agent = await rig.agent(running=[held(job)])
    assert rig.registered["jobs"] == [{"jobId": job["id"], "action": "continue", "request": "pause"}]
    assert rig.job(job["id"]).state is JobState.PAUSED
    # What it had done before it heard of the pause is told now, and counts.
    await step(rig, agent, job, 10)
    await rig.report(agent, job, "stage_done", index=1, durationS=5.0)
    await rig.report(agent, job, "paused")
    assert rig.job(job["id"]).stages[1].status == "completed"
    await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "resume"})
    await rig.report(agent, job, "resumed")
    assert rig.job(job["id"]).state is JobState.RUNNING


async def test_time_in_which_the_hub_itself_stood_still_does_not_count(rig: Any) -> None:
    _, job = await begun(rig)
    await rig.tick()
    room_module.TICK_S = 1.0  # the fixture puts it back
    rig.now_s += 3600.0
    rig.room._make_good()
    await rig.tick()
    assert rig.job(job["id"]).in_hand
    assert rig.room.board.get("agents", "agent-1").status != "offline"
    await rig.tick(11.0)
    assert not rig.job(job["id"]).in_hand


async def test_who_has_not_registered_gets_no_job(rig: Any) -> None:
    stranger = rig.session(endpoint="/api/coordination/ws")
    for type_, payload in (("claim", {"workerId": "w", "engines": ["sketch"]}), ("heartbeat", {})):
        with pytest.raises(BadFrame) as caught:
            await rig.ask(stranger, type_, payload)
        assert caught.value.code == "not_registered"


async def test_a_report_that_makes_no_sense_changes_nothing(rig: Any) -> None:
    agent, job = await begun(rig)
    before = rig.job(job["id"])
    eta = rig.room.job_view(job["id"]).eta
    with pytest.raises(BadField, match="stage 7 of a job that has 2 stages"):
        await rig.ask(agent, "job_progress", {**held(job), "index": 7, "step": 1, "atS": rig.now_s,
                                              "samples": [[1, 9, rig.now_s, 0.1]]})
    with pytest.raises(BadField):
        await rig.report(agent, job, "stage_done", index=7)
    assert rig.job(job["id"]) == before
    assert rig.room.job_view(job["id"]).eta == eta
    assert len(await rig.store.steps(job_id=job["id"])) == 1


# --- refusals ---------------------------------------------------------------------------------------------------------


async def test_no_engine_and_unknown_engine(rig: Any) -> None:
    person = rig.session()
    with pytest.raises(BadField, match="no agent has announced an engine yet: start one with `echodeck agent`"):
        await rig.submit(person)
    await rig.agent()
    with pytest.raises(BadField, match="unknown engine 'dream'; use one of sketch") as caught:
        await rig.submit(person, engine="dream")
    assert caught.value.field == "engine"
    await rig.restart()
    assert await rig.submit(person), "engines are known after a restart, before any agent is back"
    assert rig.room.board.get("engines", "sketch").reason


async def test_the_only_engine_is_the_default(rig: Any) -> None:
    await rig.agent(engines=[{"name": "dream", "models": [{"name": "d"}]}])
    (one,) = await rig.submit(rig.session())
    assert rig.job(one).spec.engine == "dream"


async def test_a_limit_of_jobs(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_JOBS", 5)
    person = rig.session()
    await rig.agent()
    await rig.submit(person, count=3)
    found = await asyncio.gather(rig.submit(person, count=2), rig.submit(person, count=2), return_exceptions=True)
    assert [isinstance(one, BadField) for one in found] == [False, True]
    assert found[1].field == "count"
    assert "5 jobs wait already and 5 are the most" in str(found[1])
    assert len(rig.order()) == 5


async def test_all_of_a_batch_or_none(rig: Any) -> None:
    await rig.agent()
    with pytest.raises(BadField, match="width"):
        await rig.ask(rig.session(), "workflow", {"jobs": [{"prompt": "good"}, {"width": 63}]})
    assert rig.order() == []


@pytest.mark.parametrize(("type_", "payload", "code"), [
    ("generation_command", {"jobId": "x", "command": "pause"}, "unknown_job"),
    ("retry", {"jobId": "x"}, "unknown_job"),
    ("remove", {"jobId": "x"}, "unknown_job"),
    ("set_priority", {"jobId": "x", "priority": 1}, "unknown_job"),
    ("acknowledge_alert", {"alertId": "x"}, "unknown_alert"),
])
async def test_what_is_not_there(rig: Any, type_: str, payload: dict[str, Any], code: str) -> None:
    with pytest.raises(UnknownRecord) as caught:
        await rig.ask(rig.session(), type_, payload)
    assert caught.value.code == code


async def test_what_a_state_forbids(rig: Any) -> None:
    agent, job = await begun(rig)
    person = rig.session()
    for type_, more in (("remove", {}), ("retry", {}), ("set_priority", {"priority": 1})):
        with pytest.raises(IllegalTransition):
            await rig.ask(person, type_, {"jobId": job["id"], **more})
    await rig.report(agent, job, "completed")
    with pytest.raises(IllegalTransition, match="it is done; submit it again"):
        await rig.ask(person, "generation_command", {"jobId": job["id"], "command": "pause"})


# --- alerts, lines, the list of jobs ----------------------------------------------------------------------------------


async def test_alerts_are_counted_not_repeated(rig: Any) -> None:
    agent, person = await rig.agent(), rig.session()
    (one,) = await rig.submit(person)
    for _ in range(2):
        job = await rig.claim(agent)
        assert job is not None
        await rig.report(agent, job, "failed", error={"kind": "engine_error", "message": "<b>no</b>"})
        [alert] = rig.alerts().values()
        await rig.ask(person, "acknowledge_alert", {"alertId": alert.id})
        await rig.ask(person, "retry", {"jobId": one})
    found = rig.room.board.all("alerts")
    assert [(it.count, it.acknowledged_by) for it in found.values()] == [(2, "ann")]
    await rig.restart()
    assert rig.room.board.all("alerts").keys() == found.keys()
    job = await rig.claim(await rig.agent("agent-2"))
    assert job is not None
    await rig.report(rig.session(), job, "failed", error={"kind": "engine_error", "message": "<b>no</b>"})
    [alert] = rig.alerts().values()
    assert (alert.count, alert.acknowledged_by, alert.message) == (3, "", "hills: <b>no</b>")


async def test_an_alert_of_a_job_that_is_removed_is_resolved(rig: Any) -> None:
    agent, person = await rig.agent(), rig.session()
    (one,) = await rig.submit(person)
    job = await rig.claim(agent)
    assert job is not None
    await rig.report(agent, job, "failed")
    await rig.ask(person, "remove", {"jobId": one})
    assert rig.alerts() == {}
    assert [job.removed for job in await rig.store.jobs()] == [True], "the history keeps what was done"


async def test_the_board_keeps_the_newest(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "LINES", {"logs": 5, "messages": 3})
    monkeypatch.setattr("echodeck.hub.standings.ENDED_JOBS", 4)
    monkeypatch.setattr(desk_module, "ENDED_ALERTS", 2)
    monkeypatch.setattr("echodeck.hub.loading.ENDED_JOBS", 4)
    agent, person = await rig.agent(), rig.session()
    jobs = await rig.submit(person, count=8)
    for n in range(7):
        job = await rig.claim(agent)
        assert job is not None
        rig.now_s += 1.0
        await rig.report(agent, job, "failed")
        await rig.ask(person, "communicate", {"message": str(n)})
    for id_ in jobs[3:7]:
        await rig.ask(person, "remove", {"jobId": id_})
    await rig.ask(agent, "log", {"level": "info", "source": "w1", "message": "last"})
    board = rig.room.board
    assert [line.message for line in board.all("messages").values()] == ["4", "5", "6"]
    assert [line.message for line in board.all("logs").values()][-1] == "last"
    assert len(board.all("logs")) == 5
    assert sum(bool(alert.resolved_at) for alert in board.all("alerts").values()) <= 2
    assert list(board.all("jobs")) == [jobs[7]]
    assert len(await rig.store.jobs()) == 8, "the store keeps those that left the board"


async def test_clear_takes_the_completed_ones(rig: Any) -> None:
    agent, person = await rig.agent(), rig.session()
    done, failed, _ = await rig.submit(person, count=3)
    for id_, fact in ((done, "completed"), (failed, "failed")):
        job = await rig.claim(agent)
        assert job is not None
        assert job["id"] == id_
        await rig.report(agent, job, fact)
    assert await rig.ask(person, "clear_completed") == {"cleared": 1}
    assert await rig.ask(person, "clear_completed") == {"cleared": 0}
    assert done not in rig.room.board.all("jobs")
    assert failed in rig.room.board.all("jobs")


async def test_who_does_what_is_told_and_logged(rig: Any) -> None:
    await rig.agent()
    mika = rig.session("mika")
    (one,) = await rig.submit(mika)
    await rig.ask(mika, "generation_command", {"jobId": one, "command": "pause"})
    actions = [shown.payload for shown in rig.told if shown.type == "user_action"]
    assert [(it.user, it.action, it.title) for it in actions] == [("mika", "queued", "hills"),
                                                                 ("mika", "paused", "hills")]
    assert "paused hills" in [line.message for line in rig.room.board.all("logs").values()]
    assert rig.room.board.get("jobs", one).paused_by == "mika"
    await rig.restart()
    assert "paused hills" in [line.message for line in rig.room.board.all("logs").values()]


async def test_an_idle_agent_is_told_of_work(rig: Any) -> None:
    await rig.agent()
    rig.own.clear()
    (one,) = await rig.submit(rig.session())
    assert [it.type for it in rig.own] == ["work_available"]
    for command, told in (("pause", 0), ("resume", 1)):
        rig.own.clear()
        await rig.ask(rig.session(), "generation_command", {"jobId": one, "command": command})
        assert [it.type for it in rig.own].count("work_available") == told


# --- figures ----------------------------------------------------------------------------------------------------------


async def test_figures_are_always_numbers(rig: Any) -> None:
    def figures() -> list[Any]:
        state = json.loads(wire.encode("initial_state", rig.room.initial_state(), rig.now_s))["payload"]
        metrics, status = state["metrics"], state["system_status"]
        return [status["cpu"], status["memory"], *status["vram"].values(), metrics.pop("vram")["nvidia"],
                *metrics.values()]

    assert all(isinstance(figure, int | float) for figure in figures()), "of a new hub"
    agent = await rig.agent()
    await rig.ask(agent, "host_metrics", {"host": {"name": "studio", "at_s": rig.now_s, "cpu_percent": 30.0, "gpus": [
        {"index": 0, "name": "X", "vendor": "nvidia"}]}})
    await rig.tick(1.0)
    assert all(isinstance(figure, int | float) for figure in figures()), "with a GPU that says nothing"


async def test_metrics_of_machines_and_of_the_last_hour(rig: Any) -> None:
    agent, other = await rig.agent(), await rig.agent("agent-2", host="attic")
    for session, name, cpu in ((agent, "studio", 30.0), (other, "attic", 50.0)):
        gpu = {"index": 0, "name": "X", "vendor": "nvidia", "vram_used_bytes": 1, "vram_total_bytes": 4}
        await rig.ask(session, "host_metrics", {"host": {
            "name": name, "at_s": rig.now_s, "cpu_percent": cpu, "memory_used_bytes": 1, "memory_total_bytes": 2,
            "gpus": [gpu] if name == "attic" else []}})
    await rig.submit(rig.session(), count=4)
    for fact in ("completed", "completed", "failed", "cancelled"):
        job = await rig.claim(agent)
        assert job is not None
        if fact == "cancelled":
            await rig.ask(rig.session(), "generation_command", {"jobId": job["id"], "command": "cancel"})
        rig.now_s += 2.0
        await rig.report(agent, job, fact)
    await rig.tick(1.0)
    metrics = rig.room.board.get("metrics").metrics
    assert (metrics.cpu, metrics.memory, metrics.vram.nvidia, metrics.vram.amd) == (40.0, 50.0, 25.0, 0.0)
    assert (metrics.generations_per_hour, metrics.avg_generation_time) == (2.0, 2.0)
    assert (metrics.success_rate, metrics.error_rate) == (66.7, 33.3)
    rig.room.left(other)
    await rig.ask(agent, "heartbeat", {})
    await rig.tick(11.0)
    assert rig.room.board.get("metrics").metrics.cpu == 30.0, "a machine that is away does not count"
    await rig.restart()
    assert rig.room.board.get("metrics").metrics.generations_per_hour == 2.0
    await rig.tick(3700.0)
    assert rig.room.board.get("metrics").metrics.generations_per_hour == 0.0


async def test_the_hubs_own_state(rig: Any) -> None:
    def stats() -> tuple[str, str, bool]:
        found = rig.room.board.get("status").stats
        return found.consciousness, found.working_memory, found.healthy

    assert stats() == ("inactive", "0/0", False)
    agent = await rig.agent(slots=2)
    await rig.tick(1.0)
    assert stats() == ("idle", "0/2", True)
    await rig.submit(rig.session())
    job = await rig.claim(agent)
    assert job is not None
    await rig.tick(1.0)
    assert stats() == ("active", "1/2", True)
    await rig.report(agent, job, "completed")
    await rig.tick(1.0)
    assert stats() == ("active", "0/2", True), "something was decided in the last minute"
    await rig.tick(61.0)
    assert stats() == ("idle", "0/2", True)


async def test_who_watches(rig: Any) -> None:
    one, two, nameless = rig.session("mika"), rig.session("mika"), rig.session("")
    presence = rig.room.board.get("presence")
    assert [(user.name, user.connections) for user in presence.users] == [("mika", 2)]
    assert presence.watching == 3
    for session in (one, two, nameless):
        rig.room.left(session)
    assert rig.room.board.get("presence").users == []
    assert rig.room.board.get("presence").watching == 0


# --- the estimate, queries and workflows ------------------------------------------------------------------------------


async def test_what_was_measured_is_learnt(rig: Any) -> None:
    agent, job = await begun(rig)
    for number in range(3, 11):
        rig.now_s += 0.5
        await step(rig, agent, job, number)
    await rig.report(agent, job, "stage_done", index=1, durationS=5.0)
    await rig.report(agent, job, "completed")
    runs = {run.stage: run for run in await rig.store.runs()}
    assert (runs["load"].duration_s, runs["sample"].duration_s, runs["sample"].step_s) == (1.0, 5.0, 0.5)
    assert len(await rig.store.steps(job_id=job["id"])) == 9
    kept = await rig.store.estimates(job_id=job["id"])
    assert len(kept) > 3
    assert all(a.progress < b.progress for a, b in pairwise(kept))
    await rig.submit(rig.session())
    view = rig.room.board.get("jobs", rig.order()[0])
    assert 3.0 < view.expected_duration < 12.0, "of one job of 6 s"


async def test_when_a_job_should_start(rig: Any) -> None:
    person = rig.session()
    agent = await rig.agent()
    one, two = await rig.submit(person, count=2)
    assert rig.room.board.get("jobs", one).expected_start is not None
    assert rig.room.board.get("jobs", one).expected_start < rig.room.board.get("jobs", two).expected_start
    assert rig.room.board.get("queue").clear_at > rig.room.board.get("jobs", two).expected_start
    rig.room.left(agent)
    await rig.tick(11.0)
    assert rig.room.board.get("jobs", one).expected_start is None, "nobody is there to start it"
    assert rig.room.board.get("queue").clear_at is None


async def test_queries(rig: Any) -> None:
    asker = rig.session(endpoint="/api/echo/ws")

    async def ask(what: str, **fields: Any) -> Any:
        return (await rig.ask(asker, "query", {"what": what, **fields}, "q"))["answer"]

    agent, job = await begun(rig)
    one, two = await rig.submit(asker, count=2)
    assert (await ask("health"))["healthy"] is True
    assert [entry["jobId"] for entry in (await ask("plan"))["jobs"]] == [one, two]
    assert (await ask("estimate", jobId=job["id"]))["eta"] > 0
    assert (await ask("estimate", job={"prompt": "x"}))["etaHigh"] > 0
    assert rig.order() == [one, two], "an estimate queues nothing"
    assert (await ask("capacity"))["inHand"] == 1
    assert "in hand of w1" in (await ask("why", jobId=job["id"]))["why"]
    assert "1 job is before it" in (await ask("why", jobId=two))["why"]
    await rig.ask(asker, "generation_command", {"jobId": two, "command": "pause"})
    assert "ann paused it" in (await ask("why", jobId=two))["why"]
    rig.room.left(agent)
    await rig.tick(11.0)
    assert "no agent with the engine sketch" in (await ask("why", jobId=one))["why"]
    with pytest.raises(BadField, match="jobId"):
        await ask("why")
    with pytest.raises(UnknownRecord):
        await ask("why", jobId="x")
    results = [shown.payload for shown in rig.own if shown.type == "query_result"]
    assert {result.id for result in results} == {"q"}


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_workflow_ends_when_its_last_job_has(rig: Any, restarted: bool) -> None:
    asker = rig.session(endpoint="/api/echo/ws")
    agent = await rig.agent()
    found = await rig.ask(asker, "workflow", {"name": "film", "jobs": [{"prompt": "a"}, {"prompt": "b"}]}, "w")
    for n, fact in enumerate(("completed", "failed")):
        await rig.tick(1.0)
        assert "workflow_result" not in rig.types()
        job = await rig.claim(agent)
        assert job is not None
        assert job["id"] == found["jobIds"][n]
        if restarted:
            await rig.restart()
            agent = await rig.agent(running=[held(job)])
        await rig.report(agent, job, fact)
    await rig.tick(1.0)
    await rig.tick(1.0)
    (result,) = [shown for shown in rig.told if shown.type == "workflow_result"]
    assert result.seq is not None
    assert (result.payload.id, result.payload.what, result.payload.answer["ok"]) == ("w", "film", False)
    assert [entry["status"] for entry in result.payload.answer["jobs"]] == ["completed", "failed"]
    assert await rig.store.records("workflows") == {}


async def test_a_workflow_whose_job_is_removed_ends_too(rig: Any) -> None:
    asker = rig.session(endpoint="/api/echo/ws")
    agent = await rig.agent()
    found = await rig.ask(asker, "workflow", {"jobs": [{"prompt": "a"}, {"prompt": "b"}]})
    job = await rig.claim(agent)
    assert job is not None
    await rig.report(agent, job, "completed")
    await rig.tick(1.0)
    await rig.ask(asker, "clear_completed")
    await rig.ask(asker, "remove", {"jobId": found["jobIds"][1]})
    await rig.tick(1.0)
    (result,) = [shown.payload.answer for shown in rig.told if shown.type == "workflow_result"]
    assert [entry["status"] for entry in result["jobs"]] == ["completed", "removed"]
    assert result["ok"] is False
