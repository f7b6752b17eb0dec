"""Whether a waiting job may go to a worker now, as far as the job's own record says: pure, asked by whoever gives out
jobs and by whoever foresees it."""

from __future__ import annotations

import math

from .job import Job, JobState


def eligible(job: Job, worker_id: str, now_s: float) -> str:
    """Why it may not, for people; "" when it may. `worker_id` begins with its host and a slash; "" asks of no worker
    in particular."""
    if job.foreign:
        return "it lives in another program's queue"
    if job.state is JobState.PAUSED:
        return f"{job.paused_by or 'somebody'} paused it"
    if job.state is not JobState.PENDING:
        return f"it is {job.state.value}"
    if job.waits:
        return f"it waits for {len(job.waits)} other {'job' if len(job.waits) == 1 else 'jobs'}"
    if job.not_before_s > now_s:
        return f"it is tried again in {math.ceil(job.not_before_s - now_s)} s"
    if host_of(worker_id) in job.avoid:
        return f"it did not fit in the memory of {host_of(worker_id)}"
    return ""


def host_of(worker_id: str) -> str:
    """The host of a worker, as in `Job.avoid`; "" of no worker."""
    return worker_id.split("/")[0]
