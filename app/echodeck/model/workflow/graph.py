"""The graph itself: its links, where a linked value comes from, what runs and in which order."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from heapq import heapify, heappop, heappush
from typing import Any, TypeGuard

from ..engine import visible

Graph = dict[str, dict[str, Any]]
Link = tuple[str, int]
Site = tuple[str, str]
"""An input: (node id, its name)."""

MAX_HOPS = 256
"""How many nodes one chain is followed through, from a sampler to its model, size or prompt."""
MAX_REROUTES = 32
"""How many nodes one literal is followed through."""

_OUTPUT = re.compile(r"save|preview", re.I)
_LAST = re.compile(r"save|preview|show|display|videocombine|video_combine|export|output|upload|send|websocket", re.I)
_HOLDERS = ("value", "text", "string", "int", "float", "number", "prompt")
"""The inputs that hold the value of a node which only hands a value out."""


def class_of(graph: Graph, node_id: str) -> str:
    return str(graph[node_id].get("class_type", ""))


def inputs_of(graph: Graph, node_id: str) -> dict[str, Any]:
    found: dict[str, Any] = graph[node_id]["inputs"]
    return found


def title_of(graph: Graph, node_id: str) -> str:
    """The title somebody gave a node, as it can be shown; "" if none."""
    meta = graph[node_id].get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return visible(title) if isinstance(title, str) else ""


def is_link(value: Any) -> TypeGuard[list[Any]]:
    """A link is a list of a node's id and the number of one of its outputs."""
    return (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
            and isinstance(value[1], int) and not isinstance(value[1], bool))


def link_of(graph: Graph, node_id: str, name: str) -> Link | None:
    """The node and output that feed an input; None where it is a literal, missing, or linked to nowhere."""
    value = inputs_of(graph, node_id).get(name)
    if is_link(value) and value[0] in graph:
        return value[0], value[1]
    return None


def links(graph: Graph, node_id: str) -> Iterator[tuple[str, Link]]:
    """The linked inputs of a node, as (name, link), in their order."""
    for name in inputs_of(graph, node_id):
        if (link := link_of(graph, node_id, name)) is not None:
            yield name, link


def site(graph: Graph, node_id: str, name: str) -> Site | None:
    """Where the literal stands that this input gets: its own place, or one in a primitive node behind reroutes."""
    seen: set[Site] = set()
    while (node_id, name) not in seen and len(seen) < MAX_REROUTES:
        seen.add((node_id, name))
        if name not in inputs_of(graph, node_id):
            return None
        link = link_of(graph, node_id, name)
        if link is None:
            return node_id, name
        names = inputs_of(graph, link[0])
        node_id = link[0]
        name = next((holder for holder in (name, *_HOLDERS) if holder in names),
                    next(iter(names)) if len(names) == 1 else "")
    return None


def literal(graph: Graph, node_id: str, name: str) -> Any:
    """The literal that this input gets, through primitive nodes; None where it is computed, or missing."""
    where = site(graph, node_id, name)
    return None if where is None else inputs_of(graph, where[0])[where[1]]


def whole(graph: Graph, node_id: str, *names: str, most: int = 1_000_000) -> int:
    """The first of these inputs that is a whole number above 0, `most` at most; 0 if there is none."""
    for name in names:
        value = literal(graph, node_id, name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 and value % 1 == 0:
            return int(min(value, most))
    return 0


def number(graph: Graph, node_id: str, name: str) -> float | None:
    """The number this input gets; None where it is computed, missing, or no finite number."""
    value = literal(graph, node_id, name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def word(graph: Graph, node_id: str, *names: str) -> str:
    """The first of these inputs that is a text with something in it; "" if there is none."""
    values = (literal(graph, node_id, name) for name in names)
    return next((value for value in values if isinstance(value, str) and value.strip()), "")


def outputs(graph: Graph) -> tuple[str, ...]:
    """The nodes for whose sake the others run, as far as that can be told without a ComfyUI.

    ComfyUI runs the nodes of the classes that call themselves output nodes, and what these need. A node whose class
    says that it saves or previews is one; of the nodes that feed no other also one that shows or sends. If there is
    none, every node that feeds no other is taken.
    """
    feeding = {link[0] for node_id in graph for _, link in links(graph, node_id)}
    last = [node_id for node_id in graph if node_id not in feeding]
    found = [node_id for node_id in graph
             if (_OUTPUT if node_id in feeding else _LAST).search(class_of(graph, node_id))]
    return tuple(found or last or graph)


def order(graph: Graph, ends: Collection[str] = ()) -> tuple[str, ...]:
    """The nodes that will run, in the order in which ComfyUI runs them when nothing is cached and nothing is lazy.

    `ends` are the output nodes if they are known. ComfyUI (0.3.64, comfy_execution/graph.py) finds nodes depth first
    from the outputs, the last input first, and of those that are ready takes one that is an output, else one that an
    output waits for, else one that is two links before an output, else the one that was found first.
    Nodes in a circle come last.
    """
    wanted = [end for end in ends if end in graph] or list(outputs(graph))
    found = _found(graph, wanted)
    waiting = {node_id: {link[0] for _, link in links(graph, node_id)} for node_id in found}
    fed: dict[str, list[str]] = {node_id: [] for node_id in found}
    for node_id, sources in waiting.items():
        for source in sources:
            fed[source].append(node_id)
    near = _nearness(wanted, waiting)
    ready = [(near.get(node_id, 3), place, node_id) for node_id, place in found.items() if not waiting[node_id]]
    heapify(ready)
    ordered = []
    while ready:
        _, _, chosen = heappop(ready)
        ordered.append(chosen)
        for node_id in fed[chosen]:
            waiting[node_id].discard(chosen)
            if not waiting[node_id]:
                heappush(ready, (near.get(node_id, 3), found[node_id], node_id))
    return (*ordered, *(node_id for node_id in found if waiting[node_id]))


def circle(graph: Graph) -> tuple[str, ...]:
    """Nodes that wait for each other in a circle, or for such; () if there are none."""
    done: set[str] = set()
    for node_id in order(graph, tuple(graph)):
        if all(link[0] in done for _, link in links(graph, node_id)):
            done.add(node_id)
    return tuple(node_id for node_id in graph if node_id not in done)


def _found(graph: Graph, ends: Collection[str]) -> dict[str, int]:
    """Every node that the ends need, with its place in the order of finding."""
    found: dict[str, int] = {}
    for end in ends:
        stack = [end]
        while stack:
            node_id = stack.pop()
            if node_id not in found:
                found[node_id] = len(found)
                stack.extend(link[0] for _, link in links(graph, node_id))
    return found


def _nearness(ends: Collection[str], waiting: dict[str, set[str]]) -> dict[str, int]:
    """How many links a node is before an output, for those up to 2."""
    near = dict.fromkeys(ends, 0)
    edge = list(ends)
    for distance in (1, 2):
        edge = [source for node_id in edge for source in waiting[node_id]]
        for source in edge:
            near.setdefault(source, distance)
    return near
