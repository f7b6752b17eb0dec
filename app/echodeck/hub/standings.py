"""The queue as everybody sees it: planned anew when something is other than before, told at once as a whole, and job by
job in slices, so that a long queue holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice

from ..model.job import Job
from ..wire import show
from .desk import ENDED_JOBS, Desk

AT_ONCE = 16
"""Jobs that are told in one step of the event loop: that takes it about a millisecond."""
AGAIN_S = 0.2
"""A plan as fresh as this, of a queue that is as it was, is not made again."""


class Standings:
    """`refresh` is called after whatever may have changed the queue, and at each tick."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.refresh = self.refresh
        self._basis: tuple[object, ...] = ()
        """What the latest plan was made from."""
        self._planned_s = 0.0
        self._shown: dict[str, tuple[int, float | None, str]] = {}
        """Place, start and reason of each waiting job, as told last."""
        self._due: dict[str, None] = {}
        """Jobs whose place or start is to be told."""
        self._items: dict[str, tuple[Job, show.QueueItem]] = {}
        self._clear_shown: float | None = None

    def refresh(self, now_s: float) -> None:
        """Re-plans, tells the queue if it changed, and each waiting job whose place or start did."""
        desk = self._desk
        waiting, in_hand, lanes = desk.queue.waiting(), desk.queue.in_hand(), desk.workers.lanes()
        basis = (waiting, in_hand, desk.queue.count(), lanes, desk.ledger.refused, desk.parts.on("order"),
                 desk.parts.on("foresight"))
        if basis != self._basis or not 0.0 <= now_s - self._planned_s < AGAIN_S:
            self._basis, self._planned_s = basis, now_s
            self._plan(waiting, in_hand, lanes, now_s)
        self._show_late(now_s)
        self._forget_ended()
        for agent in desk.board.all("agents").values():
            if agent.status == "offline" and agent.metadata["kind"] == "script":  # they come and go
                desk.board.forget("agents", agent.id)

    def _plan(self, waiting: list[Job], in_hand: list[Job], lanes: list[frozenset[str]], now_s: float) -> None:
        desk = self._desk
        ordered, turns = desk.line_up(waiting, now_s)
        desk.outlooks.plan(ordered, in_hand, lanes, now_s, turns)
        update = self._update([*in_hand, *ordered], now_s)
        if update != desk.board.get("queue"):
            desk.put("queue_update", "queue", "", update, now_s)
        desk.places = {job.id: place for place, job in enumerate(ordered)}
        self._tell(list(self._moved(ordered, now_s)), now_s)

    def _moved(self, ordered: Iterable[Job], now_s: float) -> Iterable[str]:
        """Those whose place, start or reason is other than was told."""
        before, self._shown = self._shown, {}
        start_s, whys = self._desk.outlooks.start_s, self._desk.whys
        for place, job in enumerate(ordered):
            now, told = (place, start_s(job.id), whys.get(job.id, "")), before.get(job.id)
            if told is not None and told[0] == place and told[2] == now[2] and not _slipped(told[1], now[1], now_s):
                self._shown[job.id] = told
            else:
                self._shown[job.id] = now
                yield job.id

    def _tell(self, job_ids: Iterable[str], now_s: float) -> None:
        """What is due already is told once, as it is then."""
        under_way = bool(self._due)
        self._due.update(dict.fromkeys(job_ids))
        if not under_way:
            self._tell_some(now_s)

    def _tell_some(self, now_s: float) -> None:
        desk, some = self._desk, list(islice(self._due, AT_ONCE))
        for job_id in some:
            del self._due[job_id]
        if self._due:
            asyncio.get_running_loop().call_soon(lambda: self._tell_some(desk.clock()))
        for job_id in some:
            # Meanwhile a worker may have it, or it may have ended: that was told.
            if job_id in desk.places and job_id in desk.queue and desk.board.get("jobs", job_id) is not None:
                job = desk.queue.get(job_id)
                if not job.in_hand and job.finished_s is None:
                    desk.show_job(job, now_s)

    def _show_late(self, now_s: float) -> None:
        desk = self._desk
        for job_id in [one for one in desk.late if not desk.ledger.settling(one)]:
            desk.late.discard(job_id)
            if job_id in desk.queue:
                desk.show_job(desk.queue.get(job_id), now_s)

    def _update(self, order: list[Job], now_s: float) -> show.QueueUpdate:
        desk = self._desk
        stats = show.QueueStats(**{state.value: number for state, number in desk.queue.count().items()})
        ids, known, clear = [job.id for job in order], desk.board.get("queue"), desk.outlooks.clear
        moments = [None if clear is None else now_s + part for part in clear or (0, 0, 0)]
        # The moment everything is done is an estimate: it is told anew when it moved, not at each rounding.
        if known is not None and known.clear_at is not None and moments[0] is not None \
                and not _slipped(self._clear_shown, moments[0], now_s) and ids == known.order:
            times = known.clear_at, known.clear_low, known.clear_high
        else:
            self._clear_shown = moments[0]
            times = show.iso(moments[0]), show.iso(moments[1]), show.iso(moments[2])
        return show.QueueUpdate(order=ids, items=self._lines(order), stats=stats, clear_at=times[0],
                                clear_low=times[1], clear_high=times[2], reason=desk.ledger.refused)

    def _lines(self, order: list[Job]) -> list[show.QueueItem]:
        """One a job; those of jobs that are as they were are kept."""
        before, self._items = self._items, {}
        for job in order:
            known = before.get(job.id)
            self._items[job.id] = known if known is not None and known[0] is job else (job, show.queue_item(job))
        return [item for _, item in self._items.values()]

    def _forget_ended(self) -> None:
        """The board keeps the latest ended jobs; older ones are in the store."""
        desk = self._desk
        ended = desk.queue.ended()
        if len(ended) > ENDED_JOBS:
            for job in sorted(ended, key=lambda job: job.finished_s or 0.0)[: len(ended) - ENDED_JOBS]:
                desk.queue.remove(job.id)
                desk.board.forget("jobs", job.id)
                desk.board.forget("previews", job.id)


def _slipped(before_s: float | None, after_s: float | None, now_s: float) -> bool:
    """Whether a foreseen moment has moved enough to say so: 2 s, or a twentieth of the way to it."""
    if before_s is None or after_s is None:
        return before_s is not after_s
    return abs(after_s - before_s) > max(2.0, 0.05 * (after_s - now_s))
