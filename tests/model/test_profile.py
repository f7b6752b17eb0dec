"""Steps that differ by their place, and steps that hang."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.eta import History, JobEstimator
from echodeck.model.job import JobSpec
from echodeck.model.profile import BINS, FLAT, KEPT_STAGES, MOST_AWAY, MOST_OVERHEAD, Profile, Profiles, profile_of
from echodeck.model.record import StageRun

KEY = ("e", "m", "", "sample")
FALLING = [3.0] + [2.0] * 10 + [1.0] * 9
"""A first step that warms up, ten slow ones, nine fast ones."""


def test_steps_are_compared_with_their_median_but_for_the_first() -> None:
    profile = profile_of(FALLING)
    assert len(profile.away) == BINS
    assert profile.away[0] == profile.away[1] == 0.0, "the median step is a slow one"
    assert profile.away[-1] == pytest.approx(math.log(0.5), abs=1e-4)
    assert profile.overhead == 1.0


def test_what_is_learnt_holds_for_any_number_of_steps() -> None:
    profiles = Profiles()
    for _ in range(20):
        profiles.add(KEY, profile_of(FALLING))
    found = profiles.of(KEY, 40)
    assert found.usual(2, 40) == found.usual(1, 40) == found.usual(41, 40) == 0.0
    assert found.usual(40, 40) == pytest.approx(math.log(0.5) * 20 / 22, abs=1e-4)
    assert profiles.of(KEY, 3) == FLAT
    assert profiles.of(("other", *KEY[1:]), 40) == FLAT


def test_one_profile_is_not_yet_believed() -> None:
    profiles = Profiles()
    profiles.add(KEY, profile_of(FALLING))
    assert profiles.of(KEY, 20).away[-1] == pytest.approx(math.log(0.5) / 3, abs=1e-4)


def test_a_step_that_hangs_is_overhead_and_a_slower_pace_is_not() -> None:
    hanging = [1.0] * 20
    hanging[7] = 6.0
    assert profile_of(hanging).overhead == pytest.approx(24 / 19, abs=1e-4)
    assert profile_of([1.0] * 10 + [2.0] * 10).overhead == pytest.approx(1.0, abs=0.06)


def test_too_few_steps_or_odd_ones_teach_nothing() -> None:
    assert profile_of([1.0, 1.0, 1.0]) == profile_of([]) == profile_of([1.0, 0.0, 1.0, 1.0, 1.0]) == FLAT
    profiles = Profiles()
    profiles.add(KEY, FLAT)
    profiles.add(KEY, Profile((1.0, 2.0)))
    assert profiles.of(KEY, 20) == FLAT


def test_memory_is_bounded() -> None:
    profiles = Profiles()
    for number in range(KEPT_STAGES + 10):
        profiles.add(("e", f"m{number}", "", "sample"), profile_of(FALLING))
    assert profiles.of(("e", "m0", "", "sample"), 20) == FLAT
    assert profiles.of(("e", f"m{KEPT_STAGES}", "", "sample"), 20) != FLAT


@given(st.lists(st.floats(0.1, 10.0), min_size=4, max_size=40), st.integers(1, 70), st.integers(0, 70))
@settings(deadline=None, max_examples=50)
def test_the_steps_left_are_worth_as_much_as_each_of_them(steps_s: list[float], steps: int, done: int) -> None:
    profile = profile_of(steps_s)
    one_by_one = sum(math.exp(profile.usual(step, steps)) for step in range(max(done, 1) + 1, steps + 1))
    assert profile.worth(max(done, 1), steps) == pytest.approx(one_by_one)
    assert FLAT.worth(done, steps) == max(0, steps - done)


def test_a_stage_of_countless_steps_costs_no_more() -> None:
    steps = 2**53
    assert profile_of(FALLING).worth(steps // 2, steps) == pytest.approx(steps * 9 / 32, rel=0.01)


@given(st.lists(st.floats(1e-3, 1e6), max_size=60))
@settings(deadline=None, max_examples=50)
def test_profiles_are_bounded(steps_s: list[float]) -> None:
    profile = profile_of(steps_s)
    assert len(profile.away) in (0, BINS)
    assert all(abs(one) <= MOST_AWAY + 1e-4 for one in profile.away)
    assert 1.0 <= profile.overhead <= MOST_OVERHEAD


def test_a_sampler_whose_steps_grow_cheaper_is_foreseen() -> None:
    """At a quarter of the steps the slow ones alone were seen; the fast ones are known from before."""
    spec, rng = JobSpec("e", "m", width=64, height=64, steps=20), Random(3)
    runs, known = [], History()
    for number in range(8):
        steps_s = [one * rng.lognormvariate(0.0, 0.02) for one in FALLING]
        runs.append(StageRun(f"j{number}", 1, "e", "m", 64, 64, 20, 1, 1, "sample", float(number), sum(steps_s),
                             steps_s[0], sorted(steps_s[1:])[9]))
        known.profiles.add(KEY, profile_of(steps_s))
        known.add(runs[-1])
    estimates = []
    for history in (known, History(runs)):
        job = JobEstimator.start(spec, [("sample", 20)], history, 0.0)
        for step in range(1, 6):
            job.step(0, step, sum(FALLING[:step]), FALLING[step - 1])
        estimates.append(job.at(11.0).eta_s)
    truth_s = sum(FALLING[5:])
    assert estimates[0] == pytest.approx(truth_s, rel=0.08)
    assert estimates[1] > 1.3 * truth_s, "without the profile"
    assert replace(known.expect(spec, "sample", 20), profile=FLAT) == History(runs).expect(spec, "sample", 20)
