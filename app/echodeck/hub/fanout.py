"""Everybody is told: one message made into bytes once, waiting in every outbox, written in batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .. import wire
from .line import text_frame
from .outbox import INTERVAL_S, Frame, Outbox
from .session import Shown

log = logging.getLogger(__name__)

SHARED_S = 0.05
"""How old an initial_state may be that is given to another connection, if nothing has been told since."""


class Fanout:
    """The outboxes of all connections, flushed by one task. `snapshot` makes an initial_state.

    Belongs to one event loop. `publish` only puts; nobody who is slow holds up who publishes, or anybody else.
    """

    def __init__(self, snapshot: Callable[[], Shown]) -> None:
        self._snapshot = snapshot
        self._outboxes: set[Outbox] = set()
        self._hurried: set[Outbox] = set()
        self._arrived = asyncio.Event()
        self._fresh: Frame | None = None
        self._fresh_s = 0.0

    def __len__(self) -> int:
        return len(self._outboxes)

    @property
    def waiting(self) -> int:
        """Messages that wait to be sent, over all connections."""
        return sum(map(len, self._outboxes))

    def add(self, outbox: Outbox) -> None:
        self._outboxes.add(outbox)
        self._arrived.set()

    def discard(self, outbox: Outbox) -> None:
        self._outboxes.discard(outbox)

    def publish(self, shown: Shown) -> None:
        """Into every outbox that wants it."""
        frame = Frame(shown)
        self._fresh = None
        for outbox in self._outboxes:
            outbox.put(frame)

    def hurry(self, outbox: Outbox) -> None:
        """Flush this one as soon as the present step of the event loop is over."""
        if not self._hurried:
            asyncio.get_running_loop().call_soon(self._flush_hurried)
        self._hurried.add(outbox)

    def _flush_hurried(self) -> None:
        hurried, self._hurried = self._hurried, set()
        self._flush(hurried, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Flushes whatever is due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._outboxes:
                self._arrived.clear()
                await self._arrived.wait()
            await asyncio.sleep(min((outbox.interval_s for outbox in self._outboxes), default=INTERVAL_S))
            self.flush(loop.time())

    def flush(self, now_s: float) -> None:
        """Writes to every connection that is due at `now_s` (monotonic seconds)."""
        due = [outbox for outbox in self._outboxes if outbox.due_s <= now_s]
        for outbox in due:
            # A common grid, so that connections of one rate are flushed together and share what is built.
            outbox.due_s = (now_s // outbox.interval_s + 0.999) * outbox.interval_s
        self._flush(due, now_s)

    def _flush(self, outboxes: list[Outbox] | set[Outbox], now_s: float) -> None:
        built: dict[tuple[object, ...], bytes] = {}
        for outbox in outboxes:
            try:
                if not outbox.ready(now_s) or outbox.held or not outbox:
                    continue
                stale, outbox.stale = outbox.stale, False
                frames = outbox.take()
                if stale:
                    frames.insert(0, self._everything(now_s))
                outbox.line.write(_bytes(frames, outbox.batched, built))
            except Exception:
                # Whatever is wrong with one connection stays with it.
                log.exception("a connection failed and is closed")
                outbox.line.abort()

    def _everything(self, now_s: float) -> Frame:
        """An initial_state. When all come back at once, those who come together share it."""
        if self._fresh is None or now_s - self._fresh_s > SHARED_S:
            self._fresh, self._fresh_s = Frame(self._snapshot()), now_s
        return self._fresh


def _bytes(frames: list[Frame], batched: bool, built: dict[tuple[object, ...], bytes]) -> bytes:
    """The frames as they go out; connections that wait for the same ones share the bytes."""
    key = (batched, *map(id, frames))
    found = built.get(key)
    if found is None:
        if batched:
            datas = [frame.data for frame in frames if frame.data]
            found = text_frame(wire.batch(datas)) if datas else b""
        else:
            found = b"".join([frame.framed for frame in frames])
        built[key] = found
    return found
