"""Agents and the jobs in their hands: one worker a job, leases, losing and finding again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from echodeck.errors import InputError


async def test_a_job_goes_to_one_worker(place: Any, ada: Any, agent: Any) -> None:
    other = await place.hand("agent-2")
    ids = await ada.submit(3)
    got = await asyncio.gather(agent.claim(), other.claim(), agent.claim(), other.claim())
    assert sorted(job["id"] for job in got if job) == sorted(ids)
    assert [job for job in got if job is None] == [None]
    assert {view.status for view in place.room.initial_state().jobs} == {"running"}


async def test_a_claim_asked_again_gets_the_same_job(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(2)
    first, again = await agent.claim(id_="c1"), await agent.claim(id_="c1")
    assert first == again
    assert len(place.told("generation_started")) == 1


async def test_who_has_not_registered_gets_nothing(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    stranger = type(agent)(place, "stranger")
    for wish in (stranger.claim(), stranger.say("heartbeat", jobs=[])):
        with pytest.raises(InputError, match="register"):
            await wish


async def test_a_heartbeat_keeps_the_lease_and_repeats_what_was_asked(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await agent.claim()
    await ada.command(job_id, "pause")
    for _ in range(5):
        await place.wait_s(8.0)
        answer = await agent.say("heartbeat", jobs=[job_id, "not-mine"])
        assert answer == {"jobs": [{"jobId": job_id, "request": "pause"}], "abandon": ["not-mine"], "watched": False,
                          "judge": True, "measure": True}
    place.room.joined(ada.session)
    assert (await agent.say("heartbeat", jobs=[job_id]))["watched"]
    assert place.job(job_id)["status"] == "running"


async def test_a_silent_worker_loses_its_job_to_the_front(place: Any, ada: Any, agent: Any) -> None:
    lost, *others = await ada.submit(3)
    await agent.begin(await agent.claim())
    await place.wait_s(11.0)
    assert place.order() == [lost, *others]
    assert (place.job(lost)["status"], place.job(lost)["workerId"]) == ("pending", "")
    [alert] = place.alerts()
    assert (alert["level"], alert["title"], alert["jobId"]) == ("warning", "A job was interrupted", lost)
    assert agent.worker in alert["message"]
    other = await place.hand("agent-2")
    again = await other.claim()
    assert (again["id"], again["attempt"]) == (lost, 2)
    assert place.alerts() == []
    assert place.job(lost)["progress"] == 0.0


async def test_words_from_an_attempt_that_is_over_have_no_effect(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await place.wait_s(11.0)
    other = await place.hand("agent-2")
    await other.claim()
    view = place.job(job_id)
    assert await agent.report(job, "completed") == {"stale": True}
    assert await agent.step(job, 2) == {"stale": True}
    assert place.job(job_id) == view
    assert (await agent.say("heartbeat", jobs=[job_id]))["abandon"] == [job_id]
    assert not await place.store.runs()


async def test_a_job_done_after_all_counts_if_nobody_has_taken_it(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await place.wait_s(11.0)
    await agent.report(job, "completed")
    assert (place.job(job_id)["status"], place.job(job_id)["attempt"]) == ("completed", 1)
    assert place.alerts() == []
    assert await agent.claim() is None


async def test_an_agent_that_comes_back_in_time_goes_on(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    agent.leave()
    await place.wait_s(5.0)
    await ada.command(job_id, "pause")
    answer = await agent.register([agent.named(job), {"jobId": "gone", "attempt": 1, "workerId": agent.worker}])
    assert answer["jobs"] == [{"jobId": job_id, "action": "continue", "request": "pause"},
                              {"jobId": "gone", "action": "abandon", "request": ""}]
    await place.wait_s(7.0)
    assert place.job(job_id)["status"] == "running"


async def test_one_that_comes_back_too_late_goes_on_if_nobody_has_its_job(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    agent.leave()
    await place.wait_s(30.0)
    assert place.job(job_id)["status"] == "pending"
    [answer] = (await agent.register([agent.named(job)]))["jobs"]
    assert answer["action"] == "continue"
    assert (place.job(job_id)["status"], place.job(job_id)["attempt"]) == ("running", 1)
    assert place.alerts() == []
    await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "pending", "the lease runs as before"


@pytest.mark.parametrize("word", ["report", "progress"])
async def test_a_job_taken_back_by_a_late_word_has_a_lease_again(place: Any, ada: Any, agent: Any, word: str) -> None:
    """The connection held, only the heartbeats were late: what the worker says brings its job back into its hand, and
    if it dies then, the job must not stay there for ever."""
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "pending"
    await (agent.report(job, "stage_started", index=1) if word == "report" else agent.step(job, 1))
    assert place.job(job_id)["status"] == "running"
    assert (await agent.say("heartbeat", jobs=[job_id]))["abandon"] == []
    agent.leave()
    await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "pending"


async def test_a_running_job_has_time_after_a_restart(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await agent.step(job, 2)
    progress = place.job(job_id)["progress"]
    await place.restart()
    await place.wait_s(5.0)
    assert place.job(job_id)["status"] == "running"
    [answer] = (await agent.register([agent.named(job)]))["jobs"]
    assert answer["action"] == "continue"
    await agent.step(job, 3)
    assert place.job(job_id)["progress"] >= progress
    assert place.job(job_id)["currentStep"] == 3
    assert place.job(job_id)["eta"] > 0


async def test_after_a_restart_a_job_whose_worker_stays_away_is_queued_once(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await agent.claim()
    await place.restart()
    await place.wait_s(11.0)
    await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "pending"
    assert len(place.told("generation_queued")) == 1


async def test_after_too_many_attempts_a_job_fails_with_an_alert(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit(title="dawn")
    for attempt in range(1, 4):
        assert (await agent.claim())["attempt"] == attempt
        await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "failed"
    assert "for the 3rd time" in place.job(job_id)["error"]
    assert [alert["level"] for alert in place.alerts() if alert["jobId"] == job_id] == ["error"]


async def test_a_lost_job_that_is_cancelled_leaves_no_alert(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await agent.claim()
    await place.wait_s(11.0)
    assert place.alerts()
    await ada.command(job_id, "cancel")
    assert place.alerts() == []


async def test_a_job_asked_to_end_ends_with_its_worker(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await agent.claim()
    await ada.command(job_id, "cancel")
    await place.wait_s(11.0)
    assert place.job(job_id)["status"] == "cancelled"
    assert await agent.claim() is None


async def test_agents_are_shown_online_busy_and_offline(place: Any, ada: Any, agent: Any) -> None:
    def status() -> str:
        [shown] = place.room.initial_state().agents
        return str(shown.status)

    assert status() == "online"
    await ada.submit()
    job = await agent.claim()
    assert status() == "busy"
    await agent.finish(job)
    assert status() == "online"
    agent.leave()
    await place.wait_s(5.0)
    assert status() == "online"
    await place.wait_s(6.0)
    assert status() == "offline"
    [engine] = place.room.initial_state().engines
    assert "online" in engine["reason"]
    [alert] = place.alerts()
    assert (alert["level"], alert["host"]) == ("warning", "studio")
    assert alert["title"] == "studio is silent"
    await place.hand("agent-2")
    assert place.alerts() == []


async def test_previews_and_metrics_are_shown_but_not_kept(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    job = await agent.claim()
    seq = place.room.board.seq
    image = "data:image/png;base64,AAAA"
    await agent.say("job_preview", jobId=job["id"], attempt=1, step=2, image=image)
    await agent.say("job_preview", jobId=job["id"], attempt=7, step=9, image=image)
    await agent.say("host_metrics", host={"name": "studio", "at_s": 1.0, "cpu_percent": 50.0})
    state = place.room.initial_state()
    assert [(view.step, view.attempt) for view in state.previews] == [(2, 1)]
    assert [host.cpu_percent for host in state.hosts] == [50.0]
    assert place.room.board.seq == seq
    await agent.report(job, "failed", error={"kind": "crash", "message": "x"})
    await place.settle()


async def test_steps_of_a_paused_job_are_kept_and_disturb_nothing(place: Any, ada: Any, agent: Any) -> None:
    """A step that was on its way when the pause was confirmed."""
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await agent.step(job, 1)
    await agent.report(job, "paused")
    await agent.step(job, 2)
    assert place.job(job_id)["status"] == "paused"
    assert [one.step for one in await place.store.steps(job_id=job_id)] == [1, 2]


async def test_what_completes_is_told_and_learnt(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit(title="dawn")
    await agent.finish(await agent.claim())
    assert place.told("task_completion") == [{"agent_id": agent.name, "task_name": "dawn", "job_id": job_id}]
    assert len(place.told("generation_complete")) == 1
    done = place.job(job_id)
    assert (done["progress"], [stage["status"] for stage in done["stages"]]) == (100.0, ["completed"] * 3)
    runs = {run.stage: run for run in await place.store.runs()}
    assert (runs["sample"].steps, runs["sample"].duration_s, runs["sample"].step_s) == (4, 2.0, 0.5)
    assert len(await place.store.estimates(job_id=job_id)) >= 3
    [next_] = await ada.submit()
    assert place.job(next_)["expectedDuration"] == pytest.approx(2.6, rel=0.2)


@pytest.mark.parametrize("word", ["report", "progress"])
async def test_a_word_that_is_refused_does_not_take_a_job_back(place: Any, ada: Any, agent: Any, word: str) -> None:
    """A stage that there is not, of a job that was given up: it stays where everybody sees it."""
    [job_id] = await ada.submit()
    job = await agent.claim()
    await place.wait_s(11.0)
    with pytest.raises(InputError):
        await (agent.report(job, "stage_started", index=1) if word == "report" else agent.step(job, 1))
    assert place.job(job_id)["status"] == "pending"
    assert (await place.stored())[job_id].state.value == "pending"
