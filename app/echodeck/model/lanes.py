"""When does each waiting job start and end? The queue laid over the workers' lanes. Pure; seconds from now.

A lane is a worker's slot, with the engines that it drives; each job takes the lane that is free first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from .span import Total

SHARED = 0.25
"""The part of an estimate's error that the next one has too, as both are drawn from the same few jobs. Simulated (the
benchmark `eta`), the starts of a queue are then held by four intervals of five; with none of it, by two of three."""


_Free = tuple[float, float, float, float, float]
"""When a lane is free, and how much earlier and later that may be: of each the sum of every span's doubt before it, and
that of its square. A plain tuple: a long queue makes thousands at each turn."""
_NOW: _Free = (0.0, 0.0, 0.0, 0.0, 0.0)


def _after(free: _Free, span: Total) -> _Free:
    at_s, below_s, below_squared, above_s, above_squared = free
    middle_s = span.median_s
    sooner_s, later_s = middle_s - span.low_s, span.high_s - middle_s
    return (at_s + middle_s, below_s + sooner_s, below_squared + sooner_s * sooner_s, above_s + later_s,
            above_squared + later_s * later_s)


def _moment(free: _Free) -> Total:
    at_s, below_s, below_squared, above_s, above_squared = free
    sooner_s = (SHARED * below_s**2 + (1.0 - SHARED) * below_squared) ** 0.5
    later_s = (SHARED * above_s**2 + (1.0 - SHARED) * above_squared) ** 0.5
    return Total(at_s, max(0.0, at_s - sooner_s), at_s + later_s)


Turn = tuple[float, float, str] | None
"""From when to when a job is to run, and on which lane ("": nobody knows); None: never."""
Turns = Mapping[str, Turn]
NO_TURNS: Turns = MappingProxyType({})


class Planned(NamedTuple):
    """When a job should start and end, each with its 80 % interval; worked out when it is asked for."""

    begins: _Free
    ends: _Free

    @property
    def start_s(self) -> float:
        return self.begins[0]

    @property
    def end_s(self) -> float:
        return self.ends[0]

    @property
    def start(self) -> Total:
        return _moment(self.begins)

    @property
    def end(self) -> Total:
        return _moment(self.ends)


def plan_queue(jobs: Iterable[tuple[str, str, Total]], running: Iterable[tuple[str, Total]],
               lanes: Sequence[frozenset[str]]) -> dict[str, Planned]:
    """When each waiting job should start and end.

    `jobs` are (id, engine, what it should take) in the order of the queue, `running` (engine, what is left) of those in
    work. A job that no lane can do is not in the answer. What jobs are off by adds up along a lane; only a part of it
    is the same for all of them.
    """
    groups: dict[frozenset[str], list[_Free]] = {}
    for lane in lanes:
        groups.setdefault(lane, []).append(_NOW)
    for heap, left in _in_work(groups, running):
        # With more in work than there are slots (a worker has gone), the first to end free nothing.
        heapq.heapreplace(heap, _after(_NOW, left))
    able: dict[str, list[list[_Free]]] = {}
    plan: dict[str, Planned] = {}
    for key, engine, expected in jobs:
        if engine not in able:
            able[engine] = [heap for lane, heap in groups.items() if engine in lane]
        if able[engine]:
            heap = min(able[engine], key=lambda heap: heap[0])
            free = _after(heap[0], expected)
            plan[key] = Planned(heap[0], free)
            heapq.heapreplace(heap, free)
    return plan


def retimed(plan: Mapping[str, Planned], turns: Turns, expected: Mapping[str, Total],
            running: Iterable[Total]) -> dict[str, Planned]:
    """The plan with these jobs at other times (None: never), as unsure as they are and what goes before them.

    `expected` is what they should take, `running` what is left of those in work. What goes before a job is the one
    before it on its lane; before the first there, what ends nearest to its start.
    """
    found = {key: one for key, one in plan.items() if key not in turns}
    free = [_after(_NOW, left) for left in running]
    last: dict[str, _Free] = {}
    timed = [(times, key) for key, times in turns.items() if times is not None]
    timed.sort(key=itemgetter(0))
    for (start_s, end_s, lane), key in timed:
        before = last.get(lane) or _nearest(free, start_s)
        begins = (start_s, before[1], before[2], before[3], before[4])
        ends = _longer(begins, end_s - start_s if end_s > start_s else 0.0, expected.get(key))
        found[key] = Planned(begins, ends)
        if lane:
            last[lane] = ends
        else:
            free.append(ends)
    return found


def _nearest(free: list[_Free], start_s: float) -> _Free:
    """What ends nearest, taken out of `free`. Of those as near, any does; farther than half the way is a lane where
    nothing ran."""
    gaps_s = [abs(one[0] - start_s) for one in free]
    nearest_s = min(gaps_s, default=math.inf)
    return free.pop(gaps_s.index(nearest_s)) if nearest_s <= start_s / 2.0 else _NOW


def chained(plan: Mapping[str, Planned], turns: Mapping[str, tuple[float, float]],
            waits: Mapping[str, Sequence[str]], expected: Mapping[str, Total],
            running: Mapping[str, Total]) -> dict[str, Planned]:
    """The plan with jobs that come after others too: each is as unsure as the last of those, and as it is itself."""
    found = dict(plan)
    ends = {key: _after(_NOW, left) for key, left in running.items()} | {key: one.ends for key, one in plan.items()}
    for key, (start_s, end_s) in sorted(turns.items(), key=_start_of):
        before = max((ends[one] for one in waits.get(key, ()) if one in ends), default=_NOW)
        begins = (start_s, *before[1:])
        ends[key] = _longer(begins, max(0.0, end_s - start_s), expected.get(key))
        found[key] = Planned(begins, ends[key])
    return found


def _longer(free: _Free, takes_s: float, span: Total | None) -> _Free:
    """After what takes so long, as unsure for its length as `span` is."""
    at_s, below_s, below_squared, above_s, above_squared = free
    if span is None or span.median_s <= 0:
        return (at_s + takes_s, below_s, below_squared, above_s, above_squared)
    share = takes_s / span.median_s
    sooner_s, later_s = takes_s - share * span.low_s, share * span.high_s - takes_s
    return (at_s + takes_s, below_s + sooner_s, below_squared + sooner_s * sooner_s, above_s + later_s,
            above_squared + later_s * later_s)


def _start_of(turn: tuple[str, tuple[float, float]]) -> float:
    return turn[1][0]


def all_done(ends: Iterable[Total], least_s: float = 0.0) -> Total | None:
    """When the last of them should have ended, None of nothing; no earlier than the latest of each bound, and not
    before `least_s`."""
    ends = list(ends)
    if not ends:
        return None
    later_s = max(0.0, least_s - max(one.median_s for one in ends))
    return Total(later_s + max(one.median_s for one in ends), later_s + max(one.low_s for one in ends),
                 later_s + max(one.high_s for one in ends))


def _in_work(groups: dict[frozenset[str], list[_Free]],
             running: Iterable[tuple[str, Total]]) -> Iterable[tuple[list[_Free], Total]]:
    """The lanes that those in work take, the longest last: what no lane can do (a script's job) takes none."""
    for engine, left in sorted(running, key=lambda one: one[1].median_s):
        heaps = [heap for lane, heap in groups.items() if engine in lane]
        if heaps:
            yield min(heaps, key=lambda heap: heap[0]), left
