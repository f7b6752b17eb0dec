"""How good the estimates of a job were, known once it has completed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .job import Job, JobState
from .record import EstimateSample

SHARES = (0.1, 0.25, 0.5, 0.75)
LEAST_TRUTH_S = 1.0
"""With less than this to go, a fraction of a second is noise."""
MOST_PAUSE_S = 0.5
"""An estimate is of work; when a pause lay is not kept, so a job that was paused longer says nothing."""


def eta_errors(job: Job, estimates: Sequence[EstimateSample], shares: Iterable[float] = SHARES) -> dict[float, float]:
    """|estimate − truth| / truth of the time left, at each of these shares (0 to 1) of the job's time.

    The estimate is the latest that had been made then, less the time gone by since. `estimates` are in the order of
    time; shares before the first of them, and those with hardly any time left, are left out.
    """
    if job.state is not JobState.COMPLETED or job.started_s is None or job.finished_s is None \
            or job.paused_total_s > MOST_PAUSE_S:
        return {}
    errors = {}
    for share in shares:
        moment_s = job.started_s + share * (job.finished_s - job.started_s)
        truth_s = job.finished_s - moment_s
        made = [one for one in estimates if one.attempt == job.attempt and one.at_s <= moment_s]
        if made and truth_s >= LEAST_TRUTH_S:
            left_s = max(0.0, made[-1].eta_s - (moment_s - made[-1].at_s))
            errors[share] = abs(left_s - truth_s) / truth_s
    return errors
