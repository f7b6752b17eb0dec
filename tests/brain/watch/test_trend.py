"""Trends that one odd value does not move."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.trend import certainty, steady


def test_a_line_with_an_odd_value_or_a_jump() -> None:
    points = [(2.0 * x, 6.0 * x) for x in range(12)]
    assert steady(points) == pytest.approx(3.0)
    points[4] = (8.0, 1e9)
    assert steady(points) == pytest.approx(3.0)
    assert steady([(float(x), 0.0 if x < 6 else 1e9) for x in range(12)]) == 0.0
    assert steady([]) == steady([(1.0, 1.0)]) == steady([(1.0, 1.0), (1.0, 5.0)]) == 0.0


def test_certainty_of_rising_falling_and_flat() -> None:
    rising = [(float(x), float(x)) for x in range(12)]
    assert certainty(rising) > 4.0
    assert certainty([(x, -y) for x, y in rising]) < -4.0
    assert certainty([(float(x), 1.0) for x in range(12)]) == 0.0
    assert certainty(rising[:2]) == 0.0


def test_chance_is_seldom_certain() -> None:
    rng = random.Random(5)
    sure = sum(certainty([(x, rng.random()) for x in range(15)]) > 3.3 for _ in range(1000))
    assert sure <= 5


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20))
def test_backwards_is_the_opposite(values: list[float]) -> None:
    points = [(float(x), y) for x, y in enumerate(values)]
    assert certainty([(-x, y) for x, y in points]) == pytest.approx(-certainty(points))
