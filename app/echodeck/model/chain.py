"""Which jobs of a workflow come after which: names and places made into an order, or refused with the field named."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
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
