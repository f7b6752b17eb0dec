"""What is foreseen: progress that never falls, starts of waiting jobs, and what a finished job teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from echodeck.hub.outlook import Outlooks
from echodeck.model.job import Job, JobSpec, JobState, Stage, StageState
from echodeck.model.record import StageRun


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def run(stage: str, at_s: float, duration_s: float, steps: int = 0) -> StageRun:
    per = duration_s / steps if steps else 0.0
    return StageRun("j", 1, "sketch", "sketch-s", 64, 64, steps, 1, 1, stage, at_s, duration_s, per, per)


HISTORY = [run("load model", 1.0, 1.0), run("sample", 2.0, 8.0, 4), run("save", 3.0, 1.0)]


async def test_progress_never_falls_and_is_100_only_at_the_end(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    for step in range(1, 5):
        await place.wait_s(3.0 if step == 3 else 0.5)
        await agent.say("heartbeat", jobs=[job_id])
        await agent.step(job, step)
    await agent.report(job, "completed")
    told = [one.payload for one in place.stream if one.kind == "jobs" and one.key == job_id]
    shown = [view.progress for view in told]
    assert shown == sorted(shown)
    assert [view.status for view in told if view.progress == 100.0] == ["completed"] * shown.count(100.0)
    assert shown[-1] == 100.0


async def test_a_silent_stage_moves_with_the_clock(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.report(job, "planned", stages=[["load model", 0]])
    await agent.report(job, "stage_started", index=0)
    before = place.job(job_id)["progress"]
    await place.wait_s(1.0)
    assert place.job(job_id)["progress"] > before
    assert place.told("generation_progress")[-1]["elapsed"] == pytest.approx(1.0, abs=0.1)


async def test_a_paused_job_stands_still(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await agent.step(job, 1)
    await agent.report(job, "paused")
    before = place.job(job_id)
    await place.wait_s(5.0)
    after = place.job(job_id)
    for name in ("progress", "eta", "elapsed", "currentStep"):
        assert after[name] == pytest.approx(before[name]), name


async def test_waiting_jobs_start_one_after_the_other(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit(2)
    for _ in range(2):  # the second finds the model loaded, and says how long that takes then
        await agent.finish(await agent.claim())
    ids = await ada.submit(3)
    await place.wait_s(1.0)
    starts = [seconds(place.job(one)["expectedStart"]) for one in ids]
    took_s = place.job(ids[0])["expectedDuration"]
    assert starts == sorted(starts)
    assert starts[2] - starts[0] == pytest.approx(2 * took_s, abs=0.1)
    queue = place.room.initial_state().queue
    assert seconds(queue.clear_at or "") - place.clock.now_s == pytest.approx(3 * took_s, abs=2.1)
    assert (queue.clear_low or "") <= (queue.clear_at or "") <= (queue.clear_high or "")


async def test_without_an_agent_nothing_is_foreseen(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    agent.leave()
    await place.wait_s(11.0)
    assert place.job(job_id)["expectedStart"] is None
    assert place.room.initial_state().queue.clear_at is None


async def test_more_slots_clear_the_queue_sooner(place: Any, ada: Any, agent: Any) -> None:
    ids = await ada.submit(4)
    await place.wait_s(1.0)
    one = seconds(place.job(ids[3])["expectedStart"])
    await place.hand("agent-2", slots=3)
    await place.wait_s(1.0)
    assert seconds(place.job(ids[3])["expectedStart"]) < one


def test_what_waits_learns_from_the_first_of_its_size_before_that_ends() -> None:
    """Another number of steps, so no twin; the size was never made, and its steps take ten times as long as thought."""
    outlooks = Outlooks(HISTORY)
    spec = JobSpec("sketch", "sketch-s", width=128, height=128, steps=8)
    waits = Job("b", replace(spec, steps=20))
    thought_s = outlooks.total(waits).median_s
    stages = (Stage("load model", StageState.COMPLETED, duration_s=1.0),
              Stage("sample", StageState.RUNNING, steps=8, started_s=1.0), Stage("save"))
    job = Job("a", spec, JobState.RUNNING, started_s=0.0, attempt=1, stages=stages)
    outlooks.planned(job, 0.0)
    outlooks.stage_done("a", 0, 1.0, 1.0)
    for step in range(1, 9):
        outlooks.stepped("a", 1, step, 1.0 + 80.0 * step, 80.0)
        outlooks.plan([waits], [], [frozenset({"sketch"})], 1.0 + 80.0 * step)
        assert (outlooks.total(waits).median_s > 4 * thought_s) is (step > 1)
    assert outlooks.total(waits).median_s == pytest.approx(20 * 80.0, rel=0.1)
    outlooks.forget("a")
    outlooks.plan([waits], [], [frozenset({"sketch"})], 700.0)
    assert outlooks.total(waits).median_s == pytest.approx(thought_s), "it did not complete"


def test_stages_are_expected_in_the_order_they_come_after_a_restart() -> None:
    """Runs come back from the store newest first; those of one job must not turn its stages round."""
    outlooks = Outlooks(reversed(HISTORY))
    spec = JobSpec("sketch", "sketch-s", width=64, height=64, steps=4)
    assert [name for name, _ in outlooks.history.plan(spec)] == ["load model", "sample", "save"]
    assert outlooks.total(Job("a", spec)).median_s == pytest.approx(10.0, rel=0.05)


async def test_learnt_stages_keep_their_order_over_a_restart(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    await agent.finish(await agent.claim())
    await place.restart()
    runs = sorted(await place.store.runs(), key=lambda one: one.at_s)
    assert [one.stage for one in runs] == ["load model", "sample", "save"]
    assert len({one.at_s for one in runs}) == 3
