"""What is new in the hub's events: notices, of those that people may want to be told."""

from __future__ import annotations

from collections.abc import Iterable

from ...brain.notices.notice import RANK, Notice
from ...brain.words import span
from ...model.record import Alert
from ...model.verdict import scores
from ...wire import show

ENDED = {"generation_complete": ("completed", "success"), "generation_failed": ("failed", "error"),
         "generation_cancelled": ("cancelled", "info")}
_TOLD_AS_ENDING = "failed"
"""The rule of the alert that a job has failed, which the event about the job tells already."""


class News:
    """Remembers which alerts are open, and how grave they were at worst: one that is only counted, acknowledged or
    brought up to date is no news, one that has become graver is."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def know(self, alerts: Iterable[Alert]) -> None:
        """These are no news."""
        self._open = {alert.id: alert.level for alert in alerts if alert.resolved_s is None}

    def of_alert(self, type_: str, alert: show.AlertView, user: str, at_s: float, *,
                 hushed: bool = False) -> Notice | None:
        """`user` is whose job it is about; `hushed`: it is silenced, and would be news if it came again later."""
        if alert.cause.partition(":")[0] == _TOLD_AS_ENDING:
            return None
        if type_ == "alert_resolved":
            if self._open.pop(alert.id, None) is None or hushed:
                return None
            kind = "resolved"
        else:
            known = self._open.get(alert.id)
            if hushed or (known is not None and RANK[alert.level] <= RANK[known]):
                return None
            self._open[alert.id] = alert.level
            if alert.acknowledged_at is not None:
                return None
            kind = "alert"
        return Notice(f"{alert.id}-{kind}-{alert.count}", at_s, kind, alert.level, alert.title, alert.message,
                      alert.cause, user, alert.job_id, alert.host)


def of_job(type_: str, job: show.JobView, at_s: float) -> Notice | None:
    """The end of a job, wherever it lives; None for anything else."""
    if type_ not in ENDED:
        return None
    ending, level = ENDED[type_]
    cause = f"{ending}:{job.job_id}" if ending == "failed" else ""
    return Notice(f"{job.job_id}-{ending}-{job.attempt}", at_s, ending, level, job.title, _how(job, ending), cause,
                  job.user, job.job_id)


def _how(job: show.JobView, ending: str) -> str:
    """How it went, in a line: "sdxl, in 7.6 s, score 82"; "sdxl, after 3 s: out of memory"."""
    parts = [job.model or job.engine]
    if job.elapsed > 0.0:
        parts.append(f"{'in' if ending == 'completed' else 'after'} {span(job.elapsed)}")
    if ending == "cancelled" and job.cancelled_by:
        parts.append(f"by {job.cancelled_by}")
    if known := scores(job.verdicts):
        low, high = min(known), max(known)
        parts.append(f"score {low}" if low == high else f"scores {low} to {high}")
    said = ", ".join(part for part in parts if part)
    return f"{said}: {job.error}" if job.error else said
