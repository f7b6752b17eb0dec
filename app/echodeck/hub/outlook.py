"""What is to come: each job's estimate while it runs, and when each waiting job should start and end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from ..model.calibration import Calibration, Kind
from ..model.eta import JobEstimator, Reading, Total, expected_total
from ..model.forecast import Forecast, Timed, forecast
from ..model.history import History
from ..model.job import Job, JobSpec, JobState, StageState
from ..model.lanes import NO_TURNS, Turns
from ..model.lesson import Lesson, Said, kind_of, lesson_of, run_of, runs_of, teach
from ..model.record import EstimateSample, StageRun, StepSample
from ..model.span import stretched, with_twin
from ..model.workload import Latents
from ..wire.show import Outlook

KEEP_EVERY = 5.0
"""Percent of progress between two estimates that are kept for comparison with the truth."""
JUDGE_EVERY = 1.05
"""By how much time worked grows between two estimates that may be judged: whenever the job turns out to end, one was
made near each share of it."""

GLIMPSES = (2, 4, 8)
"""After so many steps the first job of a configuration has others learn from it."""


@dataclass(slots=True)
class _Running:
    job: Job
    estimator: JobEstimator
    attempt: int
    first: bool
    """Nothing of its configuration had been made when it began."""
    kept: float = -KEEP_EVERY
    told: list[EstimateSample] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


class Outlooks:
    """One estimator a running job, the history they draw on, and the plan of the queue. Times are the hub's clock.

    Intervals are calibrated by how good earlier ones were, while `calibrating` says so.
    """

    def __init__(self, runs: Iterable[StageRun] = (), calibrating: Callable[[], bool] = lambda: True,
                 latents: Callable[[str], Latents | None] = lambda engine: None) -> None:
        self.history, self.calibration, self._calibrating = History(runs, latents), Calibration(), calibrating
        self._running: dict[str, _Running] = {}
        self._steps: dict[str, dict[int, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
        self._totals: dict[tuple[object, ...], Total] = {}
        self._twins: dict[tuple[object, ...], Total] = {}
        self._expected: dict[tuple[object, ...], Total] = {}
        """What jobs should take as of the latest plan: there are far fewer kinds of jobs than jobs."""
        self.forecast = Forecast()
        """The latest plan."""
        self.clear: tuple[float, float, float] | None = None
        """Seconds from the last plan until everything is done: middle, low, high."""

    # --- a job in hand ---

    def planned(self, job: Job, at_s: float) -> None:
        """The worker said which stages there are, or that those still to come are others."""
        stages = [(stage.name, stage.steps) for stage in job.stages]
        if job.id in self._running:
            begun = sum(stage.status is not StageState.PENDING for stage in job.stages)
            running = self._running[job.id]
            running.job = job
            running.estimator.replan(job.spec, stages, self.history, begun)
        else:
            started = job.started_s if job.started_s is not None else at_s
            estimator = JobEstimator.start(job.spec, stages, self.history, started + job.paused_total_s)
            said = Said(started, self._plain(job), self.total(job))
            self._running[job.id] = _Running(job, estimator, job.attempt, self.history.first(job.spec), said=[said])

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
            if running.first and step in GLIMPSES:
                self._glimpse(running.job, index, at_s)

    def _glimpse(self, job: Job, index: int, at_s: float) -> None:
        """The first of its configuration has shown its pace: others that wait need not wait for its end."""
        known = self._steps[job.id][index]
        steps_s = [duration_s for _, duration_s in known if duration_s > 0]
        if index < len(job.stages) and len(steps_s) == known[-1][0]:
            run = run_of(job, index, steps_s, sum(steps_s), at_s)
            self.history.glimpse(replace(run, steps=len(steps_s)))
            self._changed()

    def paused(self, job_id: str, at_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.paused(at_s)

    def resumed(self, job_id: str, at_s: float) -> None:
        if (running := self._running.get(job_id)) is not None:
            running.estimator.resumed(at_s)

    def read(self, job_id: str, now_s: float) -> Reading | None:
        """The time left of a job in hand."""
        running = self._running.get(job_id)
        return None if running is None else self._told(running, running.estimator.at(now_s))

    def _told(self, running: _Running, reading: Reading) -> Reading:
        kind = kind_of(running.job.spec, first=running.first)
        span = self._calibrated(kind, reading.progress / 100.0, _span(reading))
        return replace(reading, low_s=span.low_s, high_s=span.high_s)

    def _calibrated(self, kind: Kind, share: float, span: Total) -> Total:
        return self.calibration.set(kind, share, span) if self._calibrating() else span

    def sample(self, job_id: str, reading: Reading, now_s: float) -> EstimateSample | None:
        """An estimate worth keeping: the first, and one each KEEP_EVERY percent."""
        running = self._running.get(job_id)
        if running is not None:
            self._note(running, reading, now_s)
        if running is None or reading.progress < running.kept + KEEP_EVERY:
            return None
        running.kept = reading.progress
        running.told.append(EstimateSample(job_id, running.attempt, now_s, reading.progress, reading.eta_s,
                                           reading.low_s, reading.high_s))
        return running.told[-1]

    def _note(self, running: _Running, reading: Reading, now_s: float) -> None:
        """Keeps what is said for the time when the truth is known."""
        began_s, last_s = running.said[0].at_s, running.said[-1].at_s
        if now_s - began_s > JUDGE_EVERY * (last_s - began_s):
            running.said.append(Said(now_s, _span(running.estimator.at(now_s)), _span(reading)))

    def told(self, job_id: str) -> list[EstimateSample]:
        """The estimates of a job in hand that are kept, oldest first."""
        running = self._running.get(job_id)
        return [] if running is None else running.told

    def forget(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._steps.pop(job_id, None)
        if self.history.forget(job_id):
            self._changed()

    def learn(self, job: Job, at_s: float) -> list[StageRun]:
        """The finished stages of a job that has completed, learnt; its estimator is done."""
        steps_s = {index: [duration_s for _, duration_s in known] for index, known in self._steps[job.id].items()}
        runs = runs_of(job, steps_s, at_s)
        for run in runs:
            self.history.add(run)
        self.forget(job.id)
        self._twins.clear()  # the one that has ended is nobody's twin any more
        self._changed()
        return runs

    def lesson(self, job: Job, at_s: float) -> Lesson:
        """What a job in hand that has completed teaches; learnt. Before `learn`, which forgets it."""
        running, steps = self._running.get(job.id), self._steps[job.id]
        durations = {stage.name: [duration for _, duration in steps[index]] for index, stage in enumerate(job.stages)}
        lesson = lesson_of(job, running.said if running else (), durations, at_s,
                           first=running.first if running else self.history.first(job.spec))
        self.teach(lesson)
        return lesson

    def teach(self, lesson: Lesson) -> None:
        teach(lesson, self.calibration, self.history)
        self._changed()

    def _changed(self) -> None:
        """What jobs should take may be something else now."""
        self._totals.clear()
        self._expected.clear()

    # --- the queue ---

    def total(self, job: Job) -> Total:
        """What a job that has not begun should take, all stages. Foreseeing, it learns from a twin in work at once."""
        alike = _alike(job.spec)
        key = (self._calibrating(), alike)
        found = self._expected.get(key)
        if found is None:
            total = self._calibrated(kind_of(job.spec, first=self.history.first(job.spec)), 0.0, self._plain(job))
            twin = self._twins.get(alike) if self._calibrating() else None
            found = self._expected[key] = total if twin is None else with_twin(total, twin)
        return found

    def _plain(self, job: Job) -> Total:
        key = _alike(job.spec)
        if key not in self._totals:
            self._totals[key] = expected_total(job.spec, self.history.plan(job.spec), self.history)
        return self._totals[key]

    def plan(self, waiting: list[Job], in_hand: list[Job], lanes: list[frozenset[str]], now_s: float,
             turns: Turns = NO_TURNS) -> None:
        """When each pending job starts and ends, over the workers' lanes. Paused jobs hold their worker but no time.

        `turns` are from when to when the brain has jobs run (None: never), in seconds from now.
        """
        self._twins, self._expected = {}, {}
        running = self.in_work(in_hand, now_s)
        self.forecast = forecast(self.pending(waiting), running, lanes, now_s, turns)
        self.clear = self.forecast.clear

    def pending(self, waiting: Iterable[Job]) -> list[Timed]:
        """Those that may begin one day by themselves, and what each should take."""
        return [(job, self.total(job)) for job in waiting if job.state is JobState.PENDING]

    def in_work(self, in_hand: Iterable[Job], now_s: float) -> list[Timed]:
        """What is left of each job in work; what waits and is like it learns from that."""
        found = []
        for job in in_hand:
            if job.state is not JobState.RUNNING:
                continue
            reading = self.read(job.id, now_s)
            span = self.total(job) if reading is None else _span(reading)
            found.append((job, span))
            if reading is not None:
                gone_s = job.elapsed_s(now_s)
                self._twins[_alike(job.spec)] = Total(gone_s + span.median_s, gone_s + span.low_s, gone_s + span.high_s)
        return found

    def takes(self, job: Job) -> Total:
        """What a waiting job should take where it is planned, else as if nothing were loaded for it."""
        total, planned_s = self.total(job), self.forecast.takes_s(job.id)
        return total if planned_s is None else stretched(total, planned_s)

    def start_s(self, job_id: str) -> float | None:
        """When a waiting job should start, as of the latest plan."""
        return self.forecast.start_s(job_id)

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
        if job.in_hand:
            return Outlook(at_s=now_s, eta_s=total.median_s, low_s=total.low_s, high_s=total.high_s,
                           position=position, duration_s=total.median_s)
        planned = self.forecast.plan.get(job.id)
        outlook = Outlook(at_s=now_s, position=position, duration_s=total.median_s)
        if planned is not None:
            start, end, at_s = planned.start, planned.end, self.forecast.made_s
            outlook.start_s, outlook.start_bounds_s = at_s + start.median_s, (at_s + start.low_s, at_s + start.high_s)
            outlook.end_s, outlook.end_bounds_s = at_s + end.median_s, (at_s + end.low_s, at_s + end.high_s)
        return outlook


def _span(reading: Reading) -> Total:
    return Total(reading.eta_s, reading.low_s, reading.high_s)


_alike: Callable[[JobSpec], tuple[object, ...]] = attrgetter("engine", "model", "shape", "sampler", "width", "height",
                                                            "steps", "batch", "frames")
"""Jobs of which this is the same should take equally long."""
