"""Estimates are compared with the truth, later ones set by it; over restarts, and switched off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from echodeck.hub import foresight
from echodeck.model.calibration import FIRST
from echodeck.model.span import Z80

KIND = ("sketch", "sketch-s", "64×64")


async def made(place: Any, ada: Any, agent: Any, step_s: float = 2.0) -> str:
    """A job of about 10 s, to its end."""
    [job_id] = await ada.submit(width=64, height=64)
    job = await agent.claim()
    await agent.begin(job)
    for step in range(1, 5):
        for _ in range(4):
            await place.wait_s(step_s / 4)
            await agent.say("heartbeat", jobs=[job_id])
        await agent.step(job, step, step_s)
    await agent.report(job, "stage_done", index=1, durationS=4 * step_s)
    await agent.report(job, "stage_started", index=2)
    await place.wait_s(1.5)
    await agent.report(job, "stage_done", index=2, durationS=1.5)
    await agent.report(job, "completed")
    await place.settle()
    return str(job_id)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_every_completed_job_is_judged_and_told(place: Any, ada: Any, agent: Any) -> None:
    await made(place, ada, agent)
    shown = {one["name"]: one for one in place.told("estimate_score")}
    assert set(shown) == {"", FIRST}
    assert [one["first"] for one in shown.values()] == [False, True]
    assert [one["share"] for one in shown[""]["shares"]] == [0.0, 0.1, 0.25, 0.5, 0.75]
    assert {one["count"] for one in shown[""]["shares"]} == {1}
    assert place.room.initial_state().estimates == [shown[""], shown[FIRST]]
    kinds = [(one.engine, one.model, one.resolution, one.first) for one in place.room.staff.foresight.scores()]
    assert kinds == [("", "", "", False), ("", "", "", True), ("sketch", "", "", True),
                     ("sketch", "sketch-s", "", True)]


async def test_the_first_of_a_configuration_is_judged_apart(place: Any, ada: Any, agent: Any) -> None:
    for _ in range(3):
        await made(place, ada, agent)
    shown = {one["name"]: one for one in place.told("estimate_score")}
    counts = {name: one["shares"][0]["count"] for name, one in shown.items()}
    assert counts == {"": 3, FIRST: 1, "sketch sketch-s": 2}
    kinds = [(one.engine, one.model, one.resolution) for one in place.room.staff.foresight.scores() if not one.first]
    assert kinds == [("", "", ""), ("sketch", "", ""), ("sketch", "sketch-s", ""), KIND]


async def test_repeated_jobs_are_foreseen_and_their_intervals_narrowed(place: Any, ada: Any, agent: Any) -> None:
    for _ in range(12):
        await made(place, ada, agent)
    assert place.room.desk.outlooks.calibration.ends(KIND, 0.5)[1] < Z80 / 2
    half = place.room.desk.outlooks.calibration.record(KIND)[3]
    assert half.share == 0.5
    assert half.error < 0.15, "the first knew nothing"
    decisions = [one for one in place.told("decision") if one["part"] == "foresight"]
    assert decisions[0]["title"] == "Narrower intervals for sketch sketch-s 64×64"
    assert "held" in decisions[0]["reason"]
    assert decisions[0]["data"]["factor"] < decisions[0]["data"]["factorBefore"] == 1.0
    assert len(decisions) < 8, "told when it matters, not at every job"


async def test_what_was_learnt_is_known_after_a_restart(place: Any, ada: Any, agent: Any) -> None:
    for number in range(6):
        await made(place, ada, agent, step_s=2.0 + number % 3)
    before = place.room.desk.outlooks
    ends, record = before.calibration.ends(KIND, 0.4), before.calibration.record(KIND)
    profile = before.history.profiles.of((*KIND[:2], "", "sample"), 20)
    shown = place.room.initial_state().estimates
    await place.restart()
    after = place.room.desk.outlooks
    assert after.calibration.ends(KIND, 0.4) == pytest.approx(ends)
    assert after.calibration.record(KIND) == record
    assert after.history.profiles.of((*KIND[:2], "", "sample"), 20) == profile
    assert place.room.initial_state().estimates == shown
    assert not place.told("decision"), "nothing is decided anew"


async def test_switched_off_intervals_are_as_history_makes_them(place: Any, ada: Any, agent: Any) -> None:
    for _ in range(8):
        await made(place, ada, agent)
    ask = {"what": "estimate", "job": {"prompt": "hills", "width": 64, "height": 64}}
    calibrated = (await ada.say("query", **ask))["answer"]
    await ada.say("brain_switch", part="foresight", on=False)
    plain = (await ada.say("query", **ask))["answer"]
    assert plain["eta"] == calibrated["eta"]
    assert plain["etaHigh"] - plain["etaLow"] > 1.5 * (calibrated["etaHigh"] - calibrated["etaLow"])
    told = len(place.told("decision"))
    await made(place, ada, agent, step_s=20.0)
    assert len(place.told("decision")) == told
    assert place.room.desk.outlooks.calibration.record(KIND)[0].count == 8, "the record is kept all the same"


async def test_a_waiting_job_has_an_interval_for_its_start_and_end(place: Any, ada: Any, agent: Any) -> None:
    for _ in range(3):
        await made(place, ada, agent)
    ids = await ada.submit(3, width=64, height=64)
    await place.wait_s(1.0)
    views = [place.job(one) for one in ids]
    widths = []
    for view in views:
        for name in ("Start", "End"):
            low, middle, high = (seconds(view[f"expected{name}{bound}"]) for bound in ("Low", "", "High"))
            assert low <= middle <= high
            widths.append(high - low)
    assert widths == sorted(widths), "the later, the less sure"
    assert views[1]["expectedStart"] == views[0]["expectedEnd"]
    plan = (await ada.say("query", what="plan"))["answer"]
    assert [(one["jobId"], one["end"]) for one in plan["jobs"]] == [(v["jobId"], v["expectedEnd"]) for v in views]
    assert plan["clearLow"] <= plan["clearAt"] <= plan["clearHigh"]


async def test_a_waiting_twin_learns_from_the_one_in_work(place: Any, ada: Any, agent: Any) -> None:
    """Nobody knows the model yet; the first of two turns out to take far longer than was thought."""
    ids = await ada.submit(2, width=64, height=64)
    thought_s = place.job(ids[1])["expectedDuration"]
    job = await agent.claim()
    await agent.begin(job)
    for step in range(1, 4):
        await place.wait_s(9.0)
        await agent.step(job, step, 9.0)
    await place.wait_s(0.1)
    [waiting] = [one for one in ids if one != job["id"]]
    assert place.job(waiting)["expectedDuration"] > 4 * thought_s


async def test_a_job_that_was_paused_says_nothing_of_estimates(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.begin(job)
    await agent.report(job, "paused")
    await place.wait_s(5.0)
    await ada.command(job_id, "resume")
    await agent.report(job, "resumed")
    await agent.report(job, "completed")
    await place.settle()
    assert place.room.staff.foresight.scores() == []


async def test_lessons_are_bounded(place: Any, ada: Any, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "KEPT_LESSONS", 3)
    ids = [await made(place, ada, agent) for _ in range(5)]
    assert set(await place.store.records("lessons")) == set(ids[2:])
