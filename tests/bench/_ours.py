"""Our estimates, from what a hub would know at each moment: the jobs before, and how good it was at them."""

from __future__ import annotations

from _jobs import Made

from echodeck.engines.sketch import INFO as SKETCH
from echodeck.model.calibration import Calibration, Kind, score
from echodeck.model.eta import History, JobEstimator, Reading, expected_total
from echodeck.model.lesson import kind_of
from echodeck.model.profile import profile_of
from echodeck.model.span import Total
from echodeck.model.workload import Latents

MARKS = (0.10, 0.25, 0.50, 0.75)


class Ours:
    """What a hub knows of the jobs so far, and its estimates."""

    def __init__(self) -> None:
        self.history, self.calibration = History(latents=self._latents), Calibration()
        self._learnt = 0

    def _latents(self, engine: str) -> Latents | None:
        return SKETCH.latents if engine == SKETCH.name else None

    def readings(self, job: Made) -> list[Reading]:
        """The estimate at each of MARKS, from what was known then, uncalibrated."""
        estimator, found = JobEstimator.start(job.spec, job.plan, self.history, 0.0), []
        events = job.events()
        estimator.stage_started(0, 0.0)
        for mark in MARKS:
            while events and events[0][0] <= mark * job.total_s:
                at_s, stage, step, duration_s = events.pop(0)
                if step:
                    estimator.step(stage, step, at_s, duration_s)
                else:
                    estimator.stage_done(stage, at_s, duration_s)
                    estimator.stage_started(stage + 1, at_s)
            found.append(estimator.at(mark * job.total_s))
        return found

    def pending(self, job: Made) -> tuple[Total, Total]:
        """What a job should take before it begins, uncalibrated and as it is told."""
        plain = expected_total(job.spec, self.history.plan(job.spec), self.history)
        return plain, self.calibration.set(self._kind(job), 0.0, plain)

    def _kind(self, job: Made) -> Kind:
        return kind_of(job.spec, first=self.history.first(job.spec))

    def told(self, job: Made) -> list[Total]:
        """The same with calibrated intervals; then the job is learnt."""
        readings = self.readings(job)
        kind, spec = self._kind(job), job.spec
        plain = [Total(one.eta_s, one.low_s, one.high_s) for one in readings]
        told = [self.calibration.set(kind, mark, one) for mark, one in zip(MARKS, plain, strict=True)]
        self.calibration.learn(kind, [score(mark, (1.0 - mark) * job.total_s, before, after)
                                      for mark, before, after in zip(MARKS, plain, told, strict=True)
                                      if before.median_s > 0])
        before, after = self.pending(job)
        self.calibration.learn(kind, [score(0.0, job.total_s, before, after)])
        for run in job.runs(f"past{self._learnt}", 1000.0 * self._learnt):
            self.history.add(run)
        for stage in job.stages:
            self.history.profiles.add((spec.engine, spec.model, spec.shape, stage.name), profile_of(stage.steps_s))
        self._learnt += 1
        return told
