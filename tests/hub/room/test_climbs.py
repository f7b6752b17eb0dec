"""Jobs that leave their model open: the first choice, the moves up and down, and what people are told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echodeck.errors import BadField, ConfigError
from echodeck.hub.ledger import Change
from echodeck.hub.room import Room
from echodeck.hub.wishing import moment
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.job import JobSpec
from echodeck.model.verdict import Reason, Verdict

MODELS = EngineInfo("sketch", models=tuple(ModelInfo(f"sketch-{size}") for size in "sml"), params=(
    Param("width", 64, 512, 64, 8), Param("height", 64, 512, 64, 8), Param("steps", 1, 100, 4),
    Param("seed", 0, 2**31 - 1, 0), Param("batch", 1, 8, 1)))
TWENTY = replace(MODELS, params=tuple(replace(one, default=20) if one.name == "steps" else one
                                      for one in MODELS.params))
FROZEN = {"ladder": {"frozen": True}}
"""Without luck: every choice is the likeliest."""


@pytest.fixture
async def settled(place: Any) -> Any:
    """A place whose hub has rules of its own, and an engine with three models."""
    async def begin(**settings: Any) -> Any:
        place.settings = replace(place.settings, **{"brain": FROZEN, **settings})
        await place.restart()
        hand = await place.hand()
        await hand.say("announce", engines=[MODELS])
        await place.settle()
        return hand

    return begin


async def judge(place: Any, job_id: str, score: float, *defects: str) -> None:
    reasons = tuple(Reason(defect, 1.0 - score / 100.0, "") for defect in defects)
    change = Change(place.clock())
    place.room.staff.climbs.judged(place.room.desk.queue.get(job_id), (Verdict(0, int(score), reasons),), change)
    await place.room.desk.ledger.put(change)
    await place.settle()


async def make(hand: Any, job_id: str) -> None:
    job = await hand.claim()
    assert job is not None
    assert job["id"] == job_id
    await hand.finish(job)


@pytest.mark.parametrize(("quality", "model"), [("draft", "sketch-s"), ("standard", "sketch-m"), ("final", "sketch-l")])
async def test_a_wish_is_a_model(place: Any, ada: Any, settled: Any, quality: str, model: str) -> None:
    await settled()
    (job_id,) = await ada.submit(model="auto", quality=quality)
    job = place.job(job_id)
    assert (job["model"], job["wish"]["quality"], job["wish"]["auto"]) == (model, quality, True)
    assert [(one["from"], one["to"], one["cause"]) for one in job["climbs"]] == [("", model, "choice")]
    (told,) = place.told("decision")
    assert (told["part"], told["title"]) == ("ladder", f"hills: takes {model}")
    assert "likely to be good enough" in told["reason"]


async def test_a_bad_picture_is_kept_and_a_better_one_queued(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    (job_id,) = await ada.submit(model="auto", quality="standard", priority="high")
    await make(hand, job_id)
    await judge(place, job_id, 35.0)
    first = place.job(job_id)
    assert (first["status"], len(first["outputs"]), len(place.told("generation_complete"))) == ("completed", 1, 1)
    (next_id,) = place.order()
    again = place.job(next_id)
    assert (again["model"], again["follows"], again["priority"]) == ("sketch-l", job_id, 10)
    (moved,) = place.told("model_escalation")
    expected = {"jobId": job_id, "nextId": next_id, "from": "sketch-m", "to": "sketch-l", "way": "up",
                "cause": "verdict", "reason": "its picture scored 35, and standard needs 60"}
    assert {name: moved[name] for name in expected} == expected
    assert "likely" in moved["expects"]
    await judge(place, job_id, 30.0)
    assert place.order() == [next_id], "one better attempt at a time"
    await make(hand, next_id)
    await judge(place, next_id, 20.0)
    assert place.order() == []
    assert "there is no better rung" in place.told("decision")[-1]["reason"]


async def test_a_good_picture_or_a_model_that_was_named_moves_nothing(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    auto, named = await ada.submit(model="auto"), await ada.submit(model="sketch-s")
    await make(hand, auto[0])
    await make(hand, named[0])
    await judge(place, auto[0], 75.0)
    await judge(place, named[0], 5.0)
    assert place.order() == []
    assert place.told("model_escalation") == []


async def test_the_moves_of_one_wish_are_counted_over_its_jobs(place: Any, ada: Any, settled: Any) -> None:
    rungs = [{"model": f"sketch-{size}", "steps": steps} for size, steps in (("s", 2), ("m", 4), ("l", 8))]
    hand = await settled(ladders={"hills": {"engine": "sketch", "rungs": rungs, "moves": 1}})
    (job_id,) = await ada.submit(model="auto", quality="draft")
    assert place.job(job_id)["steps"] == 2
    await make(hand, job_id)
    await judge(place, job_id, 10.0)
    (next_id,) = place.order()
    assert (place.job(next_id)["model"], place.job(next_id)["steps"]) == ("sketch-m", 4)
    await make(hand, next_id)
    await judge(place, next_id, 10.0)
    assert place.order() == []
    assert "the one move that is allowed" in place.told("decision")[-1]["reason"]


async def test_what_was_set_on_purpose_no_rung_changes(place: Any, ada: Any, settled: Any) -> None:
    rungs = [{"model": "sketch-s", "steps": 2}, {"model": "sketch-m", "steps": 4}]
    hand = await settled(ladders={"hills": {"engine": "sketch", "rungs": rungs}})
    (job_id,) = await ada.submit(model="auto", quality="draft", steps=9)
    await make(hand, job_id)
    await judge(place, job_id, 10.0)
    assert [place.job(one)["steps"] for one in (job_id, *place.order())] == [9, 9]


async def test_lack_of_memory_and_failures_move_a_job_that_stays_the_same(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    (job_id,) = await ada.submit(model="auto", quality="standard")
    job = await hand.claim()
    await hand.report(job, "failed", error={"kind": "out_of_memory", "message": "full"})
    assert place.job(job_id)["model"] == "sketch-s"
    (down,) = place.told("model_escalation")
    assert (down["way"], down["cause"], down["nextId"]) == ("down", "memory", "")
    await place.wait_s(2.0)
    job = await hand.claim()
    assert (job["spec"]["model"], job["attempt"]) == ("sketch-s", 2)
    await hand.finish(job)
    await judge(place, job_id, 10.0)
    assert place.order() == [], "the better one did not fit"
    (other,) = await ada.submit(model="auto", quality="draft")
    job = await hand.claim()
    await hand.report(job, "failed", error={"kind": "pipeline_error", "message": "broken"})
    assert place.job(other)["model"] == "sketch-m"


async def unfinished(place: Any, ada: Any, hand: Any, **wish: Any) -> str:
    """A picture of two steps where twenty are usual, with noise left over."""
    await hand.say("announce", engines=[TWENTY])
    (job_id,) = await ada.submit(model="auto", quality="final", steps=2, **wish)
    await make(hand, job_id)
    await judge(place, job_id, 40.0, "noise")
    return job_id


async def test_few_steps_that_somebody_asked_for_cost_nothing_more(place: Any, ada: Any, settled: Any) -> None:
    job_id = await unfinished(place, ada, await settled())
    assert (place.order(), place.told("model_escalation")) == ([], [])
    chosen, stays = place.told("decision")
    assert "2 steps may be too few, 20 are usual" in chosen["reason"]
    assert (stays["jobId"], stays["title"]) == (job_id, "hills: stays as it is")
    assert stays["reason"] == ("its picture scored 40, and final needs 80, but 2 steps are too few, 20 are usual "
                               "(noise left over); no better model would mend that, and more steps than were asked for "
                               "are not allowed")


async def test_where_it_is_allowed_steps_are_raised_once_and_on_the_same_model(place: Any, ada: Any,
                                                                             settled: Any) -> None:
    hand = await settled()
    job_id = await unfinished(place, ada, hand, allow=["steps"])
    first, (next_id,) = place.job(job_id), place.order()
    again = place.job(next_id)
    assert first["model"] == "sketch-s", "a dearer model does not make up for steps"
    assert (again["model"], again["steps"], again["follows"]) == ("sketch-s", 20, job_id)
    (told,) = place.told("model_escalation")
    assert (told["from"], told["to"], told["way"], told["cause"]) == (first["model"], first["model"], "up", "steps")
    assert told["expects"].startswith("with 20 steps about")
    assert place.told("decision")[-1]["title"] == f"hills: {first['model']} again, with more steps"
    await make(hand, next_id)
    await judge(place, next_id, 40.0, "noise")
    (last,) = place.order()
    assert (place.job(last)["model"], place.job(last)["steps"]) == ("sketch-m", 20), "now a better model"


async def test_more_steps_are_a_move_and_may_be_too_late(place: Any, ada: Any, settled: Any) -> None:
    rungs = [{"model": "sketch-s"}, {"model": "sketch-m"}]
    hand = await settled(ladders={"hills": {"engine": "sketch", "rungs": rungs, "moves": 0}})
    await unfinished(place, ada, hand, allow=["steps"])
    assert place.order() == []
    assert "the 0 moves that are allowed" in place.told("decision")[-1]["reason"]
    hand = await settled(ladders={})
    await unfinished(place, ada, hand, allow=["steps"], deadline=place.clock.now_s + 4.0)
    assert place.order() == []
    assert "with more steps it would be late" in place.told("decision")[-1]["reason"]


async def test_a_rung_that_sets_few_steps_is_left_for_the_next_as_set_up(place: Any, ada: Any, settled: Any) -> None:
    rungs = [{"model": "sketch-s", "steps": 2}, {"model": "sketch-s", "steps": 8}]
    hand = await settled(ladders={"hills": {"engine": "sketch", "rungs": rungs}})
    await hand.say("announce", engines=[TWENTY])
    (job_id,) = await ada.submit(model="auto", quality="draft")
    await make(hand, job_id)
    await judge(place, job_id, 20.0, "noise")
    (next_id,) = place.order()
    assert place.job(next_id)["steps"] == 8


async def test_what_no_model_mends_moves_nothing_and_blames_none(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled(brain={})
    (job_id,) = await ada.submit(model="auto", quality="final")
    await make(hand, job_id)
    await judge(place, job_id, 0.0, "truncated")
    assert (place.order(), place.room.staff.ladders.bandit.beliefs) == ([], {})
    assert place.told("decision")[-1]["reason"].endswith("truncated: no better model would mend that")


async def test_quick_trials_of_a_named_model_say_nothing_of_it_with_its_steps(place: Any, ada: Any,
                                                                            settled: Any) -> None:
    hand = await settled(brain={})
    await hand.say("announce", engines=[TWENTY])
    for steps, score in ((20, 99.0), *[(2, 40.0)] * 6):
        (job_id,) = await ada.submit(model="sketch-s", steps=steps)
        await make(hand, job_id)
        await judge(place, job_id, score, "noise")
    ladders = place.room.staff.ladders
    with_steps, few = (ladders.marks(JobSpec("sketch", "sketch-s", steps=steps)) for steps in (20, 2))
    assert (round(with_steps.score), round(with_steps.verdicts), with_steps.steps) == (99, 1, "7 steps or more")
    assert (round(few.score), round(few.verdicts), few.steps) == (40, 6, "less than 7 steps")
    (ladder,) = ladders.view().ladders
    assert [kind.kind for kind in ladder.rungs[0].kinds] == ["sketch/image/small", "sketch/image/small/few steps"]
    answer = (await ada.say("query", what="compare", models=["sketch-s", "sketch-m"]))["answer"]
    assert "its pictures score 99 of 100 (from 1 verdict with 7 steps or more)" in answer["text"][0]


async def test_a_model_that_is_left_out_is_told_of_once_shown_and_tried_again(place: Any, ada: Any,
                                                                            settled: Any) -> None:
    hand = await settled(brain={})

    async def judged(model: str, score: float, times: int) -> list[str]:
        """The titles of what is decided meanwhile."""
        before = len(place.told("decision"))
        for _ in range(times):
            (job_id,) = await ada.submit(model=model)
            await make(hand, job_id)
            await judge(place, job_id, score)
        return [one["title"] for one in place.told("decision")[before:] if one["part"] == "ladder"]

    await judged("sketch-s", 90.0, 7)
    assert await judged("sketch-m", 80.0, 7) == ["sketch-m: left out of the ladder sketch"]
    (ladder,) = place.room.staff.ladders.view().ladders
    assert [rung.name for rung in ladder.rungs] == ["sketch-s", "sketch-m", "sketch-l"]
    assert [bool(rung.left_out) for rung in ladder.rungs] == [False, True, False]
    assert ladder.rungs[1].kinds[0].score == 80.0, "what is known of it stays"
    answer = (await ada.say("query", what="ladders"))["answer"]
    assert answer["text"] == ["sketch, cheapest first: sketch-s, sketch-l", f"sketch-m is left out: "
                              f"{ladder.rungs[1].left_out}"]
    assert await judged("sketch-s", 90.0, 30) == ["sketch-m: on the ladder sketch again"], "it fades"
    assert await judged("sketch-m", 80.0, 3) == ["sketch-m: left out of the ladder sketch"]
    assert await judged("sketch-m", 100.0, 20) == ["sketch-m: on the ladder sketch again"], "by evidence"


async def test_a_job_that_would_be_late_takes_a_cheaper_rung(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    for model, tempo in (("sketch-s", 1.0), ("sketch-m", 10.0), ("sketch-l", 100.0)):
        for _ in range(3):
            await ada.submit(model=model)
            job = await hand.claim()
            await hand.report(job, "planned", stages=[("sample", 4)])
            await hand.report(job, "stage_started", index=0)
            for step in range(1, 5):
                place.clock.now_s += tempo
                await hand.step(job, step, tempo, index=0)
            await hand.report(job, "stage_done", index=0, durationS=4 * tempo)
            await hand.report(job, "completed")
    (in_time,) = await ada.submit(model="auto", quality="final", deadline=place.clock.now_s + 90.0)
    assert place.job(in_time)["model"] == "sketch-m", "the best would be late"
    await ada.submit(model="sketch-m", priority="urgent")
    await hand.claim()
    await place.wait_s(60.0)
    (moved,) = place.told("model_escalation")
    assert (moved["from"], moved["to"], moved["cause"]) == ("sketch-m", "sketch-s", "deadline")
    assert place.job(in_time)["model"] == "sketch-s"
    await place.wait_s(25.0)
    await place.wait_s(1.0)
    late = [one for one in place.told("decision") if one["title"].endswith("may be late")]
    assert len(late) == 1, "told once"


async def test_what_is_learnt_is_kept_over_a_restart_and_can_be_looked_into(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled(brain={})
    for _ in range(6):
        (job_id,) = await ada.submit(model="sketch-s")
        await make(hand, job_id)
        await judge(place, job_id, 20.0)
    await place.restart()
    (ladder,) = place.room.staff.ladders.view().ladders
    assert (ladder.engine, ladder.learnt, [rung.name for rung in ladder.rungs]) == (
        "sketch", True, ["sketch-s", "sketch-m", "sketch-l"])
    answer = (await ada.say("query", what="ladders"))["answer"]
    assert answer["ladders"][0]["rungs"][0]["name"] == "sketch-s"
    assert answer["text"] == ["sketch, cheapest first: sketch-s, sketch-m, sketch-l"]
    (kind,) = ladder.rungs[0].kinds
    assert (kind.kind, kind.score) == ("sketch/image/small", 20.0)
    assert kind.likely["draft"] < 0.6
    assert ladder.rungs[1].kinds == []
    known, unknown = (place.room.staff.ladders.marks(JobSpec("sketch", model, steps=4))
                      for model in ("sketch-s", "sketch-m"))
    assert known is not None
    assert (known.score, round(known.verdicts), known.steps) == (pytest.approx(20.0), 6, "2 steps or more")
    assert unknown is None


async def test_frozen_nothing_is_learnt(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    (job_id,) = await ada.submit(model="sketch-s")
    await make(hand, job_id)
    await judge(place, job_id, 20.0)
    assert place.room.staff.ladders.bandit.beliefs == {}


async def test_switched_off_auto_is_no_model_and_nothing_moves(place: Any, ada: Any, settled: Any) -> None:
    hand = await settled()
    (job_id,) = await ada.submit(model="auto")
    await ada.say("brain_switch", part="ladder", on=False)
    with pytest.raises(BadField, match="has no model 'auto'"):
        await ada.submit(model="auto")
    with pytest.raises(BadField, match="switched off"):
        await ada.submit(quality="final")
    await make(hand, job_id)
    await judge(place, job_id, 5.0)
    assert place.order() == []


@pytest.mark.parametrize(("wish", "said"), [
    ({"model": "sketch-s", "quality": "final"}, "quality: goes with the model auto"),
    ({"model": "auto", "ladder": "nope"}, "ladder: engine sketch has no ladder 'nope'; use sketch"),
    ({"deadline": "soon"}, "deadline: must be ISO 8601"),
    ({"deadline": "2037-01-01T10:00:00"}, "deadline: needs its time zone"),
    ({"deadline": 1.0}, "deadline: is past already"),
    ({"quality": "superb"}, "quality"),
    ({"allow": ["everything"]}, "allow"),
])
async def test_a_wish_that_cannot_be_is_refused(ada: Any, settled: Any, wish: dict[str, Any], said: str) -> None:
    await settled()
    with pytest.raises(BadField, match=said):
        await ada.submit(**wish)


async def test_workflows_name_their_models_themselves(ada: Any, settled: Any) -> None:
    hand = await settled()
    await hand.say("announce", engines=[replace(MODELS, workflows=True)])
    with pytest.raises(BadField, match="the model is named in them"):
        await ada.submit(model="auto")


async def test_a_hub_does_not_begin_with_tables_that_make_no_sense(place: Any) -> None:
    for settings in ({"brain": {"mend": {"tries": "many"}}}, {"ladders": {"x": {"engine": "sketch"}}}):
        with pytest.raises(ConfigError, match=r"brain\.mend\.tries|ladders\.x\.rungs"):
            Room(place.store, replace(place.settings, **settings), place.stream.append)


def test_a_moment_is_read_as_people_and_programs_write_it() -> None:
    now_s = 1_777_900_000.0
    assert moment("2026-05-04T18:00:00+02:00", now_s) == moment("2026-05-04T16:00:00Z", now_s) == 1_777_910_400.0
    assert moment(now_s + 60.0, now_s) == now_s + 60.0
