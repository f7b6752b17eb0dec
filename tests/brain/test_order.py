"""The next job: a person's word, priority, models, length, other workers, and never too much overtaking."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.order import BOUND, Lane, Rules, Waiting, candidates, choose, rules_of
from echodeck.errors import ConfigError

LANE = Lane("a/1", frozenset({"sim"}))
STAY = Rules(leave=False)


def job(id_: str, seat: int, model: str = "m", **fields: object) -> Waiting:
    return Waiting(id_, "sim", model, seat, **fields)  # type: ignore[arg-type]


def first(line: list[Waiting], lane: Lane = LANE, others: tuple[Lane, ...] = (), **options: object) -> str:
    choice = choose(lane, line, others, **options)  # type: ignore[arg-type]
    return choice.job.id if choice else ""


def test_priority_goes_before_model_and_length() -> None:
    line = [job("high", 2, "other", priority=10, total_s=99.0), job("normal", 0), job("low", 1, priority=-10)]
    assert first(line, replace(LANE, loaded="m")) == "high"


def test_the_loaded_model_goes_on_and_within_it_the_shortest() -> None:
    line = [job("x", 0, "other"), job("long", 1, total_s=5.0), job("short", 2, total_s=1.0)]
    choice = choose(replace(LANE, loaded="m"), line)
    assert choice is not None
    assert (choice.job.id, choice.why, choice.passed) == ("short", "same_model", ("x", "long"))


def test_of_models_to_load_the_one_that_serves_most_for_its_load() -> None:
    line = [job("x", 0, "single", load_s=10.0), *(job(f"y{n}", n, "series", load_s=10.0) for n in range(1, 4))]
    choice = choose(LANE, line)
    assert choice is not None
    assert (choice.job.id, choice.why) == ("y1", "new_model")


def test_a_pinned_job_keeps_its_place() -> None:
    line = [job("b", 1, "other"), job("pin", 5, pinned=True), job("a", 0, priority=20)]
    loaded = replace(LANE, loaded="m")
    assert first(line, loaded) == "b"
    choice = choose(loaded, line[1:])
    assert choice is not None
    assert (choice.job.id, choice.why, choice.passed) == ("pin", "pinned", ())


def test_what_a_lane_cannot_do_stands_in_nobodys_way() -> None:
    line = [job("big", 0, pinned=True, need_bytes=9e9), job("barred", 1, barred=frozenset({"a/1"})), job("fits", 2)]
    lane = replace(LANE, vram_bytes=8e9)
    assert first(line, lane) == "fits"
    assert candidates(replace(lane, engines=frozenset({"else"})), line) == []
    assert first([job("unknown", 0, need_bytes=None)], lane) == "unknown", "it may try"


def test_who_was_overtaken_to_the_bound_is_not_overtaken_again() -> None:
    line = [job("old", 0, "other", priority=-10), job("new", 1, priority=20)]
    assert first(line, overtaken={"old": 23}) == "new"
    choice = choose(LANE, line, overtaken={"old": 24})
    assert choice is not None
    assert (choice.job.id, choice.why) == ("old", "aged")


def test_half_way_to_the_bound_what_is_low_counts_as_normal() -> None:
    line = [job("low", 0, priority=-10), job("normal", 1, total_s=2.0)]
    assert first(line, overtaken={"low": 11}) == "normal"
    assert first(line, overtaken={"low": 12}) == "low"


def test_a_window_ends_where_its_first_would_be_overtaken_too_often() -> None:
    line = [job("head", 0, "other"), *(job(f"n{n}", n) for n in range(1, 60))]
    loaded = replace(LANE, loaded="m")
    taken: list[str] = []
    overtaken: dict[str, int] = {}
    while taken[-1:] != ["head"]:
        choice = choose(loaded, line, overtaken=overtaken)
        assert choice is not None
        taken.append(choice.job.id)
        line.remove(choice.job)
        overtaken.update({one: overtaken.get(one, 0) + 1 for one in choice.passed})
    assert taken == [*(f"n{n}" for n in range(1, 25)), "head"]


def test_a_job_is_left_to_the_worker_that_ends_it_sooner_but_not_for_ever() -> None:
    slow, soon = replace(LANE, pace=4.0), Lane("b/1", frozenset({"sim"}), free_s=105.0)
    line = [job("x", 0, total_s=10.0, since_s=100.0)]
    assert first(line, slow, (soon,), now_s=100.0) == "", "there it is done in 15 s, here in 40"
    assert first(line, slow, (soon,), now_s=100.0, rules=STAY) == "x"
    assert first(line, slow, (replace(soon, free_s=500.0),), now_s=100.0) == "x"
    assert first(line, slow, (replace(soon, free_s=145.0),), now_s=140.0) == "x", "it has waited 40 s"


def test_a_worker_that_loads_a_model_all_the_same_begins_with_the_first_of_its_equals() -> None:
    busy = Lane("busy", frozenset({"sim"}), loaded="m", free_s=1.0)
    line = [job(name, seat, total_s=2.0, load_s=1.0) for seat, name in enumerate("abcdefghijklmnopqrst")]
    assert first(line, replace(LANE, loaded=""), (busy,)) == "a"


def test_a_worker_takes_the_model_that_no_other_has() -> None:
    other = Lane("b/1", frozenset({"sim"}), loaded="m", free_s=30.0)
    line = [job("theirs", 0, load_s=20.0, total_s=10.0), job("free", 1, "other", load_s=20.0, total_s=10.0)]
    assert first(line, LANE, (other,)) == "free"


def test_a_deadline_that_can_still_be_met_goes_first() -> None:
    def line(deadline_s: float) -> list[Waiting]:
        return [job("x", 0), job("due", 1, "other", total_s=10.0, deadline_s=deadline_s)]

    loaded = replace(LANE, loaded="m")
    assert first(line(111.0), loaded, now_s=100.0) == "due"
    assert first(line(105.0), loaded, now_s=100.0) == "x", "it is late anyway"
    assert first(line(200.0), loaded, now_s=100.0) == "x", "there is time"


def test_how_many_may_overtake_is_a_setting() -> None:
    assert rules_of({}) == Rules(BOUND)
    assert rules_of({"overtake": 0}).bound == 0
    for wrong in (-1, 2.5, True, "many"):
        with pytest.raises(ConfigError, match=r"brain\.overtake"):
            rules_of({"overtake": wrong})


JOBS = st.lists(st.tuples(st.sampled_from("mno"), st.sampled_from([-10, 0, 10, 20]), st.floats(0.1, 50.0),
                          st.booleans(), st.sampled_from([None, 1.0, 3.0]), st.integers(0, 9)), max_size=70)


@given(JOBS, st.integers(0, 24), st.lists(st.integers(0, 2), min_size=1, max_size=200))
def test_nobody_is_overtaken_more_often_than_the_bound(
        drawn: list[tuple[str, int, float, bool, float | None, int]], bound: int, asking: list[int]) -> None:
    """Jobs come while others are given out, to unlike lanes in any order. Counted here anew, from the definition: a job
    is overtaken when one that came later is given to a lane that could have done it, and no person put it so."""
    lanes = [Lane("a/1", frozenset({"sim"}), vram_bytes=2.0), Lane("b/1", frozenset({"sim"}), pace=2.0), LANE]
    coming = [job(f"j{n}", n, model, priority=priority, total_s=total_s, load_s=5.0, pinned=pinned and n % 7 == 0,
                  need_bytes=need) for n, (model, priority, total_s, pinned, need, _) in enumerate(drawn)]
    pauses = [pause for *_, pause in drawn]
    line: list[Waiting] = []
    overtaken: dict[str, int] = {}
    given_out: set[str] = set()
    for turn in range(10 * len(coming) + 10):
        while coming and pauses[-len(coming)] <= turn % 10:
            line.append(coming.pop(0))
        line.sort(key=lambda one: (-one.priority, one.seat))
        at = asking[turn % len(asking)]
        choice = choose(lanes[at], line, [*lanes[:at], *lanes[at + 1:]], overtaken, float(turn), Rules(bound))
        if choice is None:
            continue
        could = candidates(lanes[at], line)
        assert choice.job in could
        passed = {one.id for one in could if one.seat < choice.job.seat}
        assert passed == set(choice.passed)
        overtaken.update({one: overtaken.get(one, 0) + 1 for one in passed})
        assert max(overtaken.values(), default=0) <= bound
        assert choice.job.id not in given_out
        given_out.add(choice.job.id)
        line.remove(choice.job)
        lanes[at] = replace(lanes[at], loaded=choice.job.model)
    firm = [choose(lane, line, now_s=1e9) for lane in lanes]
    assert not line or any(firm), "what somebody can do is given out"
