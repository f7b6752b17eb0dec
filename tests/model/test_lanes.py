"""The queue laid over the lanes, and how unsure that is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.lanes import SHARED, Planned, all_done, plan_queue, retimed
from echodeck.model.span import Total


def sure(seconds: float) -> Total:
    return Total(seconds, seconds, seconds)


def middles(plan: dict[str, Planned]) -> dict[str, tuple[float, float]]:
    return {name: (one.start.median_s, one.end.median_s) for name, one in plan.items()}


def test_it_takes_the_slot_that_is_free_first() -> None:
    lane = frozenset({"s"})
    jobs = [("a", "s", sure(10.0)), ("b", "s", sure(5.0)), ("c", "s", sure(1.0))]
    plan = plan_queue(jobs, [("s", sure(3.0)), ("s", sure(20.0))], [lane] * 3)
    assert middles(plan) == {"a": (0.0, 10.0), "b": (3.0, 8.0), "c": (8.0, 9.0)}
    assert plan_queue(jobs, [], []) == {}
    running = [("s", sure(7.0)), ("s", sure(2.0)), ("s", sure(4.0))]
    gone = plan_queue([("a", "s", sure(10.0)), ("b", "s", sure(1.0))], running, [lane])
    assert middles(gone) == {"a": (7.0, 17.0), "b": (17.0, 18.0)}


def test_a_job_waits_for_the_lanes_that_can_do_it() -> None:
    both, server = frozenset({"s", "d"}), frozenset({"comfyui"})
    jobs = [("a", "comfyui", sure(10.0)), ("b", "s", sure(5.0)), ("c", "d", sure(2.0)), ("x", "nobody", sure(1.0)),
            ("e", "comfyui", sure(1.0))]
    plan = plan_queue(jobs, [("comfyui", sure(30.0)), ("python", sure(99.0))], [both, server])
    assert middles(plan) == {"a": (30.0, 40.0), "b": (0.0, 5.0), "c": (5.0, 7.0), "e": (40.0, 41.0)}


def test_doubts_add_up_along_a_lane() -> None:
    span = Total(10.0, 7.0, 14.0)
    plan = plan_queue([("a", "s", span), ("b", "s", span)], [("s", span)], [frozenset({"s"})])
    assert plan["a"].start == span, "as sure as the job before it"
    for moment, count in ((plan["a"].end, 2), (plan["b"].start, 2), (plan["b"].end, 3)):
        as_one = (count * (1 - SHARED) + count**2 * SHARED) ** 0.5
        assert moment == Total(10.0 * count, pytest.approx(10 * count - 3 * as_one),
                               pytest.approx(10 * count + 4 * as_one))


def test_another_order_is_as_unsure_as_what_goes_before_each() -> None:
    """The brain has b go first, beside a that runs on, then c after b, each twice as long; d never."""
    span = Total(10.0, 7.0, 14.0)
    plan = plan_queue([(name, "s", span) for name in "bcde"], [("s", sure(12.0))], [frozenset({"s"})] * 2)
    turns = {"c": (20.0, 40.0, ""), "b": (0.0, 20.0, ""), "d": None}
    found = retimed(plan, turns, dict.fromkeys("bcde", span), [sure(12.0)])
    assert found.keys() == {"b", "c", "e"}
    assert found["e"] == plan["e"], "of what nothing was said"
    assert found["b"].start == sure(0.0), "nothing goes before it"
    assert found["c"].start == found["b"].end == Total(20.0, pytest.approx(14.0), pytest.approx(28.0))
    assert found["c"].end.high_s > 40.0 + 8.0
    assert retimed({}, {"b": (12.0, 22.0, "")}, {}, [span])["b"].start == Total(12.0, pytest.approx(9.0),
                                                                         pytest.approx(16.0)), "after the one in work"
    assert retimed({}, {"b": (1.0, 3.0, "")}, {}, [])["b"].end == sure(3.0), "of what is not known, no doubt is"


def test_a_job_is_as_unsure_as_the_one_before_it_on_its_lane_however_near_another_ends() -> None:
    expected = {"a": Total(10.0, 5.0, 20.0), "b": sure(10.0), "c": sure(1.0)}
    turns = {"a": (0.0, 10.0, "one"), "b": (0.0, 10.0, "two"), "c": (10.0, 11.0, "two")}
    found = retimed({}, turns, expected, [])
    assert found["c"].start == sure(10.0)
    assert retimed({}, {**turns, "c": (10.0, 11.0, "one")}, expected, [])["c"].start == found["a"].end


def test_all_is_done_when_the_last_is() -> None:
    assert all_done([]) is None
    assert all_done([Total(10.0, 2.0, 40.0), Total(12.0, 11.0, 13.0)]) == Total(12.0, 11.0, 40.0)


spans = st.lists(st.floats(0.0, 1e6), min_size=3, max_size=3).map(sorted).map(lambda s: Total(s[1], s[0], s[2]))
engines = st.sampled_from("abc")


@given(st.lists(st.tuples(engines, spans), max_size=12), st.lists(st.tuples(engines, spans), max_size=4),
       st.lists(st.frozensets(engines, min_size=1), max_size=4))
@settings(deadline=None, max_examples=50)
def test_intervals_hold_their_middle_and_lanes_never_do_two_at_once(
        jobs: list[tuple[str, Total]], running: list[tuple[str, Total]], lanes: list[frozenset[str]]) -> None:
    plan = plan_queue([(str(n), *job) for n, job in enumerate(jobs)], running, lanes)
    for one in plan.values():
        for moment in (one.start, one.end):
            assert 0 <= moment.low_s <= moment.median_s <= moment.high_s
        assert one.end.median_s >= one.start.median_s
    for name in plan:
        at_s = plan[name].start.median_s
        assert sum(one.start.median_s <= at_s < one.end.median_s for one in plan.values()) <= len(lanes)
    assert plan.keys() == {str(n) for n, (engine, _) in enumerate(jobs) if any(engine in lane for lane in lanes)}
