"""How often a machine is measured, for every state that it may be in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.period import FASTEST_S, SHARE, SLOWEST_S, period_s

SECONDS = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("running", "watched", "quiet_s", "expected_s"),
    [
        (True, True, 0.0, 0.2),
        (True, False, 0.0, 1.0),
        (False, True, 3600.0, 1.0),
        (False, False, 0.0, 1.0),
        (False, False, 10.0, 1.0),
        (False, False, 50.0, 5.0),
        (False, False, 3600.0, 10.0),
    ],
)
def test_fast_while_a_job_is_watched_and_slow_when_nobody_needs_it(running: bool, watched: bool, quiet_s: float,
                                                                   expected_s: float) -> None:
    assert period_s(running=running, watched=watched, quiet_s=quiet_s) == pytest.approx(expected_s)


@given(st.booleans(), st.booleans(), SECONDS, st.floats(0, SLOWEST_S * SHARE))
def test_it_is_in_bounds_and_bounded_by_what_it_costs(running: bool, watched: bool, quiet_s: float,
                                                      cost_s: float) -> None:
    found = period_s(running=running, watched=watched, quiet_s=quiet_s, cost_s=cost_s)
    assert FASTEST_S <= found <= SLOWEST_S
    assert cost_s <= found * SHARE * (1 + 1e-9)


@given(SECONDS, SECONDS)
def test_it_gets_slower_the_longer_it_is_quiet(one_s: float, other_s: float) -> None:
    less, more = sorted((one_s, other_s))
    assert (period_s(running=False, watched=False, quiet_s=less)
            <= period_s(running=False, watched=False, quiet_s=more))
