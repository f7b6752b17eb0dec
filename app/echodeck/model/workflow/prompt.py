"""The text of a prompt, followed from a sampler back through conditionings to where somebody typed it."""

from __future__ import annotations

import re
from typing import Literal

from ..engine import MAX_PROMPT_CHARS
from .graph import MAX_HOPS, Graph, Site, class_of, inputs_of, link_of, links
from .words import is_text

Side = Literal["positive", "negative"]

_CONDITION = re.compile(r"cond|guider|embeds|pipe|ctx|context", re.I)
_EITHER: tuple[Side, Side] = ("positive", "negative")


def prompt_of(graph: Graph, sampler: str, side: Side) -> str:
    """What a sampler is told to draw, or to avoid: the texts of all that is combined, one a line."""
    found: list[str] = []
    seen: set[tuple[str, Side]] = set()
    stack: list[tuple[str, Side]] = [(sampler, side)]
    while stack and len(seen) < MAX_HOPS:
        node_id, side = stack.pop()
        if (node_id, side) in seen or class_of(graph, node_id) == "ConditioningZeroOut":
            continue
        seen.add((node_id, side))
        own = text_at(graph, node_id, side) if node_id != sampler else ""
        if own:
            found.append(own)
        else:
            stack += reversed(_before(graph, node_id, side))
    return "\n".join(dict.fromkeys(found))[:MAX_PROMPT_CHARS]


def text_at(graph: Graph, node_id: str, side: Side = "positive") -> str:
    """The texts that a node itself encodes; those of the two text encoders of one model are mostly the same."""
    # A "positive" may be a text or a conditioning: only the text itself is one.
    names = [name for name in inputs_of(graph, node_id)
             if is_text(name) and not (name in _EITHER and link_of(graph, node_id, name))]
    sided = [name for name in names if name.startswith(side)]
    other = [name for name in names if name.startswith(_EITHER)]
    texts = [_string(graph, (node_id, name), set()) for name in sided or [name for name in names if name not in other]]
    return "\n".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _before(graph: Graph, node_id: str, side: Side) -> list[tuple[str, Side]]:
    """The nodes that say more about this side of a node's conditioning."""
    names = inputs_of(graph, node_id)
    here = [(name, link) for name, link in links(graph, node_id)
            if name == side or (side not in names and _CONDITION.search(name) and name not in _EITHER)]
    if not here and len(names) == 1:  # a reroute
        here = list(links(graph, node_id))
    before: list[tuple[str, Side]] = []
    for name, (source, slot) in here:
        above = inputs_of(graph, source)
        if name == "guider" or not {"positive", "negative"} <= above.keys():
            # A guider that takes one conditioning has nothing to avoid.
            if name != "guider" or side == "positive" or side in above:
                before.append((source, side))
        else:  # a node that takes a pair hands out the pair, in this order
            before.append((source, _EITHER[slot] if slot in (0, 1) else side))
    return before


def _string(graph: Graph, where: Site, seen: set[Site]) -> str:
    """The text that an input gets: its literal, or what the nodes that feed it hold, joined as they join it."""
    node_id, name = where
    if where in seen or len(seen) >= MAX_HOPS:
        return ""
    seen.add(where)
    value = inputs_of(graph, node_id).get(name)
    link = link_of(graph, node_id, name)
    if link is None:
        return value if isinstance(value, str) else ""
    source = inputs_of(graph, link[0])
    parts = [name] if name in source else [part for part in source if is_text(part) or part == "value"]
    if not parts and len(source) == 1:
        parts = list(source)
    delimiter = source.get("delimiter")
    joined = [text for part in parts if (text := _string(graph, (link[0], part), seen))]
    return (delimiter if isinstance(delimiter, str) else " ").join(joined)
