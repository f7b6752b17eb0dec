"""What people do with the jobs there are: pause, resume, cancel, skip, move, retry, remove; acknowledge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import wire
from ..brain.words import many, span
from ..errors import BadField, IllegalTransition, UnknownRecord
from ..model.engine import EngineInfo
from ..model.facts import CancelAsked, Moved, PauseAsked, ResumeAsked, RetryAsked
from ..model.job import TERMINAL, Job, JobState
from ..model.transitions import story
from ..wire import say, show
from . import troubles
from .desk import Desk
from .foreign import Foreign
from .ledger import Change
from .session import Session, Shown

_ASKED: dict[str, type[PauseAsked] | type[ResumeAsked] | type[CancelAsked]] = {
    "pause": PauseAsked, "resume": ResumeAsked, "cancel": CancelAsked,
}


class Commands:
    """Each method is one message type: session, payload and the change to fill in; returns the ack's result."""

    def __init__(self, desk: Desk, foreign: Foreign) -> None:
        self._desk, self._foreign = desk, foreign

    def generation_command(self, session: Session, payload: say.GenerationCommand, change: Change) -> dict[str, Any]:
        before = self._desk.queue.get(payload.job_id)
        self._refuse(before, payload.command)
        if payload.command == "skip":
            return self._skip(session, before, change)
        _, job = self._desk.queue.apply(before.id, _ASKED[payload.command](change.at_s, session.user))
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
                troubles.settled(self._desk, job.id, change)
        else:
            self._desk.tell_worker(job, change.at_s)
            self._desk.show_job(job, change.at_s)
        self._desk.action(change, session, done, job)
        return {"job": wire.plain(self._desk.view(job, change.at_s))}

    def move(self, session: Session, payload: say.Move, change: Change) -> dict[str, Any]:
        before = self._desk.queue.get(payload.job_id)
        self._refuse(before, "move")
        where = payload.direction or (f"to place {payload.place}" if payload.place is not None else
                                      f"{'before' if payload.before else 'after'} {payload.before or payload.after}")
        if before.foreign:
            self._foreign.ask_place(session, before, payload, change)
            self._desk.action(change, session, f"asked to move {where}", before)
            return self.order(change.at_s)
        self._desk.queue.rank_of_move(payload)  # what is refused must leave the queue as it stands
        # Who moves a job moves it among the others as they are shown.
        self._desk.lay(change)
        rank = self._desk.queue.rank_of_move(payload)
        return self._place(session, before, rank, before.priority, change, f"moved {where}")

    def _refuse(self, job: Job, command: str) -> None:
        """Raises IllegalTransition, with the reason, for what is known to be impossible."""
        if why := self._desk.impossible(job, command):
            raise IllegalTransition(f"command: cannot {command} {job.spec.title}, because {why}", story(job))

    def _skip(self, session: Session, job: Job, change: Change) -> dict[str, Any]:
        view = self._desk.view(job, change.at_s)
        if "skip" not in view.extras:
            why = f"{job.spec.engine} skips no pictures" if view.status == "running" else "it is not running"
            raise IllegalTransition(f"command: cannot skip a picture of {job.spec.title}: {why}", story(job))
        self._foreign.tell(job, "skip", change)
        self._desk.action(change, session, "skipped a picture of", job)
        return {"job": wire.plain(view)}

    def engine_command(self, session: Session, payload: say.EngineCommand, change: Change) -> dict[str, Any]:
        """Tells the agents that have the engine to let go of its models."""
        info: EngineInfo | None = self._desk.board.get("engines", payload.engine)
        if info is None:
            raise UnknownRecord("engine", payload.engine)
        if payload.command not in info.extras:
            raise IllegalTransition(f"command: engine {info.name} keeps no models that could be let go")
        if info.reason:
            raise IllegalTransition(f"command: engine {info.name} cannot be asked: {info.reason}")
        order = show.EngineOrder(engine=info.name, command=payload.command)
        self._desk.workers.rouse(info.name, Shown("engine_order", order, change.at_s))
        self._desk.freed(info.name)
        self._desk.action(change, session, f"freed the memory of {info.name}")
        return {}

    def set_priority(self, session: Session, payload: say.SetPriority, change: Change) -> dict[str, Any]:
        priority = say.priority(payload.priority)
        job = self._desk.queue.get(payload.job_id)
        if job.foreign:
            raise IllegalTransition("command: cannot set the priority of a job that is not in echodeck's own queue",
                                    story(job))
        rank = self._desk.queue.ranks_for(priority, without=job.id)[0]
        return self._place(session, job, rank, priority, change, f"set priority {payload.priority}")

    def _place(self, session: Session, job: Job, rank: float, priority: int, change: Change,
               what: str) -> dict[str, Any]:
        _, moved = self._desk.queue.apply(job.id, Moved(change.at_s, rank, priority, session.user or "somebody"))
        self._desk.save(moved, change)
        self._desk.spread(change)
        self._desk.show_job(self._desk.queue.get(job.id), change.at_s)
        self._desk.action(change, session, what, moved)
        return self.order(change.at_s)

    def order(self, now_s: float) -> dict[str, Any]:
        """The queue as it is now."""
        self._desk.refresh(now_s)
        queue: dict[str, Any] = wire.plain(self._desk.board.get("queue"))
        return {"queue": queue}

    def retry(self, session: Session, payload: say.JobRef, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        self._refuse(job, "retry")
        rank = self._desk.queue.ranks_for(job.priority)[0]
        _, again = self._desk.queue.apply(job.id, RetryAsked(change.at_s, rank, session.user))
        self._desk.save(again, change)
        self._desk.spread(change)
        again = self._desk.queue.get(job.id)
        self._desk.event("generation_queued", again, change)
        troubles.settled(self._desk, job.id, change)
        self._desk.action(change, session, "retried", again)
        self._desk.offer([again.spec.engine], change.at_s)
        return {"job": wire.plain(self._desk.view(again, change.at_s))}

    def remove(self, session: Session, payload: say.JobRef, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        if job.kept:
            who = "waits in another program's queue" if job.foreign and not job.in_hand else "a worker has in hand"
            raise IllegalTransition(f"command: cannot remove a job that {who} (cancel it first)")
        self._drop(job, change)
        self._desk.action(change, session, "removed", job)
        return {"jobId": job.id}

    def clear_completed(self, session: Session, payload: say.Nothing, change: Change) -> dict[str, Any]:
        """Takes the completed jobs off the list; failed and cancelled ones stay until removed."""
        done = [job for job in self._desk.queue.all() if job.state is JobState.COMPLETED]
        for job in done:
            self._drop(job, change)
        if done:
            self._desk.action(change, session, f"cleared {many(len(done), 'completed job')}")
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
        troubles.settled(self._desk, job.id, change)

    # --- the rest ---

    def silence_alert(self, session: Session, payload: say.SilenceAlert, change: Change) -> dict[str, Any]:
        if bool(payload.alert_id) == bool(payload.cause):
            raise BadField("alertId", "give either alertId or cause")
        alert = next((one for one in self._desk.alerts.values()
                      if payload.alert_id in (one.id, "") and payload.cause in (one.cause, "")), None)
        if alert is None:
            raise UnknownRecord("alert", payload.alert_id or payload.cause)
        until_s = change.at_s + payload.seconds if payload.seconds else None
        known = self._desk.silence(change, alert, session.user or "somebody", until_s)
        what = f"silenced for {span(payload.seconds)}:" if payload.seconds else "lets call again:"
        self._desk.action(change, session, what, detail=alert.title)
        return {"alert": wire.plain(show.alert_view(known))}

    def acknowledge_alert(self, session: Session, payload: say.AlertRef, change: Change) -> dict[str, Any]:
        alert = next((one for one in self._desk.alerts.values() if one.id == payload.alert_id), None)
        if alert is None:
            raise UnknownRecord("alert", payload.alert_id)
        known = self._desk.acknowledge(change, alert, session.user or "somebody")
        return {"alert": wire.plain(show.alert_view(known))}

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
