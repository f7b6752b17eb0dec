"""A thread for what may take its time: pictures, files, the terminal. The link itself must go on being heard."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Then = Callable[[Any, BaseException | None], None]
"""What is done afterwards, in the loop: takes what the work gave, or what it raised."""


class Aside:
    """Belongs to the running loop. One thing at a time, in order."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Callable[[], Any], Then] | None] = SimpleQueue()
        self.waiting = 0
        """Things that are not done yet."""
        # Started now: at the end of a process no thread can be.
        threading.Thread(target=self._run, name="echodeck-aside", daemon=True).start()

    def do(self, work: Callable[[], Any], then: Then) -> None:
        self.waiting += 1
        self._queue.put((work, then))

    def close(self) -> None:
        """Ends its thread, after what is being done."""
        self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, then = item
            found, raised = None, None
            try:
                found = work()
            except BaseException as error:  # noqa: BLE001 - it may be anybody's code; `then` is given what it was
                raised = error
            try:
                self._loop.call_soon_threadsafe(self._done, then, found, raised)
            except RuntimeError:  # the loop has ended meanwhile, and with it whoever waited
                return

    def _done(self, then: Then, found: Any, raised: BaseException | None) -> None:
        self.waiting -= 1
        then(found, raised)
