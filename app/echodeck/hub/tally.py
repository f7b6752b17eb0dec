"""How it went in a span of time, and against the span before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.job import Job, JobState
from .shapes import Tally

SPANS_S = {"1h": 3600.0, "6h": 6 * 3600.0, "24h": 24 * 3600.0, "7d": 7 * 24 * 3600.0}
STEADY_PERCENT = 1.0
"""A smaller change is no trend."""

Figures = tuple[float, float, float, float]


def figures(jobs: Sequence[Job], span_s: float) -> Figures:
    """Completed an hour, mean seconds of work of one, and percent completed and failed of those that were either."""
    done = [job for job in jobs if job.state is JobState.COMPLETED]
    failed = sum(job.state is JobState.FAILED for job in jobs)
    ended = len(done) + failed
    mean_s = sum(job.elapsed_s(job.finished_s or 0.0) for job in done) / len(done) if done else 0.0
    if not ended:
        return 0.0, 0.0, 0.0, 0.0
    return len(done) * 3600.0 / span_s, mean_s, 100.0 * len(done) / ended, 100.0 * failed / ended


def tally(jobs: Sequence[Job], timeframe: str, now_s: float) -> Tally:
    """`jobs` are those that ended within two spans before `now_s` (others do not count)."""
    span_s = SPANS_S[timeframe]
    ages = [(now_s - job.finished_s, job) for job in jobs if job.finished_s is not None]
    now = figures([job for age, job in ages if age <= span_s], span_s)
    before = figures([job for age, job in ages if span_s < age <= 2 * span_s], span_s)
    known = any(span_s < age <= 2 * span_s for age, _ in ages)
    trends = [_trend(new, old) if known else ("neutral", 0.0) for new, old in zip(now, before, strict=True)]
    (made, made_by), (took, took_by), (won, won_by), (lost, lost_by) = trends
    return Tally(timeframe, *now, made, took, won, lost, made_by, took_by, won_by, lost_by)


def _trend(now: float, before: float) -> tuple[str, float]:
    if before == 0.0:
        return "neutral", 0.0
    change = 100.0 * (now - before) / before
    if abs(change) < STEADY_PERCENT:
        return "neutral", change
    return ("up" if change > 0 else "down"), change
