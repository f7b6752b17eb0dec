"""What is asked of the room and what comes of it: jobs in, steered, done, failed; told once, kept, found after a
restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from echodeck import wire
from echodeck.errors import BadField, IllegalTransition, UnknownRecord

# --- submitting -------------------------------------------------------------------------------------------------------


async def test_a_job_is_accepted_written_and_told(place: Any, ada: Any, agent: Any) -> None:
    result = await ada.say("submit", prompt="hills", steps=7, priority="high")
    [job_id] = result["jobIds"]
    assert result["jobs"][0]["jobId"] == job_id
    [queued] = place.told("generation_queued")
    assert (queued["jobId"], queued["status"], queued["steps"], queued["priority"]) == (job_id, "pending", 7, 10)
    assert (await place.stored())[job_id].user == "ada"
    assert place.order() == [job_id]
    assert agent.heard("work_available")


async def test_count_makes_as_many_with_growing_seeds(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(3, seed=5)
    assert [place.job(job_id)["seed"] for job_id in ids] == [5, 6, 7]
    assert place.order() == ids


@pytest.mark.parametrize(("field", "wrong"), [
    ("engine", {"engine": "warp"}), ("model", {"model": "sketch-xxl"}), ("width", {"width": 63}),
    ("steps", {"steps": 0}), ("prompt", {"prompt": "x" * 1_000_000}),
])
async def test_a_bad_job_names_the_field_and_changes_nothing(place: Any, ada: Any, agent: Any, field: str,
                                                             wrong: dict[str, Any]) -> None:
    seq = place.room.board.seq
    with pytest.raises(BadField) as refused:
        await ada.say("submit", **wrong)
    assert refused.value.field == field
    assert place.room.board.seq == seq
    assert not await place.stored()


async def test_without_an_agent_ever_it_says_so(ada: Any) -> None:
    with pytest.raises(BadField, match="no agent has announced an engine yet"):
        await ada.submit()


async def test_an_engine_is_known_after_a_restart_and_away(place: Any, ada: Any, agent: Any) -> None:
    await place.restart()
    [shown] = place.room.initial_state().engines
    assert "online" in shown["reason"]
    [job_id] = await ada.submit()
    assert (await place.stored())[job_id].spec.model == "sketch-s"
    await place.hand("agent-2")
    await place.settle()
    [back] = place.room.initial_state().engines
    assert back["reason"] == ""


async def test_too_many_jobs_are_refused_all_of_them(place: Any, ada: Any, agent: Any,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.hub.intake.MOST_JOBS", 5)
    await ada.submit(3)
    with pytest.raises(BadField) as refused:
        await ada.submit(3)
    assert refused.value.field == "count"
    assert len(place.order()) == 3


async def test_a_higher_priority_goes_before_and_an_equal_one_behind(place: Any, ada: Any, agent: Any) -> None:
    [first], [second] = await ada.submit(), await ada.submit()
    [urgent] = await ada.submit(priority="urgent")
    [low] = await ada.submit(priority="low")
    [third] = await ada.submit()
    assert place.order() == [urgent, first, second, third, low]


# --- repeating --------------------------------------------------------------------------------------------------------


async def test_a_repeated_request_has_one_effect_and_the_same_answer(place: Any, ada: Any, agent: Any) -> None:
    first = await ada.say("submit", id_="r1", prompt="hills")
    again = await ada.say("submit", id_="r1", prompt="hills")
    assert again["jobIds"] == first["jobIds"]
    assert len(place.order()) == 1


async def test_two_of_the_same_at_once_have_one_effect(place: Any, ada: Any, agent: Any) -> None:
    one, other = await asyncio.gather(ada.say("submit", id_="r1", prompt="a"), ada.say("submit", id_="r1", prompt="a"))
    assert one["jobIds"] == other["jobIds"]
    assert len(place.order()) == 1


async def test_a_request_repeated_after_a_restart_is_known(place: Any, ada: Any, agent: Any) -> None:
    first = await ada.say("submit", id_="r1", prompt="hills")
    await place.restart()
    assert (await ada.say("submit", id_="r1", prompt="hills"))["jobIds"] == first["jobIds"]
    assert len(place.order()) == 1


async def test_the_same_id_of_another_client_is_another_request(place: Any, ada: Any, agent: Any) -> None:
    await ada.say("submit", id_="r1", prompt="hills")
    await place.person("bob").say("submit", id_="r1", prompt="hills")
    assert len(place.order()) == 2


# --- steering ---------------------------------------------------------------------------------------------------------


async def test_a_waiting_job_obeys_at_once(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await ada.command(job_id, "pause")
    assert place.job(job_id)["status"] == "paused"
    assert place.job(job_id)["pausedBy"] == "ada"
    assert await agent.claim() is None
    await ada.command(job_id, "resume")
    assert place.job(job_id)["status"] == "pending"
    await ada.command(job_id, "cancel")
    assert place.job(job_id)["status"] == "cancelled"
    types = [one.type for one in place.stream if one.key == job_id and one.seq and one.kind == "jobs"]
    assert types == ["generation_queued", "generation_paused", "generation_resumed", "generation_cancelled"]


async def test_a_job_in_hand_is_asked_and_the_worker_confirms(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await ada.command(job_id, "pause")
    assert (place.job(job_id)["status"], place.job(job_id)["request"]) == ("running", "pause")
    assert agent.heard("job_command") == [{"jobId": job_id, "attempt": 1, "command": "pause"}]
    assert not place.told("generation_paused")
    await agent.report(job, "paused")
    assert (place.job(job_id)["status"], place.job(job_id)["request"]) == ("paused", "")
    await ada.command(job_id, "resume")
    await agent.report(job, "resumed")
    await ada.command(job_id, "cancel")
    assert place.job(job_id)["status"] == "running"
    await agent.report(job, "cancelled")
    assert place.job(job_id)["status"] == "cancelled"
    assert len(place.told("generation_paused")) == len(place.told("generation_cancelled")) == 1


async def test_who_did_what_is_told(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit(title="dawn")
    await ada.command(job_id, "pause")
    paused = place.told("user_action")[-1]
    assert (paused["user"], paused["jobId"], paused["title"]) == ("ada", job_id, "dawn")
    assert "pause" in paused["action"]
    assert any("dawn" in line["message"] and line["source"] == "ada" for line in place.told("log"))


async def test_unknown_jobs_and_illegal_wishes_are_refused(place: Any, ada: Any, agent: Any) -> None:
    with pytest.raises(UnknownRecord):
        await ada.command("nobody", "pause")
    [job_id] = await ada.submit()
    await agent.finish(await agent.claim())
    seq = place.room.board.seq
    for wish in (ada.command(job_id, "pause"), ada.say("retry", jobId=job_id)):
        with pytest.raises(IllegalTransition):
            await wish
    assert place.room.board.seq == seq
    assert place.job(job_id)["status"] == "completed"


@pytest.mark.parametrize(("job", "where", "order"), [
    (2, {"direction": "up"}, "0213"), (1, {"direction": "down"}, "0213"), (3, {"direction": "top"}, "3012"),
    (0, {"direction": "bottom"}, "1230"), (0, {"direction": "up"}, "0123"), (3, {"direction": "down"}, "0123"),
    (3, {"place": 1}, "0312"), (0, {"place": 99}, "1230"), (3, {"before": 1}, "0312"), (0, {"after": 2}, "1203"),
])
async def test_moves(place: Any, ada: Any, agent: Any, job: int, where: dict[str, Any], order: str) -> None:
    ids = await ada.submit(4)
    named = {key: ids[value] if key in ("before", "after") else value for key, value in where.items()}
    await ada.say("move", jobId=ids[job], **named)
    wanted = [ids[int(digit)] for digit in order]
    assert place.order() == wanted
    await place.restart()
    assert place.order() == wanted


@pytest.mark.parametrize("where", [{}, {"direction": "up", "place": 0}, {"before": "nobody"}])
async def test_a_move_to_nowhere_is_refused(place: Any, ada: Any, agent: Any, where: dict[str, Any]) -> None:
    ids = await ada.submit(2)
    with pytest.raises((BadField, UnknownRecord)):
        await ada.say("move", jobId=ids[1], **where)
    assert place.order() == ids


async def test_set_priority_puts_a_job_where_a_new_one_would_go(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(3)
    await ada.say("set_priority", jobId=ids[2], priority="high")
    assert place.order() == [ids[2], ids[0], ids[1]]
    await ada.say("set_priority", jobId=ids[2], priority="low")
    assert place.order() == ids
    assert place.job(ids[2])["priority"] == -10


async def test_retry_queues_again_and_settles_the_alert(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit(title="dawn")
    job = await agent.claim()
    await agent.report(job, "failed", error={"kind": "crash", "message": "it broke"})
    [alert] = place.alerts()
    assert (alert["level"], alert["jobId"]) == ("error", job_id)
    assert "dawn" in alert["message"]
    assert "it broke" in alert["message"]
    await ada.say("retry", jobId=job_id)
    assert place.job(job_id)["status"] == "pending"
    assert place.job(job_id)["error"] is None
    assert place.alerts() == []
    assert place.told("alert_resolved")


async def test_what_is_removed_is_gone_for_everybody(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(2)
    job = await agent.claim()
    with pytest.raises(IllegalTransition):
        await ada.say("remove", jobId=job["id"])
    await ada.say("remove", jobId=ids[1])
    assert place.order() == [ids[0]]
    assert [one["jobId"] for one in place.told(wire.REMOVED)] == [ids[1]]
    await place.restart()
    assert place.order() == [ids[0]]


async def test_clearing_takes_the_completed_off_the_list(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(2)
    await agent.finish(await agent.claim())
    assert (await ada.say("clear_completed"))["cleared"] == 1
    assert [view.job_id for view in place.room.initial_state().jobs] == [ids[1]]
    assert (await ada.say("clear_completed"))["cleared"] == 0


async def test_a_workflow_keeps_its_order_and_says_when_it_is_done(place: Any, ada: Any, agent: Any) -> None:
    result = await ada.say("workflow", name="three", jobs=[{"prompt": one} for one in ("a", "b", "c", "d", "e")])
    assert place.order() == result["jobIds"]
    for _ in range(5):
        assert not place.told("workflow_result")
        await agent.finish(await agent.claim())
    await place.wait_s(1.0)
    [told] = place.told("workflow_result")
    assert [one["jobId"] for one in told["answer"]["jobs"]] == result["jobIds"]


async def test_submits_at_once_do_not_get_between_each_other(place: Any, ada: Any, agent: Any) -> None:
    first, second = await asyncio.gather(ada.submit(3), place.person("bob").submit(3))
    assert place.order() == [*first, *second]


@pytest.mark.parametrize("what", ["health", "plan", "capacity"])
async def test_questions_are_answered(place: Any, ada: Any, agent: Any, what: str) -> None:
    await ada.submit(2)
    await ada.say("query", what=what)
    [answer] = ada.heard("query_result")
    assert answer["what"] == what
    assert answer["answer"]


async def test_why_a_job_waits_and_how_long_it_takes(place: Any, ada: Any, agent: Any) -> None:
    first, second = await ada.submit(2)
    await agent.claim()
    await ada.say("query", what="why", jobId=second)
    await ada.say("query", what="estimate", jobId=first)
    await ada.say("query", what="estimate", job={"prompt": "a"})
    why, mine, other = (one["answer"] for one in ada.heard("query_result"))
    assert "1 of 1 slot that can do it is taken" in why["why"]
    assert mine["jobId"] == first
    assert other["etaLow"] < other["eta"] < other["etaHigh"]
    with pytest.raises(BadField):
        await ada.say("query", what="why")


async def test_alerts_are_acknowledged_by_name(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    await agent.report(await agent.claim(), "failed", error={"kind": "crash", "message": "it broke"})
    [alert] = place.alerts()
    await ada.say("acknowledge_alert", alertId=alert["id"])
    [seen] = place.alerts()
    assert seen["acknowledgedBy"] == "ada"
    with pytest.raises(UnknownRecord):
        await ada.say("acknowledge_alert", alertId="nobody")




async def test_everything_is_there_after_a_restart(place: Any, ada: Any, agent: Any) -> None:
    done, running, held, waiting = await ada.submit(4)
    await agent.finish(await agent.claim())
    job = await agent.claim()
    await agent.begin(job)
    await agent.step(job, 2)
    await ada.command(held, "pause")
    before = {view["jobId"]: view for view in wire.plain(place.room.initial_state().jobs)}
    seq = place.room.board.seq
    await place.restart()
    after = {view["jobId"]: view for view in wire.plain(place.room.initial_state().jobs)}
    assert place.room.board.seq >= seq
    for name in ("status", "attempt", "seed", "priority", "user", "createdAt", "outputs", "stageIndex"):
        assert {key: one[name] for key, one in after.items()} == {key: one[name] for key, one in before.items()}
    assert [after[one]["status"] for one in (done, running, held, waiting)] == [
        "completed", "running", "paused", "pending"]
    assert place.order() == [running, held, waiting]
    assert any("queued" in line.message for line in place.room.initial_state().logs)


async def test_whatever_time_an_agent_claims_nobody_else_is_disturbed(place: Any, ada: Any, agent: Any) -> None:
    """Times are an agent's word: one that is absurd must not make a record that nobody can be shown."""
    ids = await ada.submit(2)
    job = await agent.claim()
    await agent.report(job, "planned", stages=[["sample", 4]])
    for fact in ("stage_started", "paused", "resumed", "completed"):
        try:
            await agent.report(job, fact, atS=1e18)
        except (ValueError, OverflowError, OSError):
            pytest.fail(f"{fact} at an absurd time broke the room")
        place.room.tick(place.clock.now_s)
    state = place.room.initial_state()
    assert {view.job_id for view in state.jobs} == set(ids)


async def test_who_watches_is_told_and_agents_do_not_watch(place: Any) -> None:
    people = [place.person("ada"), place.person("ada"), place.person("bob")]
    for number, one in enumerate(people):
        one.session.id = f"s{number}"
        place.room.joined(one.session)
    await place.hand("agent-1")
    await place.settle()
    presence = place.told("presence")[-1]
    assert {user["name"]: user["connections"] for user in presence["users"]} == {"ada": 2, "bob": 1}
    assert presence["watching"] == 3
    place.room.left(people[2].session)
    assert [user["name"] for user in place.told("presence")[-1]["users"]] == ["ada"]
