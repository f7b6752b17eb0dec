"""The first rung, the moves, and that no order of events makes a loop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.ladder import (
    UP,
    Cause,
    Known,
    Ladder,
    Outlook,
    Rung,
    again,
    choose,
    kind_of,
    learnt,
    move,
    of_few,
    place_of,
)
from echodeck.model.job import Climb, JobSpec

LADDER = Ladder("sketch", "sketch", tuple(Rung(name) for name in "smlx"))
COSTS = (10.0, 20.0, 40.0, 80.0)


def looks(drawn: tuple[float, ...] = (0.9,) * 4, usable: tuple[bool, ...] = (True,) * 4) -> list[Outlook]:
    return [Outlook(cost, 1.5 * cost, chance, chance, able)
            for cost, chance, able in zip(COSTS, drawn, usable, strict=True)]


def chose(name: str) -> tuple[Climb, ...]:
    return (Climb(0.0, "", name, "choice", ""),)


@pytest.mark.parametrize(("drawn", "left_s", "index"), [
    ((0.9, 0.9, 0.9, 0.9), None, 0),
    ((0.2, 0.5, 0.8, 0.9), None, 2),
    ((0.2, 0.5, 0.8, 0.9), 45.0, 1),
    ((0.1, 0.2, 0.3, 0.2), None, 2),
    ((0.3, 0.3, 0.3, 0.3), None, 0),
    ((0.2, 0.5, 0.8, 0.9), 5.0, 0),
])
def test_the_cheapest_that_is_good_enough_in_time(drawn: tuple[float, ...], left_s: float | None, index: int) -> None:
    found = choose(LADDER, looks(drawn), 0.7, left_s)
    assert found[0] == index
    assert ("may not be met" in found[1]) is (left_s == 5.0)


def test_the_limits_that_people_set_hold() -> None:
    few = replace(LADDER, lowest=1, highest=2)
    assert choose(few, looks(), 0.7, None)[0] == 1
    assert choose(few, looks((0.1, 0.2, 0.3, 0.9)), 0.7, None)[0] == 2
    assert choose(replace(LADDER, longest_s=15.0), looks((0.1, 0.9, 0.9, 0.9)), 0.7, None)[0] == 0
    assert choose(LADDER, looks(usable=(False, True, True, True)), 0.7, None)[0] == 1
    assert choose(LADDER, looks(usable=(False,) * 4), 0.7, None) == "no rung of the ladder sketch can be used"
    assert move(few, chose("l"), "verdict", looks()) == "there is no better rung that it may take"
    assert move(few, chose("m"), "memory", looks()) == "there is no cheaper rung that it may take"


def test_each_cause_has_its_direction() -> None:
    assert [move(LADDER, chose("m"), cause, looks()) for cause in get_args(Cause)] == [2, 2, 0, 0]
    assert move(LADDER, chose("x"), "deadline", looks(), left_s=20.0) == 0, "as far down as it takes"
    assert move(LADDER, chose("x"), "deadline", looks(), left_s=35.0) == 1
    assert "in time" in str(move(LADDER, chose("x"), "deadline", looks(), left_s=5.0))


def test_a_rung_that_lacked_memory_is_not_come_back_to() -> None:
    climbs = (*chose("l"), Climb(1.0, "l", "m", "memory", ""))
    assert move(LADDER, climbs, "verdict", looks()) == "there is no better rung that it may take"
    late = (*chose("l"), Climb(1.0, "l", "m", "deadline", ""))
    assert move(LADDER, late, "verdict", looks()) == 2


def test_the_moves_are_counted() -> None:
    climbs = (*chose("s"), Climb(1.0, "s", "m", "verdict", ""), Climb(2.0, "m", "l", "verdict", ""))
    assert move(LADDER, climbs, "verdict", looks()) == "it has made the 2 moves that are allowed"
    assert move(LADDER, chose("gone"), "verdict", looks()) == "its model is not on the ladder any more"
    assert move(LADDER, (), "verdict", looks()) == "its model is not on the ladder any more"


@given(st.data(), st.integers(1, 6), st.integers(0, 12))
def test_no_order_of_events_makes_a_loop(data: st.DataObject, size: int, moves: int) -> None:
    names = [f"r{n}" for n in range(size)]
    out = dict.fromkeys(data.draw(st.sets(st.sampled_from(names))), "no better")
    ladder = Ladder("x", "x", tuple(Rung(name) for name in names), moves=moves, left_out=out)
    look = [Outlook(10.0 * (n + 1), 15.0 * (n + 1)) for n in range(size)]
    climbs = chose(data.draw(st.sampled_from(names)))
    for step in range(4 * size):
        cause = data.draw(st.sampled_from((*get_args(Cause), "steps")))
        left_s = data.draw(st.none() | st.floats(0, 100))
        steps = cause == "steps"
        found = again(ladder, climbs, look, left_s) if steps else move(ladder, climbs, cause, look, left_s)
        if isinstance(found, str):
            continue
        before = ladder.find(climbs[-1].to)
        assert before is not None
        assert found == before if steps else (found > before) is (cause in UP)
        assert steps or ladder.rungs[found].name not in out
        climbs = (*climbs, Climb(float(step), climbs[-1].to, ladder.rungs[found].name, cause, ""))
    assert len(climbs) - 1 <= moves
    made = [one for one in climbs[1:] if one.cause != "steps"]
    assert len(made) <= 2 * (size - 1)
    entered = [(one.to, one.cause in UP) for one in made]
    assert len(set(entered)) == len(entered), "a rung is entered at most once in each direction"
    assert all(first.to == second.start for first, second in pairwise(climbs))


def test_rungs_set_what_nobody_set_on_purpose() -> None:
    rung = Rung("m", {"steps": 30, "width": 1024})
    spec = JobSpec("sketch", "auto", steps=12, width=512)
    assert rung.name == "m steps 30 width 1024"
    assert rung.applied(spec, ("steps",)) == replace(spec, model="m", width=1024)


def test_a_ladder_is_learnt_from_cost_and_quality() -> None:
    models = [Known("big", 60.0), Known("small", 5.0), Known("odd", 30.0)]
    assert [rung.model for rung in learnt("e", models).rungs] == ["small", "odd", "big"]
    assert learnt("e", models).left_out == {}
    judged = [Known("big", 60.0, 85.0, 9.0), Known("small", 5.0, 70.0, 9.0), Known("odd", 30.0, 65.0, 7.0)]
    found = learnt("e", judged)
    assert [rung.model for rung in found.rungs] == ["small", "odd", "big"], "it keeps its place"
    assert found.left_out == {"odd": "small takes no longer and its pictures score no worse: 70 to 65 "
                                     "(from 9 and 7 verdicts)"}
    hardly = [replace(one, seen=2.0) for one in judged]
    assert learnt("e", hardly).left_out == {}, "two verdicts are not enough"
    assert learnt("e", [*judged[:2], replace(judged[2], score=75.0)]).left_out == {}, "it has become better"
    assert learnt("e", [*judged[:2], replace(judged[2], seen=4.9)]).left_out == {}, "so much of it is forgotten"


def test_what_is_left_out_is_not_taken_and_can_be_left() -> None:
    out = replace(LADDER, left_out={"m": "no better"})
    assert choose(out, looks((0.2, 0.9, 0.9, 0.9)), 0.7, None)[0] == 2
    assert move(out, chose("s"), "verdict", looks()) == 2
    assert move(out, chose("m"), "verdict", looks()) == 2, "who is on it can still go up"
    assert move(out, chose("l"), "memory", looks()) == 0
    top = replace(LADDER, left_out={"x": "no better"})
    assert move(top, chose("l"), "verdict", looks()) == "there is no better rung that it may take (x left out)"


def test_with_more_steps_it_is_made_again_on_its_own_rung_as_far_as_that_is_allowed() -> None:
    assert again(LADDER, chose("m"), looks()) == 1
    assert "more than is allowed" in str(again(replace(LADDER, longest_s=15.0), chose("m"), looks()))
    assert "more than is allowed" in str(again(LADDER, chose("m"), looks(usable=(True, False, True, True))))
    assert "late" in str(again(LADDER, chose("m"), looks(), left_s=25.0))
    assert again(replace(LADDER, moves=0), chose("m"), looks()) == "it has made the 0 moves that are allowed"
    raised = (*chose("m"), Climb(1.0, "m", "m", "steps", ""))
    assert again(replace(LADDER, moves=1), raised, looks()) == "it has made the one move that is allowed"
    assert move(LADDER, raised, "memory", looks()) == 0, "it has not been down yet"
    assert move(LADDER, raised, "verdict", looks()) == 2


def test_jobs_learn_from_others_of_their_kind() -> None:
    spec = JobSpec("sketch", "s", width=512, height=512)
    assert kind_of(LADDER, spec) == "sketch/image/small"
    assert kind_of(LADDER, replace(spec, width=1024, height=1024, type="video")) == "sketch/video/medium"
    assert kind_of(LADDER, replace(spec, width=0)) == "sketch/image"
    assert kind_of(Ladder("p", "e", (Rung("m", {"width": 512}),)), spec) == "p/image"
    hasty = kind_of(LADDER, replace(spec, steps=2), 20)
    assert hasty == "sketch/image/small/few steps"
    assert kind_of(LADDER, replace(spec, steps=12), 20) == kind_of(LADDER, replace(spec, steps=30), 20)
    assert (of_few(hasty), of_few(kind_of(LADDER, spec, 20))) == (True, False)
    assert [place_of(LADDER, index, hasty) for index in range(4)] == [0.0] * 4
    assert place_of(LADDER, 3, kind_of(LADDER, spec, 20)) == 1.0
