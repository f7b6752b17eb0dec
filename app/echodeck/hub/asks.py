"""What the coordinator is asked about what is to come."""

from __future__ import annotations

from typing import Any

from .. import wire
from ..errors import BadField
from ..model.job import TERMINAL, Job, JobState
from ..wire import say, show
from .desk import Desk
from .intake import Intake
from .ledger import Change
from .pulse import Pulse
from .session import Session, Shown


class Asks:
    """`query` is a message type, as in Commands, and is answered at once."""

    def __init__(self, desk: Desk, intake: Intake, pulse: Pulse) -> None:
        self._desk, self._intake, self._pulse = desk, intake, pulse

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
