"""The stages of a workflow: its nodes, named as people know them, in the order in which they will run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine import visible
from .graph import Graph, class_of, order, title_of
from .sampler import steps_of

MAX_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Node:
    """A node that will run. `title` is one visible line that no other node here has; `steps` is 0 if it has none."""

    id: str
    title: str
    class_type: str
    steps: int = 0


def stages(graph: Graph, ends: Sequence[str] = ()) -> tuple[Node, ...]:
    """The nodes that an output needs, close to ComfyUI's own order. `ends` are the output nodes if they are known.

    Nodes of the same title are told apart by a number, in their order: "KSampler", "KSampler (2)".
    """
    found: list[Node] = []
    used: set[str] = set()
    counts: dict[str, int] = {}
    for node_id in order(graph, ends):
        kind = visible(class_of(graph, node_id))[:MAX_TITLE_CHARS]
        base = title_of(graph, node_id)[:MAX_TITLE_CHARS].rstrip() or kind or "node"
        title = base
        while title in used:
            counts[base] = counts.get(base, 1) + 1
            title = f"{base} ({counts[base]})"
        used.add(title)
        found.append(Node(node_id, title, class_of(graph, node_id), steps_of(node_id, graph)))
    return tuple(found)
