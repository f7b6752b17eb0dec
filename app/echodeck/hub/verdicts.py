"""What agents think of the pictures that they made: kept with the job, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..model.facts import Judged
from ..model.job import Job
from ..model.transitions import allowed
from ..model.verdict import DEFECTS, Verdict
from ..wire import say
from .desk import Desk
from .ledger import Change

GOOD = 70
"""Below it a verdict is worth a line in the log."""


class Verdicts:
    """Part "verdicts" of the brain. `judged` is told those that have a score, too."""

    def __init__(self, desk: Desk, judged: Callable[[Job, Sequence[Verdict], Change], None]) -> None:
        self._desk, self._judged = desk, judged

    def take(self, payload: say.JobReport, change: Change) -> dict[str, Any]:
        """Keeps what was thought of a job that has completed; of another attempt, or while the part is off, nothing."""
        desk = self._desk
        if not desk.parts.on("verdicts") or payload.job_id not in desk.queue:
            return {"stale": True}
        job = desk.queue.get(payload.job_id)
        verdicts = tuple(one for one in payload.verdicts if 0 <= one.output < len(job.outputs))
        ours = job.attempt == payload.attempt and job.worker_id == payload.worker_id
        if not ours or not verdicts or not allowed(job, Judged):
            return {"stale": True}
        _, judged = desk.queue.apply(job.id, Judged(change.at_s, verdicts))
        desk.save(judged, change)
        desk.event("quality_report", judged, change)
        for verdict in verdicts:
            if verdict.reasons and (verdict.score is None or verdict.score < GOOD):
                level = "info" if verdict.score is None else "warning"
                desk.log(change, level, job.worker_id, f"{job.spec.title}: {in_words(verdict)}", job.id)
        if scored := [one for one in verdicts if one.score is not None]:
            self._judged(judged, scored, change)
        return {}


def in_words(verdict: Verdict) -> str:
    """ "output 2 scores 38 of 100: noise left over: 2 steps"; "output 1 is not judged: …" """
    said = "; ".join(reason.sentence or DEFECTS.get(reason.defect, reason.defect) for reason in verdict.reasons)
    worth = "is" if verdict.score is None else f"scores {verdict.score} of 100:"
    return f"output {verdict.output + 1} {worth} {said}"
