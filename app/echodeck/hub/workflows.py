"""Workflows: several jobs asked for at once, some of them after others, and one result when the last has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from .. import wire
from ..brain.words import many
from ..model import chain
from ..model.job import TERMINAL, Job, JobState
from ..wire import say, show
from .chains import Chains
from .desk import Desk
from .intake import Intake
from .ledger import Change
from .session import Session

REMOVED = "removed"
"""What became of a job that was taken off the list before it ended."""


@dataclass(slots=True)
class _Workflow:
    """`jobs` are their ids in order, each with the state that was seen last."""

    id: str
    name: str
    jobs: dict[str, str]
    request_id: str | None


class Workflows:
    """`workflow` is a message type, as in Commands. What each job waits for is its own, and survives the hub."""

    def __init__(self, desk: Desk, intake: Intake, chains: Chains) -> None:
        self._desk, self._intake, self._chains = desk, intake, chains
        self._workflows: list[_Workflow] = []

    def workflow(self, session: Session, payload: say.Workflow, change: Change) -> dict[str, Any]:
        jobs = self._make(session, payload, change)
        self._intake.accept(jobs, change)
        ids = [job.id for job in jobs]
        flow = _Workflow(f"w{ids[0]}", payload.name, dict.fromkeys(ids, jobs[0].state.value), change.request_id)
        change.batch.records["workflows", flow.id] = wire.plain(flow)
        change.after.append(lambda: self._workflows.append(flow))
        change.after.append(lambda: self._chains.expect(jobs))
        self._desk.action(change, session, "queued the workflow", jobs[0], f"{payload.name} ({many(len(jobs), 'job')})")
        return {"workflowId": flow.id, "jobIds": ids}

    def _make(self, session: Session, payload: say.Workflow, change: Change) -> list[Job]:
        """The jobs in the order they were given. Raises BadField."""
        edges = chain.resolve([chain.Link(task.name, tuple(task.after)) for task in payload.jobs])
        line = chain.order(edges)
        # Made in the order in which they can run, so that this is also their order in the queue.
        made = iter(self._intake.make([payload.jobs[place] for place in line], session, change,
                                      [f"jobs[{place}]" for place in line]))
        of = {place: [next(made) for _ in range(payload.jobs[place].count)] for place in line}
        jobs: list[Job] = []
        for place, task in enumerate(payload.jobs):
            after = tuple(job.id for one in sorted(edges[place]) for job in of[one])
            jobs += [replace(job, after=after, waits=after, on_failure=task.on_failure or payload.on_failure)
                     for job in of[place]]
        return jobs

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
                change.tell("workflow_result", "", flow.id, self._result(flow))

    def _result(self, flow: _Workflow) -> show.Result:
        rows = [{"jobId": job_id, "status": seen, **self._reason(job_id)} for job_id, seen in flow.jobs.items()]
        ok = all(seen == JobState.COMPLETED for seen in flow.jobs.values())
        answer = {"workflowId": flow.id, "name": flow.name, "ok": ok, "jobs": rows}
        return show.Result(id=flow.request_id, what=flow.name, answer=answer)

    def _reason(self, job_id: str) -> dict[str, str]:
        """Why it did not complete, if it did not."""
        if job_id not in self._desk.queue:
            return {}
        job = self._desk.queue.get(job_id)
        reason = job.called_off or (job.error.message if job.error else "")
        return {"reason": reason} if reason else {}
