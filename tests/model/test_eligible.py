"""Who may have a waiting job now."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.eligible import eligible
from echodeck.model.job import Job, JobSpec, JobState

JOB = Job("j", JobSpec("sketch", "sketch-s"))


@pytest.mark.parametrize(("change", "reason"), [
    ({}, ""),
    ({"not_before_s": 100.0}, ""),
    ({"not_before_s": 103.2}, "it is tried again in 4 s"),
    ({"avoid": ("attic",)}, ""),
    ({"avoid": ("attic", "studio")}, "it did not fit in the memory of studio"),
    ({"state": JobState.PAUSED, "paused_by": "ada"}, "ada paused it"),
    ({"state": JobState.PAUSED}, "somebody paused it"),
    ({"state": JobState.RUNNING, "worker_id": "studio/sketch/1"}, "it is running"),
    ({"origin": "observed"}, "it lives in another program's queue"),
])
def test_why_a_job_may_not_begin_here_now(change: dict[str, object], reason: str) -> None:
    assert eligible(replace(JOB, **change), "studio/sketch/1", 100.0) == reason  # type: ignore[arg-type]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.sampled_from(["", "studio/sketch/1"]))
def test_whoever_waits_for_a_moment_gets_there(not_before_s: float, now_s: float, worker_id: str) -> None:
    job = replace(JOB, not_before_s=not_before_s)
    assert bool(eligible(job, worker_id, now_s)) == (now_s < not_before_s)
