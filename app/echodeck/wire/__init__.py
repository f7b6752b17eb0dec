"""The wire, pure: frames to messages and back, which types there are, and what each one changes on the board.

A frame is `{"type", "payload", "timestamp"}`, durable events also have `seq`. `show` has the payloads the hub sends,
`say` what a client may send. `ROUTES` says for each type which record its payload *is*: a reader (Python's client and
the browser's feed.js alike) assigns the payload there and is done.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ..errors import BadField, BadFrame
from ..model.board import Board, Entry
from ..model.engine import EngineInfo
from ..model.record import Host
from . import foresight, mind, notify, say, show, wishes
from .refusal import refusal
from .show import iso

PROTOCOL = 1
SUBPROTOCOL = "echodeck.v1"
"""A client that offers this WebSocket subprotocol gets a JSON array of messages a frame; others one object a frame."""
MAX_FRAME_BYTES = 1 << 20


class Route(NamedTuple):
    """A message type: the payload's class, the board's kind it belongs to ("" for none) and the payload's key field
    ("" for a kind with a single record)."""

    payload: type
    kind: str = ""
    key: str = ""


_JOB = Route(show.JobView, "jobs", "jobId")
ROUTES: dict[str, Route] = {
    "initial_state": Route(show.InitialState),
    "system_status": Route(show.SystemStatus, "status"),
    "metrics_update": Route(show.MetricsUpdate, "metrics"),
    "generation_progress": _JOB,
    "generation_complete": _JOB,
    "generation_failed": _JOB,
    "generation_queued": _JOB,
    "generation_started": _JOB,
    "generation_paused": _JOB,
    "generation_resumed": _JOB,
    "generation_cancelled": _JOB,
    "generation_usage": _JOB,
    "quality_report": _JOB,
    "generation_removed": _JOB,
    "generation_preview": Route(show.PreviewView, "previews", "jobId"),
    "queue_update": Route(show.QueueUpdate, "queue"),
    "agent_status_update": Route(show.AgentView, "agents", "agent_id"),
    "host_metrics": Route(Host, "hosts", "name"),
    "host_forgotten": Route(show.HostForgotten, "hosts", "name"),
    "engine_update": Route(EngineInfo, "engines", "name"),
    "system_alert": Route(show.AlertView, "alerts", "id"),
    "alert_resolved": Route(show.AlertView, "alerts", "id"),
    "log": Route(show.LogView, "logs", "id"),
    "model_escalation": Route(wishes.ModelEscalation),
    "decision": Route(mind.DecisionView, "decisions", "id"),
    "brain_part": Route(mind.PartView, "parts", "name"),
    "notify_channel": Route(notify.ChannelView, "channels", "name"),
    "estimate_score": Route(foresight.EstimateScore, "estimates", "name"),
    "presence": Route(show.Presence, "presence"),
    "user_action": Route(show.UserAction),
    "communication": Route(show.Communication, "messages", "id"),
    "task_completion": Route(show.TaskCompletion),
    "query_result": Route(show.Result),
    "workflow_result": Route(show.Result),
    "ack": Route(show.Ack),
    "error": Route(show.ErrorView),
    "pong": Route(show.Pong),
    "job_command": Route(show.JobCommand),
    "engine_order": Route(show.EngineOrder),
    "work_available": Route(say.Nothing),
}
REMOVED, FORGOTTEN = "generation_removed", "host_forgotten"
GONE = {"jobs": REMOVED, "hosts": FORGOTTEN}
"""By kind, the type whose payload names a record that is gone."""

INITIAL: dict[str, tuple[str, str]] = {
    "jobs": ("jobs", "jobId"), "agents": ("agents", "id"), "alerts": ("alerts", "id"), "logs": ("logs", "id"),
    "hosts": ("hosts", "name"), "engines": ("engines", "name"), "previews": ("previews", "jobId"),
    "parts": ("parts", "name"), "decisions": ("decisions", "id"),
    "messages": ("messages", "id"), "channels": ("channels", "name"),
    "estimates": ("estimates", "name"),
}
"""initial_state's lists: its field, the board's kind, and the key field of an item."""

_encoder = msgspec.json.Encoder()


class Message(NamedTuple):
    """A message as the hub sent it, payload as plain JSON values."""

    type: str
    payload: dict[str, Any]
    timestamp: str = ""
    seq: int | None = None


class Request(NamedTuple):
    """A client's message, checked. `id` is None when the client wants no ack."""

    type: str
    payload: say.Say
    id: str | None


class _Frame(msgspec.Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    id: str | int | None = None


class _Shown(msgspec.Struct):
    type: str
    payload: dict[str, Any] = {}
    timestamp: str = ""
    seq: int | None = None


_frame = msgspec.json.Decoder(_Frame)
_shown = msgspec.json.Decoder(_Shown | list[_Shown])
_say = {kind: msgspec.json.Decoder(kind) for kinds in say.ENDPOINTS.values() for kind in kinds.values()}


def encode(type_: str, payload: Any, at_s: float, seq: int | None = None) -> bytes:
    """One frame of the hub's. `payload` is one of `show`'s structs, a model record, or plain JSON values."""
    frame: dict[str, Any] = {"type": type_, "payload": payload, "timestamp": iso(at_s)}
    if seq is not None:
        frame["seq"] = seq
    return _encoder.encode(frame)


def batch(frames: list[bytes]) -> bytes:
    """Several encoded frames as one JSON array, for clients that speak SUBPROTOCOL."""
    return b"[" + b",".join(frames) + b"]"


def request(type_: str, payload: say.Say | dict[str, Any] | None = None, *, id_: str | None = None,
            at_s: float = 0.0) -> bytes:
    """One frame of a client's."""
    frame: dict[str, Any] = {"type": type_, "payload": {} if payload is None else payload, "timestamp": iso(at_s)}
    if id_ is not None:
        frame["id"] = id_
    return _encoder.encode(frame)


def plain(value: Any) -> Any:
    """Any payload as plain JSON values."""
    return msgspec.to_builtins(value)


def text(value: Any) -> str:
    """Any payload as JSON text."""
    return _encoder.encode(value).decode()


def decode(frame: bytes | str) -> list[Message]:
    """A frame of the hub's, single or batched, as messages. Raises BadFrame."""
    try:
        shown = _shown.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(f"the hub sent something unreadable: {error}", code="bad_json") from error
    items = shown if isinstance(shown, list) else [shown]
    return [Message(item.type, item.payload, item.timestamp, item.seq) for item in items]


def decode_request(frame: bytes | str, endpoint: str, limit: int = MAX_FRAME_BYTES) -> Request:
    """A frame of a client's at this endpoint, checked against its type's payload.

    Raises BadFrame ("too_large", "bad_json", "bad_frame", "unknown_type") and BadField, naming the field. The request's
    id, when it could be read, is in the error's `request_id` attribute.
    """
    if len(frame) > limit:
        error = BadFrame(f"the message has {len(frame):,} bytes; {limit:,} are the most", code="too_large")
        error.request_id = _id_of(frame)  # type: ignore[attr-defined]
        raise error
    try:
        head = _frame.decode(frame)
    except msgspec.ValidationError as error:
        raise BadFrame(f"not a message: {error}; send {{\"type\": …, \"payload\": …}}", code="bad_frame") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(f"not JSON: {error}", code="bad_json") from error
    id_ = None if head.id is None else str(head.id)[:128]
    known = say.ENDPOINTS[endpoint]
    kind = known.get(head.type)
    try:
        if kind is None:
            elsewhere = [path for path, kinds in say.ENDPOINTS.items() if head.type in kinds]
            hint = f"; it belongs to {elsewhere[0]}" if elsewhere else ""
            raise BadFrame(f"type: unknown type {head.type[:80]!r}{hint}", code="unknown_type", field="type")
        raw = bytes(head.payload)
        return Request(head.type, check(kind, b"{}" if raw in (b"", b"null") else raw), id_)
    except (BadFrame, BadField) as error:
        error.request_id = id_  # type: ignore[union-attr]
        raise


def _id_of(frame: bytes | str) -> str | None:
    """The request's id, of a frame that is refused without looking at what it says."""
    try:
        head = _frame.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if head.id is None else str(head.id)[:128]


def check(kind: type[say.Say], raw: bytes) -> Any:
    """A JSON body as one of `say`'s payloads. Raises BadFrame when it is not JSON, BadField naming the wrong field."""
    decoder = _say.get(kind) or msgspec.json.Decoder(kind)
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise refusal(error, kind) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(f"not JSON: {error}", code="bad_json") from error


def apply(board: Board, message: Message) -> list[Entry]:
    """What a message does to a reader's board: assign its payload to its record. Returns the entries changed."""
    if message.type == "initial_state":
        return _restart(board, message.payload)
    route = ROUTES.get(message.type)
    if route is None or not route.kind:
        if message.seq is not None:
            board.seq = max(board.seq, message.seq)
        return []
    key = str(message.payload.get(route.key, "")) if route.key else ""
    if message.type == GONE.get(route.kind):
        return [board.remove(route.kind, key, message.seq)]
    return [board.put(route.kind, key, message.payload, message.seq)]


def _restart(board: Board, state: dict[str, Any]) -> list[Entry]:
    seq = int(state.get("seq", 0))
    board.seq = min(board.seq, seq)  # a hub that lost its log counts from lower again
    entries: list[Entry] = []
    for field, (kind, key) in INITIAL.items():
        fresh = {str(item[key]): item for item in state.get(field, [])}
        entries += [board.remove(kind, gone, seq) for gone in board.all(kind) if gone not in fresh]
        entries += [board.put(kind, name, item, seq) for name, item in fresh.items()]
    if "queue" in state:
        entries.append(board.put("queue", "", state["queue"], seq))
    if "metrics" in state:
        entries.append(board.put("metrics", "", {"metrics": state["metrics"]}, seq))
    users = state.get("users", [])
    entries.append(board.put("presence", "", {"users": users, "watching": state.get("watching", len(users))}, seq))
    return entries


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of every message: `hub` and, by endpoint, `client`; definitions in `$defs`."""
    kinds = {route.payload for route in ROUTES.values()} | {k for ks in say.ENDPOINTS.values() for k in ks.values()}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    refs, defs = msgspec.json.schema_components(ordered, ref_template="#/$defs/{name}")
    by_kind = dict(zip(ordered, refs, strict=True))
    def frame(type_: str, kind: type) -> dict[str, Any]:
        return {"type": "object", "required": ["type"],
                "properties": {"type": {"const": type_}, "payload": by_kind[kind], "timestamp": {"type": "string"},
                               "seq": {"type": "integer"}, "id": {"type": "string"}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "echodeck messages",
        "protocol": PROTOCOL,
        "hub": {type_: frame(type_, route.payload) for type_, route in ROUTES.items()},
        "client": {path: {type_: frame(type_, kind) for type_, kind in kinds_.items()}
                   for path, kinds_ in say.ENDPOINTS.items()},
        "$defs": defs,
    }
