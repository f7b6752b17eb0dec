"""What agents say of jobs: which one they take, and what happens to it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from .. import wire
from ..model.facts import (
    CancelledNow,
    Claimed,
    Completed,
    Fact,
    Failed,
    Judged,
    Measured,
    PausedNow,
    Planned,
    Refused,
    Released,
    Rerouted,
    ResumedNow,
    StageDone,
    StageStarted,
    Stepped,
    WorkerLost,
)
from ..model.job import TERMINAL, Job, JobError, JobState
from ..model.record import LogLine, StepSample
from ..wire import say, show
from . import troubles
from .desk import Desk
from .foresight import Foresight
from .hands import Hands
from .ledger import Change
from .mending import Mending
from .session import Session
from .verdicts import Verdicts

_EVENTS = {PausedNow: "generation_paused", ResumedNow: "generation_resumed", CancelledNow: "generation_cancelled",
           Completed: "generation_complete", Failed: "generation_failed"}
_BACK = {JobState.FAILED: "generation_failed", JobState.CANCELLED: "generation_cancelled",
         JobState.PAUSED: "generation_paused"}
_ENDS = (CancelledNow, Completed, Failed)


def _credible(at_s: float, job: Job, change: Change) -> float:
    """A moment as the agent says it, but neither before the attempt began nor still to come: its clock may be wrong,
    and a time beyond all calendars is a record that nobody can be shown."""
    return min(max(at_s, job.started_s or 0.0), change.at_s)


def _why(payload: say.JobReport, otherwise: str) -> str:
    return payload.error.message if payload.error is not None else otherwise


class Reports:
    """Each method is one message type, as in Commands."""

    def __init__(self, desk: Desk, hands: Hands, mending: Mending, foresight: Foresight, verdicts: Verdicts) -> None:
        self._desk, self._hands, self._mending, self._foresight = desk, hands, mending, foresight
        self._verdicts = verdicts

    # --- jobs ---

    def claim(self, session: Session, payload: say.Claim, change: Change) -> dict[str, Any]:
        worker = self._hands.registered(session)
        desk, now_s = self._desk, change.at_s
        if not payload.beside:
            desk.workers.name_slot(session.agent_id, payload.worker_id, payload.engines)
        job = desk.next_for(payload, change)
        if job is None:
            return {"job": None}
        _, taken = desk.queue.apply(job.id, Claimed(now_s, payload.worker_id, worker.agent.host))
        desk.workers.lease(job.id, session.agent_id, now_s)
        desk.outlooks.forget(job.id)
        desk.save(taken, change)
        desk.event("generation_started", taken, change)
        troubles.settled(desk, job.id, change)
        desk.log(change, "info", payload.worker_id, f"began {taken.spec.title}", job.id)
        self._hands.show_agent(session.agent_id, change, durable=True)
        desk.decided_s = now_s
        return {"job": wire.plain(desk.graphs.whole(taken))}

    def job_report(self, session: Session, payload: say.JobReport, change: Change) -> dict[str, Any]:
        if payload.fact == "judged":
            return self._verdicts.take(payload, change)
        if payload.fact in ("stage_started", "stage_done"):
            self._hands.check_stage(payload)
        job = self._hands.ours(session, payload, change)
        if job is None:
            return {"stale": True}
        if payload.fact == "lost":
            why = _why(payload, "the server has forgotten it")
            self.lose(job.id, session.agent_id, change, why)
            return {}
        fact = self._fact(payload, _credible(payload.at_s, job, change))
        if isinstance(fact, Failed):
            fact = self._mending.consider(job, fact)
        # A pause confirmed late, after the job was asked to go on: what follows will say so.
        before, after = self._desk.queue.apply(job.id, fact)
        if after is before:
            return {}
        self._desk.save(after, change)
        if isinstance(fact, Released):
            self._given_back(session, after, change)
            return {}
        if isinstance(fact, Rerouted):
            self._mending.carry_out(before, after, fact, change)
            change.after.append(lambda: self._hands.show_agent(session.agent_id, change, durable=False))
            return {}
        self._follow(after, fact, change)
        type_ = _EVENTS.get(type(fact))
        if isinstance(fact, Refused):
            self._refused(after, fact, change)
        elif type_ is None:
            self._desk.show_job(after, change.at_s)
        elif after.state is not before.state or isinstance(fact, _ENDS):
            self._desk.event(type_, after, change)
        else:
            self._desk.show_job(after, change.at_s)
        if isinstance(fact, _ENDS):
            self._ended(session, after, change)
        return {}

    def _fact(self, payload: say.JobReport, at_s: float) -> Fact:
        match payload.fact:
            case "planned":
                return Planned(at_s, tuple(payload.stages))
            case "stage_started":
                return StageStarted(at_s, payload.index)
            case "stage_done":
                return StageDone(at_s, payload.index, payload.duration_s, payload.skipped)
            case "paused":
                return PausedNow(at_s)
            case "resumed":
                return ResumedNow(at_s)
            case "cancelled":
                return CancelledNow(at_s)
            case "completed":
                return Completed(at_s, tuple(payload.outputs))
            case "released":
                return Released(at_s)
            case "refused":
                return Refused(at_s, payload.command, _why(payload, "it cannot be done"))
            case "lost":
                return WorkerLost(at_s, self._desk.queue.front(), _why(payload, "the server has forgotten it"))
            case "judged":
                return Judged(at_s, tuple(payload.verdicts))
            case "failed":
                return Failed(at_s, payload.error or JobError("engine_error", "the agent gave no reason"))

    def _follow(self, job: Job, fact: Fact, change: Change) -> None:
        """The estimate learns what happened."""
        outlooks = self._desk.outlooks
        match fact:
            case Planned(at_s):
                outlooks.planned(job, at_s)
            case StageStarted(at_s, index):
                outlooks.stage_started(job.id, index, at_s)
            case StageDone(at_s, index, duration_s):
                outlooks.stage_done(job.id, index, at_s, duration_s)
            case PausedNow(at_s):
                outlooks.paused(job.id, at_s)
            case ResumedNow(at_s):
                outlooks.resumed(job.id, at_s)
            case _:
                return
        self.read(job.id, change)

    def read(self, job_id: str, change: Change) -> Job:
        """The job with its progress as the estimate has it now; progress never falls."""
        desk = self._desk
        job, reading = desk.queue.get(job_id), desk.outlooks.read(job_id, change.at_s)
        if reading is None or not job.in_hand:
            return job
        if reading.progress > job.progress:
            job = replace(job, progress=reading.progress)
            desk.queue.put(job)
        if job.state is JobState.RUNNING and (kept := desk.outlooks.sample(job_id, reading, change.at_s)) is not None:
            change.batch.estimates.append(kept)
        return job

    def _ended(self, session: Session, job: Job, change: Change) -> None:
        desk = self._desk
        took = f"in {job.elapsed_s(change.at_s):.1f} s"
        title = job.spec.title
        if job.state is JobState.COMPLETED:
            self._foresight.ended(job, change)
            change.batch.runs += desk.outlooks.learn(job, change.at_s)
            agent = session.agent_id or job.worker_id
            change.tell("task_completion", "", job.id, show.TaskCompletion(agent, title, job.id))
            desk.log(change, "success", job.worker_id, f"completed {title} {took}", job.id)
            troubles.worked(desk, job, change)
        elif job.error is not None:
            desk.log(change, "error", job.worker_id, f"failed {title}: {job.error.message}", job.id)
            troubles.failed(desk, job, job.host, change)
        else:
            desk.log(change, "warning", job.worker_id, f"cancelled {title} {took}", job.id)
        desk.lost(job, change)
        desk.decided_s = change.at_s
        change.after.append(lambda: self._hands.show_agent(session.agent_id, change, durable=False))

    def job_progress(self, session: Session, payload: say.JobProgress, change: Change) -> dict[str, Any]:
        desk = self._desk
        self._hands.check_stage(payload)
        job = self._hands.ours(session, payload, change)
        if job is None:
            return {"stale": True}
        at_s = _credible(payload.at_s, job, change)
        if payload.step:
            desk.queue.apply(job.id, Stepped(at_s, payload.index, payload.step))
        if payload.metrics:
            desk.queue.apply(job.id, Measured(at_s, payload.metrics))
        for stage, step, told_s, duration_s in payload.samples:
            at_s = _credible(told_s, job, change)
            change.batch.steps.append(StepSample(job.id, job.attempt, stage, step, at_s, duration_s))
            desk.outlooks.stepped(job.id, stage, step, at_s, duration_s)
            desk.stepped(job, stage, step, duration_s)
        desk.show_job(self.read(job.id, change), change.at_s)
        return {}

    def job_preview(self, session: Session, payload: say.JobPreview, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        if job.attempt == payload.attempt and job.in_hand:
            view = show.PreviewView(job_id=job.id, attempt=payload.attempt, step=payload.step,
                                    at=show.iso(change.at_s) or "", image=payload.image)
            self._desk.put("generation_preview", "previews", job.id, view, change.at_s)
        return {}

    def log(self, session: Session, payload: say.Log, change: Change) -> dict[str, Any]:
        desk = self._desk
        line = LogLine(uuid.uuid4().hex, min(payload.at_s or change.at_s, change.at_s), payload.level,
                       payload.source, payload.message, payload.job_id)
        change.tell("log", "logs", line.id, show.log_view(line))
        desk.keep("logs", line.id)
        return {}

    def _given_back(self, session: Session, job: Job, change: Change) -> None:
        """A worker that stops in good order: the job waits where it was, for another or for the next start."""
        desk = self._desk
        desk.lost(job, change)
        desk.event(_BACK.get(job.state, "generation_queued"), job, change)
        desk.log(change, "info", session.agent_id, f"stopped, and gave back {job.spec.title}", job.id)
        desk.offer([job.spec.engine], change.at_s)
        change.after.append(lambda: self._hands.show_agent(session.agent_id, change, durable=False))

    def _refused(self, job: Job, fact: Refused, change: Change) -> None:
        """What somebody asked cannot be done: they are told, and the job goes on."""
        desk = self._desk
        said = f"cannot {fact.command} {job.spec.title}: {fact.reason}"
        desk.log(change, "warning", job.worker_id, said, job.id)
        message = show.Communication(source=job.worker_id, message=said, level="warning", id=uuid.uuid4().hex,
                                     job_id=job.id, at=show.iso(change.at_s))
        change.tell("communication", "messages", message.id, message)
        desk.keep("messages", message.id)
        desk.show_job(job, change.at_s)

    # --- who is not heard from ---

    def silent(self, job_id: str, agent_id: str, change: Change) -> None:
        """A lease has run out."""
        desk = self._desk
        desk.workers.release(job_id)
        if job_id in desk.queue and (job := desk.queue.get(job_id)).kept:
            who = job.worker_id if job.foreign else f"worker {job.worker_id}"
            self.lose(job_id, agent_id, change, f"{who} was not heard from for {desk.workers.lease_s:.0f} s")

    def lose(self, job_id: str, agent_id: str, change: Change, reason: str) -> None:
        """Nobody has it in hand any more: one of ours goes to the front of the queue, and people are told."""
        desk = self._desk
        before = desk.queue.get(job_id)
        _, job = desk.queue.apply(job_id, WorkerLost(change.at_s, desk.queue.front(), reason))
        desk.workers.release(job_id)
        if job.state in TERMINAL:
            desk.lost(job, change)
        desk.save(job, change)
        desk.event(_BACK.get(job.state, "generation_queued"), job, change)
        if job.error is not None:
            troubles.failed(desk, job, before.host, change)
        elif job.state not in TERMINAL:
            troubles.lost(desk, job, before.host, reason, change)
        desk.decided_s = change.at_s
        desk.offer([job.spec.engine], change.at_s)
        change.after.append(lambda: self._hands.show_agent(agent_id, change, durable=False))
