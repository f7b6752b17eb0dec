"""Choosing a model: the cheapest that surely fits, and what is said when none does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.option import Marks, Option, Span
from echodeck.brain.recommend import recommend


def option(model: str, middle_s: float, quality: float | None = None, spread: float = 1.2, **more: object) -> Option:
    return Option("sketch", model, Span(middle_s, middle_s / spread, middle_s * spread),
                  marks=None if quality is None else Marks(quality, 12.0), **more)  # type: ignore[arg-type]


SMALL, LARGE, HUGE = option("small", 10.0, 50.0), option("large", 30.0, 85.0), option("huge", 90.0, 95.0)
ALL = [HUGE, SMALL, LARGE]


@pytest.mark.parametrize(("count", "deadline_s", "quality", "expected"), [
    (1, None, None, "small"),
    (1, None, 80.0, "large"),
    (1, 35.0, 80.0, None),
    (1, 40.0, 80.0, "large"),
    (1, 11.0, None, None),
    (1, 12.5, None, "small"),
    (4, 42.0, None, None),
    (4, 60.0, None, "small"),
    (1, None, 99.0, None),
])
def test_the_cheapest_whose_upper_end_fits(count: int, deadline_s: float | None, quality: float | None,
                                           expected: str | None) -> None:
    advice = recommend(ALL, count, deadline_s, quality)
    assert (advice.choice.option.model if advice.choice else None) == expected
    assert len(advice.others) == len(ALL) - (advice.choice is not None)
    assert [one.option.cost_s(1) for one in advice.others] == sorted(one.option.cost_s(1) for one in advice.others)
    assert all(advice.text)


def test_quality_that_nobody_knows_is_not_vouched_for() -> None:
    advice = recommend([option("new", 5.0), SMALL], quality=80.0)
    assert advice.choice is None
    assert "new would be in time, but nobody has judged its pictures yet" in advice.text[0]
    assert recommend([option("new", 5.0), SMALL]).choice is not None, "where no quality is asked for it does not matter"


def test_when_none_is_in_time_the_soonest_is_named() -> None:
    assert "small would be done soonest" in recommend(ALL, deadline_s=5.0).text[0]
    assert recommend([]).text == ("no engine has a model that could do it",)


def test_lanes_and_the_queue_count() -> None:
    one, two = option("a", 10.0), option("a", 10.0, lanes=2)
    assert two.done(4).middle_s == 20.0 < one.done(4).middle_s == 40.0
    behind = option("a", 10.0, start=Span(100.0, 80.0, 150.0))
    assert behind.done(1).middle_s == 110.0
    assert behind.done(1).high_s > 150.0


def test_a_guess_is_called_one() -> None:
    assert "(it has not been run here yet)" in recommend([option("new", 5.0, basis="default")]).text[0]


OPTIONS = st.lists(st.builds(option, st.sampled_from("abcdef"), st.floats(0.1, 1e4),
                             st.none() | st.floats(0, 100), st.floats(1.0, 3.0)), max_size=6)


@given(OPTIONS, st.integers(1, 50), st.none() | st.floats(0, 1e5), st.none() | st.floats(0, 100))
def test_what_is_chosen_fits_and_nothing_cheaper_does(options: list[Option], count: int, deadline_s: float | None,
                                                      quality: float | None) -> None:
    advice = recommend(options, count, deadline_s, quality)
    judged = [*([advice.choice] if advice.choice else []), *advice.others]
    assert len(judged) == len(options)
    for one in judged:
        assert one.done.low_s <= one.done.middle_s <= one.done.high_s
    fitting = [one for one in judged if one.fits]
    assert (advice.choice is None) == (not fitting)
    if advice.choice is not None:
        assert advice.choice.option.cost_s(count) == min(one.option.cost_s(count) for one in fitting)
        assert deadline_s is None or advice.choice.done.high_s <= deadline_s


@given(OPTIONS, st.floats(0, 1e4), st.floats(0, 1e4))
def test_more_time_never_takes_a_choice_away(options: list[Option], first_s: float, more_s: float) -> None:
    if recommend(options, 1, first_s).choice is not None:
        assert recommend(options, 1, first_s + more_s).choice is not None
