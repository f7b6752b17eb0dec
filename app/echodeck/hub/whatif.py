"""What would be: a plan with further jobs in it, the models that could do one, configurations side by side.

Nothing is queued for it: the jobs are imagined, and the plan is made beside the one that holds. A long queue takes its
time, so each method only gathers, from what is the case now, and returns how to work out the answer: any thread may.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ..brain.compare import compare
from ..brain.option import Basis, Option, Span
from ..brain.recommend import Judged, recommend
from ..brain.words import many, span
from ..errors import BadField
from ..model.engine import EngineInfo
from ..model.forecast import Forecast, forecast
from ..model.job import Job
from ..model.span import Total
from ..model.usage import total as total_usage
from ..wire import say, show
from .desk import Desk
from .intake import Intake
from .ladders import Ladders
from .moment import moment
from .roll import standing
from .session import Session

MOST_OPTIONS, MOST_ADDED = 100, 1000
SHIFTED_S = 1.0
Answer = dict[str, Any]
Later = Callable[[], Answer]


class WhatIf:
    """Each method answers one kind of question. How good a model's pictures are, the ladders know."""

    def __init__(self, desk: Desk, intake: Intake, ladders: Ladders) -> None:
        self._desk, self._intake, self._ladders = desk, intake, ladders

    def plan(self, session: Session, payload: say.Query, now_s: float) -> Later:
        desk = self._desk
        before, waiting = desk.outlooks.forecast, desk.queue.waiting()
        timed = [(job, desk.outlooks.total(job)) for job in waiting]
        if not payload.add:
            text = [f"all is done in about {span(_clear_s(before, now_s))}" if before.clear else
                    "nobody can do what waits" if waiting else "nothing waits"]
            return lambda: {"jobs": [_row(job, total, before) for job, total in timed], **_clear(before),
                            "text": text}
        if (count := sum(one.count for one in payload.add)) > MOST_ADDED:
            raise BadField("add", f"at most {MOST_ADDED:,} jobs at once can be thought of, got {count:,}")
        added = self._intake.imagine(payload.add, session, now_s, [f"add[{n}]" for n in range(len(payload.add))])
        new, planned = desk.outlooks.pending(added), self._planned(added, now_s)

        def answer() -> Answer:
            after = planned()
            rows = [{**_row(job, total, after), "shift": _shift(job, before, after)} for job, total in timed]
            told = [{name: value for name, value in _row(job, total, after).items() if name != "jobId"}
                    for job, total in new]
            return {"jobs": rows, "added": told, **_clear(after),
                    "clearBefore": _clear(before)["clearAt"],
                    "text": _said(before, after, [row["shift"] for row in rows], len(added), now_s)}

        return answer

    def _planned(self, jobs: Sequence[Job], now_s: float, *, ordered: bool = True) -> Callable[[], Forecast]:
        """The plan as it would be with these jobs too; not `ordered` by the brain, each stands behind what waits. What
        it is made from is as it is now."""
        desk, waiting = self._desk, self._desk.queue.waiting()
        turns = desk.imagine(waiting, list(jobs), now_s) if ordered else dict
        running = desk.outlooks.in_work(desk.queue.in_hand(), now_s)
        pending, lanes = desk.outlooks.pending([*waiting, *jobs]), desk.workers.lanes()
        return lambda: forecast(sorted(pending, key=lambda one: standing(one[0])), running, lanes, now_s, turns())

    # --- models and configurations ---

    def recommend(self, session: Session, payload: say.Query, now_s: float) -> Later:
        deadline_s = self._deadline(payload, now_s)
        bounds = self._ladders.rules.bounds
        quality = bounds[payload.quality] if isinstance(payload.quality, str) else payload.quality
        options = self._options([self._with(payload.job, engine, model) for engine, model in self._models(payload)],
                                session, now_s)

        def answer() -> Answer:
            advice = recommend(options(), payload.count, deadline_s, quality)
            return {"choice": _judged(advice.choice, now_s) if advice.choice else None,
                    "alternatives": [_judged(one, now_s) for one in advice.others], "text": list(advice.text),
                    "deadline": None if deadline_s is None else show.iso(now_s + deadline_s), "quality": quality}

        return answer

    def compare(self, session: Session, payload: say.Query, now_s: float) -> Later:
        wanted = payload.jobs or [self._with(payload.job, engine, model) for engine, model in self._models(payload)
                                  if payload.models]
        if len(wanted) < 2:
            raise BadField("models", "name at least two to compare, or give two jobs or more in jobs")
        options = self._options(wanted, session, now_s)

        def answer() -> Answer:
            found = options()
            return {"options": [_option(one) for one in found], "text": compare(found)}

        return answer

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

    def _options(self, wanted: Iterable[say.Submit], session: Session, now_s: float) -> Callable[[], list[Option]]:
        # Asked for one by one: each is imagined on its own, not behind the others.
        jobs = [self._intake.imagine([one], session, now_s)[0] for one in wanted]
        starts = self._starts({job.spec.engine: job for job in jobs}, now_s)
        lanes = self._desk.workers.lanes()
        measured = [job for job in self._desk.queue.ended() if job.usage]
        options = [self._option(job, sum(job.spec.engine in lane for lane in lanes), measured) for job in jobs]

        def begun() -> list[Option]:
            found = starts()
            return [replace(option, start=found[option.engine]) for option in options]

        return begun

    def _option(self, job: Job, lanes: int, measured: list[Job]) -> Option:
        spec, took = job.spec, self._desk.outlooks.total(job)
        return Option(
            spec.engine, spec.model, Span(took.median_s, took.low_s, took.high_s), self._basis(job),
            pictures=max(1, spec.batch), lanes=max(1, lanes), vram_bytes=_vram(job, measured),
            marks=self._ladders.marks(spec),
            label=", ".join(part for part in (spec.model or spec.engine, spec.resolution,
                                              f"{spec.steps} steps" if spec.steps else "") if part))

    def _basis(self, job: Job) -> Basis:
        """The least certain of what its stages' times are drawn from."""
        history = self._desk.outlooks.history
        found = {history.expect(job.spec, name, steps).basis for name, steps in history.plan(job.spec)}
        return "default" if "default" in found else "scaled" if "scaled" in found else "same"

    def _starts(self, samples: dict[str, Job], now_s: float) -> Callable[[], dict[str, Span]]:
        """When a job for each engine could begin, behind all that waits, in seconds from now. Its interval is as wide
        as that of the whole queue."""
        planned, clear = self._planned(list(samples.values()), now_s, ordered=False), self._desk.outlooks.clear
        low, high = (clear[1] / clear[0], clear[2] / clear[0]) if clear and clear[0] > 0 else (1.0, 1.0)

        def starts() -> dict[str, Span]:
            after = planned()
            found = {engine: after.start_s(job.id) for engine, job in samples.items()}
            waits = {engine: max(0.0, at_s - now_s) if at_s is not None else 0.0 for engine, at_s in found.items()}
            return {engine: Span(wait_s, low * wait_s, high * wait_s) for engine, wait_s in waits.items()}

        return starts

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


def _said(before: Forecast, after: Forecast, shifts: list[float | None], count: int, now_s: float) -> list[str]:
    if after.clear is None:
        return ["nobody can say: no agent that could do it is online"]
    later = [shift for shift in shifts if shift is not None and shift >= SHIFTED_S]
    return [_done(before, after, count, now_s),
            f"{many(len(later), 'waiting job')} would begin later, by up to {span(max(later))}" if later else
            "no job that waits would begin later"]


def _done(before: Forecast, after: Forecast, count: int, now_s: float) -> str:
    """When all is done with so many more, when without, and the difference, which both may hide in words."""
    is_s, was_s = _clear_s(after, now_s), _clear_s(before, now_s)
    said = f"with {many(count, 'job')} more all is done in about {span(is_s)}"
    if before.clear is None:
        return said
    later = f"{span(is_s - was_s)} later" if is_s - was_s >= SHIFTED_S else "no later"
    return f"{said}, {later} than without (about {span(was_s)})"


def _clear_s(found: Forecast, now_s: float) -> float:
    """From now until everything should be done; 0 where there is nothing."""
    return max(0.0, found.made_s + found.clear[0] - now_s) if found.clear else 0.0


def _row(job: Job, took: Total, found: Forecast) -> Answer:
    """When it should start and end, with 80 % intervals."""
    planned, row = found.plan.get(job.id), {"jobId": job.id, "title": job.spec.title, "duration": took.median_s}
    for name in ("start", "end"):
        at: Total | None = getattr(planned, name, None)
        row[name] = None if at is None else show.iso(found.made_s + at.median_s)
        row[f"{name}Low"] = None if at is None else show.iso(found.made_s + at.low_s)
        row[f"{name}High"] = None if at is None else show.iso(found.made_s + at.high_s)
    return row


def _clear(found: Forecast) -> Answer:
    """When everything should be done, with its 80 % interval."""
    moments = [show.iso(found.made_s + part) for part in found.clear] if found.clear else [None] * 3
    return dict(zip(("clearAt", "clearLow", "clearHigh"), moments, strict=True))


def _shift(job: Job, before: Forecast, after: Forecast) -> float | None:
    """By how many seconds it would begin later; None when nobody can say."""
    was_s, is_s = before.start_s(job.id), after.start_s(job.id)
    return None if was_s is None or is_s is None else round(is_s - was_s, 3)


def _option(one: Option) -> Answer:
    return {"engine": one.engine, "model": one.model, "label": one.name, "duration": one.took.middle_s,
            "low": one.took.low_s, "high": one.took.high_s, "perPicture": one.picture_s, "basis": one.basis,
            "quality": one.quality, "verdicts": one.marks.verdicts if one.marks else 0.0,
            "ofSteps": one.marks.steps if one.marks else "", "vramBytes": one.vram_bytes}


def _judged(one: Judged, now_s: float) -> Answer:
    return {**_option(one.option), "doneAt": show.iso(now_s + one.done.middle_s),
            "doneLow": show.iso(now_s + one.done.low_s), "doneHigh": show.iso(now_s + one.done.high_s),
            "inTime": one.in_time, "goodEnough": one.good, "fits": one.fits, "said": one.said}
