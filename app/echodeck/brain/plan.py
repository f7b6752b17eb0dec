"""When each waiting job should begin, on which worker, and why then: what `order.choose` would do, played forward.

The near end of the queue is played choice by choice. The far end, which will have changed before its turn comes, is
foreseen in blocks of as many jobs as may overtake one another, grouped by model: that keeps a long queue cheap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .order import Lane, Rules, Waiting, choose

_RULES = Rules()
NEAR = 40
"""Jobs that are played one by one."""
A_MOMENT_S = 1e-6


class Turn(NamedTuple):
    """`why` as in `Choice`; "" where it is foreseen in a block."""

    job_id: str
    lane_id: str
    start_s: float
    end_s: float
    why: str = ""


def foresee(line: Sequence[Waiting], lanes: Sequence[Lane], overtaken: Mapping[str, int], now_s: float,
            rules: Rules = _RULES) -> list[Turn]:
    """The turns in the order in which they begin. A job that no lane can do has none; times are on `now_s`'s clock."""
    state = [replace(lane, free_s=max(now_s, lane.free_s)) for lane in lanes]
    turns = list(_played(_near(line, state, overtaken, rules), state, dict(overtaken), rules))
    played = {turn.job_id for turn in turns}
    turns += _in_blocks([job for job in line if job.id not in played], state, rules)
    return sorted(turns, key=lambda turn: turn.start_s)


def _near(line: Sequence[Waiting], lanes: Sequence[Lane], overtaken: Mapping[str, int],
          rules: Rules) -> list[Waiting]:
    """The first that somebody can do, and all that may not be overtaken any more."""
    near: list[Waiting] = []
    due = {job_id for job_id, times in overtaken.items() if times >= rules.bound}
    for job in line:
        if len(near) >= NEAR and not due:
            break
        if (len(near) < NEAR or job.id in due) and any(lane.can(job) for lane in lanes):
            near.append(job)
    return near


def _played(line: list[Waiting], lanes: list[Lane], overtaken: dict[str, int], rules: Rules) -> Iterator[Turn]:
    """Changes `lanes` as it goes. What a lane leaves to another, it looks at again when the next lane is free."""
    going, left = set(range(len(lanes))), set[int]()
    firm = replace(rules, leave=False)
    while line and going:
        at = min(going, key=lambda n: lanes[n].free_s)
        lane, others = lanes[at], [lane for n, lane in enumerate(lanes) if n != at]
        choice = choose(lane, line, others, overtaken, lane.free_s, firm if at in left else rules)
        if choice is None and (at in left or len(going) == 1):
            going.discard(at)
            continue
        if choice is None:
            left.add(at)
            lanes[at] = replace(lane, free_s=min(lanes[n].free_s for n in going if n != at) + A_MOMENT_S)
            continue
        job = choice.job
        line.remove(job)
        left.clear()
        for job_id in choice.passed:
            overtaken[job_id] = overtaken.get(job_id, 0) + 1
        end_s = lane.free_s + lane.takes_s(job)
        yield Turn(job.id, lane.id, lane.free_s, end_s, choice.why)
        lanes[at] = replace(lane, free_s=end_s, loaded=job.model)


def _in_blocks(line: Sequence[Waiting], lanes: Sequence[Lane], rules: Rules) -> Iterator[Turn]:
    free_s, loaded = [lane.free_s for lane in lanes], [lane.loaded for lane in lanes]
    paces, names = [lane.pace for lane in lanes], [lane.id for lane in lanes]
    able: dict[object, list[int]] = {}
    for job in _blocks(line, rules.bound + 1):
        kind = (job.engine, job.need_bytes, job.barred)
        there = able.get(kind)
        if there is None:
            there = able[kind] = [n for n, lane in enumerate(lanes) if lane.can(job)]
        best, end_s = -1, math.inf
        total_s, load_s, model = job.total_s, job.load_s, job.model
        for n in there:
            there_s = free_s[n] + total_s * paces[n]
            if loaded[n] != model:
                there_s += load_s
            if there_s < end_s:
                best, end_s = n, there_s
        if best >= 0:
            yield Turn(job.id, names[best], free_s[best], end_s)
            free_s[best], loaded[best] = end_s, model


def _blocks(line: Iterable[Waiting], size: int) -> Iterator[Waiting]:
    """Runs of jobs that nobody pinned, `size` at a time, by priority, model and length."""
    block: list[Waiting] = []
    for job in line:
        if job.pinned or len(block) == size:
            yield from sorted(block, key=_in_block)
            block = []
        if job.pinned:
            yield job
        else:
            block.append(job)
    yield from sorted(block, key=_in_block)


def _in_block(job: Waiting) -> tuple[int, str, float]:
    return -job.priority, job.model, job.total_s
