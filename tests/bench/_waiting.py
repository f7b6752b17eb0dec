"""Are the plans of a whole queue as good as they say? Simulated: 17 jobs of a kind wait for two workers."""

from __future__ import annotations

import heapq
import random

from _jobs import Scenario
from _ours import Ours

from echodeck.model.lanes import all_done, plan_queue
from echodeck.model.span import Total

WAITING, WORKERS, BEFORE = 17, 2, 12
ENGINE = "sim"


def queued(scenario: Scenario, seed: int) -> tuple[list[bool], bool]:
    """Whether the interval held of each start that had to be waited for, and of the moment when all was done."""
    jobs, ours = scenario.jobs(random.Random(f"{seed} queue {scenario.name}")), Ours()
    for _ in range(BEFORE):
        ours.told(next(jobs))
    waiting = [next(jobs) for _ in range(WAITING)]
    plan = plan_queue([(str(n), ENGINE, ours.pending(job)[1]) for n, job in enumerate(waiting)], [],
                      [frozenset({ENGINE})] * WORKERS)
    free_s, held, end_s = [0.0] * WORKERS, list[bool](), 0.0
    for number, job in enumerate(waiting):
        start_s = heapq.heappop(free_s)
        heapq.heappush(free_s, start_s + job.total_s)
        end_s = max(end_s, start_s + job.total_s)
        if number >= WORKERS:
            held.append(_holds(plan[str(number)].start, start_s))
    done = all_done([one.end for one in plan.values()])
    return held, done is not None and _holds(done, end_s)


def _holds(span: Total, truth_s: float) -> bool:
    return span.low_s <= truth_s <= span.high_s
