"""What all feeds have in common: a thread that hears what one generator's server does, and hands it to whoever listens.

How a server is asked, and what its answers mean, is each kind's own: see `a1111/feed.py` and `comfyui/feed.py`.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from queue import SimpleQueue
from typing import Any


class Feed(ABC):
    """`reason` says why nothing comes ("" while it does), since `since_s`."""

    stop_s = 10.0
    """As long as one call of the server may take."""

    def __init__(self, url: str) -> None:
        self.reason, self.since_s = "it has not been asked yet", time.time()
        self._name = f"feed {url}"
        self._listeners: list[SimpleQueue[Any]] = []
        self._lock = threading.Lock()
        self._stop, self._known = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Returns at once; a second time it does nothing."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Returns when it is known whether the server answers."""
        self._known.wait(timeout_s)

    def stop(self) -> None:
        """Ends the thread, and waits for that as long as one call of it may take."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(self.stop_s)

    def listen(self, queue: SimpleQueue[Any]) -> None:
        """All that comes from now on is put there. End it with `forget`."""
        self.start()
        with self._lock:
            self._listeners.append(queue)

    def forget(self, queue: SimpleQueue[Any]) -> None:
        with self._lock:
            self._listeners.remove(queue)

    # --- in the thread ---

    @abstractmethod
    def _run(self) -> None:
        """Until `_stop` is set, whatever the server does meanwhile."""

    def _hand_on(self, news: Any) -> None:
        with self._lock:
            listeners = [*self._listeners]
        for queue in listeners:
            queue.put(news)

    def _up(self) -> None:
        self.reason, self.since_s = "", time.time()
        self._known.set()

    def _down(self, reason: str) -> None:
        if not self.reason:
            self.since_s = time.time()
        self.reason = reason
        self._known.set()
