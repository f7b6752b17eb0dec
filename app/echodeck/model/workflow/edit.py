"""Changing a graph's literals by name: values as somebody typed them, and the seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import BadField
from ..engine import visible
from .graph import Graph, class_of, inputs_of, is_link, order, site, title_of
from .sampler import SEEDS, is_seed, seed_site
from .words import AMOUNTS

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_LISTED = 12
MAX_KEY_CHARS = 1_000


def set_values(graph: Graph, values: Mapping[str, Any]) -> Graph:
    """A graph with other literals: {"NODE.INPUT": value}, NODE an id, or a title or class that only one node has.

    A text is read by the type of the literal it replaces; JSON of a page writes 8.0 as 8, so that a whole number may
    become a fraction except where it counts something. Raises BadField("values", …) and changes nothing.
    """
    changed = {node_id: {**node, "inputs": dict(node["inputs"])} for node_id, node in graph.items()}
    for key, value in values.items():
        node_id, name = _place(graph, key)
        present = inputs_of(graph, node_id)[name]
        if is_link(present):
            raise _bad(f"{key[:80]!r}: the input is fed by node {_said(graph, present[0])}; set that node's inputs")
        changed[node_id]["inputs"][name] = _fitted(key, name, present, value)
    return changed


def with_seed(graph: Graph, seed: int) -> Graph:
    """A graph whose main seed is `seed`; every other seed is moved as far, modulo 2**64, so that they stay apart.

    Without a seed the graph stays as it is. Raises BadField("seed", …) for a seed that does not fit into 64 bits.
    """
    if not 0 <= seed < 1 << 64:
        raise BadField("seed", f"must be 0 to {(1 << 64) - 1}, got {seed}")
    main = seed_site(graph, order(graph))
    changed = {node_id: {**node, "inputs": dict(node["inputs"])} for node_id, node in graph.items()}
    if main is None:
        return changed
    apart = seed - inputs_of(graph, main[0])[main[1]]
    for node_id, name in {where for each in graph for seeded in SEEDS if (where := site(graph, each, seeded))}:
        present = inputs_of(graph, node_id)[name]
        if is_seed(present):
            changed[node_id]["inputs"][name] = (present + apart) % (1 << 64)
    return changed


def _place(graph: Graph, key: str) -> tuple[str, str]:
    """The node and input that "NODE.INPUT" names; both may have dots in them."""
    cuts = [at for at, sign in enumerate(key[:MAX_KEY_CHARS]) if sign == "."]
    if not cuts or len(key) > MAX_KEY_CHARS:
        raise _bad(f"{key[:80]!r} names no input; write NODE.INPUT=VALUE")
    named = [(nodes, key[at + 1 :]) for at in reversed(cuts) if (nodes := _nodes(graph, key[:at]))]
    if not named:
        some = ", ".join(_said(graph, node_id) for node_id in list(graph)[:_LISTED])
        raise _bad(f"there is no node {key[: cuts[-1]][:80]!r}; there are {some}")
    fitting = [(nodes, name) for nodes, name in named if any(name in inputs_of(graph, node) for node in nodes)]
    nodes, name = (fitting or named)[0]
    if len(nodes) > 1:
        many = ", ".join(_said(graph, node_id) for node_id in nodes[:_LISTED])
        raise _bad(f"{key[:80]!r}: several nodes are called so; name one by its id: {many}")
    if not fitting:
        some = ", ".join(list(inputs_of(graph, nodes[0]))[:_LISTED]) or "none"
        raise _bad(f"node {_said(graph, nodes[0])} has no input {name[:80]!r}; it has {some}")
    return nodes[0], name


def _nodes(graph: Graph, called: str) -> list[str]:
    """The nodes of this id, else of this title, else of this class."""
    if called in graph:
        return [called]
    titled = [node_id for node_id in graph if title_of(graph, node_id) == visible(called) != ""]
    return titled or [node_id for node_id in graph if class_of(graph, node_id) == called]


def _said(graph: Graph, node_id: str) -> str:
    kind = title_of(graph, node_id) or visible(class_of(graph, node_id)) if node_id in graph else "missing"
    return f"{visible(node_id)[:40]} ({kind[:60]})"


def _fitted(key: str, name: str, present: Any, value: Any) -> Any:
    """The value as the type that the present literal has."""
    try:
        if isinstance(present, bool):
            return _truth(value)
        if isinstance(present, int | float):
            return _number(value, whole=isinstance(present, int) and name in AMOUNTS | set(SEEDS))
        if isinstance(present, str):
            return value if isinstance(value, str) else _refuse("a text")
        if present is None:
            return value
        parsed = json.loads(value) if isinstance(value, str) else value
        return parsed if type(parsed) is type(present) else _refuse(f"like {json.dumps(present)}")
    except (ValueError, RecursionError) as error:
        wanted = str(error) if isinstance(error, _WantedError) else "JSON"
        raise _bad(f"{key[:80]!r} must be {wanted[:120]}, got {str(value)[:80]!r}") from error


class _WantedError(ValueError):
    """Says what would fit."""


def _refuse(wanted: str) -> Any:
    raise _WantedError(wanted)


def _truth(value: Any) -> bool:
    said = str(value).strip().lower()
    return said in _TRUE if said in _TRUE + _FALSE else _refuse("true or false")


def _number(value: Any, *, whole: bool) -> int | float:
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _refuse(wanted)
    try:
        found = int(value) if not isinstance(value, float) else value
    except ValueError:
        found = _float(value, wanted)
    if not -(1 << 63) <= found < 1 << 64 or (whole and found != int(found)):
        _refuse(wanted)
    return int(found) if whole else found


def _float(text: Any, wanted: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _WantedError(wanted) from error


def _bad(problem: str) -> BadField:
    return BadField("values", problem)
