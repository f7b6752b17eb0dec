"""What the coordinator is asked about what is to come. Answers have their reasons as sentences in `text`."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

from .. import wire
from ..brain import capacity, why
from ..brain.reasons import in_full
from ..brain.words import between, span
from ..errors import BadField
from ..model.job import TERMINAL, Job, JobSpec, JobState
from ..model.span import Total
from ..wire import say, show
from .desk import Desk
from .intake import Intake
from .ladders import Ladders
from .lanes import is_guest
from .ledger import Change
from .pulse import Pulse
from .session import Session, Shown
from .whatif import Later, WhatIf

MOST_KINDS = 12
MOST_DECISIONS = 3
MOST_SAMPLES = 50
"""The newest jobs of a kind, which say how long one takes."""
Answer = dict[str, Any]
_Kind = tuple[str, str, str, int, int, int]
_kind: Callable[[JobSpec], _Kind] = attrgetter("engine", "model", "resolution", "steps", "batch", "frames")


class Asks:
    """`query` is a message type, as in Commands."""

    def __init__(self, desk: Desk, intake: Intake, pulse: Pulse, ladders: Ladders) -> None:
        self._desk, self._intake, self._pulse = desk, intake, pulse
        self._known = ladders
        what_if = WhatIf(desk, intake, ladders)
        self._at_once = {"health": self._health, "estimate": self._estimate, "capacity": self._capacity,
                         "why": self._why, "ladders": self._ladders}
        self._later = {"plan": what_if.plan, "recommend": what_if.recommend, "compare": what_if.compare}

    def query(self, session: Session, payload: say.Query, change: Change) -> Answer | Awaitable[Answer]:
        if payload.what in self._later:
            return self._in_time(self._later[payload.what](session, payload, change.at_s), session, payload, change)
        return self._told(self._at_once[payload.what](session, payload, change.at_s), session, payload, change)

    async def _in_time(self, later: Later, session: Session, payload: say.Query, change: Change) -> Answer:
        """Worked out in a thread: meanwhile the hub serves everybody else."""
        return self._told(await asyncio.to_thread(later), session, payload, change)

    def _told(self, answer: Answer, session: Session, payload: say.Query, change: Change) -> Answer:
        result = show.Result(id=change.request_id, what=payload.what, answer=answer)
        session.tell(Shown("query_result", result, change.at_s))
        return {"answer": answer}

    def _ladders(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        view = self._known.view()
        text = []
        for one in view.ladders:
            taken = ", ".join(rung.name for rung in one.rungs if not rung.left_out)
            text.append(f"{one.name}, cheapest first: {taken}"
                        + (f" (cannot be used: {one.problem})" if one.problem else ""))
            text += [f"{rung.name} is left out: {rung.left_out}" for rung in one.rungs if rung.left_out]
        return {**wire.plain(view), "text": text or ["no engine has models to choose from"]}

    def _health(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        stats = self._pulse.status(now_s, self._pulse.metrics(now_s)).stats
        text = [f"{stats.health}, {stats.consciousness}: {stats.working_memory} slots taken", *stats.reasons]
        return {**wire.plain(stats), "text": text}

    def _estimate(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        if payload.job is not None:
            total = self._desk.outlooks.total(self._intake.imagine([payload.job], session, now_s, ["job"])[0])
            said = f"it should take about {span(total.median_s)} ({between(total.low_s, total.high_s)})"
            return {"eta": total.median_s, "etaLow": total.low_s, "etaHigh": total.high_s, "text": [said]}
        job, desk = self._job(payload), self._desk
        view = desk.view(job, now_s)
        text = [f"it has ended: {job.state.value}"] if job.state in TERMINAL else \
            [self._left(job, now_s)] if job.in_hand else self._waits(job, now_s)
        end = None if job.in_hand else self._planned(job, now_s)[1]
        left = end or (view.eta, view.eta_low, view.eta_high)
        return {"jobId": view.job_id, **dict(zip(("eta", "etaLow", "etaHigh"), left, strict=True)),
                "start": view.expected_start, "startLow": view.expected_start_low,
                "startHigh": view.expected_start_high, "end": view.expected_end, "endLow": view.expected_end_low,
                "endHigh": view.expected_end_high, "text": text,
                "duration": view.expected_duration if end is None else desk.outlooks.takes(job).median_s}

    def _capacity(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        desk = self._desk
        agents = [{"agent_id": worker.agent.id, "host": worker.agent.host, "slots": worker.agent.slots,
                   "jobs": list(worker.agent.jobs), "engines": sorted(worker.engines)}
                  for worker in desk.workers.online() if worker.engines]
        slots, running = desk.workers.slots(), desk.queue.in_hand()
        taken = [job for job in running if not job.foreign and not is_guest(job)]
        ends = [left for job in taken if (left := self._left_s(job, now_s)) is not None]
        free_s = 0.0 if len(taken) < slots else min(ends, default=None)
        clear_s = desk.outlooks.clear[0] if desk.outlooks.clear else None
        kinds = self._kinds()
        rows = [{"engine": kind.engine, "model": kind.model, "resolution": kind.resolution, "steps": kind.steps,
                 "batch": kind.batch, "frames": kind.frames, "label": kind.name, "duration": kind.took_s,
                 "slots": kind.lanes, "perHour": kind.per_hour} for kind in kinds]
        return {"slots": slots, "inHand": len(running), "free": max(0, slots - len(taken)), "kinds": rows,
                "nextFree": None if free_s is None else show.iso(now_s + free_s), "agents": agents,
                "text": capacity.sentences(slots, len(taken), free_s, clear_s, kinds)}

    def _kinds(self) -> list[capacity.Kind]:
        """The kinds of job on the list that were asked for most, and how fast they go."""
        lanes, alike = self._desk.workers.lanes(), defaultdict[_Kind, list[Job]](list)
        for job in self._desk.queue.all():
            if not job.foreign:
                alike[_kind(job.spec)].append(job)
        most = sorted(alike.items(), key=lambda item: -len(item[1]))[:MOST_KINDS]
        # Those that look alike need not be: workflows differ in what they do.
        return [capacity.Kind(*kind, self._middle_s(jobs[-MOST_SAMPLES:]), sum(kind[0] in lane for lane in lanes))
                for kind, jobs in most]

    def _middle_s(self, jobs: list[Job]) -> float:
        return statistics.median(self._desk.outlooks.total(job).median_s for job in jobs)

    def _why(self, session: Session, payload: say.Query, now_s: float) -> Answer:
        job = self._job(payload)
        text = self._reasons(job, now_s)
        return {"jobId": job.id, "status": job.state.value, "why": "; ".join(text), "text": text}

    def _reasons(self, job: Job, now_s: float) -> list[str]:
        if job.state in TERMINAL:
            why_not = job.called_off or (job.error.message if job.error else "")
            return [f"it has ended: {job.state.value}" + (f": {why_not}" if why_not else "")]
        if job.in_hand:
            asked = f", asked to {job.request}" if job.request else ""
            return [f"it is in hand of {job.worker_id}{asked}", self._left(job, now_s), *self._decided(job)]
        if job.foreign:
            return [f"it waits in another program's queue, that of {job.spec.engine}"]
        return self._waits(job, now_s)

    def _waits(self, job: Job, now_s: float) -> list[str]:
        desk, engine = self._desk, job.spec.engine
        start, end = self._planned(job, now_s)
        place = desk.whys.get(job.id, "")
        held = f"{job.paused_by or 'somebody'} paused it before it began" if job.state is JobState.PAUSED \
            else desk.queue.blocked(job) or (place if start is None else desk.hold_for(job, now_s))
        said = [*([in_full(place)] if start is not None and place else []), *self._decided(job)]
        ahead = self._ahead(job)
        taken = tuple(why.InHand(one.spec.title, one.host, self._left_s(one, now_s), is_guest(one),
                                 (one.paused_by or "somebody") if one.state is JobState.PAUSED else "")
                      for one in desk.queue.in_hand() if not one.foreign and one.spec.engine == engine)
        return why.sentences(why.Wait(
            engine, held, len(ahead), sum(desk.outlooks.takes(one).median_s for one in ahead),
            sum(engine in lane for lane in desk.workers.lanes()), taken, start, end,
            _bounds(desk.outlooks.takes(job)), tuple(said)))

    def _planned(self, job: Job, now_s: float) -> tuple[why.Bounds | None, why.Bounds | None]:
        """When a waiting job should start and end, in seconds from now; None: nobody can say."""
        found = self._desk.outlooks.forecast
        planned = found.plan.get(job.id)
        return (None, None) if planned is None else (_bounds(planned.start, found.made_s - now_s),
                                                     _bounds(planned.end, found.made_s - now_s))

    def _ahead(self, job: Job) -> list[Job]:
        """Those that go before it, as the queue is shown."""
        update: show.QueueUpdate | None = self._desk.board.get("queue")
        order = update.order if update is not None and job.id in update.order else []
        before = [self._desk.queue.get(one) for one in order[: order.index(job.id)] if one in self._desk.queue] \
            if order else []
        return [one for one in before if one.state is JobState.PENDING and not one.foreign and not one.waits]

    def _left(self, job: Job, now_s: float) -> str:
        left_s, stage = self._left_s(job, now_s), job.stage
        where = f"{stage.name} {stage.step}/{stage.steps}" if stage and stage.steps else stage.name if stage else ""
        parts = [where, "" if left_s is None else f"about {span(left_s)} left"]
        return ", ".join(part for part in parts if part) or "it has just begun"

    def _left_s(self, job: Job, now_s: float) -> float | None:
        reading = self._desk.outlooks.read(job.id, now_s)
        return None if reading is None else reading.eta_s

    def _decided(self, job: Job) -> list[str]:
        """What the hub decided about it by itself, the latest last."""
        own = sorted((one for one in self._desk.board.all("decisions").values()
                      if one.job_id == job.id or job.id in one.data.get("jobs", ())), key=lambda one: one.at or "")
        return [f"{one.title}: {one.reason}" for one in own[-MOST_DECISIONS:]]

    def _job(self, payload: say.Query) -> Job:
        if not payload.job_id:
            raise BadField("jobId", f"needed for {payload.what!r}" + (", or job" if payload.what == "estimate" else ""))
        return self._desk.queue.get(payload.job_id)


def _bounds(at: Total, later_s: float = 0.0) -> why.Bounds:
    """Middle, low and high, so much later; what is to come is not past."""
    return max(0.0, at.median_s + later_s), max(0.0, at.low_s + later_s), max(0.0, at.high_s + later_s)
