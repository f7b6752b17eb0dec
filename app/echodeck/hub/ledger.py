"""Group commit: changes wait for one write together, become durable, and only then are shown, in the order of seq.

While one group is being written the next one gathers, so a busy hub writes few large groups and an idle one answers at
once. When the store cannot write, what has already happened (a worker's report, a command on an existing job) is shown
all the same and kept to be written later; what could still be refused (a new job) is refused.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .. import wire
from ..errors import StoreError, StoreUnavailable
from ..model.board import Board
from ..store import Batch, Event, Store
from .session import Shown

RETRY_FIRST_S, RETRY_LAST_S = 1.0, 30.0
MOST_KEPT = 10_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Change:
    """What one request or report did: the batch to write, and what to do once it is written.

    `needed` changes are undone by never having happened: they fail when they cannot be written, and `undo` is called.
    `after` is called when the change is in force, before it is shown.
    """

    at_s: float
    request_id: str | None = None
    batch: Batch = field(default_factory=Batch)
    shown: list[tuple[str, str, str, Any]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    undo: list[Callable[[], None]] = field(default_factory=list)
    needed: bool = False
    jobs_settling: set[str] = field(default_factory=set)

    def tell(self, type_: str, kind: str, key: str, value: Any) -> None:
        """A durable event: `value` is the record's whole value, or what the message says if `kind` is ""."""
        self.shown.append((type_, kind, key, value))
        self.batch.events.append(Event(type_, kind, key, wire.plain(value), self.at_s))
        if kind == "jobs":
            self.jobs_settling.add(key)

    def __bool__(self) -> bool:
        batch = self.batch
        return bool(batch.events or batch.jobs or batch.removed or batch.records or batch.replies or batch.steps
                    or batch.runs or batch.estimates)


_Waiting = tuple[Change, asyncio.Future[bool]]


class Ledger:
    """Writes changes to the store and then to the board and everybody. One task; `commit` may be called by many."""

    def __init__(self, store: Store, board: Board, publish: Callable[[Shown], None],
                 settled: Callable[[], None], trouble: Callable[[str], None],
                 wrote: Callable[[int, float], None] = lambda changes, took_s: None) -> None:
        self._store, self._board, self._publish = store, board, publish
        self._settled, self._trouble, self._wrote = settled, trouble, wrote
        self._waiting: list[_Waiting] = []
        self._wake, self._closing = asyncio.Event(), asyncio.Event()
        self._ended = False
        self._kept = Batch()
        self._settling: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._retry: asyncio.Task[None] | None = None
        self.refused = ""

    def settling(self, job_id: str) -> bool:
        """A durable event about this job is on its way; anything volatile said of it now would overtake it."""
        return job_id in self._settling

    @property
    def waiting(self) -> int:
        """Changes that wait to be written."""
        return len(self._waiting)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what waits, with a last try if the store could not write, then ends."""
        self._closing.set()
        await self._end(self._retry)
        self._ended = True
        self._wake.set()
        await self._end(self._task)
        await self._end(self._retry)

    async def _end(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def put(self, change: Change) -> asyncio.Future[bool]:
        """The change is on its way; the future is true when it is durable, false when only in memory."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not change:
            for call in change.after:
                call()
            done.set_result(True)
            return done
        for job_id in change.jobs_settling:
            self._settling[job_id] = self._settling.get(job_id, 0) + 1
        self._waiting.append((change, done))
        self._wake.set()
        return done

    async def _run(self) -> None:
        while self._waiting or not self._ended:
            await self._wake.wait()
            self._wake.clear()
            group, self._waiting = self._waiting, []
            if group:
                await self._write(group)
                self._call(self._settled)

    async def _write(self, group: list[_Waiting]) -> None:
        if self.refused:
            self._memory_only(group, self.refused)
            return
        began_s = time.perf_counter()
        try:
            seqs = iter(await self._store.append(merged(change.batch for change, _ in group)))
        except StoreError as error:
            self._fail(group, error.message)
            return
        except Exception:
            # A mistake of the hub's own: one change that cannot be written must not hold up the others.
            if len(group) > 1:
                for one in group:
                    await self._write([one])
                return
            log.exception("a change cannot be written")
            self._memory_only(group, "the hub could not write it; its log says why", kept=False)
            return
        self._wrote(len(group), time.perf_counter() - began_s)
        for change, done in group:
            self._show(change, [next(seqs) for _ in change.shown])
            if not done.done():
                done.set_result(True)

    def _fail(self, group: list[_Waiting], reason: str) -> None:
        self.refused = reason
        self._memory_only(group, reason)
        self._trouble(reason)
        self._retry = asyncio.create_task(self._mend())

    def _memory_only(self, group: list[_Waiting], reason: str, *, kept: bool = True) -> None:
        for change, done in group:
            if change.needed:
                self._forget_settling(change)
                for call in change.undo:
                    self._call(call)
                if not done.done():
                    done.set_exception(StoreUnavailable(reason))
                continue
            if kept:
                keep(self._kept, change.batch)
            self._show(change, [None] * len(change.shown))
            if not done.done():
                done.set_result(False)

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            # What is written is written: a mistake in showing it must not stop the next ones from being written.
            log.exception("a change could not be shown")

    def _show(self, change: Change, seqs: list[int] | list[None]) -> None:
        self._forget_settling(change)
        for call in change.after:
            self._call(call)
        for (type_, kind, key, value), seq in zip(change.shown, seqs, strict=True):
            if kind:
                if type_ == wire.GONE.get(kind):
                    self._board.remove(kind, key, seq)
                else:
                    self._board.put(kind, key, value, seq)
            elif seq is not None:
                self._board.seq = max(self._board.seq, seq)
            self._publish(Shown(type_, value, change.at_s, kind, key, seq))

    def _forget_settling(self, change: Change) -> None:
        for job_id in change.jobs_settling:
            left = self._settling.get(job_id, 0) - 1
            if left > 0:
                self._settling[job_id] = left
            else:
                self._settling.pop(job_id, None)

    async def _mend(self) -> None:
        """Tries again, later and later, until everything kept is written."""
        pause_s = RETRY_FIRST_S
        while self.refused:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._closing.wait()
            kept, self._kept = self._kept, Batch()
            # Something is always written, so that a store that came back is noticed.
            kept.records.setdefault(("probe", "store"), {"tried": True})
            try:
                seqs = await self._store.append(kept)
            except StoreError as error:
                keep(kept, self._kept)
                self._kept = kept
                if self._closing.is_set():
                    log.error("ended with %d jobs' changes that could not be written: %s", len(kept.jobs), error)
                    return
                log.debug("the store still cannot write: %s", error)
                pause_s = min(2 * pause_s, RETRY_LAST_S)
                continue
            self._board.seq = max([self._board.seq, *seqs])
            pause_s = 0.0
            # What came while this was being written is newer, and is written before anything newer still.
            if self._kept == Batch():
                self.refused = ""
                self._trouble("")


def merged(batches: Iterable[Batch]) -> Batch:
    into = Batch()
    for batch in batches:
        keep(into, batch)
    return into


def keep(into: Batch, batch: Batch) -> None:
    """Adds a batch to another. Beyond MOST_KEPT the oldest events and measurements go; jobs and records never do."""
    for job_id in batch.removed:
        into.jobs.pop(job_id, None)
    into.events += batch.events
    into.jobs.update(batch.jobs)
    into.removed += batch.removed
    into.records.update(batch.records)
    into.replies.update(batch.replies)
    into.steps += batch.steps
    into.runs += batch.runs
    into.estimates += batch.estimates
    kinds: tuple[list[Any], ...] = (into.events, into.steps, into.estimates)
    for kept in kinds:
        if len(kept) > MOST_KEPT:
            # A tenth at once, so that it is said now and then, and not at each further change.
            log.warning("the store cannot write: %d old events or measurements are dropped", MOST_KEPT // 10)
            del kept[: len(kept) - MOST_KEPT * 9 // 10]
