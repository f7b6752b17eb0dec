"""What becomes of a job's stages when it is planned anew, ends, or is taken up again after a supposed end."""

from __future__ import annotations

from dataclasses import replace

from .job import Job, Stage, StageState


def planned(job: Job, stages: tuple[tuple[str, int], ...]) -> Job:
    """What has begun stays (but for the steps of what runs, which may be known only now); the rest is as planned."""
    begun = max((n for n, stage in enumerate(job.stages, 1) if stage.status is not StageState.PENDING), default=0)
    kept = list(job.stages[:begun])
    if kept and len(stages) >= begun and kept[-1].status is StageState.RUNNING:
        kept[-1] = replace(kept[-1], steps=max(kept[-1].step, stages[begun - 1][1]))
    planned = (*kept, *(Stage(name, steps=steps) for name, steps in stages[begun:]))
    return job if planned == job.stages else replace(job, stages=planned)


def reopened(job: Job) -> Job:
    """The job taken up again by who has it; what its supposed end did to its stages is undone."""
    stages = []
    for stage in job.stages:
        if stage.status is StageState.FAILED:
            stage = replace(stage, status=StageState.RUNNING, duration_s=None)
        elif stage.status is StageState.SKIPPED and stage.duration_s is None:
            stage = replace(stage, status=StageState.PENDING)
        stages.append(stage)
    return replace(job, stages=tuple(stages), finished_s=None, error=None, usage=())


def closed(stages: tuple[Stage, ...], last: StageState, at_s: float) -> tuple[Stage, ...]:
    """The stages of a job that has ended: what ran is `last`, what had not begun is skipped."""
    found = []
    for stage in stages:
        if stage.status is StageState.RUNNING:
            took = max(0.0, at_s - stage.started_s) if stage.started_s is not None else None
            stage = replace(stage, status=last, duration_s=took)
        elif stage.status is StageState.PENDING:
            stage = replace(stage, status=StageState.SKIPPED)
        found.append(stage)
    return tuple(found)
