"""What the coordinator is asked: queries about what is to come, and workflows of several jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from .. import wire
from ..errors import BadField
from ..model.job import TERMINAL, Job, JobState
from ..wire import say, show
from .desk import Desk
from .intake import Intake
from .ledger import Change
from .pulse import Pulse
from .session import Session, Shown

REMOVED = "removed"
"""What became of a job that was taken off the list before it ended."""


@dataclass(slots=True)
class _Workflow:
    """`jobs` are their ids in order, each with the state that was seen last."""

    id: str
    name: str
    jobs: dict[str, str]
    request_id: str | None


class Asks:
    """`query` is answered at once; a `workflow` when the last of its jobs has ended."""

    def __init__(self, desk: Desk, intake: Intake, pulse: Pulse) -> None:
        self._desk, self._intake, self._pulse = desk, intake, pulse
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
            total = self._desk.outlooks.total(self._intake.make([payload.job], session, Change(now_s))[0])
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
        jobs = self._intake.make(payload.jobs, session, change)
        self._intake.accept(jobs, change)
        ids = [job.id for job in jobs]
        flow = _Workflow(f"w{ids[0]}", payload.name, dict.fromkeys(ids, jobs[0].state.value), change.request_id)
        change.batch.records["workflows", flow.id] = wire.plain(flow)
        change.after.append(lambda: self._workflows.append(flow))
        self._desk.action(change, session, "queued the workflow", jobs[0], f"{payload.name} ({len(jobs)} jobs)")
        return {"workflowId": flow.id, "jobIds": ids}

    def restore(self, records: Iterable[dict[str, Any]]) -> None:
        """Those that had not ended when the hub did."""
        self._workflows = [msgspec.convert(record, _Workflow) for record in records]

    def settle(self, change: Change) -> None:
        """Workflows whose last job has ended get their result."""
        for flow in list(self._workflows):
            for job_id, seen in flow.jobs.items():
                if job_id in self._desk.queue:
                    flow.jobs[job_id] = self._desk.queue.get(job_id).state.value
                elif seen not in TERMINAL:
                    flow.jobs[job_id] = REMOVED
            if all(seen in TERMINAL or seen == REMOVED for seen in flow.jobs.values()):
                self._workflows.remove(flow)
                change.batch.records["workflows", flow.id] = None
                answer = {"workflowId": flow.id, "name": flow.name,
                          "ok": all(seen == JobState.COMPLETED for seen in flow.jobs.values()),
                          "jobs": [{"jobId": job_id, "status": seen} for job_id, seen in flow.jobs.items()]}
                result = show.Result(id=flow.request_id, what=flow.name, answer=answer)
                change.tell("workflow_result", "", flow.id, result)
