"""From bytes to a checked graph: API-format JSON, the body of a POST /prompt, or a PNG that ComfyUI saved.

Anybody may give anything here, so every size and depth is bounded, and whatever is wrong is a BadField("workflow")
with one sentence that says what to do.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from itertools import islice
from typing import Any

from ...errors import BadField
from ..png import SIGNATURE, texts
from .graph import Graph, circle, is_link

MAX_BYTES = 8 << 20
MAX_NODES, MAX_INPUTS = 2_000, 20_000
MAX_DEPTH = 64
MAX_NAME_CHARS = 300

EXPORT = ("in ComfyUI's menu choose Workflow > Export (API); in older versions switch on the dev mode in the settings, "
          "then Save (API Format)")
_OTHERS = {b"\xff\xd8\xff": "a JPEG", b"GIF8": "a GIF", b"\x1aE\xdf\xa3": "a video", b"PK\x03\x04": "a zip archive"}


def read(data: bytes | str) -> Graph:
    """The graph in a file's bytes (of a PNG the beginning with its texts is enough) or in a JSON text.

    Literals that are no JSON (NaN, Infinity), which ComfyUI writes, become null. Raises BadField("workflow", …).
    """
    if isinstance(data, bytes):
        data = _embedded(data) if data.startswith(SIGNATURE) else _text(data)
    data = data.removeprefix("\ufeff")
    if len(data) > MAX_BYTES:
        raise _bad(f"has {len(data):,} characters; {MAX_BYTES:,} are the most")
    if not data.strip():
        raise _bad(f"is empty; give a workflow in API format: {EXPORT}")
    return _checked(_parsed(data))


def tolerant(value: Any) -> Graph:
    """What can be used of a graph that somebody else queued: the nodes that `read` would take, at most MAX_NODES."""
    graph: Graph = {}
    for node_id, node in islice(value.items() if isinstance(value, dict) else (), MAX_NODES):
        with suppress(BadField):
            graph[_name(str(node_id))] = _node(str(node_id), node)
    return graph


def _embedded(data: bytes) -> str:
    """The text of the workflow in a PNG."""
    try:
        found = texts(data, 2 * MAX_BYTES)
    except ValueError as error:
        raise _bad(f"this PNG cannot be used: {error}") from error
    if "prompt" in found:
        return found["prompt"]
    if "workflow" in found:
        raise _bad(f"this PNG has the workflow as ComfyUI's page draws it, not as its API runs it; open it there and "
                   f"{EXPORT}")
    raise _bad(f"no workflow is embedded in this PNG; take the file as ComfyUI saved it, or a JSON: {EXPORT}")


def _text(data: bytes) -> str:
    head = data[:16]
    kind = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")
    if head.startswith(b"RIFF") and head.endswith(b"WEBP", 8, 12):
        kind = "a WebP picture"
    elif head[4:8] == b"ftyp":
        kind = "a video"
    if kind:
        raise _bad(f"is {kind}; give a PNG that ComfyUI saved, or the workflow as JSON: {EXPORT}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad("is neither JSON in UTF-8 nor a PNG") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None, parse_float=_float, parse_int=_int)
    except RecursionError as error:
        raise _bad("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise _bad(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error


def _float(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _int(text: str) -> int | None:
    """No input of ComfyUI holds more than 64 bits, nor does a message of ours."""
    value = int(text) if len(text) <= 20 else 1 << 64
    return value if -(1 << 63) <= value < 1 << 64 else None


def _checked(value: Any) -> Graph:
    if isinstance(value, dict) and isinstance(value.get("prompt"), dict) and "class_type" not in value["prompt"]:
        value = value["prompt"]
    if not isinstance(value, dict):
        raise _bad(f"is JSON, but no workflow; give one in API format: {EXPORT}")
    if isinstance(value.get("nodes"), list):
        raise _bad(f"is in the format of ComfyUI's page; export it in API format: {EXPORT}")
    if not value:
        raise _bad("has no nodes")
    if len(value) > MAX_NODES:
        raise _bad(f"has {len(value):,} nodes; {MAX_NODES:,} are the most")
    graph = {_name(node_id): _node(node_id, node) for node_id, node in value.items()}
    if (inputs := sum(len(node["inputs"]) for node in graph.values())) > MAX_INPUTS:
        raise _bad(f"its nodes have {inputs:,} inputs; {MAX_INPUTS:,} are the most")
    for node_id, node in graph.items():
        for name, given in node["inputs"].items():
            if is_link(given) and given[0] not in graph:
                raise _bad(f"input {name[:80]!r} of node {node_id!r} is linked to node {given[0][:80]!r}, "
                           f"which is missing; export the workflow again")
    if stuck := circle(graph):
        raise _bad(f"nodes feed each other in a circle: {', '.join(stuck[:8])}")
    return graph


def _node(node_id: str, node: Any) -> dict[str, Any]:
    if not isinstance(node, dict) or not isinstance(node.get("class_type"), str) or not node["class_type"]:
        raise _bad(f"node {node_id[:80]!r} has no class_type, so this is no workflow in API format: {EXPORT}")
    if not isinstance(node.get("inputs", {}), dict):
        raise _bad(f"the inputs of node {node_id[:80]!r} are no JSON object")
    clean: dict[str, Any] = _clean({"inputs": {}, **node}, MAX_DEPTH)
    _name(clean["class_type"])
    return clean


def _name(text: str) -> str:
    if len(text) > MAX_NAME_CHARS:
        raise _bad(f"the name {text[:40]!r}… has more than {MAX_NAME_CHARS} characters")
    return _whole_text(text)


def _clean(value: Any, depth: int) -> Any:
    """A copy whose texts can be encoded again."""
    if depth < 0:
        raise _bad("is nested too deeply")
    if isinstance(value, dict):
        return {_whole_text(key): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return _whole_text(value) if isinstance(value, str) else value


def _whole_text(text: str) -> str:
    """JSON can write half a character (a lone surrogate), which no encoding can; "?" stands for it."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _bad(problem: str) -> BadField:
    return BadField("workflow", problem)
