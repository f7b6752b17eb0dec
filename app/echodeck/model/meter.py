"""What a job has taken so far, added up a piece at a time: no more samples need be held than the latest few minutes.

Each piece of time is counted once, by stage. A stage that runs on is cut where the piece ends and goes on in the next;
`usage` makes both add up to the whole exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from .job import Job
from .record import Host
from .share import Stay, can_be_on, parts_of, seen_on
from .usage import FIGURES, Figure, Span, Usage, total, usage_of

DIGITS = 3
"""Decimals that are kept: a millisecond, a milliwatt second."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Everything up to `until_s` is counted, in `stages` by their place. `gpus` are those that the job's own processes
    were seen on; empty: on none so far, and those count that it can have been on."""

    until_s: float = -math.inf
    stages: Mapping[int, Usage] = field(default_factory=dict)
    gpus: frozenset[int] = frozenset()


def spans_of(job: Job) -> dict[int, Span]:
    """The stages that have begun, by their place; one that still runs has no end. Time paused within a stage is part of
    it: the memory stays taken."""
    return {place: Span(stage.name, stage.started_s,
                        math.inf if stage.duration_s is None else stage.started_s + stage.duration_s)
            for place, stage in enumerate(job.stages) if stage.started_s is not None}


def pids_of(samples: Iterable[Host], engine: str, worker: int, port: int = 0) -> frozenset[int]:
    """The processes that do an engine's work: the server that listens at this port; else, of those that are known as
    this kind of engine, the worker itself or the only one that can be it; where there are none, the worker. Empty where
    several can be it, and nobody can tell."""
    servers = {one.pid: one for host in samples for one in host.generators}
    if mine := frozenset(pid for pid, one in servers.items() if port and port in one.ports):
        return mine
    kin = {pid: one for pid, one in servers.items() if engine and one.engine == engine}
    if worker in kin or not kin:
        return frozenset({worker} if worker else ())
    # One that does not say where it listens may be it; one that listens elsewhere is not.
    may_be = frozenset(pid for pid, one in kin.items() if not (port and one.ports))
    return may_be if len(may_be) == 1 else frozenset()


def add(taken: Taken, job: Job, samples: Iterable[Host], until_s: float, *, engine: str = "", worker: int = 0,
        port: int = 0, others: Sequence[Stay] = ()) -> Taken:
    """The next piece, up to `until_s`. `samples` are the job's machine's in the order of time, `engine` the kind of
    engine, `worker` the pid of the process that works on it, `port` that of the server it drives (0: not known),
    `others` the jobs that were in hand there as well."""
    if until_s <= taken.until_s:
        return taken
    spans = {place: replace(span, begin_s=max(span.begin_s, taken.until_s), end_s=min(span.end_s, until_s))
             for place, span in spans_of(job).items()}
    pieces = {place: span for place, span in spans.items() if span.begin_s < span.end_s < math.inf}
    if not pieces:
        return replace(taken, until_s=until_s)
    begin_s = min(span.begin_s for span in pieces.values())
    window = _window(samples, begin_s, until_s)
    pids = pids_of(window, engine, worker, port)
    gpus = taken.gpus | seen_on(window, pids)
    counted = gpus or can_be_on(window, pids)
    beside = [stay for stay in others if stay.begin_s < until_s and stay.end_s > begin_s]
    parts = parts_of(window, counted, pids, beside)
    found = usage_of(window, pieces.values(), gpus=counted, pids=pids, parts=parts)
    stages = dict(taken.stages)
    for place, usage in zip(pieces, found, strict=True):
        stages[place] = total([stages[place], usage], usage.name) if place in stages else usage
    return Taken(until_s, stages, gpus)


def usages_of(taken: Taken) -> tuple[Usage, ...]:
    """As it is kept with the job, stage by stage; empty when nothing was measured."""
    found = tuple(_rounded(taken.stages[place]) for place in sorted(taken.stages))
    return found if any(getattr(one, name) is not None for one in found for name in FIGURES) else ()


def _window(samples: Iterable[Host], begin_s: float, end_s: float) -> list[Host]:
    """The samples within, with the one before and the one after."""
    times = [host.at_s for host in samples]
    first = max((n for n, at_s in enumerate(times) if at_s <= begin_s), default=0)
    last = next((n for n, at_s in enumerate(times) if at_s >= end_s), len(times))
    return list(islice(samples, first, last + 1))


def _rounded(usage: Usage) -> Usage:
    figures: dict[str, Any] = {
        name: Figure(*(round(value, DIGITS) for value in (figure.integral, figure.peak, figure.measured_s)))
        for name in FIGURES if (figure := getattr(usage, name)) is not None}
    return replace(usage, length_s=round(usage.length_s, DIGITS), **figures)
