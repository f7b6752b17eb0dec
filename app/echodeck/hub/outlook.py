"""What is to come: each job's estimate while it runs, and when each waiting job should start and end."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from ..model.chain import Chained, foresee
from ..model.eta import JobEstimator, Reading, Total, expected_total, plan_queue
from ..model.history import History
from ..model.job import Job, JobState, StageState
from ..model.record import EstimateSample, StageRun, StepSample
from ..wire.show import Outlook

Turn = tuple[float, float] | None
_NO_TURNS: Mapping[str, Turn] = {}
KEEP_EVERY = 5.0
"""Percent of progress between two estimates that are kept for comparison with the truth."""


@dataclass(slots=True)
class _Running:
    estimator: JobEstimator
    attempt: int
    kept: float = -KEEP_EVERY
    told: list[EstimateSample] = field(default_factory=list)


class Outlooks:
    """One estimator a running job, the history they draw on, and the plan of the queue. Times are the hub's clock."""

    def __init__(self, runs: Iterable[StageRun] = ()) -> None:
        self.history = History(runs)
        self._running: dict[str, _Running] = {}
        self._steps: dict[str, dict[int, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
        self._totals: dict[tuple[object, ...], Total] = {}
        self._plan: dict[str, tuple[float, float]] = {}
        self._planned_s = 0.0
        self.clear: tuple[float, float, float] | None = None
        """Seconds from the last plan until everything is done: middle, low, high."""

    # --- a job in hand ---

    def planned(self, job: Job, at_s: float) -> None:
        """The worker said which stages there are, or that those still to come are others."""
        stages = [(stage.name, stage.steps) for stage in job.stages]
        if job.id in self._running:
            begun = sum(stage.status is not StageState.PENDING for stage in job.stages)
            self._running[job.id].estimator.replan(job.spec, stages, self.history, begun)
        else:
            started = job.started_s if job.started_s is not None else at_s
            estimator = JobEstimator.start(job.spec, stages, self.history, started + job.paused_total_s)
            self._running[job.id] = _Running(estimator, job.attempt)

    def restore(self, job: Job, steps: list[StepSample], at_s: float) -> None:
        """A job that was in hand when the hub stopped, from its record and its stored steps."""
        if not job.stages:
            return
        self.planned(job, at_s)
        running = self._running[job.id].estimator
        own = [sample for sample in steps if sample.attempt == job.attempt]
        for index, stage in enumerate(job.stages):
            if stage.status is StageState.PENDING:
                continue
            began = stage.started_s if stage.started_s is not None else job.started_s or at_s
            running.stage_started(index, began)
            for sample in (one for one in own if one.stage == index):
                self.stepped(job.id, index, sample.step, sample.at_s, sample.duration_s)
            if stage.duration_s is not None and stage.status is not StageState.RUNNING:
                running.stage_done(index, began + stage.duration_s, stage.duration_s)
        if job.state is JobState.PAUSED:
            running.paused(job.paused_s if job.paused_s is not None else at_s)

    def stage_started(self, job_id: str, index: int, at_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.stage_started(index, at_s)

    def stage_done(self, job_id: str, index: int, at_s: float, duration_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.stage_done(index, at_s, duration_s)

    def stepped(self, job_id: str, index: int, step: int, at_s: float, duration_s: float) -> None:
        known = self._steps[job_id][index]
        if known and step <= known[-1][0]:
            return
        known.append((step, duration_s))
        if (running := self._running.get(job_id)) is not None:
            running.estimator.step(index, step, at_s, duration_s)

    def paused(self, job_id: str, at_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.paused(at_s)

    def resumed(self, job_id: str, at_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.resumed(at_s)

    def read(self, job_id: str, now_s: float) -> Reading | None:
        running = self._running.get(job_id)
        return None if running is None else running.estimator.at(now_s)

    def sample(self, job_id: str, reading: Reading, now_s: float) -> EstimateSample | None:
        """An estimate worth keeping: the first, and one each KEEP_EVERY percent."""
        running = self._running.get(job_id)
        if running is None or reading.progress < running.kept + KEEP_EVERY:
            return None
        running.kept = reading.progress
        running.told.append(EstimateSample(job_id, running.attempt, now_s, reading.progress, reading.eta_s,
                                           reading.low_s, reading.high_s))
        return running.told[-1]

    def told(self, job_id: str) -> list[EstimateSample]:
        """The estimates of a job in hand that are kept, oldest first."""
        running = self._running.get(job_id)
        return [] if running is None else running.told

    def forget(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._steps.pop(job_id, None)

    def learn(self, job: Job, at_s: float) -> list[StageRun]:
        """The finished stages of a job that has completed, learnt; its estimator is done."""
        runs: list[StageRun] = []
        for index, stage in enumerate(job.stages):
            if stage.status is not StageState.COMPLETED or stage.duration_s is None:
                continue
            durations = [duration for _, duration in self._steps[job.id][index]]
            first, rest = durations[0] if durations else 0.0, durations[1:]
            spec = job.spec
            # Each when it ended, and growing: after a restart the order of the stages is known by it.
            ended_s = at_s if stage.started_s is None else min(at_s, stage.started_s + stage.duration_s)
            ended_s = max(ended_s, runs[-1].at_s + 1e-3) if runs else ended_s
            runs.append(StageRun(
                job_id=job.id, attempt=job.attempt, engine=spec.engine, model=spec.model, width=spec.width,
                height=spec.height, steps=stage.steps, frames=spec.frames, batch=spec.batch, stage=stage.name,
                at_s=ended_s, duration_s=stage.duration_s, first_s=first,
                step_s=statistics.median(rest) if rest else first, shape=spec.shape,
            ))
        for run in runs:
            self.history.add(run)
        self._totals.clear()
        self.forget(job.id)
        return runs

    # --- the queue ---

    def total(self, job: Job) -> Total:
        """What a job that has not begun should take, all stages."""
        spec = job.spec
        key = (spec.engine, spec.model, spec.shape, spec.width, spec.height, spec.steps, spec.batch, spec.frames)
        if key not in self._totals:
            self._totals[key] = expected_total(spec, self.history.plan(spec), self.history)
        return self._totals[key]

    def plan(self, waiting: list[Job], in_hand: list[Job], lanes: list[frozenset[str]], now_s: float,
             turns: Mapping[str, Turn] = _NO_TURNS) -> None:
        """When each pending job starts and ends, over the workers' lanes. Paused jobs hold their worker but no time.

        `turns` are from when to when the brain has jobs run, in seconds from now (None: never).
        """
        running = [job for job in in_hand if job.state is JobState.RUNNING]
        readings = [self.read(job.id, now_s) or self.total(job) for job in running]
        left = [reading.eta_s if isinstance(reading, Reading) else reading.median_s for reading in readings]
        pending = [(job, self.total(job)) for job in waiting if job.state is JobState.PENDING]
        self._plan = plan_queue([(job.id, job.spec.engine, total.median_s) for job, total in pending if not job.waits],
                                zip((job.spec.engine for job in running), left, strict=True), lanes)
        self._plan = {job_id: span for job_id, span in {**self._plan, **turns}.items() if span is not None}
        least_s = self._chain(pending, list(zip(running, left, strict=True)), lanes)
        self._planned_s, slots = now_s, len(lanes)
        ends = [end for _, end in self._plan.values()] + left
        if not ends or not slots:
            self.clear = None
            return
        middle = max(*ends, least_s)
        spreads = [(r.low_s, r.high_s, r.eta_s if isinstance(r, Reading) else r.median_s) for r in readings]
        spreads += [(total.low_s, total.high_s, total.median_s) for _, total in pending]
        # Errors of different jobs are taken as independent: their squares add up.
        below = sum((mid - low) ** 2 for low, _, mid in spreads) ** 0.5 / slots
        above = sum((high - mid) ** 2 for _, high, mid in spreads) ** 0.5 / slots
        self.clear = (middle, max(0.0, middle - below), middle + above)

    def _chain(self, pending: list[tuple[Job, Total]], running: list[tuple[Job, float]],
               lanes: list[frozenset[str]]) -> float:
        """Adds the jobs that come after others to the plan. Returns when all can be done at the earliest: they push
        back what is behind them, so not before all the work is shared out over all the slots."""
        chained = [Chained(job.id, job.waits, job.spec.engine, total.median_s) for job, total in pending if job.waits]
        if not chained:
            return 0.0
        ends = {job.id: left_s for job, left_s in running} | {job_id: end for job_id, (_, end) in self._plan.items()}
        self._plan = {**self._plan, **foresee(chained, ends, Counter(chain.from_iterable(lanes)))}
        work_s = sum(left_s for job, left_s in running if not job.foreign)
        return (work_s + sum(total.median_s for job, total in pending if job.id in self._plan)) / max(1, len(lanes))

    def turn(self, job: Job) -> tuple[float | None, float]:
        """When a waiting job should begin (None: nobody can say), and what it should take."""
        start = self._plan.get(job.id)
        return None if start is None else self._planned_s + start[0], self.total(job).median_s

    def of(self, job: Job, position: int | None, now_s: float) -> Outlook:
        """What there is to say of a job besides its record."""
        if job.finished_s is not None:
            return Outlook(at_s=now_s)
        reading = self.read(job.id, now_s) if job.in_hand else None
        if reading is not None:
            whole = job.elapsed_s(now_s) + reading.eta_s
            return Outlook(at_s=now_s, eta_s=reading.eta_s, low_s=reading.low_s, high_s=reading.high_s,
                           speed=reading.speed, duration_s=whole, expected_s=reading.expected_s, position=position)
        total = self.total(job)
        start = self._plan.get(job.id)
        return Outlook(at_s=now_s, eta_s=total.median_s if job.in_hand else None, low_s=total.low_s if job.in_hand
                       else None, high_s=total.high_s if job.in_hand else None, position=position,
                       start_s=self._planned_s + start[0] if start is not None else None, duration_s=total.median_s)
