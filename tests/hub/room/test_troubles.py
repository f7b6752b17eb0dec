"""One alert a cause: counted with its jobs, and gone when the last of them is in trouble no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echodeck.model.job import JobState

GONE = {"kind": "unreachable", "message": "the server does not answer"}
BROKEN = {"kind": "crash", "message": "No such layer.\n  at line 7"}


async def fail(agent: Any, error: dict[str, Any] = BROKEN) -> str:
    job = await agent.claim()
    await agent.report(job, "failed", error=error)
    return str(job["id"])


async def test_jobs_of_one_reason_are_one_alert(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(12)
    failed = [await fail(agent) for _ in ids]
    [alert] = place.alerts()
    assert (alert["level"], alert["title"], alert["jobs"]) == ("error", "12 jobs failed", tuple(failed))
    assert alert["message"] == "sketch on studio: No such layer; last: hills"
    assert (alert["detail"], alert["jobId"], alert["count"]) == (BROKEN["message"], failed[-1], 12)
    told = [line for line in place.told("log") if line["source"] == "alert"]
    assert len(told) == 1, "it calls once"


async def test_the_server_is_gone_and_many_jobs_with_it(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(21)
    job = await agent.claim()
    await agent.begin(job)
    await agent.report(job, "lost", error=GONE)
    [alert] = place.alerts()
    assert (alert["level"], alert["title"], alert["jobs"]) == ("warning", "A job was interrupted", (job["id"],))
    failed = {await fail(agent, GONE) for _ in range(21)}
    [alert] = place.alerts()
    assert job["id"] in failed
    assert (alert["cause"], alert["level"]) == ("worker_lost:sketch:studio", "error")
    assert alert["title"] == "21 jobs failed"
    [again] = await ada.submit()
    await agent.finish(await agent.claim())
    assert place.alerts() == [], "whatever the server does shows that it is there"
    assert place.job(again)["status"] == "completed"


async def test_the_worker_is_back(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    await fail(agent, GONE)
    assert place.alerts()
    await agent.register()
    assert place.alerts() == []


async def test_a_silent_machine_is_one_alert_with_its_job(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await agent.begin(await agent.claim())
    agent.leave()
    await place.wait_s(11.0)
    [alert] = place.alerts()
    assert (alert["cause"], alert["count"], alert["jobs"]) == ("silent:studio", 1, (job_id,))
    await ada.say("remove", jobId=job_id)
    [alert] = place.alerts()
    assert (alert["jobs"], alert["jobId"]) == ((), ""), "the machine is silent all the same"
    await agent.register()
    assert place.alerts() == []


@pytest.mark.parametrize("way", ["retry", "remove"])
async def test_it_is_gone_with_its_last_job(place: Any, ada: Any, agent: Any, way: str) -> None:
    await ada.submit(2)
    failed = [await fail(agent) for _ in range(2)]
    await ada.say(way, jobId=failed[0])
    [alert] = place.alerts()
    assert (alert["title"], alert["jobs"]) == ("A job failed", tuple(failed[1:]))
    await ada.say(way, jobId=failed[1])
    assert place.alerts() == []


async def test_a_job_of_the_kind_completes(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(2)
    await fail(agent)
    await agent.finish(await agent.claim())
    assert place.alerts() == []


async def test_one_that_was_seen_stays_seen_while_it_is_counted(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(3)
    await fail(agent)
    [alert] = place.alerts()
    await ada.say("acknowledge_alert", alertId=alert["id"])
    await fail(agent)
    [alert] = place.alerts()
    assert (alert["acknowledgedBy"], alert["count"]) == ("ada", 2)
    await place.restart()
    [alert] = place.alerts()
    assert len(alert["jobs"]) == 2


async def test_that_a_workflow_fails_again_and_again_takes_its_jobs_over(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(5)
    failed = [await fail(agent) for _ in range(3)]
    await place.wait_s(1.0)
    [alert] = place.alerts()
    assert (alert["cause"].split(":")[0], alert["jobs"]) == ("fails", tuple(failed))
    failed.append(await fail(agent))
    [alert] = place.alerts()
    assert (alert["jobs"], alert["jobId"], alert["count"]) == (tuple(failed), failed[-1], 1)
    await agent.finish(await agent.claim())
    await place.wait_s(1.0)
    assert place.alerts() == []


happenings = st.lists(st.sampled_from(["crash", "crash", "gone", "lost", "done", "retry", "remove", "restart"]),
                      min_size=12, max_size=12)


def _holds(place: Any) -> None:
    """A job is in one open alert at most, and none without a job that is in trouble stays open."""
    desk = place.room.desk
    told = [one for one in place.alerts() if one["cause"].split(":")[0] in ("failed", "worker_lost", "fails")]
    ids = [job_id for one in told for job_id in one["jobs"]]
    assert len(set(ids)) == len(ids)
    assert all(one["jobs"] for one in told if not one["cause"].startswith("fails"))
    for job_id in ids:
        job = desk.queue.get(job_id)
        assert job.state is JobState.FAILED or (job.state is JobState.PENDING and job.lost)


async def _live(place: Any, events: list[str]) -> None:
    await place.room.start()
    ada, hand = place.person("ada"), await place.hand()
    await ada.submit(6)
    for number, event in enumerate(events):
        if event == "restart":
            await place.restart()
            hand = await place.hand(f"agent-{number}")
        elif event in ("retry", "remove"):
            failed = [job for job in place.room.desk.queue.all() if job.state is JobState.FAILED]
            if failed:
                await ada.say(event, jobId=failed[0].id)
        elif (job := await hand.claim()) is not None:
            error = GONE if event == "gone" else BROKEN
            fact = {"done": "completed", "lost": "lost"}.get(event, "failed")
            await hand.report(job, fact, **({} if fact == "completed" else {"error": error}))
        await place.wait_s(1.0)
        _holds(place)
    await place.room.stop()


@settings(max_examples=100, deadline=None, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))
@given(happenings)
def test_whatever_happens_each_trouble_is_told_once(place_of: Callable[..., Any], events: list[str]) -> None:
    asyncio.run(_live(place_of(), events))
