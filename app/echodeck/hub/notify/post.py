"""One channel at work: its line, the message under way, and what became of the last test."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from typing import Any

import msgspec

from ... import wire
from ...brain.notices import line as lines
from ...brain.notices.channels import Channel
from ...brain.notices.line import Line, Message, Step
from ...errors import NotDelivered
from ...wire.notify import ChannelView, TryView
from ...wire.show import iso
from .letters import Letter, channel_view, letter_of
from .senders import in_thread

Send = Callable[[Channel, Letter], None]
log = logging.getLogger(__name__)


class Post:
    """Belongs to the hub's loop. `send` blocks, and is called in a thread; `trouble` says why it cannot be used."""

    def __init__(self, channel: Channel, trouble: str, send: Send, zone: tzinfo | None, now_s: float) -> None:
        self.channel, self.trouble, self._send, self._zone = channel, trouble, send, zone
        self.line: Line = lines.empty(channel, now_s)
        self.test: TryView | None = None
        self._kept = self._lasting()
        self._task: asyncio.Task[None] | None = None
        self._testing: asyncio.Task[None] | None = None
        self.ended: list[Step] = []
        """What came of tries since it was last looked: decisions to tell."""

    def restore(self, record: dict[str, Any]) -> None:
        self.line = msgspec.convert(record, Line)
        self._kept = self._lasting()

    def record(self) -> dict[str, Any] | None:
        """What is to be kept, if it differs from what was kept last."""
        now = self._lasting()
        if now == self._kept:
            return None
        self._kept = now
        kept: dict[str, Any] = wire.plain(self.line)
        return kept

    def _lasting(self) -> Line:
        return replace(self.line, tokens=0.0, filled_s=0.0)  # the bucket alone is no reason to write each second

    def go_on(self, now_s: float, clock: Callable[[], float]) -> Step:
        """What the line wants now; a message that is to leave is on its way on return."""
        if self._task is not None:
            return Step(self.line)
        found = lines.step(self.line, self.channel, now_s)
        self.line = found.line
        if found.send is not None:
            self._task = asyncio.create_task(self._deliver(found.send, clock))
        return found

    async def _deliver(self, message: Message, clock: Callable[[], float]) -> None:
        error = await self._try(message, clock)
        now_s, self._task = clock(), None
        if error is None:
            self.line = lines.sent(self.line, now_s)
            self.ended.append(Step(self.line))
            return
        step = lines.failed(self.line, self.channel, error.message, now_s, final=error.final, after_s=error.after_s)
        self.line = step.line
        self.ended.append(step)

    async def _try(self, message: Message, clock: Callable[[], float]) -> NotDelivered | None:
        letter = letter_of(message, self.channel.name, self._zone, clock())
        try:
            await in_thread(lambda: self._send(self.channel, letter))
        except NotDelivered as error:
            return error
        except Exception as error:  # noqa: BLE001 - a mistake in one service's code must not stop the channel
            # Only its kind is told: what it says may have an address in it.
            log.error("%s: %s", self.channel.name, type(error).__name__)
            return NotDelivered(f"it failed here: {type(error).__name__}")
        return None

    @property
    def testing(self) -> bool:
        return self._testing is not None

    def begin_test(self, message: Message, by: str, clock: Callable[[], float], done: Callable[[], None]) -> None:
        self.test = TryView(message.id, by)
        self._testing = asyncio.create_task(self._run_test(message, by, clock, done))

    async def _run_test(self, message: Message, by: str, clock: Callable[[], float], done: Callable[[], None]) -> None:
        error = await self._try(message, clock)
        now_s, self._testing = clock(), None
        self.test = TryView(message.id, by, iso(now_s), error.message if error else "")
        if error is None:
            self.line = lines.tested(self.line, now_s)
        done()

    async def tested(self) -> None:
        """Returns when no test is under way."""
        if self._testing is not None:
            await asyncio.wait([self._testing])

    async def stop(self) -> None:
        """What is under way is left: it will be sent again, with the same id."""
        tasks = [task for task in (self._task, self._testing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def view(self, now_s: float) -> ChannelView:
        return channel_view(self.channel, self.line, self.trouble, self.test, now_s)
