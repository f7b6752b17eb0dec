"""Failures put right on a hub: what waits, who is told, and that a person's word counts for more."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.hub.mending import memory_of
from echodeck.model.engine import EngineInfo
from echodeck.model.record import Gpu, Host

FLAKY = {"kind": "engine_error", "message": "the server hung up", "retryable": True}
FULL = {"kind": "out_of_memory", "message": "out of memory", "needed_bytes": 4 << 30, "free_bytes": 3 << 30}


async def fail(hand: Any, job_id: str, error: dict[str, Any]) -> dict[str, Any] | None:
    """The next job is claimed, which must be that one, and fails."""
    job = await hand.claim()
    assert job is not None
    assert job["id"] == job_id
    await hand.begin(job)
    await hand.report(job, "failed", error=error)
    return dict(job)


async def test_what_may_pass_waits_and_is_tried_again(place: Any, ada: Any, agent: Any) -> None:
    first, second = await ada.submit(2)
    await fail(agent, first, FLAKY)
    waiting = place.job(first)
    assert (waiting["status"], waiting["error"], waiting["attempt"]) == ("pending", None, 1)
    assert [(one["cure"], one["error"]) for one in waiting["tries"]] == [("again", "the server hung up")]
    assert waiting["notBefore"]
    assert not place.told("generation_failed"), "an attempt that is followed by another is no end"
    assert (await agent.claim())["id"] == second, "it holds up nobody"
    assert await agent.claim() is None
    agent.told.clear()
    await place.wait_s(2.0)
    assert agent.heard("work_available"), "it is offered when its pause is over"
    again = await agent.claim()
    assert (again["id"], again["attempt"]) == (first, 2)
    await agent.finish(again)
    assert place.job(first)["status"] == "completed"


async def test_a_job_that_goes_on_failing_is_set_aside_with_its_story(place: Any, ada: Any, agent: Any) -> None:
    (job_id,) = await ada.submit()
    for _ in range(3):
        await fail(agent, job_id, FLAKY)
        await place.wait_s(6.0)
    job = place.job(job_id)
    assert (job["status"], job["attempt"]) == ("failed", 3)
    assert job["error"] == "the server hung up (set aside after 3 tries)"
    assert job["errorDetail"].startswith("1. on studio: the server hung up; tries again")
    assert len(place.told("generation_failed")) == 1
    assert [one["part"] for one in place.told("decision")] == ["mend", "mend"]
    assert [alert["title"] for alert in place.alerts()] == ["A job failed"]
    await ada.say("retry", jobId=job_id)
    fresh = place.job(job_id)
    assert (fresh["status"], fresh["tries"], fresh["notBefore"]) == ("pending", [], None)


async def test_lack_of_memory_is_answered_as_far_as_it_is_allowed(place: Any, ada: Any, agent: Any) -> None:
    (job_id,) = await ada.submit(width=256, height=192, allow=["resolution"])
    await fail(agent, job_id, FULL)
    waiting = place.job(job_id)
    assert (waiting["resolution"], waiting["asked"]) == ("192×144", {"width": 256, "height": 192})
    assert waiting["tries"][0]["told"] == "makes it 192×144 instead of 256×192"
    (other,) = await ada.submit()
    await place.wait_s(2.0)
    again = await agent.claim()
    assert (again["id"], again["spec"]["width"]) == (job_id, 192)
    await agent.finish(again)
    await fail(agent, other, FULL)
    assert "it would need at least 1.0 GiB more" in place.job(other)["error"]


async def test_another_machine_gets_what_does_not_fit_here(place: Any, ada: Any, agent: Any) -> None:
    for name, gib in (("studio", 4), ("attic", 16)):
        await agent.say("host_metrics", host={"name": name, "at_s": 1.0, "memory_total_bytes": gib << 30})
    attic = place.person("attic", "/api/coordination/ws")
    place.room.joined(attic.session)
    await attic.say("register", agentId="attic-1", host="attic", engines=[{"name": "sketch"}], slots=1)
    (job_id,) = await ada.submit()
    await fail(agent, job_id, FULL)
    assert place.job(job_id)["avoid"] == ["studio"]
    await place.wait_s(2.0)
    assert await agent.claim() is None
    result = await attic.say("claim", workerId="attic/sketch/1", engines=["sketch"])
    assert result["job"]["id"] == job_id


async def test_the_engine_that_keeps_models_lets_them_go_first(place: Any, ada: Any, agent: Any) -> None:
    info = EngineInfo("sketch", extras=("free",))
    await agent.say("announce", engines=[info])
    await place.settle()
    (job_id,) = await ada.submit()
    agent.told.clear()
    await fail(agent, job_id, FULL)
    assert agent.heard("engine_order") == [{"engine": "sketch", "command": "free"}]
    await place.wait_s(2.0)
    await fail(agent, job_id, FULL)
    assert place.job(job_id)["status"] == "failed", "once is enough"


async def test_a_late_word_of_an_attempt_that_failed_is_not_taken_up_again(place: Any, ada: Any, agent: Any) -> None:
    (job_id,) = await ada.submit()
    job = await fail(agent, job_id, FLAKY)
    assert (await agent.step(job, 3))["stale"]
    assert (await agent.report(job, "failed", error=FLAKY))["stale"]
    assert place.job(job_id)["status"] == "pending"
    assert len(place.job(job_id)["tries"]) == 1


@pytest.mark.parametrize("error", [FLAKY, FULL])
async def test_switched_off_everything_fails_as_before(place: Any, ada: Any, agent: Any, error: dict[str, Any]) -> None:
    await ada.say("brain_switch", part="mend", on=False)
    (job_id,) = await ada.submit(allow=["resolution"])
    await fail(agent, job_id, error)
    job = place.job(job_id)
    assert (job["status"], job["error"], job["tries"]) == ("failed", error["message"], [])


async def test_what_a_person_asked_counts_for_more(place: Any, ada: Any, agent: Any) -> None:
    first, second, third = await ada.submit(3)
    job = await agent.claim()
    await ada.command(first, "cancel")
    await agent.report(job, "failed", error=FLAKY)
    assert place.job(first)["status"] == "failed", "it was to end, and nobody tries it again"
    job = await agent.claim()
    await ada.command(second, "pause")
    await agent.report(job, "failed", error=FLAKY)
    assert place.job(second)["status"] == "paused"
    job = await agent.claim()
    await agent.report(job, "failed", error=FLAKY)
    await ada.say("move", jobId=third, direction="top")
    assert place.job(third)["notBefore"] is None
    assert (await agent.claim())["id"] == third, "who moves it wants it now"
    await ada.command(second, "cancel")
    assert place.job(second)["status"] == "cancelled"


async def test_jobs_of_others_are_left_alone(place: Any, ada: Any, agent: Any) -> None:
    spec = {"engine": "sketch", "model": "sketch-s", "title": "theirs"}
    await agent.say("adopt", jobId="theirs", workerId=agent.worker, spec=spec, origin="observed")
    await agent.report({"id": "theirs", "attempt": 1}, "failed", error=FLAKY)
    assert place.job("theirs")["status"] == "failed"


async def test_a_restart_in_the_pause_forgets_nothing(place: Any, ada: Any, agent: Any) -> None:
    (job_id,) = await ada.submit()
    await fail(agent, job_id, FLAKY)
    await place.restart()
    hand = await place.hand("agent-2")
    assert await hand.claim() is None
    assert place.job(job_id)["tries"][0]["cure"] == "again"
    await place.wait_s(2.0)
    assert (await hand.claim())["attempt"] == 2


def test_the_memory_that_counts_is_the_engines() -> None:
    host = Host("h", 0.0, memory_total_bytes=64 << 30, gpus=(Gpu(0, "a", "nvidia", vram_total_bytes=8 << 30),
                                                             Gpu(1, "b", "nvidia", vram_total_bytes=24 << 30)))
    assert memory_of(host, EngineInfo("comfyui", kind="comfyui")) == 24 << 30
    assert memory_of(host, EngineInfo("sketch")) == 64 << 30
    assert memory_of(None, EngineInfo("sketch")) == 0
