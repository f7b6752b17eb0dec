"""Which workflows are the same kind of work: the key by which the history of stage times is kept.

Two graphs have one shape if they do the same with other seeds, prompts, sizes, counts, steps, input pictures and file
names: what they do is the classes, how they are linked, and every other literal. Ids, titles and the order of keys do
not matter, nor does a node that no output needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from .graph import Graph, Site, class_of, inputs_of, is_link, link_of, order, site
from .sampler import SEEDS
from .words import AMOUNTS, is_text

_NAMES = re.compile(r"(file|save|output)(name)?(_?(name|prefix|path|folder|dir))?|prefix|control_after_generate", re.I)
_LOADS = re.compile(r"load_?(image|video|audio|mask)", re.I)
_MEDIA = ("image", "video", "audio", "mask", "url", "path")


def shape(graph: Graph, ends: Sequence[str] = ()) -> str:
    """16 hex digits. `ends` are the output nodes if they are known."""
    running = order(graph, ends)
    varying = _varying(graph, running)
    prints: dict[str, str] = {}
    for node_id in running:
        prints[node_id] = _print(graph, node_id, varying, prints)
    return sha256("".join(sorted(prints.values())).encode()).hexdigest()[:16]


def _print(graph: Graph, node_id: str, varying: set[Site], before: dict[str, str]) -> str:
    """A fingerprint of a node and all that feeds it. In a circle, one of its nodes knows nothing of another."""
    said: list[tuple[str, Any]] = []
    for name, value in sorted(inputs_of(graph, node_id).items()):
        link = link_of(graph, node_id, name)
        if link is not None:
            said.append((name, [before.get(link[0], ""), link[1]]))
        else:
            said.append((name, "*" if (node_id, name) in varying else _plain(value)))
    return sha256(json.dumps([class_of(graph, node_id), said], sort_keys=True).encode()).hexdigest()


def _varying(graph: Graph, running: Sequence[str]) -> set[Site]:
    """The literals that do not count. Of a primitive node it is the inputs it feeds that decide."""
    free: set[Site] = set()
    held: set[Site] = set()
    for node_id in running:
        for name, value in inputs_of(graph, node_id).items():
            if not is_link(value):
                if _varies(graph, node_id, name, value):
                    free.add((node_id, name))
            elif (where := site(graph, node_id, name)) is not None:
                literal = inputs_of(graph, where[0])[where[1]]
                (free if _varies(graph, node_id, name, literal) else held).add(where)
    return free - {where for where in held if not _varies(graph, *where, inputs_of(graph, where[0])[where[1]])}


def _varies(graph: Graph, node_id: str, name: str, value: Any) -> bool:
    if isinstance(value, str):
        media = name in _MEDIA and _LOADS.search(class_of(graph, node_id)) is not None
        return media or is_text(name) or _NAMES.fullmatch(name) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and (name in AMOUNTS or name in SEEDS)


def _plain(value: Any) -> Any:
    """A page writes 8.0 as 8, a script perhaps as 8.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
