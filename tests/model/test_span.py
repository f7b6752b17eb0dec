"""Spans and what makes them surer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.expect import Expectation
from echodeck.model.span import Total, deviation_of, left_of_silent, total_of, with_twin


def span(middle_s: float, deviation: float) -> Total:
    return total_of([(middle_s, middle_s**2 * math.expm1(deviation**2))])


def test_an_interval_stands_for_a_deviation() -> None:
    assert deviation_of(span(10.0, 0.3)) == pytest.approx(0.3)
    assert deviation_of(Total(10.0, 0.0, 20.0)) == deviation_of(Total(0.0, 0.0, 0.0)) == 0.0


def test_a_job_nobody_knows_believes_its_twin() -> None:
    known = with_twin(span(2.0, 1.2), span(60.0, 0.1))
    assert known.median_s == pytest.approx(60.0, rel=0.06)
    assert deviation_of(known) < 0.2


def test_a_job_that_is_well_known_hardly_minds() -> None:
    known = with_twin(span(20.0, 0.02), span(60.0, 0.1))
    assert known.median_s == pytest.approx(20.0, rel=0.03)


def test_a_twin_that_has_hardly_begun_says_little() -> None:
    assert with_twin(span(20.0, 0.2), span(60.0, 1.2)).median_s == pytest.approx(20.0, rel=0.05)


@given(st.floats(1e-3, 1e6), st.floats(0.0, 3.0), st.floats(1e-3, 1e6), st.floats(0.0, 3.0))
@settings(deadline=None, max_examples=50)
def test_with_a_twin_it_is_between_the_two_and_no_less_sure(a_s: float, a: float, b_s: float, b: float) -> None:
    both = with_twin(span(a_s, a), span(b_s, b))
    assert min(a_s, b_s) * 0.999 <= both.median_s <= max(a_s, b_s) * 1.001
    assert both.low_s <= both.median_s <= both.high_s
    assert deviation_of(both) <= deviation_of(span(a_s, a)) + 1e-9


def test_a_stage_that_is_now_and_then_another_is_judged_by_runs_like_it() -> None:
    """A model mostly in memory, else loaded for 20 s: once it takes long, it takes 20 s."""
    runs = (0.02,) * 7 + (19.0, 20.0, 21.0)
    left_s, variance = left_of_silent(Expectation(0.02, 0.02, "same", runs_s=runs), 5.0)
    assert left_s == pytest.approx(15.0, rel=0.05)
    assert 0 < variance < 5.0**2
    half = (0.02,) * 5 + (20.0,) * 5
    assert left_of_silent(Expectation(0.63, 20.0, "same", runs_s=half), 5.0)[0] == pytest.approx(15.0, rel=0.05)
    assert left_of_silent(Expectation(0.02, 0.02, "same", runs_s=runs), 30.0)[0] > 0, "longer than any"
