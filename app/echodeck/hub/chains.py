"""Jobs that come after others: let go when those have completed, called off when one of them has not.

Whatever ends is noted when it happens, and dealt with in the same change: that a job has ended and what follows for
those that wait for it is written together. A look at all of them, once a tick, finds what was taken off the list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..brain.causes import plain
from ..model.facts import Awaits, CalledOff, Fact, RetryAsked
from ..model.job import TERMINAL, Job, JobState
from .desk import Desk
from .ledger import Change

MOST_AT_ONCE = 200


class Chains:
    """`follow` is told of whatever happens to a job, `settle` deals with what came of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heirs: dict[str, list[str]] = {}
        """By a job that has not ended: those that wait for it."""
        self._ended: deque[str] = deque()
        self._again: deque[str] = deque()
        self._due: deque[tuple[str, str]] = deque()
        """(job that waits, job that has ended) to be dealt with."""
        self._back: deque[str] = deque()
        """Called off, and to be queued again."""

    def expect(self, jobs: Iterable[Job]) -> None:
        """These wait for others, or may."""
        for job in jobs:
            for other in job.waits:
                self._heirs.setdefault(other, []).append(job.id)

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        if after.state in TERMINAL and after.id in self._heirs:
            self._ended.append(after.id)
        if isinstance(fact, RetryAsked):
            self._again.append(after.id)

    def look(self) -> None:
        """Notes of all that is waited for what has ended, or is gone."""
        self._ended += [job_id for job_id in self._heirs if self._over(job_id)]

    def settle(self, change: Change) -> None:
        """What has ended lets go of those that wait for it, or takes them with it; what is tried again waits again.

        So many at once: what is left is done when this is written, so that nothing else waits for a long chain.
        """
        for _ in range(MOST_AT_ONCE):
            if self._again:
                self._try_again(self._again.popleft(), change)
            elif self._back:
                self._revive(self._back.popleft(), change)
            elif self._due:
                self._tell(*self._due.popleft(), change)
            elif self._ended:
                job_id = self._ended.popleft()
                if self._over(job_id):
                    self._due += [(heir, job_id) for heir in self._heirs.pop(job_id, [])]
            else:
                break

    def _over(self, job_id: str) -> bool:
        """It has ended, or is not there (any more); one that is being written will be."""
        queue = self._desk.queue
        return queue.get(job_id).state in TERMINAL if job_id in queue else not queue.coming(job_id)

    def _tell(self, heir: str, job_id: str, change: Change) -> None:
        """One that waits hears that another has ended."""
        queue = self._desk.queue
        job = queue.get(heir) if heir in queue else None
        if job is None or job_id not in job.waits or job.state in TERMINAL:
            return
        if not self._over(job_id):  # it was tried again meanwhile
            self._heirs.setdefault(job_id, []).append(heir)
            return
        other = queue.get(job_id) if job_id in queue else None
        if job.on_failure == "continue" or (other is not None and other.state is JobState.COMPLETED):
            self._await(job, tuple(one for one in job.waits if one != job_id), change)
        else:
            self._call_off(job, _why(other), change)

    def _await(self, job: Job, waits: tuple[str, ...], change: Change) -> None:
        before, after = self._desk.queue.apply(job.id, Awaits(change.at_s, waits))
        if after is before:
            return
        self._desk.save(after, change)
        self._desk.event("generation_paused" if after.held else "generation_queued", after, change)
        if not waits and after.state is JobState.PENDING:
            self._desk.offer([after.spec.engine], change.at_s)

    def _call_off(self, job: Job, reason: str, change: Change) -> None:
        _, after = self._desk.queue.apply(job.id, CalledOff(change.at_s, reason))
        self._desk.save(after, change)
        self._desk.event("generation_cancelled", after, change)
        self._desk.lost(after, change)
        self._desk.log(change, "warning", "hub", f"called off {after.spec.title}: {reason}", after.id)

    # --- what is tried again ---

    def _try_again(self, job_id: str, change: Change) -> None:
        """It waits again for those before it that have not ended, and those that were called off with it come again."""
        queue = self._desk.queue
        if job_id not in queue or (job := queue.get(job_id)).state in TERMINAL:
            return
        waits = tuple(one for one in job.after if not self._over(one))
        if waits:
            self._await(job, waits, change)
            self.expect([queue.get(job_id)])
        self._back += [other.id for other in queue.all() if other.called_off and job_id in other.after]

    def _revive(self, job_id: str, change: Change) -> None:
        if job_id not in self._desk.queue or not (job := self._desk.queue.get(job_id)).called_off:
            return
        rank = self._desk.queue.ranks_for(job.priority)[0]
        _, again = self._desk.queue.apply(job.id, RetryAsked(change.at_s, rank))
        self._desk.save(again, change)
        self._desk.spread(change)
        self._desk.event("generation_queued", self._desk.queue.get(job.id), change)
        self._desk.offer([again.spec.engine], change.at_s)


def _why(other: Job | None) -> str:
    if other is None:
        return "a job that it comes after was taken off the list"
    if other.state is JobState.FAILED:
        said = f": {plain(other.error.message)}" if other.error else ""
        return f"{other.spec.title}, which it comes after, failed{said}"
    return f"{other.spec.title}, which it comes after, was cancelled"
