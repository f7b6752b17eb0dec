"""Carries out the order of the queue: what each worker is given, what is foreseen, and what is learnt for both."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..brain.costs import Costs, heavy, loads
from ..brain.memory import Memory, peak_bytes
from ..brain.order import Choice, Lane, Waiting, choose, rules_of
from ..brain.plan import Turn, foresee
from ..brain.reasons import BEGUN, why_there, why_unfit
from ..brain.runs import Runs
from ..brain.turns import Turns
from ..model.eligible import eligible
from ..model.facts import Claimed, Completed, Fact, Metered
from ..model.job import Job, JobState
from ..model.lanes import Turn as Foreseen
from ..wire import say
from .desk import Desk, Imagine
from .lanes import lanes
from .ledger import Change
from .roll import standing

STALE_S = 5.0
"""A plan is made anew after so long, even if nothing has happened."""
A_MOMENT_S = 0.5
SLIP_S = 2.0
SLIP_BYTES = 256 << 20
"""A worker that should be free so much earlier or later than was thought is news, or one with so much more memory."""
LEAST_WARM = 0.1
"""The least share of a job's time that is not loading."""


class Order:
    """`next_for` gives out, `line_up` foresees, `follow` is told of all that happens to jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._rules = desk, rules_of(desk.settings.brain)
        self._turns, self.costs, self.memory = Turns(), Costs(), Memory()
        self._runs = Runs()
        self._begun: dict[str, tuple[float, bool]] = {}
        """What each job in hand should take, in seconds (0: not known), and whether its model had to be loaded."""
        self._warm_s: dict[tuple[object, ...], float] = {}
        self._seen: dict[str, tuple[Job, Waiting]] = {}
        self._unfit: list[str] = []
        """Jobs that no worker has the memory for."""
        self._planned: tuple[object, float, list[Turn]] = (None, 0.0, [])
        desk.line_up, desk.next_for, desk.freed = self.line_up, self.next_for, lambda engine: self.costs.freed(engine)
        desk.imagine = self.imagine

    def restore(self) -> None:
        """What the jobs that are known teach, when the hub begins."""
        jobs = self._desk.queue.all()
        self.costs = Costs(jobs)
        for job in sorted(jobs, key=lambda job: job.finished_s or 0.0):
            self.memory.learn(job.spec, peak_bytes(job))
        self._turns.recall(jobs, self._rules.bound)

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        """Learns what was loaded where, how long it took, how much memory it needed."""
        if after.foreign:
            return
        if after.state is not JobState.PENDING:
            self._seen.pop(after.id, None)
        match fact:
            case Claimed():
                cold = self.costs.cold(after)
                self._begun[after.id] = self._expected_s(after, cold=cold), cold
                self.costs.begun(after)
            case Completed():
                if (begun := self._begun.pop(after.id, None)) is not None:
                    self.costs.ended(after, begun[0], cold=begun[1])
                self._learnt()
            case Metered():
                self.memory.learn(after.spec, peak_bytes(after))
                self._learnt()
            case _ if not after.in_hand:
                self._begun.pop(after.id, None)

    # --- giving out ---

    def next_for(self, claim: say.Claim, change: Change) -> Job | None:
        """What this worker is to do now, if there is anything."""
        desk, now_s = self._desk, change.at_s
        if not desk.parts.on("order"):
            return desk.queue.next_for(claim.engines, claim.worker_id, now_s)
        waiting = desk.queue.waiting()
        all_lanes = lanes(desk, self.costs, self.memory, now_s)
        mine = next((lane for lane in all_lanes if lane.id == claim.worker_id), Lane(claim.worker_id, frozenset()))
        mine = replace(mine, engines=frozenset(claim.engines), free_s=now_s)
        line = self._line(waiting, [mine, *all_lanes], now_s)
        others = [lane for lane in all_lanes if lane.id != mine.id]
        choice = choose(mine, line, others, self._turns.overtaken, now_s, self._rules)
        if choice is None:
            return None
        self._tell(choice, mine, line, change)
        self._turns.given(choice)
        return desk.queue.get(choice.job.id)

    def _tell(self, choice: Choice, lane: Lane, line: list[Waiting], change: Change) -> None:
        """Only what departs from the order in which the jobs stand is a decision that anybody wants to hear of; one
        that repeats itself is told as one."""
        if next(job for job in line if lane.can(job)).id == choice.job.id:
            self._runs.first(lane.id, choice.job.model)
            return
        spec = self._desk.queue.get(choice.job.id).spec
        run = self._runs.given(lane.id, choice, spec.title, spec.model or spec.engine, uuid.uuid4().hex)
        data = {"why": run.why, "passed": run.passed, "worker": lane.id, "jobs": [job_id for job_id, _ in run.jobs]}
        self._desk.decide(change, "order", run.title, run.reason, choice.job.id, data, id_=run.id)

    # --- foreseeing ---

    def line_up(self, waiting: list[Job], now_s: float) -> tuple[list[Job], Mapping[str, Foreseen]]:
        """The jobs in the order in which they will be given out, and from when to when each should run, in seconds
        from now, if it was foreseen here; None where none ever will."""
        desk = self._desk
        if not desk.parts.on("order"):
            desk.whys = {}
            return waiting, {}
        all_lanes = lanes(desk, self.costs, self.memory, now_s)
        line = self._line(waiting, all_lanes, now_s)
        turns = self._foresee(line, all_lanes, now_s)
        desk.whys = self._whys(waiting, turns, all_lanes, now_s)
        planned = {turn.job_id for turn in turns}
        by_id = {job.id: job for job in waiting}
        coming = iter(turns)
        # What has no turn keeps its place among those that have.
        ordered = [by_id[next(coming).job_id] if job.id in planned else job for job in waiting]
        return ordered, {**dict.fromkeys(self._unfit), **_spans(turns, now_s)}

    @property
    def overtaken(self) -> Mapping[str, int]:
        """How often each waiting job has been, where it has."""
        return self._turns.overtaken

    @property
    def unfit(self) -> frozenset[str]:
        """The waiting jobs that fit into no worker's memory, as of the last plan."""
        return frozenset(self._unfit)

    def imagine(self, waiting: list[Job], added: list[Job], now_s: float) -> Imagine:
        """Says from when to when each would run, in seconds from now, if `added` came in too; nothing is remembered.

        What it says is worked out when it is called, from what is the case now: any thread may.
        """
        if not self._desk.parts.on("order"):
            return dict
        all_lanes = lanes(self._desk, self.costs, self.memory, now_s)
        last = max(self._turns.seat(waiting).values(), default=0)
        new = {job.id: self._as_waiting(job, last + n) for n, job in enumerate(added, 1)}
        known = {one.id: one for one in self._line(waiting, all_lanes, now_s)} | new
        overtaken, rules = dict(self._turns.overtaken), self._rules

        def spans() -> dict[str, Foreseen]:
            ranked = sorted([*waiting, *added], key=standing)
            line = [known[job.id] for job in ranked if job.id in known]
            return {**dict.fromkeys(new), **_spans(foresee(line, all_lanes, overtaken, now_s, rules), now_s)}

        return spans

    def _foresee(self, line: list[Waiting], all_lanes: list[Lane], now_s: float) -> list[Turn]:
        """Made anew when anything is another than it was: a long queue takes some milliseconds."""
        key = line, [(lane.id, lane.loaded, round((lane.vram_bytes or 0.0) / SLIP_BYTES),
                      round(lane.free_s / SLIP_S) if lane.free_s > now_s else 0) for lane in all_lanes]
        known, at_s, turns = self._planned
        # A worker that should have begun something by now has not asked yet.
        late = bool(turns) and turns[0].start_s < now_s - A_MOMENT_S
        if key != known or late or not 0.0 <= now_s - at_s < STALE_S:
            turns = foresee(line, all_lanes, self._turns.overtaken, now_s, self._rules)
            self._planned = key, now_s, turns
        return turns

    def _whys(self, waiting: Iterable[Job], turns: Iterable[Turn], all_lanes: list[Lane],
              now_s: float) -> dict[str, str]:
        found = {turn.job_id: why for turn in turns if turn.why and (why := why_there(turn, self._turns.overtaken))}
        planned, self._unfit = {turn.job_id for turn in turns}, []
        for job in waiting:
            if job.attempt and job.id in planned:
                found[job.id] = BEGUN
            if job.id in planned or job.foreign or job.state is not JobState.PENDING:
                continue
            if why := eligible(job, "", now_s):
                if job.not_before_s <= now_s:  # that is shown as its start, and would be told anew each second
                    found[job.id] = why
            elif why := why_unfit(job, self.memory.need_bytes(job.spec), all_lanes):
                found[job.id] = why
                self._unfit.append(job.id)
        return found

    def _line(self, waiting: list[Job], all_lanes: Iterable[Lane], now_s: float) -> list[Waiting]:
        """Those that may go to somebody now, as the brain sees them."""
        seats, line = self._turns.seat(waiting), []
        for job in waiting:
            known = self._seen.get(job.id)
            # What may go once may go until it changes, but for what waits for a moment: clocks can be set back.
            if known is None or known[0] is not job or job.not_before_s:
                if eligible(job, "", now_s):
                    continue
                known = self._seen[job.id] = job, self._as_waiting(job, seats[job.id])
            seen = known[1]
            if job.avoid:
                barred = frozenset(lane.id for lane in all_lanes if eligible(job, lane.id, now_s))
                seen = replace(seen, barred=barred)
            line.append(seen)
        return line

    def _as_waiting(self, job: Job, seat: int) -> Waiting:
        model = heavy(job)
        # One whose failure is being put right is in no hurry; one that lost its worker was at the front.
        pinned = bool(job.moved_by) or (job.attempt > 0 and not job.tries)
        return Waiting(job.id, job.spec.engine, model, seat, job.priority, self.warm_s(job), self.costs.load_s(model),
                       job.created_s, pinned, job.wish.deadline_s, self.memory.need_bytes(job.spec))

    def warm_s(self, job: Job) -> float:
        """What it should take with its model loaded."""
        spec, outlooks = job.spec, self._desk.outlooks
        key = (spec.engine, spec.model, spec.shape, spec.width, spec.height, spec.steps, spec.batch, spec.frames,
               spec.sampler)
        if key not in self._warm_s:
            total_s = outlooks.total(job).median_s
            stages = outlooks.history.plan(spec)
            load_s = sum(outlooks.history.expect(spec, name, 0).median_s for name, steps in stages
                         if not steps and loads(name))
            self._warm_s[key] = max(LEAST_WARM * total_s, total_s - load_s + self.costs.warm_s(heavy(job)))
        return self._warm_s[key]

    def _expected_s(self, job: Job, *, cold: bool) -> float:
        """What it should take; 0 where its like was never seen, so that how long it takes teaches nothing."""
        history, spec = self._desk.outlooks.history, job.spec
        if not self.costs.seen(heavy(job), cold=cold) or any(
                history.expect(spec, name, steps).basis != "same" for name, steps in history.plan(spec)):
            return 0.0
        return self.warm_s(job) + (self.costs.load_s(heavy(job)) if cold else 0.0)

    def _learnt(self) -> None:
        """What was thought of waiting jobs may be wrong now."""
        self._warm_s.clear()
        self._seen.clear()


def _spans(turns: Iterable[Turn], now_s: float) -> dict[str, Foreseen]:
    return {job_id: (max(0.0, start_s - now_s), max(0.0, end_s - now_s), lane_id)
            for job_id, lane_id, start_s, end_s, _ in turns}
