"""Questions about what is to come: in figures and in sentences, and nothing is queued for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from echodeck.brain.option import Marks
from echodeck.brain.words import span
from echodeck.errors import BadField, UnknownRecord
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.span import Total

GRAPH = json.loads((Path(__file__).parents[2] / "model" / "workflows" / "sd15.json").read_text(encoding="utf-8"))
TWO = EngineInfo("sketch", models=(ModelInfo("sketch-s"), ModelInfo("sketch-l")), samplers=("euler",), params=(
    Param("width", 64, 512, 64, 8), Param("height", 64, 512, 64, 8), Param("steps", 1, 100, 4),
    Param("seed", 0, 2**31 - 1, 0)))


async def ask(person: Any, what: str, **payload: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await person.say("query", what=what, **payload))["answer"]
    assert answer["text"], "every answer says its reasons"
    assert all(isinstance(one, str) and one for one in answer["text"])
    return answer


def at_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def run(agent: Any, place: Any, step_s: float) -> None:
    """The next job, from claim to end, at this speed."""
    job = await agent.claim()
    await agent.begin(job)
    for step in range(1, 5):
        place.clock.now_s += step_s
        await agent.step(job, step, step_s)
    await agent.report(job, "stage_done", index=1, durationS=4 * step_s)
    await agent.report(job, "completed", outputs=[{"path": "a.png"}])


@pytest.fixture
async def models(place: Any, ada: Any, agent: Any) -> Any:
    """An agent that has run both of its models, the large one three times as slow."""
    await agent.say("register", agentId=agent.name, host="studio", engines=[TWO], slots=1)
    for _ in range(3):
        for model, step_s in (("sketch-s", 1.0), ("sketch-l", 3.0)):
            await ada.submit(model=model)
            await run(agent, place, step_s)
    return agent


async def test_why_a_job_waits_is_told_with_figures(place: Any, ada: Any, models: Any) -> None:
    first, second, third = [*(await ada.submit(title="hills")), *(await ada.submit(2, title="lake"))]
    await models.begin(await models.claim())
    why = (await ask(ada, "why", jobId=third))["text"]
    assert why[0].startswith("1 job is before it, about ")
    assert why[0].endswith("and 1 of 1 slot that can do it is taken")
    assert why[1].startswith("studio works on hills, about ")
    assert why[2].startswith("it should begin in about ")
    assert (await ask(ada, "why", jobId=second))["text"][0].startswith("no job is before it")
    running = await ask(ada, "why", jobId=first)
    assert running["text"][0] == f"it is in hand of {models.worker}"
    assert "left" in running["text"][1]


async def test_the_work_before_a_job_ends_when_it_begins(place: Any, ada: Any, models: Any) -> None:
    """A model is loaded once for all of them, in what is said of each as in the plan."""
    *_, last = await ada.submit(8, model="sketch-l")
    said = (await ask(ada, "why", jobId=last))["text"]
    desk = place.room.desk
    before_s = sum(desk.outlooks.takes(desk.queue.get(one)).median_s for one in place.order()[:-1])
    told = await ask(ada, "estimate", jobId=last)
    assert before_s == pytest.approx(at_s(told["start"]) - place.clock.now_s, abs=0.01)
    assert said[0].startswith(f"7 jobs are before it, about {span(before_s)} of work")
    assert f"begin in about {span(before_s)} (" in said[1]


async def test_an_estimate_of_what_waits_has_its_start_and_end_with_their_bounds(
        place: Any, ada: Any, models: Any) -> None:
    *_, job_id = await ada.submit(3)
    place.clock.now_s += 0.5  # the plan is a little older than the question
    told = await ask(ada, "estimate", jobId=job_id)
    for name in ("start", "end"):
        low, middle, high = (at_s(told[name + bound]) for bound in ("Low", "", "High"))
        assert place.clock.now_s <= low < middle < high
    now_s = place.clock.now_s
    for left, end in (("eta", "end"), ("etaLow", "endLow"), ("etaHigh", "endHigh")):
        assert told[left] == pytest.approx(at_s(told[end]) - now_s, abs=0.01)
    assert told["duration"] == pytest.approx(at_s(told["end"]) - at_s(told["start"]), abs=0.01)
    assert any(" and be done in about " in one for one in told["text"])


async def test_what_stands_beside_a_job_in_the_queue_is_a_sentence_in_why(place: Any, ada: Any, models: Any) -> None:
    job_id, = await ada.submit()
    place.room.desk.whys = {job_id: "same model"}
    assert "it stands there as its model is loaded by then" in (await ask(ada, "why", jobId=job_id))["text"]


async def test_why_says_what_holds_a_job(place: Any, ada: Any, agent: Any) -> None:
    paused, = await ada.submit()
    await ada.command(paused, "pause")
    first, second = (await ada.say("workflow", jobs=[{"prompt": "lake"}, {"prompt": "b", "after": [0]}]))["jobIds"]
    assert (await ask(ada, "why", jobId=paused))["text"][0] == "ada paused it before it began"
    assert (await ask(ada, "why", jobId=second))["text"][0] == "waits for lake"
    await ada.command(first, "cancel")
    ended = (await ask(ada, "why", jobId=second))["text"]
    assert ended == ["it has ended: cancelled: lake, which it comes after, was cancelled"]
    with pytest.raises(UnknownRecord):
        await ask(ada, "why", jobId="nobody")


async def test_what_was_decided_about_a_job_is_part_of_why(place: Any, ada: Any, agent: Any) -> None:
    job_id, = await ada.submit()
    from echodeck.hub.ledger import Change

    change = Change(place.clock.now_s)
    place.room.desk.decide(change, "order", "goes first", "its model is loaded", job_id)
    await place.room.desk.ledger.put(change)
    assert (await ask(ada, "why", jobId=job_id))["text"][-1] == "goes first: its model is loaded"


async def test_what_if_twenty_more_were_added(place: Any, ada: Any, models: Any) -> None:
    ids = await ada.submit(2, priority="low")
    plain = await ask(ada, "plan")
    assert [row["jobId"] for row in plain["jobs"]] == ids
    added = await ask(ada, "plan", add=[{"prompt": "x", "count": 20}])
    assert place.order() == ids, "nothing is queued"
    assert len(added["added"]) == 20
    assert added["clearAt"] > added["clearBefore"] == plain["clearAt"]
    assert all(row["shift"] > 30.0 for row in added["jobs"]), "those of low priority come after most of them"
    begin_s, end_s = (at_s(added[name]) - place.clock.now_s for name in ("clearBefore", "clearAt"))
    assert added["text"][0] == f"with 20 jobs more all is done in about {span(end_s)}, {span(end_s - begin_s)} later " \
                               f"than without (about {span(begin_s)})"
    place.clock.now_s += 0.7  # the plan is a little older than the question
    assert (await ask(ada, "plan"))["text"] == [f"all is done in about {span(begin_s - 0.7)}"]
    behind = await ask(ada, "plan", add=[{"prompt": "x", "count": 20, "priority": "low"}])
    assert all(abs(row["shift"]) < 1.0 for row in behind["jobs"])
    assert "no job that waits would begin later" in behind["text"]
    assert (await ask(ada, "plan"))["clearAt"] == plain["clearAt"], "the plan itself is as it was"


async def test_a_workflow_that_is_only_thought_about_leaves_nothing(place: Any, ada: Any) -> None:
    hand = await place.hand("c")
    await hand.say("register", agentId="c", host="s", engines=[EngineInfo("comfyui", kind="comfyui", workflows=True)])
    await ask(ada, "estimate", job={"engine": "comfyui", "workflow": GRAPH})
    await ada.say("submit", engine="comfyui", workflow=GRAPH)
    assert len(await place.store.records("graphs")) == 1, "the one that is queued is written"


async def test_which_model_by_then(place: Any, ada: Any, models: Any) -> None:
    cheap = await ask(ada, "recommend")
    assert cheap["choice"]["model"] == "sketch-s", "the cheapest"
    assert [one["model"] for one in cheap["alternatives"]] == ["sketch-l"]
    soon = place.clock.now_s + 2.0
    none = await ask(ada, "recommend", deadline=soon)
    assert none["choice"] is None
    assert not any(one["inTime"] for one in none["alternatives"])
    later = await ask(ada, "recommend", deadline=place.clock.now_s + 3600.0, count=10)
    assert later["choice"]["fits"]
    assert later["choice"]["doneHigh"] <= later["deadline"]
    unknown = await ask(ada, "recommend", quality="final")
    assert unknown["quality"] == 80.0
    assert unknown["choice"] is None, "nobody has judged any"
    for wrong in ("yesterday", place.clock.now_s - 1.0):
        with pytest.raises(BadField, match="deadline"):
            await ask(ada, "recommend", deadline=wrong)


async def test_a_score_that_is_known_counts(place: Any, ada: Any, models: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"sketch-s": 50.0, "sketch-l": 85.0}
    monkeypatch.setattr(place.room.staff.ladders, "marks",
                        lambda spec: Marks(scores[spec.model], 12.0, "7 steps or more"))
    assert (await ask(ada, "recommend", quality="final"))["choice"]["model"] == "sketch-l"
    assert (await ask(ada, "recommend", quality="draft"))["choice"]["model"] == "sketch-s"
    assert (await ask(ada, "recommend", quality=90.0))["choice"] is None
    compared = await ask(ada, "compare", models=["sketch-s", "sketch-l"])
    assert any("its pictures score 35 more" in one for one in compared["text"])
    assert "its pictures score 50 of 100 (from 12 verdicts with 7 steps or more)" in compared["text"][0]
    assert [(one["verdicts"], one["ofSteps"]) for one in compared["options"]] == [(12.0, "7 steps or more")] * 2


async def test_what_waits_is_counted_in(place: Any, ada: Any, models: Any) -> None:
    free = await ask(ada, "recommend")
    await ada.submit(10)
    busy = await ask(ada, "recommend")
    assert busy["choice"]["doneAt"] > free["choice"]["doneAt"]


async def test_models_side_by_side(place: Any, ada: Any, models: Any) -> None:
    found = await ask(ada, "compare", models=["sketch-s", "sketch-l"], job={"steps": 4})
    small, large = found["options"]
    assert 2.0 < large["duration"] / small["duration"] < 3.5
    assert small["basis"] == "same"
    assert any("times as long per picture" in one for one in found["text"])
    sizes = await ask(ada, "compare", jobs=[{"width": 64}, {"width": 512}])
    assert [one["basis"] for one in sizes["options"]] == ["same", "scaled"]
    for wrong in ({}, {"models": ["sketch-s"]}, {"models": ["sketch-s", "other"]}):
        with pytest.raises(BadField, match=r"jobs|models"):
            await ask(ada, "compare", **wrong)


async def test_how_much_can_be_done(place: Any, ada: Any, models: Any) -> None:
    free = await ask(ada, "capacity")
    assert (free["slots"], free["free"]) == (1, 1)
    rates = {row["model"]: row["perHour"] for row in free["kinds"]}
    assert rates["sketch-s"] > rates["sketch-l"] > 100.0
    await ada.submit()
    await models.begin(await models.claim())
    taken = await ask(ada, "capacity")
    assert taken["free"] == 0
    assert taken["nextFree"] is not None
    assert "0 of 1 slot is free" in taken["text"]


async def test_a_batch_and_a_video_are_kinds_of_their_own(place: Any, ada: Any, agent: Any) -> None:
    many = replace(TWO, params=(*TWO.params, Param("batch", 1, 4, 1), Param("frames", 1, 32, 1)))
    await agent.say("register", agentId=agent.name, host="studio", engines=[many], slots=1)
    for fields in ({}, {}, {"batch": 2}, {"frames": 24}):
        await ada.submit(model="sketch-s", **fields)
    found = await ask(ada, "capacity")
    assert [(row["batch"], row["frames"]) for row in found["kinds"]] == [(1, 1), (2, 1), (1, 24)]
    assert {row["label"].rpartition(", ")[2] for row in found["kinds"]} == {"4 steps", "batch of 2", "24 frames"}


async def test_what_looks_alike_is_counted_by_its_middle(
        place: Any, ada: Any, models: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await ada.submit(9, model="sketch-s")
    took_s = {job_id: 10.0 + place for place, job_id in enumerate(ids)}
    outlooks = place.room.desk.outlooks
    monkeypatch.setattr(outlooks, "total", lambda job: Total(took_s.get(job.id, 14.0), 1.0, 99.0))
    found = {row["model"]: row["duration"] for row in (await ask(ada, "capacity"))["kinds"]}
    assert found["sketch-s"] == 14.0


async def test_estimates_are_told_in_words_too(ada: Any, models: Any) -> None:
    assert "it should take about" in (await ask(ada, "estimate", job={"prompt": "x"}))["text"][0]
    job_id, = await ada.submit()
    assert (await ask(ada, "estimate", jobId=job_id))["duration"] > 0


async def test_nobody_is_there(place: Any, ada: Any) -> None:
    assert "no agent that generates is online" in (await ask(ada, "capacity"))["text"]
    health = await ask(ada, "health")
    assert (health["health"], health["consciousness"], health["healthy"]) == ("unhealthy", "inactive", False)
    assert (await ask(ada, "recommend"))["choice"] is None


async def test_no_more_is_thought_of_than_can_be_answered_soon(ada: Any, agent: Any) -> None:
    with pytest.raises(BadField, match="add: at most 1,000 jobs at once can be thought of, got 2,000"):
        await ada.say("query", what="plan", add=[{"count": 1000}, {"count": 1000}])


async def test_of_what_has_ended_nothing_is_foretold(ada: Any, agent: Any) -> None:
    (job_id,) = await ada.submit()
    await ada.command(job_id, "cancel")
    assert (await ada.say("query", what="estimate", jobId=job_id))["answer"]["text"] == ["it has ended: cancelled"]
