"""What is on its way to one monitor: in order, in a task of its own, so that a slow monitor holds up nobody.

ComfyUI sends to all sockets from one loop, and waits for each: a socket that is not read would freeze every browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket as sockets
from collections import deque
from typing import Any

SEND_S = 10.0
"""A monitor that takes nothing for so long is let go: its connection is ended, and it may come again."""
MOST_BYTES = 64 << 20
"""That may wait: more than the longest burst of a node that makes thousands of steps in a second."""

log = logging.getLogger("echodeck")


class Outbox:
    """Of one aiohttp WebSocketResponse, used on the server's loop. `over`: nothing is sent to it any more."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.over = socket, False
        self._frames: deque[str | bytes] = deque()
        self._waiting = 0
        self._task: asyncio.Future[None] | None = None

    def put(self, frame: str | bytes) -> None:
        """Text or a binary message, to be sent as soon as those before it are."""
        if self.over:
            return
        self._frames.append(frame)
        self._waiting += len(frame)
        if self._waiting > MOST_BYTES:
            self._let_go("it reads too slowly")
        elif self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        try:
            while self._frames:
                frame = self._frames.popleft()
                self._waiting -= len(frame)
                send = self.socket.send_bytes if isinstance(frame, bytes) else self.socket.send_str
                await asyncio.wait_for(send(frame), SEND_S)
        except asyncio.TimeoutError:
            self._let_go("it does not read")
        except Exception as error:  # noqa: BLE001 - however a socket fails, only its own monitor may notice
            self._let_go(f"{type(error).__name__}: {error}")

    def _let_go(self, why: str) -> None:
        self.over = True
        self._frames.clear()
        log.info("echodeck: a monitor is let go (%s)", why)
        # Not closed politely, which would wait for it to read: whoever waits to write to it must be freed too.
        with contextlib.suppress(AttributeError, OSError):
            self.socket.get_extra_info("socket").shutdown(sockets.SHUT_RDWR)
