"""Which waiting job a worker should take now. Pure: jobs, workers and the time in, a choice with its reason out.

A person's word comes first: a pinned job keeps its place, so what stands before it goes before it. Among the others the
higher priority goes first, then the model that is loaded already, then the group of one model with the shortest mean
time a job, its load included (as for groups with set-up times in Webster and Baker, "Scheduling groups of jobs on a
single machine", Operations Research 43, 1995), the larger groups favoured, and inside a group the shortest job. A job
is left to another worker that would finish it sooner.

Nobody starves: a job that could have gone to a worker and was passed over for one that came later has been overtaken;
after `bound` times nothing that came later may be given out before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import ConfigError

BOUND = 24
"""Jobs that came later and may be given out before one that could have gone instead."""
NORMAL = 0
"""The priority of who asked for none."""
DEAR = 20.0
"""A load holds up everything that waits behind it, so among several jobs it is weighed as so many times what it takes
(10 to 40 do equally well in tests/bench/schedule.py)."""
HASTE = 1.3
"""A job with a deadline is begun when so many times what it should take is left."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending job. `seat` is its number in the order of arrival; `model` is the heavy thing that has to be loaded.

    `total_s` is what it should take with its model loaded, at a usual worker's pace, `load_s` what loading that takes;
    it waits since `since_s`. `pinned`: it keeps its place.
    `need_bytes` is the VRAM it should need, None when nobody knows. `barred`: workers that it may not go to now.
    """

    id: str
    engine: str
    model: str
    seat: int
    priority: int = 0
    total_s: float = 1.0
    load_s: float = 0.0
    since_s: float = 0.0
    pinned: bool = False
    deadline_s: float | None = None
    need_bytes: float | None = None
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lane:
    """A worker's slot. `free_s` is when it should be free, and `loaded` the model that is loaded there then.

    `pace` is what a job takes there over what it takes on a usual one. `vram_bytes` is what one job can have, None
    when nobody knows.
    """

    id: str
    engines: frozenset[str]
    loaded: str = ""
    free_s: float = 0.0
    pace: float = 1.0
    vram_bytes: float | None = None

    def can(self, job: Waiting) -> bool:
        return job.engine in self.engines and self.id not in job.barred and (
            job.need_bytes is None or self.vram_bytes is None or job.need_bytes <= self.vram_bytes)

    def takes_s(self, job: Waiting, dear: float = 1.0) -> float:
        """From its beginning there to its end, with a load if one is needed, which counts `dear` times."""
        return job.total_s * self.pace + (0.0 if job.model == self.loaded else dear * job.load_s)


@dataclass(frozen=True, slots=True)
class Choice:
    """`why` is "pinned", "aged", "deadline", "same_model", "new_model" or "first". `passed` are the jobs that came
    before it and could have gone instead."""

    job: Waiting
    why: str
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    bound: int = BOUND
    leave: bool = True
    """Whether a worker may stay free because another would finish the job sooner."""


_RULES = Rules()
_NEVER: Mapping[str, int] = {}


def choose(lane: Lane, line: Sequence[Waiting], others: Sequence[Lane] = (), overtaken: Mapping[str, int] = _NEVER,
           now_s: float = 0.0, rules: Rules = _RULES) -> Choice | None:
    """What the lane, which is free, should take of `line` (in the order of the queue); None: nothing just now.

    `others` are the other lanes, `overtaken` says how often each job has been, where that is not 0.
    """
    able = candidates(lane, line)
    if not able:
        return None
    if able[0].pinned:
        return Choice(able[0], "pinned")
    able.sort(key=lambda job: job.seat)
    allowed, aged = _allowed(able, overtaken, rules.bound)
    picked = _pick(lane, _classes(allowed, overtaken, rules.bound), others, now_s, leave=rules.leave)
    if picked is None:
        return None
    job, why = picked
    passed = tuple(one.id for one in able if one.seat < job.seat)
    return Choice(job, "aged" if aged == job.id else why, passed)


def candidates(lane: Lane, line: Sequence[Waiting]) -> list[Waiting]:
    """Of what the lane can do: all before the first pinned job, or, if there are none, that job alone."""
    found: list[Waiting] = []
    for job in line:
        if not lane.can(job):
            continue
        if job.pinned:
            return found or [job]
        found.append(job)
    return found


def _allowed(able: Sequence[Waiting], overtaken: Mapping[str, int], bound: int) -> tuple[Sequence[Waiting], str]:
    """Those that came no later than the first that may not be overtaken any more, and that one; "" if there is none."""
    for place, job in enumerate(able):
        if overtaken.get(job.id, 0) >= bound:
            return able[: place + 1], job.id
    return able, ""


def _window(jobs: Sequence[Waiting], overtaken: Mapping[str, int], bound: int) -> list[Waiting]:
    """The first jobs by seat that may go in any order without one of them being overtaken too often.

    A window that ran on while its head is passed over would bring all in it to the bound at once, and then nothing
    could be grouped any more.
    """
    limit, found = math.inf, []
    for place, job in enumerate(jobs):
        if place > limit:
            break
        limit = min(limit, place + bound - overtaken.get(job.id, 0))
        found.append(job)
    return found


def _classes(jobs: Sequence[Waiting], overtaken: Mapping[str, int], bound: int) -> list[list[Waiting]]:
    """A window for each priority, the highest first. Half-way to the bound what is low counts as normal."""
    classes: dict[int, list[Waiting]] = {}
    for job in jobs:
        old = 2 * overtaken.get(job.id, 0) >= bound
        classes.setdefault(max(job.priority, NORMAL) if old else job.priority, []).append(job)
    return [_window(classes[priority], overtaken, bound) for priority in sorted(classes, reverse=True)]


def _pick(lane: Lane, windows: Sequence[Sequence[Waiting]], others: Sequence[Lane], now_s: float, *,
          leave: bool) -> tuple[Waiting, str] | None:
    for window in windows:
        pressing = [job for job in window if job.deadline_s is not None and _pressing(job, lane, now_s)]
        if pressing:
            return min(pressing, key=lambda job: (job.deadline_s or 0.0, job.seat)), "deadline"
        ours = _sooner_here(lane, window, others, now_s, DEAR)
        if ours:
            return _of_group(lane, ours, window)
    # Better a load than a worker that does nothing; but what another will have done sooner all the same is left to it.
    # Nobody waits for that longer than the job would have taken here.
    for window in windows:
        ours = _sooner_here(lane, window, others, now_s, 1.0) if leave else list(window)
        ours = ours or [job for job in window if now_s - job.since_s >= lane.takes_s(job)]
        if ours:
            return _of_group(lane, ours, window)
    return None


def _of_group(lane: Lane, jobs: Sequence[Waiting], window: Sequence[Waiting]) -> tuple[Waiting, str]:
    """The shortest of the loaded model's, else of the group that weighs least.

    `jobs` are those worth beginning here. Once one of a model's is, so is any of that model in the window: the shortest
    of them is begun, among equals the first, and what would have been done sooner elsewhere is so all the more.
    """
    groups: dict[str, list[Waiting]] = {}
    for job in jobs:
        groups.setdefault(job.model, []).append(job)
    model, why = lane.loaded, "same_model"
    if model not in groups:
        model = min(groups, key=lambda name: (_weight_s(lane, groups[name]), groups[name][0].seat))
        why = "new_model" if len(jobs) > 1 else "first"
    return min((job for job in window if job.model == model), key=lambda job: (job.total_s, job.seat)), why


def _weight_s(lane: Lane, group: Sequence[Waiting]) -> float:
    """The mean time a job, the load included, and less the more jobs share the load."""
    return (DEAR * group[0].load_s + lane.pace * sum(job.total_s for job in group)) / len(group) ** 2


def _pressing(job: Waiting, lane: Lane, now_s: float) -> bool:
    """It would be late if it were not begun soon, and is in time if it is begun now."""
    if job.deadline_s is None:
        return False
    takes_s, left_s = lane.takes_s(job), job.deadline_s - now_s
    return takes_s <= left_s <= HASTE * takes_s


def _sooner_here(lane: Lane, window: Sequence[Waiting], others: Sequence[Lane], now_s: float,
                 dear: float) -> list[Waiting]:
    """The jobs that no other lane would finish sooner than this one, where a load counts `dear` times what it takes.

    Another lane first does what it has loaded, the shortest first, and only then what it must load anew.
    """
    by_length = sorted(window, key=lambda job: (job.total_s, job.seat))
    there_s: dict[str, float] = {}
    for other in others:
        at_s = max(0.0, other.free_s - now_s)
        able, anew = [job for job in by_length if other.can(job)], []
        for job in able:
            if job.model == other.loaded:
                at_s += other.takes_s(job)
                there_s[job.id] = min(there_s.get(job.id, math.inf), at_s)
            else:
                anew.append(job)
        for job in anew:
            there_s[job.id] = min(there_s.get(job.id, math.inf), at_s + other.takes_s(job, dear))
    return [job for job in window if lane.takes_s(job, dear) <= there_s.get(job.id, math.inf)]


def rules_of(table: Mapping[str, object]) -> Rules:
    """As `[brain] overtake` of the settings says: how many may overtake a job. Raises ConfigError."""
    bound = table.get("overtake", BOUND)
    if not isinstance(bound, int) or isinstance(bound, bool) or bound < 0:
        raise ConfigError(f"brain.overtake: how many jobs may overtake one, a whole number from 0, got {bound!r}")
    return Rules(bound)
