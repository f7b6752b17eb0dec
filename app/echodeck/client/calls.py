"""Requests that wait for their answer. Each has an id and keeps its frame, to be sent again after a reconnect."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

from .. import wire
from ..errors import BadFrame, EchodeckError
from .faults import rebuild


@dataclass(slots=True)
class Call:
    """A request that was not answered yet. One that is `ahead` belongs to its connection and dies with it."""

    id: str
    type: str
    frame: bytes
    answer: asyncio.Future[dict[str, Any]]
    ahead: bool = False


class Calls:
    """The unanswered requests of one client, oldest first."""

    def __init__(self, max_frame_bytes: int) -> None:
        self._max = max_frame_bytes
        self._waiting: dict[str, Call] = {}

    def make(self, type_: str, payload: Any, id_: str | None, at_s: float, *, ahead: bool = False) -> Call:
        """Raises BadFrame ("too_large") for what the hub would refuse to read."""
        id_ = id_ or uuid.uuid4().hex
        frame = self.frame(type_, payload, at_s, id_)
        call = Call(id_, type_, frame, asyncio.get_running_loop().create_future(), ahead)
        self._waiting[id_] = call
        return call

    def frame(self, type_: str, payload: Any, at_s: float, id_: str | None = None) -> bytes:
        frame = wire.request(type_, payload, id_=id_, at_s=at_s)
        if len(frame) > self._max:
            raise BadFrame(f"the message has {len(frame):,} bytes; {self._max:,} are the most", code="too_large")
        return frame

    def forget(self, call: Call) -> None:
        if self._waiting.get(call.id) is call:
            del self._waiting[call.id]

    def frames(self) -> list[bytes]:
        """What to send again on a new connection, oldest first."""
        return [call.frame for call in self._waiting.values() if not call.ahead]

    def take(self, message: wire.Message) -> None:
        """Settles what the message answers; an answer that nobody waits for (any more) is no news."""
        id_ = str(message.payload.get("id"))
        call = self._waiting.pop(id_, None)
        if call is None or call.answer.done():
            return
        if message.type == "ack":
            result = message.payload.get("result")
            call.answer.set_result(result if isinstance(result, dict) else {})
        else:
            call.answer.set_exception(rebuild(message.payload))

    def fail(self, error: EchodeckError, *, ahead_only: bool = False) -> None:
        """Gives up the calls (those that belong to a lost connection, or all)."""
        for call in [*self._waiting.values()]:
            if call.ahead or not ahead_only:
                del self._waiting[call.id]
                if not call.answer.done():
                    call.answer.set_exception(error)


ANSWERS = frozenset({"ack", "error"})
