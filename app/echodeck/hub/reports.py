"""What agents say: who they are, that they live, which job they take, and what happens to it."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import replace
from typing import Any

from .. import wire
from ..errors import BadField, BadFrame
from ..model.engine import EngineInfo
from ..model.facts import (
    CancelledNow,
    Claimed,
    Completed,
    Fact,
    Failed,
    PausedNow,
    Planned,
    Readopted,
    Refused,
    Released,
    ResumedNow,
    StageDone,
    StageStarted,
    Started,
    Stepped,
    WorkerLost,
)
from ..model.job import TERMINAL, Job, JobError, JobState
from ..model.record import LogLine, StepSample
from ..model.transitions import allowed
from ..wire import say, show
from .desk import RECENT_SAMPLES, Desk
from .ledger import Change
from .session import Session
from .workers import Worker

_EVENTS = {PausedNow: "generation_paused", ResumedNow: "generation_resumed", CancelledNow: "generation_cancelled",
           Completed: "generation_complete", Failed: "generation_failed"}
_BACK = {JobState.FAILED: "generation_failed", JobState.CANCELLED: "generation_cancelled",
         JobState.PAUSED: "generation_paused"}
_THEN = {
    JobState.FAILED: "it has failed after too many attempts",
    JobState.CANCELLED: "it is cancelled, as asked",
    JobState.PAUSED: "it stays paused at the front of the queue",
}
_ENDS = (CancelledNow, Completed, Failed)


def _credible(at_s: float, job: Job, change: Change) -> float:
    """A moment as the agent says it, but neither before the attempt began nor still to come: its clock may be wrong,
    and a time beyond all calendars is a record that nobody can be shown."""
    return min(max(at_s, job.started_s or 0.0), change.at_s)


def _why(payload: say.JobReport, otherwise: str) -> str:
    return payload.error.message if payload.error is not None else otherwise


class Reports:
    """Each method is one message type, as in Commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- agents ---

    def register(self, session: Session, payload: say.Register, change: Change) -> dict[str, Any]:
        desk, now_s = self._desk, change.at_s
        agent = desk.workers.register(session, payload, now_s)
        for info in payload.engines:
            self._announce(info, change)
        jobs = [self._still_in_hand(session, held, change) for held in payload.running]
        self._show_agent(agent.id, change, durable=True)
        desk.log(change, "info", agent.id, f"agent on {agent.host} is online with "
                 f"{', '.join(agent.engines) or 'no engine'}")
        settings = desk.settings
        return {"leaseS": settings.lease_s, "heartbeatS": settings.heartbeat_s, "jobs": jobs, "now": now_s}

    def _announce(self, info: EngineInfo, change: Change) -> None:
        if self._desk.board.get("engines", info.name) != info:
            change.batch.records["engines", info.name] = wire.plain(info)
            change.after.append(lambda: self._desk.put("engine_update", "engines", info.name, info, change.at_s))

    def _still_in_hand(self, session: Session, held: say.InHand, change: Change) -> dict[str, Any]:
        job = self._ours(session, held, change)
        if job is None:
            return {"jobId": held.job_id, "action": "abandon", "request": ""}
        # A job that was paused while its worker was away is still running there.
        request = job.request or ("pause" if job.state is JobState.PAUSED else "")
        return {"jobId": job.id, "action": "continue", "request": request}

    def _ours(self, session: Session, held: say.InHand | say.JobReport | say.JobProgress, change: Change) -> Job | None:
        """The job, if this attempt of this worker's is the one that counts; taken back into hand if it was given up.

        Whoever says something of a job lives: its lease is renewed.
        """
        job = self._counted(held.job_id, held.attempt, held.worker_id, change)
        if job is not None:
            self._desk.workers.lease(job.id, session.agent_id, change.at_s)
        return job

    def _check_stage(self, said: say.JobReport | say.JobProgress) -> None:
        """Raises BadField for a stage that the job has not. Asked first: what is refused must not have taken the job
        back into hand."""
        job = self._desk.queue.get(said.job_id) if said.job_id in self._desk.queue else None
        if job is not None and job.attempt == said.attempt and said.index >= len(job.stages):
            raise BadField("index", f"stage {said.index} of a job that has {len(job.stages)} stages")

    def _counted(self, job_id: str, attempt: int, worker_id: str, change: Change) -> Job | None:
        desk = self._desk
        if job_id not in desk.queue:
            return None
        job = desk.queue.get(job_id)
        if job.attempt != attempt:
            return None
        if job.in_hand:
            return job if job.worker_id == worker_id else None
        if not attempt or not allowed(job, Readopted):
            return None
        host = worker_id.split("/")[0]
        _, again = desk.queue.apply(job_id, Readopted(change.at_s, worker_id, host))
        desk.save(again, change)
        if desk.outlooks.read(job_id, change.at_s) is None:
            desk.outlooks.restore(again, [], change.at_s)
        desk.event("generation_paused" if again.state is JobState.PAUSED else "generation_started", again, change)
        desk.resolve_alert(change, f"worker_lost:{job_id}")
        return again

    def heartbeat(self, session: Session, payload: say.Heartbeat, change: Change) -> dict[str, Any]:
        desk, abandon, requests = self._desk, [], []
        self._registered(session)
        desk.workers.seen(session.agent_id, change.at_s)
        held = set(desk.workers.jobs_of(session.agent_id))
        for job_id in payload.jobs:
            if job_id not in held:
                abandon.append(job_id)
                continue
            desk.workers.lease(job_id, session.agent_id, change.at_s)
            job = desk.queue.get(job_id)
            if job.request:
                requests.append({"jobId": job_id, "request": job.request})
        return {"jobs": requests, "abandon": abandon}

    def _registered(self, session: Session) -> Worker:
        worker = self._desk.workers.agents.get(session.agent_id)
        if worker is None:
            raise BadFrame("register first: this connection has not said which agent it is", code="not_registered")
        return worker

    def _show_agent(self, agent_id: str, change: Change, *, durable: bool) -> None:
        worker = self._desk.workers.agents.get(agent_id)
        if worker is None:
            return
        jobs = [job for job in map(self._desk.queue.get, self._desk.workers.jobs_of(agent_id)) if job.in_hand]
        status = "offline" if worker.agent.status == "offline" and worker.session is None else \
            "busy" if jobs else "online"
        worker.agent = replace(worker.agent, status=status, jobs=tuple(job.id for job in jobs),
                               progress=max((job.progress for job in jobs), default=0.0))
        view = show.agent_view(worker.agent)
        if durable:
            change.tell("agent_status_update", "agents", agent_id, view)
        else:
            self._desk.put("agent_status_update", "agents", agent_id, view, change.at_s)

    def show_progress(self, change: Change) -> None:
        """Agents whose jobs got on by a percent or more since they were shown."""
        for agent_id, worker in self._desk.workers.agents.items():
            jobs = [job for job_id in worker.agent.jobs if job_id in self._desk.queue
                    and (job := self._desk.queue.get(job_id)).in_hand]
            if abs(max((job.progress for job in jobs), default=0.0) - worker.agent.progress) >= 1.0:
                self._show_agent(agent_id, change, durable=False)

    # --- jobs ---

    def claim(self, session: Session, payload: say.Claim, change: Change) -> dict[str, Any]:
        worker = self._registered(session)
        desk, now_s = self._desk, change.at_s
        job = desk.queue.next_for(payload.engines)
        if job is None:
            return {"job": None}
        _, taken = desk.queue.apply(job.id, Claimed(now_s, payload.worker_id, worker.agent.host))
        desk.workers.lease(job.id, session.agent_id, now_s)
        desk.outlooks.forget(job.id)
        desk.save(taken, change)
        desk.event("generation_started", taken, change)
        desk.resolve_alert(change, f"worker_lost:{job.id}")
        desk.log(change, "info", payload.worker_id, f"began {taken.spec.title}", job.id)
        self._show_agent(session.agent_id, change, durable=True)
        desk.decided_s = now_s
        return {"job": wire.plain(taken)}

    def job_report(self, session: Session, payload: say.JobReport, change: Change) -> dict[str, Any]:
        if payload.fact in ("stage_started", "stage_done"):
            self._check_stage(payload)
        job = self._ours(session, payload, change)
        if job is None:
            return {"stale": True}
        fact = self._fact(payload, _credible(payload.at_s, job, change))
        # A pause confirmed late, after the job was asked to go on: what follows will say so.
        before, after = self._desk.queue.apply(job.id, fact)
        if after is before:
            return {}
        self._desk.save(after, change)
        if isinstance(fact, Released):
            self._given_back(session, after, change)
            return {}
        self._follow(after, fact, change)
        type_ = _EVENTS.get(type(fact))
        if type_ is None:
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
            case "started":
                return Started(at_s)
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
            change.batch.runs += desk.outlooks.learn(job, change.at_s)
            agent = session.agent_id or job.worker_id
            change.tell("task_completion", "", job.id, show.TaskCompletion(agent, title, job.id))
            desk.log(change, "success", job.worker_id, f"completed {title} {took}", job.id)
            desk.resolve_alert(change, f"failed:{job.id}")
        elif job.error is not None:
            desk.log(change, "error", job.worker_id, f"failed {title}: {job.error.message}", job.id)
            desk.raise_alert(change, f"failed:{job.id}", "error", "Generation failed", f"{title}: {job.error.message}",
                             job_id=job.id, host=job.host)
        else:
            desk.log(change, "warning", job.worker_id, f"cancelled {title} {took}", job.id)
        desk.lost(job, change)
        desk.decided_s = change.at_s
        change.after.append(lambda: self._show_agent(session.agent_id, change, durable=False))

    def job_progress(self, session: Session, payload: say.JobProgress, change: Change) -> dict[str, Any]:
        desk = self._desk
        self._check_stage(payload)
        job = self._ours(session, payload, change)
        if job is None:
            return {"stale": True}
        desk.queue.apply(job.id, Stepped(_credible(payload.at_s, job, change), payload.index, payload.step))
        for stage, step, told_s, duration_s in payload.samples:
            at_s = _credible(told_s, job, change)
            change.batch.steps.append(StepSample(job.id, job.attempt, stage, step, at_s, duration_s))
            desk.outlooks.stepped(job.id, stage, step, at_s, duration_s)
        desk.show_job(self.read(job.id, change), change.at_s)
        return {}

    def job_preview(self, session: Session, payload: say.JobPreview, change: Change) -> dict[str, Any]:
        job = self._desk.queue.get(payload.job_id)
        if job.attempt == payload.attempt and job.in_hand:
            view = show.PreviewView(job_id=job.id, attempt=payload.attempt, step=payload.step,
                                    at=show.iso(change.at_s) or "", image=payload.image)
            self._desk.put("generation_preview", "previews", job.id, view, change.at_s)
        return {}

    def host_metrics(self, session: Session, payload: say.HostMetrics, change: Change) -> dict[str, Any]:
        self._desk.workers.seen(session.agent_id, change.at_s)
        self._desk.put("host_metrics", "hosts", payload.host.name, payload.host, change.at_s)
        self._desk.recent.setdefault(payload.host.name, deque(maxlen=RECENT_SAMPLES)).append(payload.host)
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
        change.after.append(lambda: self._show_agent(session.agent_id, change, durable=False))

    # --- who is not heard from ---

    def lose(self, job_id: str, agent_id: str, change: Change) -> None:
        """A lease has run out: the job goes back to the front of the queue, and people are told."""
        desk = self._desk
        desk.workers.release(job_id)
        if job_id not in desk.queue or not desk.queue.get(job_id).in_hand:
            return
        before = desk.queue.get(job_id)
        worker, silent = before.worker_id, f"was not heard from for {desk.workers.lease_s:.0f} s"
        reason = f"worker {worker} {silent}"
        _, job = desk.queue.apply(job_id, WorkerLost(change.at_s, desk.queue.front(), reason))
        if job.state in TERMINAL:
            desk.lost(job, change)
        desk.save(job, change)
        desk.event(_BACK.get(job.state, "generation_queued"), job, change)
        then = _THEN.get(job.state, "it is queued again, at the front")
        desk.raise_alert(change, f"worker_lost:{job_id}", "warning", "Worker lost",
                         f"{reason}; {job.spec.title}: {then}", job_id=job_id, host=before.host)
        if job.state in TERMINAL:
            desk.resolve_alert(change, f"worker_lost:{job_id}")
        if job.error is not None:
            desk.raise_alert(change, f"failed:{job_id}", "error", "Generation failed",
                             f"{job.spec.title}: {job.error.message}", job_id=job_id, host=before.host)
        desk.decided_s = change.at_s
        desk.offer([job.spec.engine], change.at_s)
        change.after.append(lambda: self._show_agent(agent_id, change, durable=False))

    def offline(self, worker: Worker, change: Change) -> None:
        """An agent that has no connection and is not heard from; its engines, if nobody else has them, are away."""
        worker.agent = replace(worker.agent, status="offline")
        self._show_agent(worker.agent.id, change, durable=True)
        self._desk.log(change, "warning", worker.agent.id, f"agent on {worker.agent.host} is offline")
        self.engines_away(change)

    def engines_away(self, change: Change) -> None:
        driven = {name for worker in self._desk.workers.online() for name in worker.engines}
        known: dict[str, EngineInfo] = self._desk.board.all("engines")
        for info in known.values():
            if info.name not in driven and not info.reason:
                away = replace(info, reason="no agent that has it is online")
                self._desk.put("engine_update", "engines", info.name, away, change.at_s)
