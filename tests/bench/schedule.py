"""What does the order of the queue bring? A day of 500 mixed jobs on three unlike workers, simulated.

The day is drawn from a seed: jobs come in series, of models that take their time to load, with priorities and some with
deadlines; the workers differ in pace and memory. What a job really takes is only known when it has ended: every
scheduler sees the expected time, and the same day with the same noise is given to each. Peers: first come, first served
(by priority, as the queue was before), and the shortest job first.

What can be grouped depends on the day. The three peaks and the few priorities here let queues grow long; with the same
jobs spread evenly over the day (8 days, seeds 0 to 7) our loads were 0.41 of those of first come, first served.
"""

from __future__ import annotations

import heapq
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from echodeck.brain.order import BOUND, Lane, Waiting, choose

JOBS = 500
DAY_S = 86_400.0
GIB = float(1 << 30)
LANES = (Lane("desk/1", frozenset({"sim"}), pace=1.0, vram_bytes=24 * GIB),
         Lane("tower/1", frozenset({"sim"}), pace=1.6, vram_bytes=16 * GIB),
         Lane("laptop/1", frozenset({"sim"}), pace=2.6, vram_bytes=10 * GIB))


@dataclass(frozen=True)
class Model:
    """`share` of the jobs use it; `middle_s` is what a job with it usually takes on the fastest worker."""

    name: str
    share: float
    load_s: float
    middle_s: float
    need_bytes: float


MODELS = (Model("sd15", 0.25, 25.0, 60.0, 5 * GIB), Model("sdxl", 0.25, 60.0, 150.0, 9 * GIB),
          Model("sdxl-turbo", 0.15, 60.0, 30.0, 9 * GIB), Model("flux", 0.15, 150.0, 300.0, 15 * GIB),
          Model("upscaler", 0.12, 20.0, 90.0, 6 * GIB), Model("video", 0.08, 120.0, 900.0, 20 * GIB))
PRIORITIES = ((20, 0.01), (10, 0.06), (0, 0.85), (-10, 0.08))
PEAKS = (0.38, 0.58, 0.75)
"""When most is put into the queue, as shares of the day: in the morning, after lunch, in the evening."""


@dataclass(frozen=True)
class Coming:
    """A job of the day: as the scheduler sees it, and by what factor it really takes longer."""

    job: Waiting
    at_s: float
    truth: float


@dataclass
class Told:
    """What became of the day. `waits_s` until they began; `worst` is how often one was passed over for a later one."""

    makespan_s: float = 0.0
    loads: int = 0
    worst: int = 0
    met: int = 0
    with_deadline: int = 0
    waits_s: list[float] | None = None

    def figures(self) -> dict[str, float]:
        waits_s = self.waits_s or [0.0]
        return {"makespan_h": self.makespan_s / 3600.0, "mean_wait_min": statistics.mean(waits_s) / 60.0,
                "longest_wait_h": max(waits_s) / 3600.0, "model_loads": float(self.loads),
                "worst_overtaking": float(self.worst),
                "deadlines_met_percent": 100.0 * self.met / max(1, self.with_deadline)}


def day(seed: int, jobs: int = JOBS) -> list[Coming]:
    """Series of 4 to 40 jobs, put in about three times of a working day; about as much as the workers can do in it."""
    rng = random.Random(seed)
    moments: list[float] = []
    while len(moments) < jobs:
        at_s = min(DAY_S, max(0.0, rng.gauss(rng.choice(PEAKS), 0.06) * DAY_S))
        count = min(jobs - len(moments), rng.randint(4, 40))
        moments += [at_s + rng.expovariate(1 / 60.0) for _ in range(count)]
    coming = []
    for seat, at_s in enumerate(sorted(moments)):
        model = rng.choices(MODELS, [one.share for one in MODELS])[0]
        total_s = model.middle_s * rng.lognormvariate(0.0, 0.5)
        priority = rng.choices([value for value, _ in PRIORITIES], [share for _, share in PRIORITIES])[0]
        deadline_s = at_s + (model.load_s + total_s) * rng.uniform(3.0, 40.0) if rng.random() < 0.3 else None
        job = Waiting(f"j{seat}", "sim", model.name, seat, priority, total_s, model.load_s, at_s,
                      deadline_s=deadline_s, need_bytes=model.need_bytes)
        coming.append(Coming(job, at_s, rng.lognormvariate(0.0, 0.25)))
    return coming


Scheduler = Callable[[Lane, Sequence[Waiting], Sequence[Lane], dict[str, int], float], Waiting | None]
"""The free lane, what waits (by priority, then as it came), the other lanes, how often each was overtaken, the time."""


def ours(lane: Lane, line: Sequence[Waiting], others: Sequence[Lane], overtaken: dict[str, int],
         now_s: float) -> Waiting | None:
    choice = choose(lane, line, others, overtaken, now_s)
    return None if choice is None else choice.job


def in_order(lane: Lane, line: Sequence[Waiting], others: Sequence[Lane], overtaken: dict[str, int],
             now_s: float) -> Waiting | None:
    return next((job for job in line if lane.can(job)), None)


def first_come(lane: Lane, line: Sequence[Waiting], others: Sequence[Lane], overtaken: dict[str, int],
               now_s: float) -> Waiting | None:
    return min((job for job in line if lane.can(job)), key=lambda job: job.seat, default=None)


def shortest(lane: Lane, line: Sequence[Waiting], others: Sequence[Lane], overtaken: dict[str, int],
             now_s: float) -> Waiting | None:
    return min((job for job in line if lane.can(job)), key=lambda job: (job.total_s, job.seat), default=None)


def simulate(coming: Sequence[Coming], scheduler: Scheduler) -> Told:
    """The day as this scheduler has it. A lane that is left free is asked again whenever anything happens."""
    told, overtaken = Told(waits_s=[]), dict[str, int]()
    truths = {one.job.id: one.truth for one in coming}
    lanes = {lane.id: lane for lane in LANES}
    free = set(lanes)
    line: list[Waiting] = []
    events = [(one.at_s, number, "", one.job) for number, one in enumerate(coming)]
    heapq.heapify(events)
    while events:
        now_s, _, lane_id, job = heapq.heappop(events)
        if lane_id:
            free.add(lane_id)
            told.makespan_s = max(told.makespan_s, now_s)
            if job.deadline_s is not None:
                told.with_deadline += 1
                told.met += now_s <= job.deadline_s
        else:
            line.append(job)
            line.sort(key=lambda one: (-one.priority, one.seat))
        for lane_id in sorted(free, key=lambda one: lanes[one].pace):
            lane = lanes[lane_id]
            chosen = scheduler(lane, line, [one for one in lanes.values() if one is not lane], overtaken, now_s)
            if chosen is None:
                continue
            line.remove(chosen)
            free.discard(lane_id)
            _count(told, overtaken, line, lane, chosen, now_s)
            really_s = chosen.total_s * lane.pace * truths[chosen.id]
            load_s = 0.0 if lane.loaded == chosen.model else chosen.load_s
            told.loads += lane.loaded != chosen.model
            lanes[lane_id] = replace(lane, loaded=chosen.model, free_s=now_s + lane.takes_s(chosen))
            heapq.heappush(events, (now_s + load_s + really_s, len(coming) + chosen.seat, lane_id, chosen))
    assert not line
    return told


def _count(told: Told, overtaken: dict[str, int], line: Sequence[Waiting], lane: Lane, chosen: Waiting,
           now_s: float) -> None:
    for job in line:
        if job.seat < chosen.seat and lane.can(job):
            overtaken[job.id] = overtaken.get(job.id, 0) + 1
            told.worst = max(told.worst, overtaken[job.id])
    assert told.waits_s is not None
    told.waits_s.append(now_s - chosen.since_s)


SCHEDULERS: dict[str, Scheduler] = {"ours": ours, "first_come": first_come, "by_priority": in_order,
                                    "shortest_first": shortest}


def compare(seed: int, days: int) -> dict[str, dict[str, float]]:
    """Mean figures of each scheduler over the same days; of the worst overtaking, the worst."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SCHEDULERS}
    for number in range(days):
        coming = day(seed + number)
        for name, scheduler in SCHEDULERS.items():
            found[name].append(simulate(coming, scheduler).figures())
    return {name: {key: (max if key == "worst_overtaking" else statistics.mean)([one[key] for one in figures])
                   for key in figures[0]} for name, figures in found.items()}


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Days in turn until the time is over; the peer is first come, first served."""
    began_s, days = time.monotonic(), 0
    rounds: list[dict[str, dict[str, float]]] = []
    while not days or time.monotonic() - began_s < seconds:
        rounds.append(compare(seed + days, 1))
        days += 1
    mean = {name: {key: (max if key == "worst_overtaking" else statistics.mean)([one[name][key] for one in rounds])
                   for key in rounds[0][name]} for name in SCHEDULERS}
    # Nobody overtakes where the first to come is the first served: that figure has no ratio.
    worst = ", ".join(f"{name} {figures.pop('worst_overtaking'):.0f}" for name, figures in mean.items())
    ours_, peer = mean["ours"], mean["first_come"]
    ratio = {key: ours_[key] / peer[key] for key in ours_}
    notes = "; ".join(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in mean[name].items())
                      for name in SCHEDULERS if name not in ("ours", "first_come"))
    return {"name": "schedule", "ours": ours_, "peer": peer, "ratio": ratio,
            "notes": f"peer: first come, first served; {days} days of {JOBS} jobs on {len(LANES)} workers, at most "
                     f"{BOUND} may overtake; the most that overtook one job: {worst}; {notes}"}
