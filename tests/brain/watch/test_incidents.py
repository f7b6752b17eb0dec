"""One open alert a cause, whatever is found in which order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.finding import Finding, distinct
from echodeck.brain.watch.incidents import UPDATE_FIRST_S, UPDATE_LAST_S, Incidents

CAUSES = ("a", "b", "c", "d")
FOUND = st.dictionaries(st.sampled_from(CAUSES), st.tuples(st.sampled_from(["info", "warning", "error"]),
                                                           st.sampled_from("xyz")), max_size=4)


def finding(cause: str, level: str = "warning", message: str = "x") -> Finding:
    return Finding(cause, level, f"{cause} is wrong", message)


@given(st.lists(st.tuples(st.floats(0.0, 500.0), FOUND), max_size=60), st.sets(st.sampled_from(CAUSES)))
def test_each_cause_is_raised_and_resolved_in_turn(ticks: list[tuple[float, dict[str, tuple[str, str]]]],
                                                   known: set[str]) -> None:
    incidents, now_s = Incidents(known, 0.0), 0.0
    is_open = dict.fromkeys(CAUSES, False) | dict.fromkeys(known, True)
    for step_s, found in ticks:
        now_s += step_s
        causes = set()
        for telling in incidents.update({c: finding(c, *more) for c, more in found.items()}, now_s):
            assert telling.cause not in causes, "one telling a cause and tick"
            causes.add(telling.cause)
            assert is_open[telling.cause] is (telling.what != "raise")
            is_open[telling.cause] = telling.what != "resolve"
        assert all(is_open[cause] for cause in found), "what is wrong is told at once"
        assert incidents.open == {cause for cause, value in is_open.items() if value}
    for telling in incidents.update({}, now_s + 1e6):
        is_open[telling.cause] = False
    assert not any(is_open.values()), "all is resolved when nothing is found any more"
    assert incidents.close() == []


@given(st.lists(st.floats(0.1, 30.0), min_size=1, max_size=200))
def test_a_text_that_changes_all_the_time_is_told_ever_more_seldom(steps: list[float]) -> None:
    incidents, now_s, told = Incidents(), 0.0, []
    for number, step_s in enumerate(steps):
        now_s += step_s
        found = incidents.update({"a": finding("a", message=str(number))}, now_s)
        told += [now_s for telling in found if telling.what == "update"]
    pause_s, before_s = UPDATE_FIRST_S, steps[0]
    for at_s in told:
        assert at_s - before_s >= pause_s - 1e-6
        pause_s, before_s = min(UPDATE_LAST_S, 2 * pause_s), at_s


def test_what_gets_graver_is_told_at_once() -> None:
    incidents = Incidents()
    incidents.update({"a": finding("a")}, 0.0)
    assert incidents.update({"a": finding("a")}, 1000.0) == [], "nothing new"
    [telling] = incidents.update({"a": finding("a", "error")}, 1001.0)
    assert (telling.what, telling.finding) == ("update", finding("a", "error"))


def test_what_was_open_before_is_taken_up_or_resolved_in_time() -> None:
    incidents = Incidents(["a", "b"], 100.0, grace_s=600.0)
    [telling] = incidents.update({"a": finding("a")}, 110.0)
    assert telling.what == "update"
    assert incidents.update({"a": finding("a")}, 699.0) == []
    [telling] = incidents.update({"a": finding("a")}, 700.0)
    assert (telling.what, telling.cause) == ("resolve", "b")


def test_of_two_findings_of_one_cause_the_graver_counts() -> None:
    mild, grave = finding("a", "info"), replace(finding("a", "error"), message="worse")
    assert distinct([mild, grave, mild]) == {"a": grave}
