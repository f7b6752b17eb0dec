"""What ComfyUI sends over its websocket, one function for text frames and one for binary ones.

Nothing here raises: a message of an unknown type, or one that lacks what it must have, is `Unknown`, so that newer
servers and custom nodes can send what they like. Messages that are about one prompt have its id as `prompt_id`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .failure import Failure, parse_failure
from .field import count, listed, mapping, number, seconds, text, texts
from .media import File, parse_output

MAX_FRAME_BYTES = 64 << 20
MAX_HEAD_BYTES = 1 << 20
PREVIEW, TEXT, PREVIEW_WITH_METADATA = 1, 3, 4
EVENT = "echodeck.event"
"""How the extension in the server sends on what is meant for another client."""
_FORMATS = {1: "image/jpeg", 2: "image/png"}


@dataclass(frozen=True, slots=True)
class Status:
    """The queue changed. `sid` is our client id, in the first message of a connection only."""

    queue_remaining: int
    sid: str = ""


@dataclass(frozen=True, slots=True)
class FeatureFlags:
    flags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    prompt_id: str
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Cached:
    """These nodes will not run: their results are still there."""

    prompt_id: str
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Executing:
    """A node begins; with `node` None the prompt has ended and is in the history.

    `prompt_id` is "" in what a client gets that comes back while its prompt runs.
    """

    prompt_id: str
    node: str | None
    display_node: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Step `value` of `max` of a node has ended."""

    prompt_id: str
    node: str
    value: float
    max: float


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """A node's place in `ProgressState`. `display_node` is the node of the graph that a made one belongs to."""

    node: str
    display_node: str
    state: str
    value: float
    max: float
    activity: str = ""


@dataclass(frozen=True, slots=True)
class ProgressState:
    """All nodes that have begun so far: the whole picture every time."""

    prompt_id: str
    nodes: tuple[NodeProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class Executed:
    """A node has results to show; comes for cached nodes too."""

    prompt_id: str
    node: str
    display_node: str = ""
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Succeeded:
    prompt_id: str
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    prompt_id: str
    failure: Failure
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    prompt_id: str
    node: str = ""
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Logs:
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of what is in the making. Without metadata it belongs to whatever runs: prompt and node are ""."""

    mime: str
    image: bytes
    prompt_id: str = ""
    node: str = ""
    display_node: str = ""


@dataclass(frozen=True, slots=True)
class NodeText:
    """A text that a node shows while it runs."""

    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """By the extension: a prompt stands still at a step, or (`on` false) goes on."""

    prompt_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something else. `type` is what the sender calls it, or the number of a binary frame."""

    type: str


Frame = (Status | FeatureFlags | Started | Cached | Executing | Progress | ProgressState | Executed | Succeeded
         | Failed | Interrupted | Logs | Preview | NodeText | Held | Unknown)


def parse_text(frame: str | bytes) -> Frame:
    """A text frame: {"type", "data"}, or the extension's, with such an event of another client within it."""
    if len(frame) > MAX_FRAME_BYTES:
        return Unknown("too large")
    try:
        message = mapping(json.loads(frame))
    except (ValueError, RecursionError):
        return Unknown("not JSON")
    kind, data = text(message.get("type"), 200), message.get("data")
    if kind == EVENT:
        about = mapping(data)
        return parse_event(text(about.get("event"), 200), about.get("data"))
    return parse_event(kind, data)


def parse_event(kind: str, data: Any) -> Frame:
    """An event by its type."""
    parse = _EVENTS.get(kind)
    found = None if parse is None else parse(mapping(data))
    return Unknown(kind) if found is None else found


def parse_binary(frame: bytes) -> Frame:
    """A binary frame: its type as a big-endian number of 32 bits, then what that type has."""
    kind = _u32(frame, 0)
    if kind == PREVIEW and (mime := _FORMATS.get(_u32(frame, 4))) and len(frame) > 8:
        return Preview(mime, frame[8:])
    size = _u32(frame, 4)
    head, rest = frame[8 : 8 + size], frame[8 + size :]
    if kind == TEXT and len(head) == size <= MAX_HEAD_BYTES:
        return NodeText(head.decode("utf-8", "replace"), text(rest.decode("utf-8", "replace")))
    if kind == PREVIEW_WITH_METADATA and len(head) == size <= MAX_HEAD_BYTES and rest:
        return _preview(head, rest)
    return Unknown(str(kind))


def _preview(head: bytes, image: bytes) -> Frame:
    try:
        about = mapping(json.loads(head))
    except (ValueError, RecursionError):
        return Unknown(str(PREVIEW_WITH_METADATA))
    node = text(about.get("node_id"))
    mime: Literal["image/png", "image/jpeg"] = "image/png" if about.get("image_type") == "image/png" else "image/jpeg"
    return Preview(mime, image, text(about.get("prompt_id")), node, text(about.get("display_node_id")) or node)


def _u32(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + 4], "big") if len(frame) >= at + 4 else 0


def _status(data: dict[str, Any]) -> Frame | None:
    info = mapping(mapping(data.get("status")).get("exec_info"))
    if "queue_remaining" not in info:
        return None
    return Status(count(info["queue_remaining"]), text(data.get("sid")))


def _executing(data: dict[str, Any]) -> Frame | None:
    prompt_id, node = text(data.get("prompt_id")), text(data.get("node"))
    if not node:
        return Executing(prompt_id, None) if prompt_id and data.get("node") is None else None
    return Executing(prompt_id, node, text(data.get("display_node")) or node)


def _progress(data: dict[str, Any]) -> Frame | None:
    value, most = number(data.get("value")), number(data.get("max"))
    if value is None or most is None:
        return None
    return Progress(text(data.get("prompt_id")), text(data.get("node")), value, most)


def _progress_state(data: dict[str, Any]) -> Frame | None:
    return _about(data, lambda prompt_id: ProgressState(prompt_id, tuple(
        _node_progress(node_id, mapping(node)) for node_id, node in mapping(data.get("nodes")).items())))


def _node_progress(node_id: str, node: dict[str, Any]) -> NodeProgress:
    return NodeProgress(node_id, text(node.get("display_node_id")) or node_id, text(node.get("state")),
                        number(node.get("value")) or 0.0, number(node.get("max")) or 0.0, text(node.get("activity")))


def _executed(data: dict[str, Any]) -> Frame | None:
    node = text(data.get("node"))
    return _about(data, lambda prompt_id: Executed(prompt_id, node, text(data.get("display_node")) or node,
                                                   parse_output(node, data.get("output"))))


def _interrupted(data: dict[str, Any]) -> Frame | None:
    return _about(data, lambda prompt_id: Interrupted(prompt_id, text(data.get("node_id")),
                                                      seconds(data.get("timestamp"))))


def _about(data: dict[str, Any], make: Callable[[str], Frame]) -> Frame | None:
    """What is made for the prompt that the data is about; None where it names none."""
    prompt_id = text(data.get("prompt_id"))
    return make(prompt_id) if prompt_id else None


_EVENTS: dict[str, Callable[[dict[str, Any]], Frame | None]] = {
    "status": _status,
    "feature_flags": FeatureFlags,
    "execution_start": lambda data: _about(data, lambda key: Started(key, seconds(data.get("timestamp")))),
    "execution_cached": lambda data: _about(data, lambda key: Cached(key, texts(data.get("nodes")))),
    "executing": _executing,
    "progress": _progress,
    "progress_state": _progress_state,
    "executed": _executed,
    "execution_success": lambda data: _about(data, lambda key: Succeeded(key, seconds(data.get("timestamp")))),
    "execution_error": lambda data: _about(data, lambda key: Failed(key, parse_failure(data),
                                                                    seconds(data.get("timestamp")))),
    "execution_interrupted": _interrupted,
    "logs": lambda data: Logs(tuple(text(mapping(entry).get("m")) for entry in listed(data.get("entries")))),
    "echodeck.held": lambda data: Held(text(data.get("prompt_id")), on=True),
    "echodeck.released": lambda data: Held(text(data.get("prompt_id")), on=False),
}
