"""Rolling up and thinning: extremes stay, samples are counted once, and no more rows come than were asked for."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.series import (
    DAY_S,
    LARGEST,
    Columns,
    aligned,
    fits,
    resolution_for,
    resolutions,
    roll_up,
    samples,
    thin,
    whole,
)

KEPT = resolutions()
NOW_S = 1_700_000_000.0

values = st.floats(-(2.0**100), 2.0**100, width=32)
runs = st.lists(st.tuples(st.integers(0, 100_000), values), max_size=200, unique_by=lambda one: one[0]).map(
    lambda found: samples(*zip(*sorted((at_ms / 100.0, value) for at_ms, value in found), strict=True))
    if found else Columns())


def rows(columns: Columns) -> list[tuple[float, ...]]:
    return list(zip(columns.at_s, columns.low, columns.mean, columns.high, columns.n, strict=True))


def test_the_resolutions_fit_into_each_other() -> None:
    for finer, coarser in pairwise(KEPT):
        assert coarser.span_s % finer.span_s == 0
        assert coarser.span_s % coarser.step_s == 0
        assert finer.keep_s >= coarser.span_s, "a coarser block is made before what it is made of is too old"
        assert coarser.keep_s > finer.keep_s


def test_rolls_up_by_hand() -> None:
    made = roll_up(samples([9.0, 10.0, 12.5, 19.9, 30.0], [5.0, 1.0, 3.0, 8.0, 4.0]), 10)
    assert rows(made) == [(0.0, 5.0, 5.0, 5.0, 1), (10.0, 1.0, 4.0, 8.0, 3), (30.0, 4.0, 4.0, 4.0, 1)]
    assert rows(roll_up(made, 30)) == [(0.0, 1.0, 4.25, 8.0, 4), (30.0, 4.0, 4.0, 4.0, 1)], "the mean is the samples'"


def test_nothing_stays_nothing() -> None:
    assert rows(roll_up(Columns(), 10)) == []
    assert thin(Columns(), 0.0, 10.0, 5) == []


@given(runs, st.sampled_from([10, 60, 900]))
def test_rolling_up_keeps_extremes_means_and_counts(run: Columns, step_s: int) -> None:
    made = roll_up(run, step_s)
    assert sum(made.n) == len(run)
    assert all(at_s % step_s == 0 for at_s in made.at_s)
    assert list(made.at_s) == sorted(set(made.at_s))
    for at_s, low, mean, high, n in rows(made):
        inside = run.between(at_s, at_s + step_s)
        assert (low, high, n) == (min(inside.low), max(inside.high), len(inside))
        assert low <= mean <= high
        assert mean == pytest.approx(sum(inside.mean) / n, rel=1e-6, abs=1e-6 * max(map(abs, inside.mean)) + 1e-30)


@given(runs)
def test_rolling_up_in_two_steps_is_rolling_up_in_one(run: Columns) -> None:
    twice, once = roll_up(roll_up(run, 10), 60), roll_up(run, 60)
    assert (twice.at_s, twice.low, twice.high, twice.n) == (once.at_s, once.low, once.high, once.n)


@given(runs, st.integers(1, 50), st.floats(0, 900), st.floats(0.001, 1000))
def test_thinning_keeps_within_the_points_and_loses_no_extreme(run: Columns, points: int, since_s: float,
                                                               length_s: float) -> None:
    until_s = since_s + length_s
    inside = run.between(since_s, until_s)
    found = thin(inside, since_s, until_s, points)
    assert len(found) <= points
    times = [row[0] for row in found]
    assert times == sorted(set(times))
    assert set(times) <= set(inside.at_s)
    if not len(inside):
        return
    assert min(row[1] for row in found) == min(inside.low)
    assert max(row[3] for row in found) == max(inside.high)
    for at_s, low, high in zip(inside.at_s, inside.low, inside.high, strict=True):
        row = found[bisect_right(times, at_s) - 1]
        assert row[1] <= low <= high <= row[3], "each sample lies within the row that has it"


def test_few_rows_are_left_as_they_are() -> None:
    assert thin(samples([1.0, 2.0], [5.0, 6.0]), 0.0, 10.0, 2) == [(1.0, 5.0, 5.0, 5.0), (2.0, 6.0, 6.0, 6.0)]


@pytest.mark.parametrize(("ago_s", "length_s", "points", "step_s"), [
    (3600, 3600, 500, 0),  # 7 s a point
    (3 * 3600, 3 * 3600, 500, 10),
    (DAY_S - 1, DAY_S - 1, 500, 60),
    (DAY_S - 1, DAY_S - 1, 5000, 10),
    (7 * DAY_S, 7 * DAY_S, 500, 900),
    (2 * DAY_S, 3600, 500, 10),  # samples are forgotten
    (30 * DAY_S, 3600, 500, 60),
    (365 * DAY_S, 3600, 500, 900),
    (730 * DAY_S, 730 * DAY_S, 500, 900),
    (5000 * DAY_S, 10, 500, 900),
])
def test_the_resolution_fits_the_range_and_is_still_there(ago_s: float, length_s: float, points: int,
                                                          step_s: int) -> None:
    since_s = NOW_S - ago_s
    assert KEPT[resolution_for(KEPT, since_s, since_s + length_s, points, NOW_S)].step_s == step_s


@given(st.floats(0, 800 * DAY_S), st.floats(1e-3, 1), st.integers(1, 5000))
def test_no_range_reads_much_more_than_it_shows(ago_s: float, share: float, points: int) -> None:
    since_s = NOW_S - ago_s
    until_s = since_s + share * ago_s + 1e-3
    chosen = KEPT[resolution_for(KEPT, since_s, until_s, points, NOW_S)]
    buckets = (until_s - since_s) / (chosen.step_s or 1)
    assert buckets <= max(15.0 * points, 800 * DAY_S / 900) + 1


@given(st.integers(0, 10**12), st.integers(0, 10**6), st.sampled_from([10, 60, 900]))
def test_whole_buckets_hold_the_range(since_ms: int, length_ms: int, step_s: int) -> None:
    since_s, until_s = since_ms / 1000, (since_ms + length_ms) / 1000
    first_s, last_s = whole(since_s, until_s, step_s)
    assert first_s <= since_s < first_s + step_s
    assert until_s <= last_s < until_s + step_s
    assert first_s % step_s == last_s % step_s == 0


def test_samples_are_taken_as_they_are() -> None:
    assert whole(1.5, 2.5, 0) == (1.5, 2.5)
    assert aligned(-1.0, 10) == -10


@pytest.mark.parametrize(("value", "so"), [(0.0, True), (-LARGEST, True), (3.5e38, False), (float("nan"), False),
                                           (float("-inf"), False)])
def test_what_fits(value: float, so: bool) -> None:
    assert fits(value) is so
