"""What would be: a plan with further jobs in it, the models that could do one, configurations side by side.

Nothing is queued for it: the jobs are imagined, and the plan is made on a copy.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..brain.compare import compare
from ..brain.option import Basis, Option, Span
from ..brain.recommend import Judged, recommend
from ..brain.words import many, span
from ..errors import BadField
from ..model.engine import EngineInfo
from ..model.job import Job
from ..model.usage import total as total_usage
from ..wire import say, show
from .desk import Desk
from .intake import Intake
from .ladders import Ladders
from .moment import moment
from .outlook import Outlooks
from .session import Session

MOST_OPTIONS, MOST_ADDED = 100, 1000
SHIFTED_S = 1.0
Answer = dict[str, Any]


class WhatIf:
    """Each method answers one kind of question. How good a model's pictures are, the ladders know."""

    def __init__(self, desk: Desk, intake: Intake, ladders: Ladders) -> None:
        self._desk, self._intake, self._ladders = desk, intake, ladders

    def plan(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        desk = self._desk
        waiting = desk.queue.waiting()
        if not payload.add:
            text = [f"all is done in about {span(desk.outlooks.clear[0])}" if desk.outlooks.clear else
                    "nobody can do what waits" if waiting else "nothing waits"]
            return {"jobs": [_row(job, desk.outlooks) for job in waiting],
                    "clearAt": _clear(desk.outlooks, now_s), "clearLow": _clear(desk.outlooks, now_s, 1),
                    "clearHigh": _clear(desk.outlooks, now_s, 2), "text": text}
        if (count := sum(one.count for one in payload.add)) > MOST_ADDED:
            raise BadField("add", f"at most {MOST_ADDED:,} jobs at once can be thought of, got {count:,}")
        added = self._intake.imagine(payload.add, session, now_s, [f"add[{n}]" for n in range(len(payload.add))])
        planned = self._planned(added, now_s)
        rows = [{**_row(job, planned), "shift": _shift(job, desk.outlooks, planned)} for job in waiting]
        new = [{name: value for name, value in _row(job, planned).items() if name != "jobId"} for job in added]
        return {"jobs": rows, "added": new, "clearAt": _clear(planned, now_s),
                "clearLow": _clear(planned, now_s, 1), "clearHigh": _clear(planned, now_s, 2),
                "clearBefore": _clear(desk.outlooks, now_s),
                "text": self._said(planned, [row["shift"] for row in rows], len(added))}

    def _said(self, planned: Outlooks, shifts: list[float | None], count: int) -> list[str]:
        before, after = self._desk.outlooks.clear, planned.clear
        if after is None:
            return ["nobody can say: no agent that could do it is online"]
        later = [shift for shift in shifts if shift is not None and shift >= SHIFTED_S]
        return [f"with {many(count, 'job')} more all is done in about {span(after[0])}"
                + (f" instead of {span(before[0])}" if before else ""),
                f"{many(len(later), 'waiting job')} would begin later, by up to {span(max(later))}" if later else
                "no job that waits would begin later"]

    def _planned(self, jobs: Sequence[Job], now_s: float, *, ordered: bool = True) -> Outlooks:
        """The plan as it would be with these jobs too; not `ordered` by the brain, each stands behind what waits."""
        desk, trial = self._desk, copy.copy(self._desk.outlooks)
        line = sorted([*desk.queue.waiting(), *jobs], key=lambda job: (job.rank, job.created_s, job.id))
        turns = desk.imagine(desk.queue.waiting(), list(jobs), now_s) if ordered else {}
        trial.plan(line, desk.queue.in_hand(), desk.workers.lanes(), now_s, turns)
        return trial

    # --- models and configurations ---

    def recommend(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        deadline_s = self._deadline(payload, now_s)
        bounds = self._ladders.rules.bounds
        quality = bounds[payload.quality] if isinstance(payload.quality, str) else payload.quality
        options = self._options([self._with(payload.job, engine, model) for engine, model in self._models(payload)],
                                session, now_s)
        advice = recommend(options, payload.count, deadline_s, quality)
        return {"choice": _judged(advice.choice, now_s) if advice.choice else None,
                "alternatives": [_judged(one, now_s) for one in advice.others], "text": list(advice.text),
                "deadline": None if deadline_s is None else show.iso(now_s + deadline_s), "quality": quality}

    def compare(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        wanted = payload.jobs or [self._with(payload.job, engine, model) for engine, model in self._models(payload)
                                  if payload.models]
        if len(wanted) < 2:
            raise BadField("models", "name at least two to compare, or give two jobs or more in jobs")
        options = self._options(wanted, session, now_s)
        return {"options": [_option(one) for one in options], "text": compare(options)}

    def _models(self, payload: say.Query) -> list[tuple[str, str]]:
        """(engine, model) of what could be taken: the models named, or all there are. Raises BadField."""
        known: dict[str, EngineInfo] = self._desk.board.all("engines")
        wanted = payload.job.engine if payload.job is not None and payload.job.engine else ""
        here = {name for worker in self._desk.workers.online() for name in worker.engines}
        there = [(name, model.name) for name, info in sorted(known.items()) for model in info.models
                 if name in here and not info.reason and not info.workflows and wanted in ("", name)]
        for model in payload.models:
            if model not in {one for _, one in there}:
                names = ", ".join(sorted({one for _, one in there})) or "none"
                raise BadField("models", f"no engine here has {model[:80]!r}; there are {names}")
        if payload.models:
            there = [one for model in dict.fromkeys(payload.models) for one in there if one[1] == model]
        return there[:MOST_OPTIONS]

    def _with(self, job: say.Submit | None, engine: str, model: str) -> say.Submit:
        given = msgspec.structs.asdict(job) if job is not None else {}
        return say.Submit(**{**given, "engine": engine, "model": model, "count": 1})

    def _options(self, wanted: Iterable[say.Submit], session: Session, now_s: float) -> list[Option]:
        # Asked for one by one: each is imagined on its own, not behind the others.
        jobs = [self._intake.imagine([one], session, now_s)[0] for one in wanted]
        starts = self._starts({job.spec.engine: job for job in jobs}, now_s)
        lanes = self._desk.workers.lanes()
        measured = [job for job in self._desk.queue.ended() if job.usage]
        return [self._option(job, starts[job.spec.engine], sum(job.spec.engine in lane for lane in lanes), measured)
                for job in jobs]

    def _option(self, job: Job, start: Span, lanes: int, measured: list[Job]) -> Option:
        spec, took = job.spec, self._desk.outlooks.total(job)
        return Option(
            spec.engine, spec.model, Span(took.median_s, took.low_s, took.high_s), self._basis(job),
            pictures=max(1, spec.batch), start=start, lanes=max(1, lanes), vram_bytes=_vram(job, measured),
            quality=self._ladders.score(spec.engine, spec.model),
            label=", ".join(part for part in (spec.model or spec.engine, spec.resolution,
                                              f"{spec.steps} steps" if spec.steps else "") if part))

    def _basis(self, job: Job) -> Basis:
        """The least certain of what its stages' times are drawn from."""
        history = self._desk.outlooks.history
        found = {history.expect(job.spec, name, steps).basis for name, steps in history.plan(job.spec)}
        return "default" if "default" in found else "scaled" if "scaled" in found else "same"

    def _starts(self, samples: dict[str, Job], now_s: float) -> dict[str, Span]:
        """When a job for each engine could begin, behind all that waits, in seconds from now. Its interval is as wide
        as that of the whole queue."""
        planned = self._planned(list(samples.values()), now_s, ordered=False)
        clear = self._desk.outlooks.clear
        low, high = (clear[1] / clear[0], clear[2] / clear[0]) if clear and clear[0] > 0 else (1.0, 1.0)
        found = {engine: planned.turn(job)[0] for engine, job in samples.items()}
        waits = {engine: max(0.0, at_s - now_s) if at_s is not None else 0.0 for engine, at_s in found.items()}
        return {engine: Span(wait_s, low * wait_s, high * wait_s) for engine, wait_s in waits.items()}

    def _deadline(self, payload: say.Query, now_s: float) -> float | None:
        """Seconds from now. Raises BadField."""
        if payload.deadline == "":
            return None
        at_s = moment(str(payload.deadline), "deadline")
        if at_s <= now_s:
            raise BadField("deadline", f"{str(payload.deadline)[:60]!r} is past already (it is {show.iso(now_s)} now)")
        return at_s - now_s


def _vram(job: Job, measured: list[Job]) -> float | None:
    """The middle of the peaks of such jobs that were measured."""
    alike = [total_usage(one.usage).vram_bytes for one in measured
             if (one.spec.engine, one.spec.model) == (job.spec.engine, job.spec.model)]
    peaks = [figure.peak for figure in alike if figure is not None]
    return statistics.median(peaks) if peaks else None


def _row(job: Job, outlooks: Outlooks) -> Answer:
    """When it should start and end, with 80 % intervals."""
    look = outlooks.of(job, None, 0.0)
    (start_low_s, start_high_s), (end_low_s, end_high_s) = look.start_bounds_s, look.end_bounds_s
    return {"jobId": job.id, "title": job.spec.title, "duration": look.duration_s,
            "start": show.iso(look.start_s), "startLow": show.iso(start_low_s), "startHigh": show.iso(start_high_s),
            "end": show.iso(look.end_s), "endLow": show.iso(end_low_s), "endHigh": show.iso(end_high_s)}


def _clear(outlooks: Outlooks, now_s: float, part: int = 0) -> str | None:
    """`part`: 0 for the middle, 1 and 2 for the bounds."""
    return show.iso(now_s + outlooks.clear[part]) if outlooks.clear else None


def _shift(job: Job, before: Outlooks, after: Outlooks) -> float | None:
    """By how many seconds it would begin later; None when nobody can say."""
    (was_s, _), (is_s, _) = before.turn(job), after.turn(job)
    return None if was_s is None or is_s is None else round(is_s - was_s, 3)


def _option(one: Option) -> Answer:
    return {"engine": one.engine, "model": one.model, "label": one.name, "duration": one.took.middle_s,
            "low": one.took.low_s, "high": one.took.high_s, "perPicture": one.picture_s, "basis": one.basis,
            "quality": one.quality, "vramBytes": one.vram_bytes}


def _judged(one: Judged, now_s: float) -> Answer:
    return {**_option(one.option), "doneAt": show.iso(now_s + one.done.middle_s),
            "doneLow": show.iso(now_s + one.done.low_s), "doneHigh": show.iso(now_s + one.done.high_s),
            "inTime": one.in_time, "goodEnough": one.good, "fits": one.fits, "said": one.said}
