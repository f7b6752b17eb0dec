"""The plan of a whole queue: when each waiting job should begin and end, and when everything is done. Pure; a forecast
never changes, so that any thread may read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from .chain import Chained, foresee
from .job import Job
from .lanes import NO_TURNS, Planned, Turns, all_done, chained, plan_queue, retimed
from .span import Total

Timed = tuple[Job, Total]
"""A job, and what it should take or has left."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`made_s` is the moment that its seconds count from. `clear` is until everything is done: middle, low, high (None:
    nobody can say, or there is nothing)."""

    made_s: float = 0.0
    plan: Mapping[str, Planned] = field(default_factory=dict)
    clear: tuple[float, float, float] | None = None

    def start_s(self, job_id: str) -> float | None:
        """When a waiting job should begin; None: nobody can say."""
        planned = self.plan.get(job_id)
        return None if planned is None else self.made_s + planned.begins[0]

    def takes_s(self, job_id: str) -> float | None:
        """How long a waiting job is in work where it is planned: what is loaded by then is not loaded again."""
        planned = self.plan.get(job_id)
        return None if planned is None else planned.ends[0] - planned.begins[0]


def forecast(pending: Sequence[Timed], running: Sequence[Timed], lanes: Sequence[frozenset[str]], now_s: float,
             turns: Turns = NO_TURNS) -> Forecast:
    """`pending` stand in the order of the queue, `lanes` are the engines of each worker's slot.

    `turns` are from when to when the brain has jobs run (None: never), in seconds from now.
    """
    expected = {job.id: total for job, total in pending}
    left = {job.id: span for job, span in running}
    spans = list(left.values())
    first = [(job.id, job.spec.engine, total) for job, total in pending if not job.waits]
    plan: dict[str, Planned] = {}
    if not all(one[0] in turns for one in first):  # the brain knows nothing of some, or is off
        plan = plan_queue(first, [(job.spec.engine, span) for job, span in running], lanes)
    plan = retimed(plan, turns, expected, spans)
    least_s = 0.0
    if len(pending) > len(first):
        plan = _with_chains(plan, pending, left, lanes)
        work_s = sum(span.median_s for job, span in running if not job.foreign)
        work_s += sum(total.median_s for job, total in pending if job.id in plan)
        # They push back what is behind them, so not before all the work is shared out over all the slots.
        least_s = work_s / max(1, len(lanes))
    # Of a lane only the last job's end can be the end of all: those later than any start.
    last_s = max([planned.begins[0] for planned in plan.values()], default=0.0)
    ends = [planned.end for planned in plan.values() if planned.ends[0] >= last_s]
    done = all_done(ends + spans, least_s)
    return Forecast(now_s, plan, (done.median_s, done.low_s, done.high_s) if done is not None and lanes else None)


def _with_chains(plan: Mapping[str, Planned], pending: Sequence[Timed], left: Mapping[str, Total],
                 lanes: Sequence[frozenset[str]]) -> dict[str, Planned]:
    """The plan with the jobs that come after others."""
    after = [Chained(job.id, job.waits, job.spec.engine, total.median_s) for job, total in pending if job.waits]
    ends = {job_id: span.median_s for job_id, span in left.items()} | {
        job_id: planned.end_s for job_id, planned in plan.items()}
    turns = foresee(after, ends, Counter(chain.from_iterable(lanes)))
    return chained(plan, turns, {job.id: job.waits for job in after}, {job.id: total for job, total in pending}, left)
