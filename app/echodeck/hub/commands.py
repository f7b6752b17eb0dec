"""What people do: submit, pause, resume, cancel, move, retry, remove, acknowledge, talk."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from .. import wire
from ..errors import BadField, IllegalTransition, UnknownRecord
from ..model.engine import EngineInfo, fit
from ..model.facts import CancelAsked, Moved, PauseAsked, ResumeAsked, RetryAsked
from ..model.job import TERMINAL, Job, JobState
from ..wire import say, show
from .desk import Desk
from .ledger import Change
from .session import Session, Shown

_ASKED: dict[str, type[PauseAsked] | type[ResumeAsked] | type[CancelAsked]] = {
    "pause": PauseAsked, "resume": ResumeAsked, "cancel": CancelAsked,
}
MOST_JOBS = 10_000
"""Not-ended jobs that the hub accepts."""
MAX_SEED = 2**32


class Commands:
    """Each method is one message type: session, payload and the change to fill in; returns the ack's result."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- new jobs ---

    def submit(self, session: Session, payload: say.Submit, change: Change) -> dict[str, Any]:
        jobs = self.make([payload], session, change.at_s)
        self.accept(jobs, change)
        self._desk.action(change, session, "queued", jobs[0], f"({len(jobs)} jobs)" if len(jobs) > 1 else "")
        views = [wire.plain(self._desk.view(job, change.at_s)) for job in jobs]
        return {"jobIds": [job.id for job in jobs], "jobs": views}

    def make(self, payloads: list[say.Submit], session: Session, now_s: float) -> list[Job]:
        """The jobs asked for, all of them or none. Raises BadField."""
        jobs: list[Job] = []
        for payload in payloads:
            info, given = self._engine(payload), say.given(payload)
            priority = say.priority(payload.priority)
            first = fit(info, given)
            ranks = self._desk.queue.ranks_for(priority, payload.count, beside=jobs)
            for number, rank in enumerate(ranks):
                spec = replace(first, seed=(first.seed + number) % MAX_SEED)
                jobs.append(Job(id=uuid.uuid4().hex[:12], spec=spec, priority=priority, rank=rank,
                                user=payload.user or session.user, created_s=now_s))
        open_ = self._desk.queue.open()
        if open_ + len(jobs) > MOST_JOBS:
            raise BadField("count", f"{open_:,} jobs wait already and {MOST_JOBS:,} are the most; let some end first")
        return jobs

    def accept(self, jobs: list[Job], change: Change) -> None:
        """They are in the queue as soon as they are durable, not before: nobody works on what could be lost."""
        change.needed = True
        self._desk.queue.expect(jobs)
        change.undo.append(lambda: self._desk.queue.unexpect(jobs))
        for job in jobs:
            change.batch.jobs[job.id] = job
            self._desk.event("generation_queued", job, change)

        def insert() -> None:
            again = Change(self._desk.clock())
            again.batch.jobs.update({job.id: job for job in self._desk.queue.arrive(jobs)})
            self._spread(again)
            self._desk.ledger.put(again)
            self._desk.offer((job.spec.engine for job in jobs), change.at_s)

        change.after.append(insert)

    def _engine(self, payload: say.Submit) -> EngineInfo:
        known: dict[str, EngineInfo] = self._desk.board.all("engines")
        name = payload.engine or self._desk.settings.engine
        if not payload.engine and name not in known and len(known) == 1:
            name = next(iter(known))
        info = known.get(name)
        if info is None:
            there = f"use one of {', '.join(sorted(known))}" if known else "no agent has announced an engine yet: " \
                                                                             "start one with `echodeck agent`"
            raise BadField("engine", f"unknown engine {name[:80]!r}; {there}")
        return info

    # --- jobs there are ---

    def generation_command(self, session: Session, payload: say.GenerationCommand, change: Change) -> dict[str, Any]:
        before, job = self._desk.queue.apply(payload.job_id, _ASKED[payload.command](change.at_s, session.user))
        if job is before:  # it is so already, or was asked for already
            return {"job": wire.plain(self._desk.view(job, change.at_s))}
        self._desk.save(job, change)
        done = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[payload.command]
        if job.state is not before.state:
            self._desk.event(f"generation_{done}", job, change)
            if job.state is JobState.PENDING:
                self._desk.offer([job.spec.engine], change.at_s)
            elif job.state in TERMINAL:
                self._desk.lost(job, change)
                self._desk.resolve_alert(change, f"worker_lost:{job.id}")
        else:
            self._desk.tell_worker(job, change.at_s)
            self._desk.show_job(job, change.at_s)
        self._desk.action(change, session, done, job)
        return {"job": wire.plain(self._desk.view(job, change.at_s))}

    def move(self, session: Session, payload: say.Move, change: Change) -> dict[str, Any]:
        rank = self._desk.queue.rank_of_move(payload)
        before = self._desk.queue.get(payload.job_id)
        where = payload.direction or (f"to place {payload.place}" if payload.place is not None else
                                      f"{'before' if payload.before else 'after'} {payload.before or payload.after}")
        return self._place(session, before, rank, before.priority, change, f"moved {where}")

    def set_priority(self, session: Session, payload: say.SetPriority, change: Change) -> dict[str, Any]:
        priority = say.priority(payload.priority)
        job = self._desk.queue.get(payload.job_id)
        rank = self._desk.queue.ranks_for(priority, without=job.id)[0]
        return self._place(session, job, rank, priority, change, f"set priority {payload.priority}")

    def _place(self, session: Session, job: Job, rank: float, priority: int, change: Change,
               what: str) -> dict[str, Any]:
        _, moved = self._desk.queue.apply(job.id, Moved(change.at_s, rank, priority, session.user))
        self._desk.save(moved, change)
        self._spread(change)
        self._desk.show_job(self._desk.queue.get(job.id), change.at_s)
        self._desk.action(change, session, what, moved)
        return self.order(change.at_s)

    def _spread(self, change: Change) -> None:
        """Ranks that have come too close are spread out, and those jobs written again with this change."""
        change.batch.jobs.update({job.id: job for job in self._desk.queue.spread()})

    def order(self, now_s: float) -> dict[str, Any]:
        """The queue as it is now."""
        self._desk.refresh(now_s)
        queue: dict[str, Any] = wire.plain(self._desk.board.get("queue"))
        return {"queue": queue}

    def retry(self, session: Session, payload: say.JobRef, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        rank = self._desk.queue.ranks_for(job.priority)[0]
        _, again = self._desk.queue.apply(job.id, RetryAsked(change.at_s, rank, session.user))
        self._desk.save(again, change)
        self._spread(change)
        again = self._desk.queue.get(job.id)
        self._desk.event("generation_queued", again, change)
        self._desk.resolve_alert(change, f"failed:{job.id}")
        self._desk.action(change, session, "retried", again)
        self._desk.offer([again.spec.engine], change.at_s)
        return {"job": wire.plain(self._desk.view(again, change.at_s))}

    def remove(self, session: Session, payload: say.JobRef, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        if job.in_hand:
            raise IllegalTransition("command: cannot remove a job that a worker has in hand (cancel it first)")
        self._drop(job, change)
        self._desk.action(change, session, "removed", job)
        return {"jobId": job.id}

    def clear_completed(self, session: Session, payload: say.Nothing, change: Change) -> dict[str, Any]:
        """Takes the completed jobs off the list; failed and cancelled ones stay until removed."""
        done = [job for job in self._desk.queue.all() if job.state is JobState.COMPLETED]
        for job in done:
            self._drop(job, change)
        if done:
            self._desk.action(change, session, f"cleared {len(done)} completed jobs")
        return {"cleared": len(done)}

    def _drop(self, job: Job, change: Change) -> None:
        self._desk.queue.remove(job.id)
        self._desk.lost(job, change)
        if job.state in TERMINAL:  # off the list, but what was done stays in the history
            change.batch.jobs[job.id] = replace(job, removed=True)
        else:
            change.batch.removed.append(job.id)
        change.tell(wire.REMOVED, "jobs", job.id, {"jobId": job.id})
        change.after.append(lambda: self._desk.board.forget("previews", job.id))
        for cause in ("failed", "worker_lost"):
            self._desk.resolve_alert(change, f"{cause}:{job.id}")

    # --- the rest ---

    def acknowledge_alert(self, session: Session, payload: say.AlertRef, change: Change) -> dict[str, Any]:
        alert = next((one for one in self._desk.alerts.values() if one.id == payload.alert_id), None)
        if alert is None:
            raise UnknownRecord("alert", payload.alert_id)
        known = self._desk.acknowledge(change, alert, session.user or "somebody")
        return {"alert": wire.plain(show.alert_view(known))}

    def communicate(self, session: Session, payload: say.Communicate, change: Change) -> dict[str, Any]:
        source = session.user or session.agent_id or "somebody"
        message = show.Communication(source=source, message=payload.message, level=payload.level, id=uuid.uuid4().hex,
                                     to=payload.to, job_id=payload.job_id, at=show.iso(change.at_s))
        change.tell("communication", "messages", message.id, message)
        self._desk.keep("messages", message.id)
        return {"id": message.id}

    def subscribe_generation(self, session: Session, payload: say.JobRef, change: Change) -> dict[str, Any]:
        session.jobs.add(payload.job_id)
        if payload.job_id in self._desk.queue:
            job = self._desk.queue.get(payload.job_id)
            view = self._desk.view(job, change.at_s)
            session.tell(Shown("generation_progress", view, change.at_s, "jobs", job.id))
        return {}

    def request_system_status(self, session: Session, payload: say.Nothing, change: Change) -> dict[str, Any]:
        session.tell(Shown("system_status", self._desk.board.get("status"), change.at_s))
        return {}

    def request_queue_status(self, session: Session, payload: say.Nothing, change: Change) -> dict[str, Any]:
        self._desk.refresh(change.at_s)
        session.tell(Shown("queue_update", self._desk.board.get("queue"), change.at_s))
        return {}
