"""How full file systems on other machines are: asked beside everything else, since a dead server answers never."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from .system import ask

EVERY_S = 30.0
LOST_S = 90.0
"""One that has not answered for so long is left out: nobody knows how full it is."""
MOST = 32


def in_thread(work: Callable[[], None]) -> None:
    """A thread of its own that holds up no ending of the process."""
    threading.Thread(target=work, name="share", daemon=True).start()


@dataclass(slots=True)
class _Share:
    asked_s: float
    answered_s: float = float("-inf")
    usage: Any = None
    waiting: bool = True


class Shares:
    """One question at a time to each, by `start`; one that hangs keeps its thread waiting, and nobody else."""

    def __init__(self, start: Callable[[Callable[[], None]], None] = in_thread,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._start, self._clock = start, clock
        self._known: dict[str, _Share] = {}

    def usage(self, path: str) -> Any:
        """psutil's usage as it was lately told; None for one that has not answered (yet), and for what is no folder."""
        now = self._clock()
        share = self._known.get(path)
        if share is None and len(self._known) < MOST:
            share = self._known[path] = _Share(now)
            self._ask(path, share)
        elif share is not None and not share.waiting and now - share.asked_s >= EVERY_S:
            share.asked_s, share.waiting = now, True
            self._ask(path, share)
        return share.usage if share is not None and now - share.answered_s < LOST_S else None

    def _ask(self, path: str, share: _Share) -> None:
        def work() -> None:
            usage = ask(psutil.disk_usage, path) if os.path.isdir(path) else None
            share.usage, share.answered_s, share.waiting = usage, self._clock(), False

        self._start(work)
