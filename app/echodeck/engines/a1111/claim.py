"""Whose request it is that a server does: it says when one began, and not for whom."""

from __future__ import annotations

import threading
from collections import deque

from .parse import Progress
from .server import Server

MOST_KEYS = 1000


class Claim:
    """The request of ours that is on its way, and those of ours that have been. May be used from several threads.

    A1111 and its kin know a request by the id that we give it; the others are told apart by what ran when ours was
    sent.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._task_id = ""
        self._present: set[str] = set()
        self._others: set[str] = set()
        self._had: deque[str] = deque(maxlen=MOST_KEYS)
        self.by_id = False
        """Whether the server is known to know requests by their ids."""

    def begin(self, task_id: str, present: Progress) -> None:
        """A request is about to be sent, while the server does what `present` says."""
        with self._lock:
            self._task_id, self._present = task_id, set()
            self._others = set() if present.idle else {present.key}

    def end(self, present: Progress | None = None) -> None:
        """It was answered. One that idles `present`ly shows the stamp of what it did last: ours, if it was too quick
        to be seen."""
        with self._lock:
            if present is not None and present.idle and present.key not in self._others:
                self._note(present.key)
            self._task_id = ""

    def had(self, key: str) -> bool:
        """Whether a request of ours is or was called so."""
        with self._lock:
            return key in self._had

    def runs(self, key: str) -> bool:
        """Whether the present request of ours was seen under this key."""
        with self._lock:
            return key in self._present

    def owns(self, now: Progress) -> bool:
        """Whether what the server does now is our present request. May ask it. Raises what `Server.task` raises."""
        with self._lock:
            if not self._task_id or now.idle or now.key in self._others:
                return False
            return now.key in self._present or self._found_out(now.key)

    def forgotten(self) -> bool:
        """Whether the server says that it does not know our request, though it knows such. Raises what `Server.task`
        raises."""
        with self._lock:
            if not self.by_id or not self._task_id:
                return False
            task = self._server.task(self._task_id)
            return task is not None and not task.known

    def _found_out(self, key: str) -> bool:
        task = self._server.task(self._task_id)
        self.by_id = self.by_id or (task is not None and task.known)
        if self.by_id and task is not None and not task.active:
            if task.queued:  # it waits, so what runs is another's
                self._others.add(key)
            return False
        self._note(key)
        return True

    def _note(self, key: str) -> None:
        self._present.add(key)
        if key not in self._had:
            self._had.append(key)
