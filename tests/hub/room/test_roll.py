"""The roll answers as looking through all the jobs would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echodeck.hub.roll import Roll, standing
from echodeck.model.job import TERMINAL, Job, JobSpec, JobState

JOBS = st.builds(
    lambda number, rank, state, worker, started_s: Job(
        id=f"j{number}", spec=JobSpec("sketch", "m"), rank=rank, created_s=float(number % 3), state=state,
        worker_id=worker, started_s=started_s),
    st.integers(0, 7), st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.sampled_from(list(JobState)),
    st.sampled_from(["", "a"]), st.sampled_from([None, 1.0, 2.0]))


@given(st.lists(JOBS | st.integers(0, 7), max_size=40))
def test_it_answers_as_looking_through_all_the_jobs_would(changes: list[Job | int]) -> None:
    roll, jobs = Roll(), dict[str, Job]()
    for change in changes:
        if isinstance(change, Job):
            roll.put(change)
            jobs[change.id] = change
        else:
            roll.remove(f"j{change}")
            jobs.pop(f"j{change}", None)
    everything = list(jobs.values())
    assert roll.all() == everything
    assert roll.waiting() == sorted([job for job in everything if job.state not in TERMINAL and not job.in_hand],
                                    key=standing)
    assert roll.in_hand() == sorted([job for job in everything if job.in_hand],
                                    key=lambda job: (job.started_s or 0.0, job.id))
    assert {job.id for job in roll.ended()} == {job.id for job in everything if job.state in TERMINAL}
    assert {state: roll.count[state] for state in JobState} == {
        state: sum(job.state is state for job in everything) for state in JobState}
