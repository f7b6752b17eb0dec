"""Messages between people, agents, scripts and jobs: told to everybody who watches, brought to whom they are for.

Agents and scripts do not listen to everything, so what is for one of them (by its id, its machine's name, or a job that
it has in hand) is told to its connection besides. While it is away such a message is kept, over restarts of the hub
too, and brought when it is back: at least once, so a receiver knows a message by its id. One to a name that nobody has
is kept as well, as its agent may be yet to come, and who says it is told which names there are. Every message also
stays in the log, where it can be looked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .. import wire
from ..wire import say, show
from .desk import Desk
from .ledger import Change
from .session import Session, Shown
from .workers import Worker

MOST_HELD = 500
"""Messages that wait for somebody who is away; beyond, the oldest is not brought any more (it stays in the log)."""
KIND = "mail"
MOST_NAMES = 20
"""Told to who said something to a name that nobody has."""


class Post:
    """`communicate` is a message type, as in Commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held: dict[str, show.Communication] = {}
        """By id, oldest first."""

    def restore(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        held = [msgspec.convert(record, show.Communication) for record in records.values()]
        self._held = {one.id: one for one in sorted(held, key=lambda one: one.at or "")}

    def communicate(self, session: Session, payload: say.Communicate, change: Change) -> dict[str, Any]:
        source = session.user or session.agent_id or "somebody"
        message = show.Communication(source=source, message=payload.message, level=payload.level, id=uuid.uuid4().hex,
                                     to=payload.to, job_id=payload.job_id, at=show.iso(change.at_s))
        change.tell("communication", "messages", message.id, message)
        self._desk.keep("messages", message.id)
        reached = [worker for worker in self._meant(message) if worker.session is not session]
        there = [worker for worker in reached if worker.session is not None]
        change.after.append(lambda: self._bring(message, there, change.at_s))
        held = not there and self._waited_for(message, reached)
        if held:
            self._hold(message, change)
        names = self._names() if payload.to else {}
        told = [] if payload.to in names else list(names)[:MOST_NAMES]
        return {"id": message.id, "delivered": len(there), "held": held, "names": told}

    def _names(self) -> dict[str, None]:
        """Everybody that a message can be for, as far as is known: machines, agents, people."""
        agents: Mapping[str, show.AgentView] = self._desk.board.all("agents")
        told = [one for one in agents.values() if one.metadata["kind"] != "script"]
        hosts = sorted({*self._desk.board.all("hosts"), *(str(one.metadata["host"]) for one in told)})
        scripts = [one.id for one in agents.values() if one.metadata["kind"] == "script"]
        people = sorted({*(one.user for one in self._desk.sessions.values()),
                         *(job.user for job in self._desk.queue.known())})
        return dict.fromkeys(name for name in (*hosts, *(one.id for one in told), *people, *scripts) if name)

    def deliver(self, session: Session, jobs: Iterable[str], change: Change) -> None:
        """An agent is (back) here, with these jobs in hand: it gets what was kept for it."""
        worker = self._desk.workers.agents[session.agent_id]
        names = {worker.agent.id, worker.agent.host}
        mine = set(jobs)
        for message in [one for one in self._held.values() if one.to in names or (not one.to and one.job_id in mine)]:
            del self._held[message.id]
            change.batch.records[KIND, message.id] = None
            session.tell(Shown("communication", message, change.at_s, "messages", message.id))

    def _meant(self, message: show.Communication) -> list[Worker]:
        """The agents that it is for; of those that a job names, the one that has it in hand."""
        workers = self._desk.workers
        if message.to:
            return [one for one in workers.agents.values() if message.to in (one.agent.id, one.agent.host)]
        if message.job_id:
            holder = workers.holder(message.job_id)
            return [holder] if holder is not None else []
        return list(workers.agents.values())

    def _waited_for(self, message: show.Communication, meant: list[Worker]) -> bool:
        """Whether somebody may come back for it: people see all there is on their pages."""
        watching = {one.user for one in self._desk.sessions.values()}
        return (bool(message.to) and message.to not in watching) or bool(message.job_id and meant)

    def _bring(self, message: show.Communication, workers: Iterable[Worker], at_s: float) -> None:
        for worker in workers:
            if worker.session is not None:
                worker.session.tell(Shown("communication", message, at_s, "messages", message.id))

    def _hold(self, message: show.Communication, change: Change) -> None:
        self._held[message.id] = message
        change.batch.records[KIND, message.id] = wire.plain(message)
        while len(self._held) > MOST_HELD:
            oldest = next(iter(self._held))
            del self._held[oldest]
            change.batch.records[KIND, oldest] = None
