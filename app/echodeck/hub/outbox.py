"""What waits to be sent to one connection: the latest value a record, and durable events in order, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .. import wire
from .line import FULL_BYTES, text_frame
from .resume import merged
from .session import Shown

log = logging.getLogger(__name__)

MAX_ORDERED = 1000
"""More events than this waiting for one connection, and it gets a fresh initial_state instead."""
MAX_REPLIES = 64
"""With so many answers unsent a connection's further requests are not read."""
INTERVAL_S = 0.1
STUCK_S = 20.0
"""A connection that took nothing for so long is closed."""


class Outlet(Protocol):
    """The connection as an outbox sees it (`line.Line`)."""

    @property
    def unsent_bytes(self) -> int: ...

    def write(self, frames: bytes) -> None: ...

    def abort(self) -> None: ...


class Frame:
    """A message, encoded at most once however many connections it goes to. `data` is empty if it cannot be encoded."""

    __slots__ = ("_data", "_framed", "shown")

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self._data: bytes | None = None
        self._framed: bytes | None = None

    @property
    def data(self) -> bytes:
        """The message as JSON."""
        if self._data is None:
            shown = self.shown
            try:
                self._data = wire.encode(shown.type, shown.payload, shown.at_s, shown.seq)
            except (TypeError, ValueError, OverflowError):
                # One message that cannot be told must not keep the others from being told.
                log.exception("a %s message cannot be encoded and is not sent", shown.type)
                self._data = b""
        return self._data

    @property
    def framed(self) -> bytes:
        """The message as a WebSocket frame of its own."""
        if self._framed is None:
            self._framed = text_frame(self.data) if self.data else b""
        return self._framed


class Outbox:
    """One connection's messages on their way out. `put`, `tell` and `take` never block.

    A volatile message replaces the one waiting about the same record. A durable one keeps its place, and the volatile
    one waiting about its record goes: whole values, so what is older is of no use. Replies are never dropped.
    `held` until `restart` or `resume` has said where this connection begins.
    """

    def __init__(self, line: Outlet, *, batched: bool, hurry: Callable[[Outbox], None]) -> None:
        self.line = line
        self.batched = batched
        self.held = True
        self.stale = False
        self.interval_s = INTERVAL_S
        self.due_s = 0.0
        self.topics: frozenset[str] = frozenset()
        self.watched: set[str] = set()
        """Jobs whose previews are wanted by a connection that is not `batched`."""
        self._hurry = hurry
        self._pending: dict[Any, tuple[Frame, bool]] = {}
        self._count = self._ordered = self._replies = 0
        self._seen = 0
        self._room = asyncio.Event()
        self._room.set()
        self._unsent, self._moved_s = 0, 0.0

    def __bool__(self) -> bool:
        return self.stale or bool(self._pending)

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, frame: Frame) -> None:
        """A message for everybody."""
        shown = frame.shown
        if self.stale or not self._wants(shown) or (shown.seq is not None and shown.seq <= self._seen):
            return
        self._add(frame, reply=False)
        if self._ordered > MAX_ORDERED:
            self._forget()

    def tell(self, shown: Shown) -> None:
        """A message for this connection alone, sent at once together with what waits before it."""
        self._add(Frame(shown), reply=True)
        self._hurry(self)

    def subscribe(self, topics: Iterable[str], max_rate: float) -> None:
        """Only these types from now on (none: all), at most `max_rate` times a second."""
        self.topics, self.interval_s, self.due_s = frozenset(topics), 1.0 / max_rate, 0.0

    def restart(self) -> None:
        """Forget what waits: an initial_state comes next."""
        self._forget()
        self.held = False

    def _forget(self) -> None:
        self._pending = {name: kept for name, kept in self._pending.items() if kept[1]}
        self._ordered = 0
        self.stale = True

    def resume(self, events: list[Shown], records: list[Shown]) -> None:
        """Begin with what was missed: durable events, then the records that changed. Called in the event-loop step in
        which `records` was read."""
        self.held = False
        if self.stale:  # more came meanwhile than is kept
            return
        waiting, self._pending, self._ordered = self._pending, {}, 0
        self._seen = max((shown.seq or 0 for shown in events), default=0)
        # What was told since this connection was registered; of that, volatile values are among `records`.
        since = [frame.shown for frame, reply in waiting.values() if not reply and not self._told(frame.shown)]
        for shown in merged([*events, *since], records):
            self._add(Frame(shown), reply=False)
        for frame, reply in waiting.values():
            if reply:
                self._add(frame, reply=True)

    def _told(self, shown: Shown) -> bool:
        return bool(shown.kind) if shown.seq is None else shown.seq <= self._seen

    def _wants(self, shown: Shown) -> bool:
        if self.topics:
            return shown.type in self.topics
        return shown.type != "generation_preview" or self.batched or shown.key in self.watched

    def _add(self, frame: Frame, *, reply: bool) -> None:
        shown = frame.shown
        name: Any = (shown.kind, shown.key)
        if shown.kind:
            self._pending.pop(name, None)
        if not shown.kind or shown.seq is not None or reply:
            self._count += 1
            name = self._count
            self._ordered += not reply
            self._replies += reply
            if self._replies >= MAX_REPLIES:
                self._room.clear()
        self._pending[name] = (frame, reply)

    def take(self) -> list[Frame]:
        """Everything that waits, oldest first; it waits no longer."""
        frames = [frame for frame, _ in self._pending.values()]
        self._pending = {}
        self._ordered = self._replies = 0
        self._room.set()
        return frames

    async def room(self) -> None:
        """Returns when further replies have room: a client that asks without listening is not read on."""
        await self._room.wait()

    def ready(self, now_s: float) -> bool:
        """Whether the connection takes more now. One that took nothing for STUCK_S is closed; `now_s` is monotonic."""
        unsent = self.line.unsent_bytes
        if unsent < FULL_BYTES:
            self._unsent = 0
            return True
        if self._unsent == 0 or unsent < self._unsent:
            self._moved_s = now_s
        self._unsent = unsent
        if now_s - self._moved_s > STUCK_S:
            log.warning("a viewer took nothing for %.0f s and is disconnected", STUCK_S)
            self.line.abort()
        return False
