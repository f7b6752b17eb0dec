"""Hysteresis and duration: never faster than they allow."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.trigger import Trigger

READINGS = st.lists(st.tuples(st.floats(-5.0, 90.0), st.sampled_from(["bad", "good", "between"])), max_size=80)
SPANS = st.floats(0.0, 60.0)


def changes(trigger: Trigger, readings: list[tuple[float, str]]) -> list[tuple[float, bool]]:
    """(when, open) of each change."""
    at_s, found, was_open = 0.0, [], False
    for step_s, what in readings:
        at_s += step_s
        is_open = trigger.see(at_s, bad=what == "bad", good=what == "good")
        if is_open is not was_open:
            found.append((at_s, is_open))
            was_open = is_open
    return found


@given(READINGS, SPANS, SPANS)
def test_it_never_flaps_faster_than_its_durations(readings: list[tuple[float, str]], for_s: float,
                                                  clear_for_s: float) -> None:
    found = changes(Trigger(for_s, clear_for_s), readings)
    assert [is_open for _, is_open in found] == [n % 2 == 0 for n in range(len(found))]
    for (before_s, _), (after_s, is_open) in pairwise(found):
        assert after_s - before_s >= (for_s if is_open else clear_for_s) - 1e-9


@given(READINGS, SPANS, SPANS)
def test_it_opens_only_after_bad_without_a_break(readings: list[tuple[float, str]], for_s: float,
                                                 clear_for_s: float) -> None:
    trigger, at_s, last_s, since_s = Trigger(for_s, clear_for_s), 0.0, 0.0, None
    for step_s, what in readings:
        at_s += step_s
        if at_s <= last_s and trigger.last_s is not None:
            trigger.see(at_s, bad=what == "bad", good=what == "good")
            continue
        since_s = None if what != "bad" or (trigger.last_s is not None and at_s - last_s > trigger.gap_s) else since_s
        since_s = at_s if what == "bad" and since_s is None else since_s
        was_open, last_s = trigger.open, at_s
        if trigger.see(at_s, bad=what == "bad", good=what == "good") and not was_open:
            assert since_s is not None
            assert at_s - since_s >= for_s


@given(READINGS, SPANS, SPANS)
def test_it_closes_when_all_has_been_good_for_long_enough(readings: list[tuple[float, str]], for_s: float,
                                                          clear_for_s: float) -> None:
    trigger = Trigger(for_s, clear_for_s)
    changes(trigger, readings)
    begin_s = (trigger.last_s or 0.0) + 1.0
    for n in range(int(clear_for_s) + 3):
        trigger.see(begin_s + n, bad=False, good=True)
    assert not trigger.open


def test_a_run_does_not_reach_over_a_gap() -> None:
    trigger = Trigger(30.0, 30.0, gap_s=10.0)
    assert not any(trigger.see(at_s, bad=True, good=False) for at_s in (0.0, 5.0, 40.0, 45.0))
    assert [trigger.see(at_s, bad=True, good=False) for at_s in (55.0, 62.0, 70.0)] == [False, False, True]
