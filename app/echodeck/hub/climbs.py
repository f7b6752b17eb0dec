"""Moves on the ladder: asked for by verdicts, failures and deadlines, carried out and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from ..brain.ladder import UP, Cause, Ladder, again, expects, move
from ..brain.remedy import Steps, fair, remedy
from ..brain.words import span
from ..model.facts import Rerouted
from ..model.job import Climb, Job, JobSpec, JobState
from ..model.verdict import Verdict, scores
from ..wire import show, wishes
from .desk import Desk
from .ladders import PART, Ladders
from .ledger import Change
from .undo import by_command

log = logging.getLogger(__name__)

LOOKED_AT, DECIDED = 200, 5
"""Of the jobs with a deadline in one tick, however many wait: the hub's loop is not to be late."""
Accept = Callable[[Job, Change], Job]
"""Queues a job under an id of its own as soon as it is durable: the intake's."""
_WHY = {"verdict": "its picture was not good enough", "failure": "it failed", "memory": "it ran out of memory",
        "deadline": "it would be late"}
STEPS = "steps"
"""The cause of a move that is no other model but more steps, and what allows more of them than were asked for."""


class Climbs:
    """`accept` is given when there is an intake, which in turn tells here what it took in."""

    def __init__(self, desk: Desk, ladders: Ladders) -> None:
        self._desk, self._ladders = desk, ladders
        self.accept: Accept = lambda job, change: job
        self._late: set[str] = set()
        """Jobs of which it was told that no rung is in time."""
        self._turns: list[str] = []
        """Jobs with a deadline that are still to be looked at, before those that come first are again."""

    def step(self, job: Job, cause: Cause, at_s: float, left_s: float | None = None,
             reason: str = "") -> tuple[JobSpec, Climb] | None:
        """The job's spec on the rung that `cause` asks for, and the move; None where it stays."""
        found = self._find(job, cause, at_s, left_s, reason)
        return None if isinstance(found, str) else found

    def _find(self, job: Job, cause: Cause, at_s: float, left_s: float | None,
              reason: str) -> tuple[JobSpec, Climb] | str:
        ladder = self._ladders.of(job)
        if not job.wish.auto or ladder is None or not self._desk.parts.on(PART):
            return "its model was not left open"
        if cause in UP and left_s is None and job.wish.deadline_s is not None:
            left_s = job.wish.deadline_s - at_s
        looks = self._ladders.looks(ladder, job.spec, job.wish, sample=False)
        found = move(ladder, job.climbs, cause, looks, left_s)
        if isinstance(found, str):
            return found
        rung = ladder.rungs[found]
        climb = Climb(at_s, job.climbs[-1].to, rung.name, cause, reason or _WHY[cause],
                      expects(looks[found], job.wish.quality))
        return rung.applied(job.spec, job.wish.keep), climb

    def tell(self, job: Job, climb: Climb, change: Change, next_id: str = "") -> None:
        """A move is a durable event of its own, and a decision."""
        way = "up" if climb.cause in {*UP, STEPS} else "down"
        change.tell("model_escalation", "", job.id, wishes.ModelEscalation(
            job_id=job.id, start=climb.start, to=climb.to, way=way, cause=climb.cause, reason=climb.reason,
            expects=climb.expects, at=show.iso(climb.at_s), next_id=next_id))
        data = {"from": climb.start, "to": climb.to, "way": way, "cause": climb.cause, "nextId": next_id}
        if next_id:
            data |= by_command("Do without it", next_id, "cancel")
        moved = f"{climb.to} again, with more steps" if climb.cause == STEPS else f"{climb.start} → {climb.to}"
        self._desk.decide(change, PART, f"{job.spec.title}: {moved}",
                          f"{climb.reason}; expects {climb.expects}", job.id, data)

    def began(self, job: Job, change: Change) -> None:
        """A job that left its model open is queued: the choice is told."""
        if job.wish.auto and job.climbs and not job.follows and self._desk.parts.on(PART):
            choice = job.climbs[-1]
            self._desk.decide(change, PART, f"{job.spec.title}: takes {choice.to}",
                              f"{choice.reason}; expects {choice.expects}", job.id, {"to": choice.to})

    # --- verdicts ---

    def judged(self, job: Job, verdicts: Sequence[Verdict], change: Change) -> None:
        """What a job that has completed made was judged: learnt, and if it is worth less than was wished and that can
        be mended, another job is queued on a better rung, or with more steps. The first stays completed and keeps its
        picture: that it is complete is told once, and whoever waits for it is not kept waiting."""
        if job.foreign or job.state is not JobState.COMPLETED or not self._desk.parts.on(PART):
            return
        self._ladders.learn(job, fair(verdicts), change)
        least = self._ladders.rules.bounds.get(job.wish.quality, 0.0)
        score = fmean(scores(verdicts))
        if not job.wish.auto or score >= least or any(one.follows == job.id for one in self._desk.queue.known()):
            return
        reason = f"its picture scored {score:.0f}, and {job.wish.quality} needs {least:.0f}"
        found = self._better(job, verdicts, least, change.at_s, reason)
        if isinstance(found, str):
            self._desk.decide(change, PART, f"{job.spec.title}: stays as it is", f"{reason}, but {found}", job.id)
            return
        spec, climb = found
        better = Job("", spec, priority=job.priority, rank=self._desk.queue.ranks_for(job.priority)[0], user=job.user,
                     created_s=change.at_s, wish=job.wish, climbs=(*job.climbs, climb), follows=job.id)
        # In a change of its own: that a new job cannot be written must not undo the verdict.
        own = Change(change.at_s)
        queued = self.accept(better, own)
        self._desk.ledger.put(own).add_done_callback(_unwritten)
        self.tell(job, climb, change, next_id=queued.id)

    def _better(self, job: Job, verdicts: Sequence[Verdict], least: float, at_s: float,
                reason: str) -> tuple[JobSpec, Climb] | str:
        """What the picture calls for: a better rung, or the same with more steps; or why it stays."""
        ladder = self._ladders.of(job)
        steps = 0 if ladder is None else self._ladders.steps(ladder, job)
        may = STEPS not in job.wish.keep or STEPS in job.wish.allow
        needs = remedy(verdicts, least, Steps(job.spec.steps, steps, may))
        why = f"{reason}: {needs.reason}" if needs.reason else reason
        if needs.kind == "none":
            return needs.reason
        if needs.kind == "model" or ladder is None:
            return self._find(job, "verdict", at_s, None, why)
        return self._with_steps(job, ladder, steps, at_s, why)

    def _with_steps(self, job: Job, ladder: Ladder, steps: int, at_s: float,
                    reason: str) -> tuple[JobSpec, Climb] | str:
        """The same rung once more, with so many steps."""
        spec, wish = replace(job.spec, steps=steps), replace(job.wish, keep=(*job.wish.keep, STEPS))
        looks = self._ladders.looks(ladder, spec, wish, sample=False)
        left_s = None if wish.deadline_s is None else wish.deadline_s - at_s
        found = again(ladder, job.climbs, looks, left_s)
        if isinstance(found, str):
            return found
        name, hoped = ladder.rungs[found].name, expects(looks[found], wish.quality)
        return spec, Climb(at_s, name, name, STEPS, reason, f"with {steps} steps {hoped}")

    # --- deadlines ---

    def tick(self, change: Change) -> None:
        """Jobs that wait and would be late move to a rung that is in time, if there is one."""
        if not self._desk.parts.on(PART):
            return
        waiting = {job.id: job for job in self._desk.queue.all()
                   if job.wish.auto and job.wish.deadline_s is not None and job.state is JobState.PENDING}
        self._late &= waiting.keys()
        self._turns = [job_id for job_id in self._turns if job_id in waiting] or list(waiting)
        decided = 0
        for job_id in self._turns[:LOOKED_AT]:
            self._turns.remove(job_id)
            decided += job_id not in self._late and self._hurry(waiting[job_id], change)
            if decided >= DECIDED:
                break

    def _hurry(self, job: Job, change: Change) -> bool:
        """Whether there was something to decide."""
        desk, deadline_s = self._desk, job.wish.deadline_s or 0.0
        look, total = desk.outlooks.of(job, None, change.at_s), desk.outlooks.total(job)
        if look.start_s is None or max(look.start_s, change.at_s) + total.high_s <= deadline_s:
            return False
        left_s = deadline_s - max(look.start_s, change.at_s)
        found = self._find(job, "deadline", change.at_s, left_s, f"it may take {span(total.high_s)} and has "
                           f"{span(left_s)} from its turn to the deadline")
        if isinstance(found, str):
            self._late.add(job.id)
            desk.decide(change, PART, f"{job.spec.title}: may be late", f"{found}; it stays on {job.climbs[-1].to}",
                        job.id)
            return True
        spec, climb = found
        _, moved = desk.queue.apply(job.id, Rerouted(change.at_s, job.rank, spec, job.not_before_s, job.avoid,
                                                     climb=climb))
        desk.save(moved, change)
        desk.event("generation_queued", moved, change)
        self.tell(moved, climb, change)
        return True


def _unwritten(done: asyncio.Future[bool]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("a job on a better rung could not be queued: %s", error)
