"""One workflow that fails again and again."""

from __future__ import annotations

from dataclasses import replace

from echodeck.brain.watch.failures import FORGET_S, FailureLimits, Failures
from echodeck.model.job import Job, JobError, JobSpec, JobState

JOB = Job("one", JobSpec("comfyui", "sdxl", shape="inpaint"))
FAILED = replace(JOB, state=JobState.FAILED, error=JobError("engine_error", "node 7 is missing"))
DONE, CANCELLED = replace(JOB, state=JobState.COMPLETED), replace(JOB, state=JobState.CANCELLED)


def after(*ended: Job, apart_s: float = 60.0) -> Failures:
    failures = Failures(FailureLimits())
    for number, job in enumerate(ended):
        failures.ended(job, apart_s * number)
    return failures


def test_three_in_a_row_are_told() -> None:
    assert not [*after(FAILED, FAILED).findings(200.0)]
    [found] = after(FAILED, FAILED, FAILED).findings(200.0)
    assert (found.level, found.title) == ("error", "sdxl as inpaint fails again and again")
    assert found.message == "3 times in a row on comfyui, the last time: node 7 is missing"


def test_a_success_ends_it_a_cancelled_job_tells_nothing() -> None:
    assert not [*after(FAILED, FAILED, DONE, FAILED).findings(300.0)]
    assert [*after(FAILED, FAILED, CANCELLED, FAILED).findings(300.0)]


def test_failures_far_apart_and_long_ago_do_not_count() -> None:
    assert not [*after(FAILED, FAILED, FAILED, apart_s=7 * 3600.0).findings(15 * 3600.0)]
    assert not [*after(FAILED, FAILED, FAILED).findings(121.0 + FORGET_S)]


def test_each_kind_of_job_is_by_itself() -> None:
    other = replace(FAILED, spec=replace(JOB.spec, model="flux"))
    assert not [*after(FAILED, other, FAILED, other).findings(300.0)]
