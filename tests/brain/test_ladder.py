"""The first rung, the moves, and that no order of events makes a loop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.ladder import UP, Cause, Known, Ladder, Outlook, Rung, choose, kind_of, learnt, move
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
    ladder = Ladder("x", "x", tuple(Rung(f"r{n}") for n in range(size)), moves=moves)
    look = [Outlook(10.0 * (n + 1), 15.0 * (n + 1)) for n in range(size)]
    climbs = chose(f"r{data.draw(st.integers(0, size - 1))}")
    for step in range(4 * size):
        cause: Cause = data.draw(st.sampled_from(get_args(Cause)))
        left_s = data.draw(st.none() | st.floats(0, 100))
        found = move(ladder, climbs, cause, look, left_s)
        if isinstance(found, str):
            continue
        before = ladder.find(climbs[-1].to)
        assert before is not None
        assert (found > before) is (cause in UP)
        climbs = (*climbs, Climb(float(step), climbs[-1].to, ladder.rungs[found].name, cause, ""))
    made = climbs[1:]
    assert len(made) <= min(moves, 2 * (size - 1))
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
    judged = [Known("big", 60.0, 85.0, 9.0), Known("small", 5.0, 70.0, 9.0), Known("odd", 30.0, 65.0, 9.0)]
    assert [rung.model for rung in learnt("e", judged).rungs] == ["small", "big"], "dearer and no better"
    hardly = [replace(one, seen=2.0) for one in judged]
    assert len(learnt("e", hardly).rungs) == 3, "two verdicts are not enough"


def test_jobs_learn_from_others_of_their_kind() -> None:
    spec = JobSpec("sketch", "s", width=512, height=512)
    assert kind_of(LADDER, spec) == "sketch/image/small"
    assert kind_of(LADDER, replace(spec, width=1024, height=1024, type="video")) == "sketch/video/medium"
    assert kind_of(LADDER, replace(spec, width=0)) == "sketch/image"
    assert kind_of(Ladder("p", "e", (Rung("m", {"width": 512}),)), spec) == "p/image"
