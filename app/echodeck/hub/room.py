"""The room: the single writer. Requests in, changes out, each durable before it is answered; one tick a second.

No sockets in here. `handle` deals with every message type through one table; a repeated request (same client, same id)
gets the answer it got the first time and has no second effect.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import msgspec

from .. import wire
from ..brain.parts import off_at_start
from ..config import Settings
from ..errors import InputError, StoreError, StoreUnavailable
from ..model.board import Board
from ..model.job import Job
from ..model.record import Host
from ..model.usage import total
from ..store import Batch, Event, Store
from ..store.memory import MemoryStore
from ..wire import show, took
from . import scene
from .desk import Desk
from .ledger import Change, Ledger
from .parts import Parts
from .queue import Follow
from .session import Session, Shown
from .shapes import Used
from .staff import Staff
from .workers import Workers

log = logging.getLogger(__name__)

TICK_S = 1.0
KEPT_REPLIES = 10_000
KEEP_S = 90 * 86_400.0
PRUNE_EVERY_S = 3600.0
REPEATABLE = frozenset({
    "ping", "subscribe", "subscribe_generation", "request_system_status", "request_queue_status", "query", "heartbeat",
    "job_progress", "job_preview", "host_metrics",
})
"""Types whose repetition does no harm: no answer is remembered."""


class Room:
    """Everything the hub knows and decides. `publish` is called with every message for everybody."""

    def __init__(self, store: Store, settings: Settings, publish: Callable[[Shown], None], *,
                 clock: Callable[[], float] = time.time, hub_id: str = "",
                 sampled: Callable[[Host, float], None] = lambda host, now_s: None) -> None:
        self.store, self.settings, self.clock = store, settings, clock
        self.hub_id, self._sampled = hub_id, sampled
        self.board = Board()
        self._publish = publish
        self._replies: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._present_since: dict[str, float] = {}
        self.followers: list[Follow] = []
        """Told of whatever happens to a job."""
        self.wrote: Callable[[int, float], None] = lambda changes, took_s: None
        """Told of each group of changes that was written: how many they are, and how long it took in seconds."""
        self._task: asyncio.Task[None] | None = None
        self._gone: list[show.AgentView] = []
        self._pruned_s = self._ticked_s = 0.0
        self._read_only = ""
        self._build()

    def _build(self) -> None:
        ledger = Ledger(self.store, self.board, self._tell, self._settled, self._trouble,
                        self._wrote)
        self.desk = Desk(self.settings, self.board, self._publish, self.clock, ledger, Workers(self.settings.lease_s),
                         parts=Parts(off_at_start(self.settings.brain)), sampled=self._sampled)
        self.staff = Staff(self.desk, self.followers)
        self.pulse, self.notify = self.staff.pulse, self.staff.notify

    def _tell(self, shown: Shown) -> None:
        """A durable event, to everybody."""
        self._publish(shown)
        self.notify.hear(shown)

    def _wrote(self, changes: int, took_s: float) -> None:
        self.pulse.wrote(took_s)
        self.wrote(changes, took_s)

    @property
    def refused(self) -> str:
        """Why new jobs cannot be accepted; "" when they can."""
        return self.desk.ledger.refused

    # --- life ---

    async def start(self) -> None:
        """Loads what there is. Running jobs get a fresh lease, so that their workers have time to come back.

        Raises StoreHeld. A data directory that cannot be written does not stop watching: new jobs are refused.
        """
        try:
            await self.store.open()
        except StoreUnavailable as error:
            log.error("%s", error)
            self._read_only = error.message
            self.store = MemoryStore()
            await self.store.open()
            self._build()
        await self._load()
        self.desk.ledger.start()
        self.desk.ledger.refused = self._read_only
        if self._read_only:
            self._trouble(self._read_only)
        else:
            self._recovered()
        await self._part_with_agents()
        self.tick(self.clock())
        self._task = asyncio.create_task(self._run())

    async def _load(self) -> None:
        now_s, desk = self.clock(), self.desk
        await self._name_log()
        self._gone = await self.staff.restore(self.store, now_s)
        desk.refresh(now_s)
        for job in desk.queue.all():
            self.board.put("jobs", job.id, desk.view(job, now_s))
        desk.refresh(now_s)

    async def _part_with_agents(self) -> None:
        """Agents that were here when the hub ended are offline until they say who they are again: a viewer that
        resumes would otherwise keep those that ended too."""
        change = Change(self.clock())
        for agent in self._gone:
            offline = msgspec.structs.replace(agent, status="offline", progress=0.0)
            change.tell("agent_status_update", "agents", agent.id, offline)
        await self.desk.ledger.put(change)

    async def _name_log(self) -> None:
        """The log keeps its id over restarts; a new data directory is another log."""
        known = (await self.store.records("hub")).get("log", {}).get("id")
        self.hub_id = str(known or self.hub_id or uuid.uuid4().hex[:12])
        if not known:
            try:
                await self.store.append(Batch(records={("hub", "log"): {"id": self.hub_id}}))
            except StoreUnavailable as error:  # it will have another name next time, so nobody resumes in it
                log.error("%s", error)

    async def stop(self) -> None:
        """Writes what waits and closes the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.notify.stop()
        await self.desk.ledger.stop()
        await self.store.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.pulse.lag_s = loop.time() - due
            try:
                self._make_good()
                self.tick(self.clock())
                await self._prune()
            except Exception:
                # The tick is the room's heart: one bad record must not stop it for all others.
                log.exception("a tick failed")

    def _make_good(self) -> None:
        """If this process itself stood still (suspended, or blocked), that is no sign of anybody's death."""
        now_s, before_s = self.clock(), self._ticked_s
        if now_s - before_s > TICK_S + self.desk.workers.lease_s / 2:
            self.desk.workers.extend(now_s - before_s - TICK_S)

    async def _prune(self) -> None:
        now_s = self.clock()
        if now_s - self._pruned_s > PRUNE_EVERY_S and not self.refused:
            self._pruned_s = now_s
            change = Change(now_s)
            self.desk.graphs.prune(self.desk.queue.known(), change)
            self.desk.ledger.put(change)
            try:
                await self.store.prune(before_s=now_s - KEEP_S)
            except StoreUnavailable as error:
                log.warning("old events could not be pruned: %s", error)

    def tick(self, now_s: float) -> None:
        """What time alone does: leases end, agents fall silent, estimates move, figures are told."""
        change, self._ticked_s = Change(now_s), now_s
        self.staff.tick(change)
        self.desk.refresh(now_s)
        self.pulse.beat(now_s)

    def _settled(self) -> None:
        """A group of changes has come into force."""
        change = Change(self.clock())
        self.staff.settle(change)
        if change:
            self.desk.ledger.put(change)
        self.desk.refresh(change.at_s)

    def _trouble(self, reason: str) -> None:
        """The store cannot write (reason), or can again ("")."""
        if not reason:
            self._recovered()
            return
        log.error("the store cannot write: %s", reason)
        change = Change(self.clock())
        self.desk.raise_alert(change, "store", "error", "New jobs are refused", reason)
        self.desk.ledger.put(change)

    def _recovered(self) -> None:
        change = Change(self.clock())
        if self.desk.resolve_alert(change, "store"):
            self.desk.log(change, "success", "hub", "the store can write again; new jobs are accepted")
        self.desk.ledger.put(change)

    # --- requests ---

    async def handle(self, session: Session, request: wire.Request) -> dict[str, Any]:
        """Does what is asked; the effect is durable on return. The result has "durable": False while it cannot be.

        Raises InputError when it cannot be done as asked, StoreError when it cannot be kept; nothing has changed then.
        """
        key = f"{session.client}:{request.id}" if request.id and request.type not in REPEATABLE else ""
        if not key:
            return await self._do(session, request, "")
        known = await self._known(key)
        if known is not None:
            return known
        # A task of its own: who asked may leave before the answer, and ask again on coming back.
        doing = self._under_way[key] = asyncio.create_task(self._do(session, request, key))
        doing.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(doing)

    async def _known(self, key: str) -> dict[str, Any] | None:
        """What this request was answered before, if it was."""
        if key not in self._replies and key not in self._under_way:
            stored = await self._stored(key)
            if stored is not None:
                self._replies[key] = stored
        if key in self._under_way:
            return await asyncio.shield(self._under_way[key])
        return self._replies.get(key)

    async def _stored(self, key: str) -> dict[str, Any] | None:
        try:
            return await self.store.reply(key)
        except StoreError as error:
            # Steering goes on; what must not happen twice, a new job, could not be written either.
            log.warning("whether a request was answered before cannot be read: %s", error)
            return None

    async def _do(self, session: Session, request: wire.Request, key: str) -> dict[str, Any]:
        change = Change(self.clock(), request.id)
        if self.refused and request.type in ("submit", "workflow"):
            raise StoreUnavailable(self.refused)
        try:
            result = self.staff.handlers[request.type](session, request.payload, change)
            if isawaitable(result):
                result = await result
        except InputError:
            # What had come of it before the refusal (a job is in hand again, say) is so, and has to be told.
            if change and not change.needed:
                await self.desk.ledger.put(change)
            raise
        if not change.needed:  # what could still come to nothing must not carry what has happened
            self.staff.settle(change)
        if request.type == "register":
            self._presence()  # agents do not watch
        if key and change:
            change.batch.replies[key] = result
        if change and not await self.desk.ledger.put(change):
            result = {**result, "durable": False}
        if key and change:
            self._replies[key] = result
            while len(self._replies) > KEPT_REPLIES:
                self._replies.popitem(last=False)
        return result

    # --- who is here ---

    def joined(self, session: Session) -> None:
        self.desk.sessions[session.id] = session
        if session.user:
            self._present_since.setdefault(session.user, self.clock())
        self._presence()

    def left(self, session: Session) -> None:
        self.desk.sessions.pop(session.id, None)
        worker = self.desk.workers.left(session)
        if worker is not None:
            self.desk.workers.seen(worker.agent.id, self.clock())
        if session.user and not any(one.user == session.user for one in self.desk.sessions.values()):
            self._present_since.pop(session.user, None)
        self._presence()

    def _presence(self) -> None:
        self.pulse.presence(self.desk.sessions.values(), self.clock(), self._present_since)

    # --- what a viewer is shown ---

    def job_view(self, job_id: str) -> show.JobView:
        """Raises UnknownRecord."""
        job: Job = self.desk.queue.get(job_id)
        return self.desk.view(job, self.clock())

    def usage(self, job_id: str) -> Used:
        """What it took, stage by stage; so far, if it has not ended. Raises UnknownRecord."""
        job, tariff = self.desk.queue.get(job_id), self.desk.tariff
        taken = self.staff.meters.so_far(job)
        return Used(job.id, took.usage_view(total(taken), tariff) if taken else None,
                    [took.usage_view(one, tariff) for one in taken])

    async def events(self, after: int, limit: int) -> list[Event]:
        return await self.store.events(after, limit)

    def since(self, seq: int) -> list[Shown] | None:
        """The volatile records that changed at or after durable event `seq`; None when that is too long ago."""
        return scene.since(self.desk, seq, self.clock(), refused=bool(self.refused))

    def initial_state(self) -> show.InitialState:
        """Everything there is on the board."""
        return scene.initial_state(self.board, self.pulse, self.clock(), self.hub_id)
