"""Whatever becomes of a wish, its story ends: no order of failures, bad verdicts, late deadlines and restarts makes a
loop, two attempts at once, or more moves and tries than are allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from echodeck.brain.mend import Limits
from echodeck.hub.ledger import Change
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.job import TERMINAL, Job
from echodeck.model.transitions import check
from echodeck.model.verdict import Reason, Verdict

MODELS = EngineInfo("sketch", models=tuple(ModelInfo(f"sketch-{size}") for size in "sml"), extras=("free",), params=(
    Param("width", 64, 512, 256, 8), Param("height", 64, 512, 256, 8), Param("steps", 1, 100, 4),
    Param("seed", 0, 2**31 - 1, 0), Param("batch", 1, 8, 4)))
ERRORS = {"memory": ("out_of_memory", False), "flaky": ("engine_error", True), "broken": ("pipeline_error", False)}
happenings = st.lists(st.sampled_from(["bad", "bad", "memory", *ERRORS, "good", "restart", "lost", "pause"]),
                      min_size=16, max_size=16)
wishes = st.fixed_dictionaries({"quality": st.sampled_from(["draft", "standard", "final"])}, optional={
    "allow": st.lists(st.sampled_from(["batch", "resolution"]), unique=True), "deadline": st.just(1_800_000_030.0)})


async def live(place: Any, wish: dict[str, Any], events: list[str]) -> None:
    await place.room.start()
    ada, hand = place.person("ada"), await place.hand()
    await hand.say("announce", engines=[MODELS])
    await place.settle()
    await ada.submit(model="auto", **wish)
    for number, event in enumerate(events):
        if event == "restart":
            await place.restart()
            hand = await place.hand(f"agent-{number}")
            await hand.say("announce", engines=[MODELS])
        await place.wait_s(20.0)
        if event != "restart" and (job := await hand.claim()) is not None:
            await _happen(place, ada, hand, job, event)
        await place.settle()
        _holds(place.room.desk.queue.all())
    await _end(place, hand)


async def _happen(place: Any, ada: Any, hand: Any, job: dict[str, Any], event: str) -> None:
    if event in ERRORS:
        kind, retryable = ERRORS[event]
        await hand.report(job, "failed", error={"kind": kind, "message": "no", "retryable": retryable})
    elif event == "lost":
        await hand.report(job, "lost")
    elif event == "pause":
        await ada.command(job["id"], "pause")
        await hand.report(job, "failed", error={"kind": "engine_error", "message": "no", "retryable": True})
        if place.job(job["id"])["status"] == "paused":
            await ada.command(job["id"], "resume")
    else:
        await hand.report(job, "completed", outputs=[{"path": "a.png"}])
        change = Change(place.clock())
        verdict = Verdict(0, 95 if event == "good" else 5, () if event == "good" else (Reason("blur", 0.9, "blurred"),))
        place.room.staff.climbs.judged(place.room.desk.queue.get(job["id"]), (verdict,), change)
        await place.room.desk.ledger.put(change)


def _holds(jobs: list[Job]) -> None:
    limits = Limits()
    assert sum(job.state not in TERMINAL for job in jobs) <= 1, "one attempt at a wish at a time"
    assert len(jobs) <= 3, "two moves are allowed, so there are at most two better attempts"
    for job in jobs:
        check(job)
        assert len(job.climbs) <= 3
        assert len({one.attempt for one in job.tries}) == len(job.tries) < limits.memory_tries
        assert sum(one.error.kind != "out_of_memory" for one in job.tries) < limits.tries


async def _end(place: Any, hand: Any) -> None:
    """From here on everything fails: within the limits the story is over."""
    for _ in range(2 * Limits().memory_tries):
        await place.wait_s(400.0)
        if (job := await hand.claim()) is not None:
            await hand.report(job, "failed", error={"kind": "out_of_memory", "message": "no"})
    await place.settle()
    assert all(job.state in TERMINAL for job in place.room.desk.queue.all())
    await place.room.stop()


@settings(max_examples=100, deadline=None, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))
@given(wishes, happenings)
@example({"quality": "draft"}, ["bad", "bad", "memory", "memory", "memory"])
@example({"quality": "standard"}, ["memory", "memory", "bad", "broken", "bad"])
@example({"quality": "final", "allow": ["batch", "resolution"]}, ["memory"] * 12)
@example({"quality": "draft"}, ["flaky", "lost", "flaky", "restart", "flaky"])
def test_every_story_ends(place_of: Callable[..., Any], wish: dict[str, Any], events: list[str]) -> None:
    place = place_of()
    place.settings = replace(place.settings, lease_s=1e6)
    asyncio.run(live(place, wish, events))
