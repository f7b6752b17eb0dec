"""In whose hand a job is: which attempt counts, what is taken back into hand, and how agents are shown with it."""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadField, BadFrame
from ..model.facts import Readopted
from ..model.job import Job, JobState
from ..model.transitions import allowed
from ..wire import say, show
from . import troubles
from .desk import Desk
from .ledger import Change
from .session import Session
from .workers import Worker


class Hands:
    """Shared by the parts that hear of jobs in hand."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ours(self, session: Session, held: say.InHand | say.JobReport | say.JobProgress, change: Change) -> Job | None:
        """The job, if this attempt of this worker's is the one that counts; taken back into hand if it was given up.

        Whoever says something of a job lives: its lease is renewed.
        """
        job = self._counted(held.job_id, held.attempt, held.worker_id, change)
        if job is not None:
            self._desk.workers.lease(job.id, session.agent_id, change.at_s)
        return job

    def check_stage(self, said: say.JobReport | say.JobProgress) -> None:
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
        if job.attempt != attempt or job.spent(attempt):
            return None
        if job.kept:
            return job if job.worker_id == worker_id else None
        if not attempt or not allowed(job, Readopted):
            return None
        host = worker_id.split("/")[0]
        _, again = desk.queue.apply(job_id, Readopted(change.at_s, worker_id, host))
        desk.save(again, change)
        if desk.outlooks.read(job_id, change.at_s) is None:
            desk.outlooks.restore(again, [], change.at_s)
        desk.event("generation_paused" if again.state is JobState.PAUSED else "generation_started", again, change)
        troubles.settled(desk, job_id, change)
        return again

    def registered(self, session: Session) -> Worker:
        worker = self._desk.workers.agents.get(session.agent_id)
        if worker is None:
            raise BadFrame("register first: this connection has not said which agent it is", code="not_registered")
        return worker

    def show_agent(self, agent_id: str, change: Change, *, durable: bool) -> None:
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
                self.show_agent(agent_id, change, durable=False)
