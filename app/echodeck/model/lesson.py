"""What a completed job teaches of estimates: how good they were, and how its steps differed from one another.

A lesson is a record of its own, for it cannot be had again from what else is kept: of an estimate only the interval
that was told is stored, and a lesson needs the one before calibration. Taught again in order, lessons make the same
calibration.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from .accuracy import LEAST_TRUTH_S, MOST_PAUSE_S
from .calibration import FIRST, SHARES, Calibration, Kind, Score, score
from .history import History
from .job import Job, JobSpec, JobState, StageState
from .profile import Profile, profile_of
from .record import StageRun
from .span import Total


@dataclass(frozen=True, slots=True)
class Said:
    """An estimate at one moment: the time left before calibration, and as it was told."""

    at_s: float
    plain: Total
    told: Total


@dataclass(frozen=True, slots=True)
class Lesson:
    """`profiles` are by stage. `first`: nothing of its configuration had been made before."""

    job_id: str
    engine: str
    model: str
    resolution: str
    shape: str
    at_s: float
    scores: tuple[Score, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    first: bool = False

    @property
    def kind(self) -> Kind:
        return (FIRST, self.engine, self.model) if self.first else (self.engine, self.model, self.resolution)


def kind_of(spec: JobSpec, *, first: bool) -> Kind:
    """Whose estimates are alike. `first`: nothing of its configuration was made before (see `History.first`)."""
    return (FIRST, spec.engine, spec.model) if first else (spec.engine, spec.model, spec.resolution)


def lesson_of(job: Job, said: Sequence[Said], steps_s: Mapping[str, Sequence[float]], at_s: float, *,
              first: bool) -> Lesson:
    """Of a completed job. `said` is in order, the first as it was told while the job waited; `steps_s` are the
    durations of the steps of each stage."""
    profiles = {stage: profile for stage, durations in steps_s.items() if (profile := profile_of(durations)).away}
    spec = job.spec
    return Lesson(job.id, spec.engine, spec.model, spec.resolution, spec.shape, at_s, tuple(scores_of(job, said)),
                  profiles, first)


def scores_of(job: Job, said: Sequence[Said]) -> list[Score]:
    """The estimate that stood when each of SHARES of the job was done, judged for the moment when it was made.

    With hardly any time left there is nothing to judge, and a job that was paused says nothing: see `accuracy`.
    """
    if job.state is not JobState.COMPLETED or job.started_s is None or job.finished_s is None \
            or job.paused_total_s > MOST_PAUSE_S:
        return []
    moments_s = [one.at_s for one in said]
    found = []
    for share in SHARES:
        place = bisect_right(moments_s, job.started_s + share * (job.finished_s - job.started_s)) - 1
        if place < 0:
            continue
        truth_s, plain = job.finished_s - moments_s[place], said[place].plain
        if truth_s >= LEAST_TRUTH_S and plain.median_s > 0:
            found.append(score(share, truth_s, plain, said[place].told))
    return found


def run_of(job: Job, index: int, steps_s: Sequence[float], duration_s: float, at_s: float) -> StageRun:
    """A stage of the job that took so long and ended at `at_s`; `steps_s` are the durations of its steps."""
    spec, stage = job.spec, job.stages[index]
    first, rest = (steps_s[0], steps_s[1:]) if steps_s else (0.0, ())
    return StageRun(
        job_id=job.id, attempt=job.attempt, engine=spec.engine, model=spec.model, width=spec.width, height=spec.height,
        steps=stage.steps, frames=spec.frames, batch=spec.batch, stage=stage.name, at_s=at_s, duration_s=duration_s,
        first_s=first, step_s=median(rest) if rest else first, shape=spec.shape, sampler=spec.sampler)


def runs_of(job: Job, steps_s: Mapping[int, Sequence[float]], at_s: float) -> list[StageRun]:
    """The finished stages of a job that completed at `at_s`; `steps_s` are the durations of the steps of each."""
    runs: list[StageRun] = []
    for index, stage in enumerate(job.stages):
        if stage.status is not StageState.COMPLETED or stage.duration_s is None:
            continue
        # Each when it ended, and growing: after a restart the order of the stages is known by it.
        ended_s = at_s if stage.started_s is None else min(at_s, stage.started_s + stage.duration_s)
        ended_s = max(ended_s, runs[-1].at_s + 1e-3) if runs else ended_s
        runs.append(run_of(job, index, steps_s.get(index, ()), stage.duration_s, ended_s))
    return runs


def teach(lesson: Lesson, calibration: Calibration, history: History) -> None:
    """Both learn what the lesson says."""
    calibration.learn(lesson.kind, lesson.scores)
    for stage, profile in lesson.profiles.items():
        history.profiles.add((lesson.engine, lesson.model, lesson.shape, stage), profile)
