"""Which jobs of a workflow come after which: names and places made into an order, or refused with the field named."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ..errors import BadField


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a workflow: its name ("" for none), and those that it comes after, by name or by place from 0."""

    name: str = ""
    after: tuple[str | int, ...] = ()


Edges = tuple[frozenset[int], ...]
"""For each entry the places of those that it comes after."""


def resolve(links: Sequence[Link]) -> Edges:
    """Names as places. Raises BadField for a name given twice, for what is not there, and for a circle."""
    places: dict[str, int] = {}
    for place, link in enumerate(links):
        if link.name and places.setdefault(link.name, place) != place:
            said = f"{link.name[:80]!r} is the name of jobs[{places[link.name]}] already"
            raise BadField(f"jobs[{place}].name", said)
    edges = tuple(frozenset(_place(one, place, places, len(links)) for one in link.after)
                  for place, link in enumerate(links))
    order(edges, links)
    return edges


def order(edges: Edges, links: Sequence[Link] = ()) -> list[int]:
    """The places so that each comes after all that it depends on, and else as given. Raises BadField for a circle."""
    sorter = TopologicalSorter(dict(enumerate(edges)))
    try:
        sorter.prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        shown = " after ".join(links[one].name or f"jobs[{one}]" if links else f"jobs[{one}]" for one in circle)
        raise BadField(f"jobs[{circle[0]}].after", f"would never begin: {shown}") from error
    ready, found = list(sorter.get_ready()), []
    heapq.heapify(ready)
    while ready:
        found.append(heapq.heappop(ready))
        sorter.done(found[-1])
        for place in sorter.get_ready():
            heapq.heappush(ready, place)
    return found


@dataclass(frozen=True, slots=True)
class Chained:
    """A waiting job that comes after others: those of them that have not ended, and what it should take."""

    id: str
    waits: tuple[str, ...]
    engine: str
    took_s: float


def foresee(jobs: Iterable[Chained], ends: Mapping[str, float],
            lanes: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """When each should start and finish, in seconds from now: as soon as the last of those before it has ended and,
    among these jobs, one of the engine's lanes is free. `ends` is when those end that come after none.

    They keep their place in the queue, so what came in later does not hold them up once they may begin. One that waits
    for something nobody can foresee is not in the answer.
    """
    left = {job.id: job for job in jobs if lanes.get(job.engine)}
    free = {engine: [0.0] * count for engine, count in lanes.items()}
    known, plan = dict(ends), dict[str, tuple[float, float]]()
    heirs: dict[str, list[str]] = {}
    for job in left.values():
        for one in job.waits:
            heirs.setdefault(one, []).append(job.id)
    ready: list[tuple[float, int, str]] = []

    def release(job: Chained) -> None:
        if job.id not in plan and all(one in known for one in job.waits):
            heapq.heappush(ready, (max((known[one] for one in job.waits), default=0.0), len(ready), job.id))

    for job in left.values():
        release(job)
    while ready:
        released_s, _, job_id = heapq.heappop(ready)
        if job_id in plan:
            continue
        job = left[job_id]
        start_s = max(released_s, free[job.engine][0])
        plan[job_id] = start_s, start_s + job.took_s
        known[job_id] = start_s + job.took_s
        heapq.heapreplace(free[job.engine], known[job_id])
        for heir in heirs.get(job_id, ()):
            release(left[heir])
    return plan


def _place(after: str | int, place: int, places: dict[str, int], count: int) -> int:
    field = f"jobs[{place}].after"
    if isinstance(after, int):
        if not 0 <= after < count:
            raise BadField(field, f"there is no jobs[{after}]; they are counted from 0 to {count - 1}")
        return after
    if after not in places:
        named = ", ".join(sorted(places)[:20])
        raise BadField(field, f"no job is named {after[:80]!r}" + (f"; there are {named}" if named else ""))
    return places[after]
