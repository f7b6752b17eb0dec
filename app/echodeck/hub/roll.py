"""All jobs by id, sorted into those that wait, those in hand and those that have ended, so that no question about the
queue has to look through all of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable

from ..model.job import TERMINAL, Job, JobState

Place = tuple[float, float, str]


class Roll:
    """`put` and `remove` are all that changes it; everything else is an answer."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs: dict[str, Job] = {}
        self._line: list[Place] = []
        self._in_hand: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        self.count: Counter[JobState] = Counter()
        """How many there are of each state."""
        for job in jobs:
            self.put(job)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def put(self, job: Job) -> None:
        """The job as it is now."""
        before = self._jobs.get(job.id)
        self._jobs[job.id] = job
        if before is None or _sort(before) != _sort(job):
            if before is not None:
                self._leave(before)
            self._enter(job)

    def remove(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            self._leave(job)

    def all(self) -> list[Job]:
        """In the order in which they came."""
        return list(self._jobs.values())

    def waiting(self) -> list[Job]:
        """Jobs that no worker has in hand and that have not ended, first to last; held ones keep their place."""
        return [self._jobs[job_id] for _, _, job_id in self._line]

    def in_hand(self) -> list[Job]:
        """What workers have, longest first."""
        return sorted([self._jobs[job_id] for job_id in self._in_hand], key=lambda job: (job.started_s or 0.0, job.id))

    def ended(self) -> list[Job]:
        return [self._jobs[job_id] for job_id in self._ended]

    def _enter(self, job: Job) -> None:
        self.count[job.state] += 1
        if job.state in TERMINAL:
            self._ended[job.id] = None
        elif job.in_hand:
            self._in_hand[job.id] = None
        else:
            insort(self._line, standing(job))

    def _leave(self, job: Job) -> None:
        self.count[job.state] -= 1
        if job.state in TERMINAL:
            del self._ended[job.id]
        elif job.in_hand:
            del self._in_hand[job.id]
        else:
            del self._line[bisect_left(self._line, standing(job))]


def standing(job: Job) -> Place:
    """Where it stands among those that wait."""
    return job.rank, job.created_s, job.id


def _sort(job: Job) -> tuple[JobState, bool, Place]:
    return job.state, job.in_hand, standing(job)
