"""The jobs and their order, in memory and pure: time, ids and ranks come in, changed jobs come out.

`rank` is the order in which jobs stand: the smallest first. A new job goes behind the last waiting one of at least its
priority; a person's move puts a job wherever they want, whatever the priorities. Where the brain orders the queue (see
`order`), it gives out what stands between two moved jobs as it finds best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

from ..errors import BadField, UnknownRecord
from ..model.eligible import eligible
from ..model.facts import Fact
from ..model.job import TERMINAL, Job, JobState
from ..model.transitions import advance
from ..wire import say
from .roll import Roll, standing

GAP = 1e-6
"""Ranks closer than this are spread out again."""


Follow = Callable[[Job, Job, Fact], None]
"""Called with a job before and after a fact that changed it, and the fact."""


class Queue:
    """Every job the hub knows, by id. Whatever happens to one, `follow` is told."""

    def __init__(self, jobs: Iterable[Job] = (), follow: Follow = lambda before, after, fact: None) -> None:
        self._follow = follow
        self._jobs = Roll(jobs)
        self._coming: dict[str, Job] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def get(self, job_id: str) -> Job:
        """Raises UnknownRecord."""
        job = self._jobs.get(job_id)
        if job is None:
            raise UnknownRecord("job", job_id)
        return job

    def coming(self, job_id: str) -> bool:
        """It is being written."""
        return job_id in self._coming

    def put(self, job: Job) -> None:
        self._jobs.put(job)

    def expect(self, jobs: Iterable[Job]) -> None:
        """New jobs that are being written: they have their places, and are in the queue when they `arrive`."""
        self._coming.update({job.id: job for job in jobs})

    def unexpect(self, jobs: Iterable[Job]) -> None:
        """They could not be written."""
        for job in jobs:
            self._coming.pop(job.id, None)

    def arrive(self, jobs: Iterable[Job]) -> list[Job]:
        """They are written; returns those whose place has changed meanwhile."""
        arrived = [(job, self._coming.pop(job.id, job)) for job in jobs]
        for _, now in arrived:
            self._jobs.put(now)
        return [now for job, now in arrived if now.rank != job.rank]

    def open(self) -> int:
        """How many jobs have not ended, those being written included."""
        return len(self._coming) + sum(n for state, n in self._jobs.count.items() if state not in TERMINAL)

    def apply(self, job_id: str, fact: Fact) -> tuple[Job, Job]:
        """The job before and after `fact`. Raises UnknownRecord, IllegalTransition."""
        before = self.get(job_id)
        after = advance(before, fact)
        self._jobs.put(after)
        if after is not before:
            self._follow(before, after, fact)
        return before, after

    def remove(self, job_id: str) -> None:
        self._jobs.remove(job_id)

    def all(self) -> list[Job]:
        return self._jobs.all()

    def known(self) -> list[Job]:
        """All, those that are being written too."""
        return [*self._jobs.all(), *self._coming.values()]

    def waiting(self) -> list[Job]:
        """Jobs that no worker has in hand and that have not ended, first to last; held ones keep their place."""
        return self._jobs.waiting()

    def in_hand(self) -> list[Job]:
        """What workers have, longest first."""
        return self._jobs.in_hand()

    def ended(self) -> list[Job]:
        return self._jobs.ended()

    def count(self) -> dict[JobState, int]:
        """How many there are of each state."""
        return {state: self._jobs.count[state] for state in JobState}

    def next_for(self, engines: Iterable[str], worker_id: str, now_s: float) -> Job | None:
        """The first job that this worker may begin now, with one of these engines."""
        able = set(engines)
        return next((job for job in self.waiting()
                     if job.spec.engine in able and not eligible(job, worker_id, now_s)), None)

    def back_at(self, rank: float) -> float:
        """The rank of a job that comes back to its place in the queue: just before who has taken it meanwhile."""
        waiting = self.waiting()
        taken = next((n for n, job in enumerate(waiting) if job.rank == rank), None)
        return rank if taken is None else _between(waiting, taken)

    def blocked(self, job: Job) -> str:
        """For which others a job waits, for people; "" when it waits for none."""
        if not job.waits:
            return ""
        first = self._jobs.get(job.waits[0])
        more = f" and {len(job.waits) - 1} more" if len(job.waits) > 1 else ""
        return f"waits for {first.spec.title if first else job.waits[0]}{more}"

    def front(self) -> float:
        """A rank before every waiting job."""
        waiting = self.waiting()
        return waiting[0].rank - 1.0 if waiting else 0.0

    def ranks_for(self, priority: int, count: int = 1, *, without: str = "",
                  beside: Iterable[Job] = ()) -> list[float]:
        """The ranks of `count` jobs of this priority that come in now, first to last.

        They take account of the jobs that are expected, and of those `beside` them that come at the same time.
        """
        others = [job for job in self.waiting() if job.id != without]
        if further := [*self._coming.values(), *beside]:
            others = sorted([*others, *(job for job in further if job.id != without)], key=standing)
        place = next((n for n in range(len(others), 0, -1) if others[n - 1].priority >= priority), 0)
        low = others[place - 1].rank if place else None
        high = others[place].rank if place < len(others) else None
        if low is None:
            low = high - count - 1 if high is not None else -1.0
        step = 1.0 if high is None else (high - low) / (count + 1)
        return [low + step * (n + 1) for n in range(count)]

    def rank_of_move(self, move: say.Move) -> float:
        """The rank that a move asks for. Raises BadField, UnknownRecord."""
        given = [name for name in ("direction", "place", "before", "after") if getattr(move, name) is not None]
        if len(given) != 1:
            raise BadField("direction", "give exactly one of direction, place, before, after")
        waiting = self.waiting()
        at = next((n for n, job in enumerate(waiting) if job.id == move.job_id), None)
        if at is None:
            self.get(move.job_id)
            raise BadField("jobId", "only a waiting job can be moved; this one is running or has ended")
        others = waiting[:at] + waiting[at + 1:]
        return _between(others, self._place(move, at, others))

    def _place(self, move: say.Move, at: int, others: list[Job]) -> int:
        if move.place is not None:
            return min(move.place, len(others))
        neighbour = move.before or move.after
        if neighbour is not None:
            found = next((n for n, job in enumerate(others) if job.id == neighbour), None)
            if found is None:
                self.get(neighbour)
                raise BadField("before" if move.before else "after", "names a job that is not waiting")
            return found if move.before else found + 1
        return {"up": max(0, at - 1), "down": min(len(others), at + 1), "top": 0}.get(move.direction or "", len(others))

    def lay(self, order: Iterable[str]) -> list[Job]:
        """The waiting jobs, in this order, share out the ranks that they have; returns those that changed."""
        jobs = [self.get(job_id) for job_id in order]
        changed = [replace(job, rank=rank) for job, rank in zip(jobs, sorted(job.rank for job in jobs), strict=True)
                   if job.rank != rank]
        for job in changed:
            self._jobs.put(job)
        return changed

    def spread(self) -> list[Job]:
        """Ranks 0, 1, 2, … again when some have come too close; returns the jobs changed, but for expected ones."""
        line = sorted([*self.waiting(), *self._coming.values()], key=standing)
        if all(b.rank - a.rank > GAP for a, b in pairwise(line)):
            return []
        for n, job in enumerate(line):
            if job.id in self._coming:
                self._coming[job.id] = replace(job, rank=float(n))
            else:
                self._jobs.put(replace(job, rank=float(n)))
        return [self.get(job.id) for job in line if job.id in self._jobs]


def _between(others: list[Job], place: int) -> float:
    if not others:
        return 0.0
    if place <= 0:
        return others[0].rank - 1.0
    if place >= len(others):
        return others[-1].rank + 1.0
    return (others[place - 1].rank + others[place].rank) / 2.0
