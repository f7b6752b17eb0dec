"""The estimates and the truth: every job that completes is a lesson, kept, learnt from, and told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from .. import wire
from ..brain.words import percent
from ..model.calibration import FIRST, Kind
from ..model.job import Job
from ..model.lesson import Lesson
from ..wire.foresight import EstimateScore, score_view
from .desk import Desk
from .ledger import Change

KEPT_LESSONS = 2_000
SHOWN_KINDS = 40
"""Engines with a model that are on the board at once; the latest."""
WORTH_TELLING = 1.25
"""By how much an interval is wider or narrower than was told last, when that is told."""


LEAST_TOLD = 20
"""Estimates of a kind that must have been judged before anything is told of it."""


class Foresight:
    """`restore` once, then `ended` of each job that has completed, before its estimate is forgotten."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: deque[str] = deque()
        self._shown: dict[Kind, None] = {}
        self._widths: dict[Kind, float] = {}
        """How wide the intervals of a kind were when that was told last, over their width without calibration."""

    def restore(self, records: Iterable[dict[str, Any]]) -> None:
        """Lessons of before the hub started."""
        lessons = sorted((msgspec.convert(record, Lesson) for record in records), key=lambda one: one.at_s)
        for lesson in lessons:
            self._desk.outlooks.teach(lesson)
            self._kept.append(lesson.job_id)
        for kind in {lesson.kind: None for lesson in lessons}:
            self._widths[kind] = self._width(kind)
            self._show(kind, self._desk.clock())

    def ended(self, job: Job, change: Change) -> None:
        """The job has completed: its estimates are judged, and later ones set by it."""
        lesson = self._desk.outlooks.lesson(job, change.at_s)
        if not lesson.scores and not lesson.profiles:
            return
        change.batch.records["lessons", job.id] = wire.plain(lesson)
        self._kept.append(job.id)
        while len(self._kept) > KEPT_LESSONS:
            change.batch.records["lessons", self._kept.popleft()] = None
        kind = lesson.kind
        self._show(kind, change.at_s)
        if self._desk.parts.on("foresight"):
            self._tell(kind, job, change)

    def _show(self, kind: Kind, now_s: float) -> None:
        """What is known of its engine with its model (of first jobs: of them all), and of everything, to everybody."""
        desk, shown = self._desk, kind[:1] if kind[0] == FIRST else kind[:2]
        self._shown.pop(shown, None)
        self._shown[shown] = None
        if len(self._shown) > SHOWN_KINDS:
            oldest = next(iter(self._shown))
            del self._shown[oldest]
            desk.board.forget("estimates", " ".join(oldest))
        for one in ((), shown):
            view = self.score(one)
            if view.shares:
                desk.put("estimate_score", "estimates", view.name, view, now_s)

    def score(self, kind: Kind) -> EstimateScore:
        return score_view(kind, self._desk.outlooks.calibration.record(kind))

    def scores(self) -> list[EstimateScore]:
        """Of every kind, the coarser first."""
        return [self.score(kind) for kind in self._desk.outlooks.calibration.kinds()]

    def _width(self, kind: Kind) -> float:
        record = self._desk.outlooks.calibration.record(kind)
        return sum(one.factor_low + one.factor_high for one in record) / (2.0 * len(record)) if record else 1.0

    def _tell(self, kind: Kind, job: Job, change: Change) -> None:
        """That intervals are much wider or narrower than they were when it was told last."""
        before, now = self._widths.get(kind, 1.0), self._width(kind)
        record = self._desk.outlooks.calibration.record(kind)
        count = sum(one.count for one in record)
        if count < LEAST_TOLD or 1.0 / WORTH_TELLING < now / before < WORTH_TELLING:
            return
        self._widths[kind] = now
        held = sum(one.coverage * one.count for one in record) / count
        error = sum(one.error * one.count for one in record) / count
        of = " ".join(part for part in kind if part)
        self._desk.decide(
            change, "foresight", f"{'Wider' if now > before else 'Narrower'} intervals for {of}",
            f"the 80 % interval held {percent(held)} of the latest {count} estimates, off by {percent(error)} of the "
            f"time left; it is now {now:.2g} times as wide as history makes it",
            job.id, {"engine": job.spec.engine, "model": job.spec.model, "resolution": job.spec.resolution,
                     "first": kind[0] == FIRST, "count": count, "coverage": held, "error": error,
                     "factorBefore": before, "factor": now})
