"""What the coordinator is asked: queries about what is to come, and workflows of several jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import wire
from ..errors import BadField
from ..model.job import TERMINAL, Job, JobState
from ..wire import say, show
from .commands import Commands
from .desk import Desk
from .ledger import Change
from .pulse import Pulse
from .session import Session, Shown


@dataclass(frozen=True, slots=True)
class _Workflow:
    id: str
    name: str
    jobs: tuple[str, ...]
    request_id: str | None


class Asks:
    """`query` is answered at once; a `workflow` when the last of its jobs has ended."""

    def __init__(self, desk: Desk, commands: Commands, pulse: Pulse) -> None:
        self._desk, self._commands, self._pulse = desk, commands, pulse
        self._workflows: list[_Workflow] = []

    def query(self, session: Session, payload: say.Query, change: Change) -> dict[str, Any]:
        answer = {"health": self._health, "plan": self._plan, "estimate": self._estimate, "capacity": self._capacity,
                  "why": self._why}[payload.what](session, payload, change.at_s)
        result = show.Result(id=change.request_id, what=payload.what, answer=answer)
        session.tell(Shown("query_result", result, change.at_s))
        return {"answer": answer}

    def _health(self, session: Session, payload: say.Query, now_s: float) -> dict[str, Any]:
        found: dict[str, Any] = wire.plain(self._pulse.status(now_s, self._pulse.metrics(now_s)).stats)
        return found

    def _plan(self, session: Session, payload: say.Query, now_s: float) -> dict[str, Any]:
        self._desk.refresh(now_s)
        waiting = self._desk.queue.waiting()
        looks = [(job, self._desk.outlooks.of(job, place, now_s)) for place, job in enumerate(waiting)]
        update: show.QueueUpdate | None = self._desk.board.get("queue")
        return {"jobs": [{"jobId": job.id, "title": job.spec.title, "start": show.iso(look.start_s),
                          "duration": look.duration_s} for job, look in looks],
                "clearAt": update.clear_at if update else None}

    def _estimate(self, session: Session, payload: say.Query, now_s: float) -> dict[str, Any]:
        if payload.job is not None:
            total = self._desk.outlooks.total(self._commands.make([payload.job], session, now_s)[0])
            return {"eta": total.median_s, "etaLow": total.low_s, "etaHigh": total.high_s}
        view = self._desk.view(self._job(payload), now_s)
        return {"jobId": view.job_id, "eta": view.eta, "etaLow": view.eta_low, "etaHigh": view.eta_high,
                "start": view.expected_start, "duration": view.expected_duration}

    def _capacity(self, session: Session, payload: say.Query, now_s: float) -> dict[str, Any]:
        agents = [{"agent_id": worker.agent.id, "host": worker.agent.host, "slots": worker.agent.slots,
                   "jobs": list(worker.agent.jobs), "engines": sorted(worker.engines)}
                  for worker in self._desk.workers.online() if worker.engines]
        return {"slots": self._desk.workers.slots(), "inHand": len(self._desk.queue.in_hand()), "agents": agents}

    def _why(self, session: Session, payload: say.Query, now_s: float) -> dict[str, Any]:
        job = self._job(payload)
        return {"jobId": job.id, "status": job.state.value, "why": self._reason(job)}

    def _reason(self, job: Job) -> str:
        if job.state in TERMINAL:
            return f"it has ended: {job.state.value}"
        if job.in_hand:
            return f"it is in hand of {job.worker_id}" + (f", asked to {job.request}" if job.request else "")
        if job.state is JobState.PAUSED:
            return f"{job.paused_by or 'somebody'} paused it before it began"
        able = [worker for worker in self._desk.workers.online() if job.spec.engine in worker.engines]
        if not able:
            return f"no agent with the engine {job.spec.engine} is online"
        ahead = sum(one.rank < job.rank for one in self._desk.queue.waiting() if one.state is JobState.PENDING)
        busy = len(self._desk.queue.in_hand())
        return f"{ahead} jobs are before it and {busy} of {self._desk.workers.slots()} slots are taken"

    def _job(self, payload: say.Query) -> Job:
        if not payload.job_id:
            raise BadField("jobId", f"needed for {payload.what!r}" + (", or job" if payload.what == "estimate" else ""))
        return self._desk.queue.get(payload.job_id)

    def workflow(self, session: Session, payload: say.Workflow, change: Change) -> dict[str, Any]:
        jobs = self._commands.make(payload.jobs, session, change.at_s)
        self._commands.accept(jobs, change)
        ids = tuple(job.id for job in jobs)
        flow = _Workflow(f"w{ids[0]}", payload.name, ids, change.request_id)
        change.after.append(lambda: self._workflows.append(flow))
        self._desk.action(change, session, "queued the workflow", jobs[0], f"{payload.name} ({len(jobs)} jobs)")
        return {"workflowId": flow.id, "jobIds": list(ids)}

    def settle(self, change: Change) -> None:
        """Workflows whose last job has ended get their result."""
        for flow in list(self._workflows):
            jobs = [self._desk.queue.get(job_id) for job_id in flow.jobs if job_id in self._desk.queue]
            if all(job.state in TERMINAL for job in jobs):
                self._workflows.remove(flow)
                answer = {"workflowId": flow.id, "name": flow.name, "ok": len(jobs) == len(flow.jobs) and all(
                    job.state is JobState.COMPLETED for job in jobs),
                    "jobs": [{"jobId": job.id, "status": job.state.value} for job in jobs]}
                result = show.Result(id=flow.request_id, what=flow.name, answer=answer)
                change.tell("workflow_result", "", flow.id, result)
