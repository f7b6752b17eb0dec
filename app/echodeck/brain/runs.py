"""Runs of jobs that a worker is given before others for one reason: told as one decision that grows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .order import Choice
from .reasons import why_given
from .words import many

MOST_NAMED = 3
MOST_JOBS = 50
"""Jobs of a run that are kept, the latest: it is told whole with each that comes."""


@dataclass(frozen=True, slots=True)
class Run:
    """`count` jobs of one model, of which the latest are in `jobs` as (id, title), the last last. `passed` are the
    times that others were overtaken."""

    id: str
    model: str
    why: str
    label: str
    jobs: tuple[tuple[str, str], ...] = ()
    count: int = 0
    passed: int = 0

    def grown(self, job_id: str, title: str, passed: int) -> Run:
        return replace(self, jobs=(*self.jobs, (job_id, title))[-MOST_JOBS:], count=self.count + 1,
                       passed=self.passed + passed)

    @property
    def title(self) -> str:
        names = [title for _, title in self.jobs]
        if self.count > MOST_NAMED:
            return f"{many(self.count, 'job')} of {self.label} go first, the last {names[-1]}"
        said = " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
        return f"{said} {'goes' if self.count == 1 else 'go'} first"

    @property
    def reason(self) -> str:
        return why_given(self.why, self.count)


class Runs:
    """One a worker, until it is given a job of another model or for another reason."""

    def __init__(self) -> None:
        self._open: dict[str, Run] = {}
        """By lane."""

    def given(self, lane_id: str, choice: Choice, title: str, label: str, new_id: str) -> Run:
        """The run that a job which was not the first in the line belongs to; one that it begins has the id `new_id`.
        `label` is what its model is called."""
        known, job = self._open.get(lane_id), choice.job
        if known is None or (known.model, known.why) != (job.model, choice.why):
            known = Run(new_id, job.model, choice.why, label)
        self._open[lane_id] = known.grown(job.id, title, len(choice.passed))
        return self._open[lane_id]

    def first(self, lane_id: str, model: str) -> None:
        """The lane was given what stood first: a run of another model is over."""
        if lane_id in self._open and self._open[lane_id].model != model:
            del self._open[lane_id]
