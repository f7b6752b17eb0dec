"""Who came when, and who was passed over how often: the memory that the order needs. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from ..model.job import Job
from .order import Choice


class Turns:
    """A seat for every job that waits, in the order of arrival, and how often each was overtaken."""

    def __init__(self) -> None:
        self._seats: dict[str, int] = {}
        self._next = 0
        self.overtaken: dict[str, int] = {}

    def seat(self, waiting: Iterable[Job]) -> Mapping[str, int]:
        """The seats of all that wait now. Who is new comes behind all others; who waits no more has none."""
        here = {job.id: job for job in waiting}
        for job_id in [one for one in self._seats if one not in here]:
            self.leave(job_id)
        new = [job for job in here.values() if job.id not in self._seats]
        for job in sorted(new, key=lambda job: (job.created_s, job.rank, job.id)):
            self._seats[job.id], self._next = self._next, self._next + 1
        return self._seats

    def given(self, choice: Choice) -> None:
        """The job was given out: those it passed have been overtaken once more."""
        for job_id in choice.passed:
            self.overtaken[job_id] = self.overtaken.get(job_id, 0) + 1
        self.leave(choice.job.id)

    def leave(self, job_id: str) -> None:
        self._seats.pop(job_id, None)
        self.overtaken.pop(job_id, None)

    def recall(self, jobs: Iterable[Job], bound: int) -> None:
        """After a restart: how many of the jobs that came later have begun. That is never less than was counted, but
        for jobs that are not on the list any more, so nobody waits longer for it."""
        jobs = list(jobs)
        begun = sorted(job.created_s for job in jobs if job.started_s is not None)
        for job in jobs:
            if not job.in_hand and job.finished_s is None and not job.attempt:
                later = len(begun) - bisect_right(begun, job.created_s)
                if later:
                    self.overtaken[job.id] = min(later, bound)
