"""What people want of a job: heeded by its own threads, at their steps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..errors import Cancelled

log = logging.getLogger(__name__)

AWAY_S = 60.0
"""A job that is held goes on when its hub has been gone for so long: nobody is left who could resume it."""
CHECK_S = 0.5


class Wish:
    """`now` is "" while nothing is wanted, so that a step needs to look at nothing else. `say` tells "paused" and
    "resumed"; `gone_s` is since when there is no hub, in seconds, 0 while there is one."""

    def __init__(self, say: Callable[[str], None], gone_s: Callable[[], float]) -> None:
        self.now = ""
        self._say, self._gone_s = say, gone_s
        self._changed = threading.Condition()
        self._holding = 0

    def ask(self, command: str) -> None:
        """ "pause", "resume" or "cancel", from any thread; what is asked for again is confirmed again."""
        with self._changed:
            if self.now == "cancel":
                return
            if command == "resume" and not self._holding:
                self._say("resumed")
            self.now = "" if command == "resume" else command
            if command == "pause" and self._holding:
                self._say("paused")
            self._changed.notify_all()

    def heed(self) -> None:
        """Blocks while the job is to pause. Raises Cancelled when it is to stop."""
        with self._changed:
            if self.now == "pause":
                self._hold()
            if self.now == "cancel":
                raise Cancelled

    def _hold(self) -> None:
        """Of several threads of a job the first one that holds says so, and the last one that goes on."""
        self._holding += 1
        if self._holding == 1:
            self._say("paused")
        try:
            while self.now == "pause":
                self._changed.wait(CHECK_S)
                if self.now == "pause" and self._gone_s() > AWAY_S:
                    log.warning("a job was paused and its hub has been gone for %.0f s; it goes on", AWAY_S)
                    self.now = ""
                    self._changed.notify_all()
        finally:
            self._holding -= 1
            if not self._holding:
                self._say("resumed")
