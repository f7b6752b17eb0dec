"""How far off the estimates were, computed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.accuracy import SHARES, eta_errors
from echodeck.model.job import Job, JobSpec, JobState
from echodeck.model.record import EstimateSample

JOB = Job("a", JobSpec("sketch", "m"), JobState.COMPLETED, started_s=100.0, finished_s=200.0, attempt=1, progress=100.0)


def said(at_s: float, eta_s: float, attempt: int = 1) -> EstimateSample:
    return EstimateSample("a", attempt, at_s, 0.0, eta_s, eta_s, eta_s)


def test_each_share_is_judged_by_what_was_said_last() -> None:
    errors = eta_errors(JOB, [said(100.0, 190.0), said(120.0, 80.0), said(149.0, 26.0)])
    # At 110 s the first said 180 to go (truth 90), at 125 s the second 75 (truth 75), at 150 s the third 25 (50) and
    # at 175 s nothing any more (25).
    assert errors == {0.1: pytest.approx(1.0), 0.25: 0.0, 0.5: pytest.approx(0.5), 0.75: 1.0}


def test_what_nothing_was_said_of_is_left_out() -> None:
    assert eta_errors(JOB, []) == {}
    assert eta_errors(JOB, [said(140.0, 60.0)]).keys() == {0.5, 0.75}
    assert eta_errors(JOB, [said(140.0, 60.0, attempt=2)]) == {}, "of another attempt"
    assert eta_errors(replace(JOB, finished_s=101.5), [said(100.0, 1.0)]).keys() == {0.1, 0.25}, "hardly any time left"


@pytest.mark.parametrize("job", [
    replace(JOB, state=JobState.FAILED, progress=50.0), replace(JOB, paused_total_s=30.0), replace(JOB, started_s=None),
])
def test_only_completed_jobs_that_ran_through_can_judge(job: Job) -> None:
    assert eta_errors(job, [said(100.0, 100.0)]) == {}


@given(st.floats(1.5, 1e5))
def test_a_perfect_estimate_has_no_error(took_s: float) -> None:
    job = replace(JOB, started_s=0.0, finished_s=took_s)
    errors = eta_errors(job, [said(0.0, took_s)])
    assert all(error == pytest.approx(0.0, abs=1e-9) for error in errors.values())
    assert set(errors) <= set(SHARES)
