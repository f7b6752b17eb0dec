"""New jobs: what is asked for is checked, made into jobs, and in the queue as soon as it is durable."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

from .. import wire
from ..errors import BadField
from ..model import workflow
from ..model.engine import EngineInfo, fit
from ..model.job import Climb, Job, JobSpec, Wish
from ..wire import say
from .climbs import Climbs
from .desk import Desk
from .graphs import OPTION
from .ledger import Change
from .session import Session
from .wishing import Wishing

MOST_JOBS = 10_000
"""Not-ended jobs that the hub accepts."""
MAX_SEED = 2**32
MAX_NODE_SEED = 2**64
"""Workflows count their seeds in 64 bits."""
MOST_EXACT = 2**53


def new_id() -> str:
    """A job's id. Short enough to be read out."""
    return uuid.uuid4().hex[:12]


class Intake:
    """`submit` and `read_workflow` are message types, as in Commands; `make` and `accept` also serve other parts."""

    def __init__(self, desk: Desk, wishing: Wishing, climbs: Climbs) -> None:
        self._desk, self._wishing, self._climbs = desk, wishing, climbs

    def submit(self, session: Session, payload: say.Submit, change: Change) -> dict[str, Any]:
        jobs = self.make([payload], session, change)
        self.accept(jobs, change)
        self._desk.action(change, session, "queued", jobs[0], f"({len(jobs)} jobs)" if len(jobs) > 1 else "")
        views = [wire.plain(self._desk.view(job, change.at_s)) for job in jobs]
        return {"jobIds": [job.id for job in jobs], "jobs": views}

    def make(self, payloads: Sequence[say.Submit], session: Session, change: Change,
             places: Sequence[str] = ()) -> list[Job]:
        """The jobs asked for, all of them or none; workflows are kept with the change. `places` are where the payloads
        stand in their message ("jobs[1]"). Raises BadField, which then begins so."""
        open_, count = self._desk.queue.open(), sum(payload.count for payload in payloads)
        if open_ + count > MOST_JOBS:
            raise BadField("count", f"{open_:,} jobs wait already and {MOST_JOBS:,} are the most; let some end first")
        jobs: list[Job] = []
        # Those of one priority that follow each other stand together: their places are found at once.
        placed = zip(payloads, places or [""] * len(payloads), strict=True)
        for priority, alike in groupby(placed, lambda pair: say.priority(pair[0].priority)):
            made = [job for payload, place in alike for job in self._placed(payload, place, session, change)]
            ranks = self._desk.queue.ranks_for(priority, len(made), beside=jobs)
            jobs += [replace(job, priority=priority, rank=rank) for job, rank in zip(made, ranks, strict=True)]
        return jobs

    def _placed(self, payload: say.Submit, place: str, session: Session, change: Change) -> list[Job]:
        try:
            return self._alike(payload, session, change)
        except BadField as error:
            raise error.at(place) from error

    def _alike(self, payload: say.Submit, session: Session, change: Change) -> list[Job]:
        """The jobs of one payload, which have no places yet."""
        info = self._engine(payload.engine or "")
        wish = self._wishing.read(info, payload, change.at_s)
        first, graph, climbs = self._spec(info, payload, wish, change.at_s)
        most = MAX_NODE_SEED if graph else MAX_SEED
        key = self._desk.graphs.keep(graph, change) if graph else ""
        first = replace(first, options={**first.options, OPTION: key}) if key else first
        return [Job(id=new_id(), spec=replace(first, seed=(first.seed + number) % most), wish=wish, climbs=climbs,
                    user=payload.user or session.user, created_s=change.at_s) for number in range(payload.count)]

    def imagine(self, payloads: Sequence[say.Submit], session: Session, now_s: float,
                places: Sequence[str] = ()) -> list[Job]:
        """The jobs that `make` would make, to think about; nothing is kept of them. Raises BadField."""
        change = Change(now_s)
        try:
            return self.make(payloads, session, change, places)
        finally:
            self._desk.graphs.drop(change)

    def accept(self, jobs: list[Job], change: Change) -> None:
        """They are in the queue as soon as they are durable, not before: nobody works on what could be lost."""
        change.needed = True
        self._desk.queue.expect(jobs)
        change.undo.append(lambda: self._desk.queue.unexpect(jobs))
        change.undo.append(lambda: self._desk.graphs.drop(change))
        for job in jobs:
            change.batch.jobs[job.id] = job
            self._desk.event("generation_queued", job, change)
        self._climbs.began(jobs[0], change)

        def insert() -> None:
            again = Change(self._desk.clock())
            again.batch.jobs.update({job.id: job for job in self._desk.queue.arrive(jobs)})
            self._desk.spread(again)
            self._desk.ledger.put(again)
            self._desk.offer((job.spec.engine for job in jobs), change.at_s)

        change.after.append(insert)

    def follow_up(self, job: Job, change: Change) -> Job:
        """Queues a job that the hub itself made, under an id of its own."""
        named = replace(job, id=new_id())
        self.accept([named], change)
        return named

    def read_workflow(self, session: Session, payload: say.ReadWorkflow, change: Change) -> dict[str, Any]:
        """What a workflow is and what can be set in it, for a form; nothing is queued. Whole numbers that a browser
        would round (seeds of 64 bits) are texts, and `text` is the workflow as it may be given back."""
        if bool(payload.text) == bool(payload.data):
            raise BadField("workflow", "give text (JSON), or data (the beginning of a file as base64)")
        try:
            content = payload.text or base64.b64decode(payload.data, validate=True)
        except ValueError as error:  # also of letters that are none of base64's
            raise BadField("data", f"is not base64: {error}") from error
        graph = workflow.read(content)
        inputs = [asdict(one) for one in workflow.inputs(graph)]
        return {"workflow": graph, "text": wire.text(graph), "nodes": len(workflow.stages(graph)),
                "facts": _exact(asdict(workflow.facts(graph))), "inputs": [_exact(one) for one in inputs]}

    def _spec(self, info: EngineInfo, payload: say.Submit, wish: Wish,
              now_s: float) -> tuple[JobSpec, workflow.Graph | None, tuple[Climb, ...]]:
        given = say.given(payload)
        if not info.workflows:
            if payload.workflow or payload.values:
                raise BadField("workflow", f"engine {info.name} takes none; leave it out, or choose another engine")
            if wish.auto:
                spec, choice = self._wishing.choose(info, given, wish, now_s)
                return spec, None, (choice,)
            return fit(info, given), None, ()
        if not payload.workflow:
            raise BadField("workflow", f"engine {info.name} needs one: a workflow in ComfyUI's API format "
                           "(in ComfyUI: Workflow > Export (API))")
        text = payload.workflow if isinstance(payload.workflow, str) else wire.text(payload.workflow)
        graph = workflow.set_values(workflow.read(text), payload.values or {})
        return workflow.spec_of(graph, info.name, given), graph, ()

    def _engine(self, wanted: str) -> EngineInfo:
        known: dict[str, EngineInfo] = self._desk.board.all("engines")
        name = wanted or self._desk.settings.engine
        if not wanted and name not in known and len(known) == 1:
            name = next(iter(known))
        info = known.get(name)
        if info is None:
            there = f"use one of {', '.join(sorted(known))}" if known else "no agent has announced an engine yet: " \
                                                                             "start one with `echodeck agent`"
            raise BadField("engine", f"unknown engine {name[:80]!r}; {there}")
        return info


def _exact(record: dict[str, Any]) -> dict[str, Any]:
    """With whole numbers beyond 2**53 as texts: JavaScript has no others."""
    return {name: str(value) if isinstance(value, int) and abs(value) > MOST_EXACT else value
            for name, value in record.items()}
