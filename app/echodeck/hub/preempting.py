"""Carries out preemption: a running job is paused at its next step for an urgent one, which its worker begins beside
it, and goes on when that has ended.

What is held is read from the jobs themselves (`paused_by` and the guest's worker, whose name is the host's with GUEST
behind it), so a restart of the hub or of an agent loses nothing: a job held for nobody goes on. Whoever pauses or
resumes such a job takes it out of the brain's hands. Whoever pauses the urgent one lets the held one go on; resumed,
the urgent one goes on beside it, as both were seen to fit in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..brain.costs import heavy
from ..brain.preempt import URGENT, Running, Verdict, preempt
from ..model.eligible import eligible
from ..model.engine import EngineInfo
from ..model.facts import Fact, PauseAsked, ResumeAsked
from ..model.job import BRAIN, Job, JobState
from ..wire import say
from .desk import Desk
from .lanes import GUEST, is_guest, vram_bytes
from .ledger import Change
from .order import Order
from .session import Shown
from .undo import by_command
from .workers import Worker

PATIENCE_S = 60.0
"""How long a job is held for one that does not begin."""


@dataclass(frozen=True, slots=True)
class _Hold:
    urgent_id: str
    since_s: float


class Preempting:
    """`tick` is called once a second, `follow` is told of all that happens to jobs, `next_for` answers a claim."""

    def __init__(self, desk: Desk, order: Order) -> None:
        self._desk, self._order = desk, order
        desk.next_for, desk.hold_for = self.next_for, self.hold_for
        self._holds: dict[str, _Hold] = {}
        """By the id of the job that is held."""
        self._tried: set[tuple[str, str]] = set()
        """(held, urgent): what did not work once, or what a person put an end to, is not done again."""
        self._spared: set[str] = set()
        """Jobs that a person has resumed."""

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        if isinstance(fact, ResumeAsked) and fact.by != BRAIN and before.paused_by == BRAIN:
            self._spared.add(after.id)

    def next_for(self, claim: say.Claim, change: Change) -> Job | None:
        """What a worker is to do now; a guest, the urgent job that its host's is held for."""
        if not claim.beside:
            return self._order.next_for(claim, change)
        hold = self._holds.get(claim.beside)
        urgent = self._waiting(hold.urgent_id, change.at_s) if hold is not None else None
        return urgent if urgent is not None and urgent.spec.engine in claim.engines else None

    def hold_for(self, job: Job, now_s: float) -> str:
        """What this one has held, or will have at the next tick, as a sentence; "" for nothing."""
        held = [one.spec.title for one in self._held() if one.id in self._holds
                and self._holds[one.id].urgent_id == job.id]
        if held:
            return f"{held[0]} is held for it: it begins as soon as that has paused"
        if self._desk.parts.on("preempt") and not eligible(job, "", now_s):
            wanted = self._verdict(job, now_s).hold
            if wanted:
                return f"{self._desk.queue.get(wanted).spec.title} will be held for it at its next step"
        return ""

    def tick(self, change: Change) -> None:
        on = self._desk.parts.on("preempt")
        guests = {job.worker_id for job in self._guests() if job.state is JobState.RUNNING}
        for job in self._held():
            self._look_after(job, guests, change, on=on)
        if on:
            self._hold(change)
        known = {job.id for job in self._held()}
        self._holds = {job_id: hold for job_id, hold in self._holds.items() if job_id in known}
        self._tried = {pair for pair in self._tried if all(one in self._desk.queue for one in pair)}
        self._spared = {job_id for job_id in self._spared if job_id in self._desk.queue}

    def _guests(self) -> list[Job]:
        return [job for job in self._desk.queue.in_hand() if is_guest(job)]

    # --- jobs that are held ---

    def _held(self) -> list[Job]:
        """By the brain alone: paused, or asked to."""
        return [job for job in self._desk.queue.all() if job.paused_by == BRAIN and job.request in ("", "pause")
                and (job.state is JobState.PAUSED or job.request == "pause")]

    def _look_after(self, job: Job, guests: set[str], change: Change, *, on: bool) -> None:
        hold = self._holds.get(job.id)
        urgent = self._waiting(hold.urgent_id, change.at_s) if hold is not None else None
        if on and job.in_hand and job.worker_id + GUEST in guests:
            return
        if on and job.in_hand and hold and urgent and change.at_s - hold.since_s < PATIENCE_S:
            if job.state is JobState.PAUSED:  # told again and again: the agent may have been away
                self._desk.workers.command(job, Shown("work_available", {"beside": job.id}, change.at_s))
            return
        self._let_go(job, change)

    def _let_go(self, job: Job, change: Change) -> None:
        desk = self._desk
        _, after = desk.queue.apply(job.id, ResumeAsked(change.at_s, BRAIN))
        desk.save(after, change)
        if after.state is JobState.PENDING:
            desk.event("generation_resumed", after, change)
            desk.offer([after.spec.engine], change.at_s)
            said = "is queued again", "its worker was lost while it was held, so it begins anew"
        else:
            desk.tell_worker(after, change.at_s)
            desk.show_job(after, change.at_s)
            said = "goes on", "nothing urgent needs its worker now"
        desk.decide(change, "preempt", f"{job.spec.title} {said[0]}", said[1], job.id)

    def _waiting(self, job_id: str, now_s: float) -> Job | None:
        queue = self._desk.queue
        job = queue.get(job_id) if job_id in queue else None
        return job if job is not None and not eligible(job, "", now_s) else None

    # --- holding one ---

    def _hold(self, change: Change) -> None:
        taken = {hold.urgent_id for hold in self._holds.values()}
        for urgent in self._desk.queue.waiting():
            if urgent.priority >= URGENT and urgent.id not in taken and not eligible(urgent, "", change.at_s):
                self._hold_for(urgent, change)

    def _verdict(self, urgent: Job, now_s: float) -> Verdict:
        desk = self._desk
        start_s = desk.outlooks.start_s(urgent.id)
        if start_s is None:
            return Verdict("", "nobody can do it")
        needed = self._order.memory.need_bytes(urgent.spec)
        hosts = {job.worker_id.removesuffix(GUEST) for job in self._guests()}  # each has room for one guest
        running = [self._as_running(job, urgent, now_s) for job in desk.queue.in_hand()
                   if job.worker_id not in hosts and self._free(job, urgent)]
        return preempt(urgent.priority, max(0.0, start_s - now_s), needed, running)

    def _hold_for(self, urgent: Job, change: Change) -> None:
        desk, now_s = self._desk, change.at_s
        verdict = self._verdict(urgent, now_s)
        if not verdict.hold:
            return
        _, held = desk.queue.apply(verdict.hold, PauseAsked(now_s, BRAIN))
        self._holds[held.id] = _Hold(urgent.id, now_s)
        self._tried.add((held.id, urgent.id))
        desk.save(held, change)
        desk.tell_worker(held, now_s)
        desk.show_job(held, now_s)
        desk.decide(change, "preempt", f"{held.spec.title} is held for {urgent.spec.title}", verdict.reason, held.id,
                    {"urgent": urgent.id, **by_command("Let it go on", held.id, "resume")})

    def _free(self, job: Job, urgent: Job) -> bool:
        """Whether the brain may ask anything of it: nobody else has."""
        return (job.state is JobState.RUNNING and not job.request and not job.foreign and job.id not in self._spared
                and not is_guest(job) and (job.id, urgent.id) not in self._tried)

    def _as_running(self, job: Job, urgent: Job, now_s: float) -> Running:
        desk, memory = self._desk, self._order.memory
        reading, worker = desk.outlooks.read(job.id, now_s), desk.workers.holder(job.id)
        left_s = desk.outlooks.total(job).median_s if reading is None else reading.eta_s
        return Running(job.id, job.priority, left_s, self._able(worker, job, urgent, now_s),
                       self._order.costs.load_s(heavy(urgent)), memory.need_bytes(job.spec),
                       None if worker is None else vram_bytes(desk, worker), self._cannot(job, urgent))

    def _able(self, worker: Worker | None, job: Job, urgent: Job, now_s: float) -> bool:
        if worker is None or worker.session is None or eligible(urgent, job.worker_id, now_s):
            return False
        engines = dict(zip(worker.slots, worker.lanes, strict=True)).get(job.worker_id, frozenset())
        return urgent.spec.engine in engines

    def _cannot(self, job: Job, urgent: Job) -> str:
        """Why it cannot be held so that the other runs beside it."""
        infos: list[EngineInfo | None] = [self._desk.board.get("engines", one.spec.engine) for one in (job, urgent)]
        if any(info is None or not info.aside for info in infos):
            return "its engine does one job at a time"
        return self._desk.impossible(job, "pause")
