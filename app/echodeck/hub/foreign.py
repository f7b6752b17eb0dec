"""Jobs that live elsewhere: in scripts, and in the queues of servers that other clients use.

They are put on the board by who tells of them, and people's commands go to that one. Their order among each other is
what the foreign queue says; among ours they stand where they appeared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import BadField, IllegalTransition
from ..model.engine import tidy
from ..model.facts import Adopted, MoveAsked, Moved, Started
from ..model.job import TERMINAL, Job, JobState
from ..model.transitions import Phase, phase_of
from ..wire import say, show
from . import troubles
from .desk import Desk
from .hands import Hands
from .ledger import Change
from .session import Session, Shown

MOST_REASONS, MOST_REASON_CHARS = 8, 300
ATTEMPT = 1
"""Who tells of a foreign job numbers no attempts."""


class Foreign:
    """`adopt` is a message type; the others are asked by Commands."""

    def __init__(self, desk: Desk, hands: Hands) -> None:
        self._desk, self._hands = desk, hands
        self._places: dict[str, float] = {}

    def adopt(self, session: Session, payload: say.Adopt, change: Change) -> dict[str, Any]:
        """Answers what people have asked of the job meanwhile; `stale` for one that has ended."""
        self._hands.registered(session)
        desk = self._desk
        if payload.job_id not in desk.queue:
            job = self._new(session, payload, change)
        else:
            job = desk.queue.get(payload.job_id)
            if not job.foreign:
                raise BadField("jobId", "is a job of echodeck's own queue; give the other one another id")
            if phase_of(job) is not Phase.LOST and job.state in TERMINAL:
                return {"stale": True}
            job = self._again(session, job, payload, change)
        desk.workers.lease(job.id, session.agent_id, change.at_s)
        if payload.state == "running" and job.state is JobState.PENDING:
            started_s = change.at_s if payload.started_s is None else min(payload.started_s, change.at_s)
            _, job = desk.queue.apply(job.id, Started(started_s))
            desk.save(job, change)
            desk.event("generation_started", job, change)
            self._hands.show_agent(session.agent_id, change, durable=False)
        elif job.state is JobState.PENDING:
            self._order(payload, change)
        return {"attempt": ATTEMPT, "request": job.request}

    def _new(self, session: Session, payload: say.Adopt, change: Change) -> Job:
        desk = self._desk
        created_s = min(payload.created_s or change.at_s, change.at_s)
        graph = desk.graphs.keep(payload.workflow, change) if payload.workflow else ""
        spec = replace(tidy(payload.spec), options={"workflow": graph} if graph else {})
        job = Job(
            id=payload.job_id, spec=spec, user=payload.user, origin=payload.origin, created_s=created_s,
            rank=desk.queue.ranks_for(0)[0], attempt=ATTEMPT, worker_id=payload.worker_id,
            host=payload.worker_id.split("/")[0], cannot=_reasons(payload, retry=bool(graph)))
        desk.save(job, change)
        desk.event("generation_queued", job, change)
        where = "told of by a script" if job.origin == "script" else f"seen in {spec.engine}"
        desk.log(change, "info", job.worker_id, f"{where}: {spec.title}", job.id)
        return job

    def _again(self, session: Session, job: Job, payload: say.Adopt, change: Change) -> Job:
        desk = self._desk
        known = job
        if phase_of(job) in (Phase.LOST, Phase.ELSEWHERE):
            host = payload.worker_id.split("/")[0]
            _, known = desk.queue.apply(job.id, Adopted(change.at_s, payload.worker_id, host))
        known = replace(known, worker_id=payload.worker_id,
                        cannot=_reasons(payload, retry="workflow" in job.spec.options))
        if known != job:
            desk.save(known, change)
            desk.event(_SHOWN.get(known.state, "generation_queued"), known, change)
            troubles.settled(desk, job.id, change)
        return known

    def _order(self, payload: say.Adopt, change: Change) -> None:
        """The places in the foreign queue, as ranks: those that its jobs have already, given out anew."""
        desk = self._desk
        self._places = {one: place for one, place in self._places.items() if one in desk.queue}
        self._places[payload.job_id] = payload.place
        mine = [job for job in self.waiting(payload.worker_id) if job.id in self._places]
        ranks = [job.rank for job in mine]
        asked = desk.queue.get(payload.job_id).request == "move"
        for job, rank in zip(sorted(mine, key=lambda job: self._places[job.id]), ranks, strict=True):
            if job.rank != rank or (asked and job.id == payload.job_id):
                _, moved = desk.queue.apply(job.id, Moved(change.at_s, rank, job.priority))
                desk.save(moved, change)
                desk.show_job(moved, change.at_s)

    def waiting(self, worker_id: str) -> list[Job]:
        """What waits in the queue that this one tells of, first to last."""
        return [job for job in self._desk.queue.waiting() if job.foreign and job.worker_id == worker_id]

    # --- asked by people ---

    def ask_place(self, session: Session, job: Job, payload: say.Move, change: Change) -> None:
        """Asks for another place in the foreign queue. Raises BadField, IllegalTransition."""
        line = [one.id for one in self.waiting(job.worker_id)]
        if job.id not in line:
            raise BadField("jobId", "only a waiting job can be moved; this one is running or has ended")
        before, after = _neighbour(line, job.id, payload)
        if not before and not after:
            return
        _, asked = self._desk.queue.apply(job.id, MoveAsked(change.at_s, session.user or "somebody"))
        self.tell(asked, "move", change, before=before, after=after)
        self._desk.save(asked, change)
        self._desk.show_job(asked, change.at_s)

    def tell(self, job: Job, command: str, change: Change, *, before: str = "", after: str = "") -> None:
        """Raises IllegalTransition when who has the job is away."""
        order = show.JobCommand(job_id=job.id, attempt=job.attempt, command=command, before=before, after=after)
        if not self._desk.workers.command(job, Shown("job_command", order, change.at_s)):
            raise IllegalTransition(f"command: cannot {command} now, because {job.worker_id} is away; try again later")


_SHOWN = {JobState.RUNNING: "generation_started", JobState.PAUSED: "generation_paused"}


def _reasons(payload: say.Adopt, *, retry: bool) -> dict[str, str]:
    """Why commands are impossible, bounded; what cannot be made again from here cannot be retried."""
    given = {name: reason[:MOST_REASON_CHARS] for name, reason in list(payload.cannot.items())[:MOST_REASONS]}
    if not retry:
        given.setdefault("retry", "it is a script's: run the script again" if payload.origin == "script" else
                         "what it was made from is not known here")
    return given


def _neighbour(line: list[str], job_id: str, move: say.Move) -> tuple[str, str]:
    """The job that it is to come before or after: one of the two, or neither when it is there already."""
    at, others = line.index(job_id), [one for one in line if one != job_id]
    wanted = move.before or move.after
    if wanted is not None:
        if wanted not in others:
            raise BadField("before" if move.before else "after", "names a job that does not wait in the same queue; "
                           "this one waits in another program's, and can be moved among its jobs only")
        return (wanted, "") if move.before else ("", wanted)
    place = move.place if move.place is not None else {"up": at - 1, "down": at + 1, "top": 0}.get(
        move.direction or "", len(others))
    place = min(max(place, 0), len(others))
    if place == at or not others:
        return "", ""
    return (others[place], "") if place < len(others) else ("", others[-1])
