"""Messages to handlers by type. Each handler is isolated: one that raises is logged, and the others go on."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .. import wire

log = logging.getLogger(__name__)

Handler = Callable[[wire.Message], Awaitable[None] | None]
Unsubscribe = Callable[[], None]
EVERY = "*"
BACKLOG = 1000


class _Subscription:
    """One handler. A coroutine function gets its messages in order from its own task, so it may wait and call."""

    def __init__(self, type_: str, handler: Handler) -> None:
        self.type, self.handler = type_, handler
        self._queue: asyncio.Queue[wire.Message] | None = None
        self._task: asyncio.Task[None] | None = None
        self._told = False

    def give(self, message: wire.Message) -> None:
        if not inspect.iscoroutinefunction(self.handler):
            self._call(message)
            return
        if self._queue is None:
            self._queue = asyncio.Queue(BACKLOG)
            self._task = asyncio.create_task(self._drain(self._queue))
        if self._queue.full():
            self._queue.get_nowait()
            if not self._told:
                log.warning("a handler of %r is slow: its oldest messages are dropped", self.type)
            self._told = True
        self._queue.put_nowait(message)

    def _call(self, message: wire.Message) -> Any:
        try:
            return self.handler(message)
        except Exception:  # somebody else's handler must not end the connection
            log.exception("a handler of %r failed", message.type)
            return None

    async def _drain(self, queue: asyncio.Queue[wire.Message]) -> None:
        while True:
            message = await queue.get()
            try:
                waiting = self.handler(message)
                if waiting is not None:
                    await waiting
            except Exception:  # as above
                log.exception("a handler of %r failed", message.type)

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()


class Handlers:
    """The subscriptions of one client."""

    def __init__(self) -> None:
        self._subscriptions: list[_Subscription] = []

    def on(self, type_: str, handler: Handler) -> Unsubscribe:
        """Call `handler` with every message of this type ("*" for all), until the returned function is called."""
        subscription = _Subscription(type_, handler)
        self._subscriptions.append(subscription)

        def off() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
                subscription.stop()

        return off

    def give(self, message: wire.Message) -> None:
        for subscription in [*self._subscriptions]:
            if subscription.type in (EVERY, message.type):
                subscription.give(message)

    def stop(self) -> None:
        for subscription in self._subscriptions:
            subscription.stop()
