"""What a server does, asked again and again in a thread, and handed to whoever listens: a job of ours, the watching.

While something runs it is asked more often, the more steps it makes; with its picture now and then, which costs the
server a decode. One that does not answer is tried again, ever more seldom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ...errors import EngineError
from .. import feed
from ..web import Refusal
from .offer import SDNEXT, Offer
from .parse import Progress
from .server import Server, why

log = logging.getLogger(__name__)

QUICK_S, SLOW_S = 0.25, 1.0
PICTURE_S = 1.0
LEARN_S = 60.0
"""Between two looks at what the server has."""
FIRST_S, LAST_S = 0.5, 30.0
FAILURES = 3
"""So many answers in a row must fail until a server counts as gone: while it loads a model, one may come too late."""


class Feed(feed.Feed):
    """`offer` is what the server has."""

    stop_s = 12.0

    def __init__(self, server: Server) -> None:
        super().__init__(server.url)
        self.server = server
        self.offer = Offer()
        self._idle_work: list[Callable[[], None]] = []
        self._wake = threading.Event()
        self._learnt_s = self._picture_s = 0.0

    def hurry(self) -> None:
        """Something has changed: ask now."""
        self._wake.set()

    def stop(self) -> None:
        self._wake.set()
        super().stop()

    def when_idle(self, work: Callable[[], None]) -> None:
        """Done when nothing runs, in the feed's thread."""
        with self._lock:
            self._idle_work.append(work)
        self.hurry()

    def learnt(self, version: str) -> None:
        """The server's version, which some say only with what they have made."""
        if version:
            self.offer = replace(self.offer, version=version)

    # --- inside, in the thread ---

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._stop.is_set():
            try:
                self._learn()
                wait_s = FIRST_S
                self._up()
                self._look_on()
            except EngineError as error:
                self._down(why(error))
            except Exception:
                # Whatever a server sends, its feed goes on, and the others do not notice.
                log.exception("the feed of %s failed", self.server.url)
                self._down("what it sent could not be understood; the log has more")
            self._stop.wait(wait_s)
            wait_s = min(2 * wait_s, LAST_S)

    def _look_on(self) -> None:
        """Until FAILURES answers in a row have failed; raises the last one's error."""
        failed, before, period_s = 0, Progress(), SLOW_S
        while not self._stop.is_set():
            try:
                now = self._look(before)
                if now.idle:
                    self._when_idle()
                failed = 0
            except EngineError:
                failed += 1
                if failed == FAILURES:
                    raise
                self._stop.wait(QUICK_S)
                continue
            period_s = _period(period_s, before, now)
            before = now
            if self._wake.wait(period_s):
                self._wake.clear()
                period_s = QUICK_S

    def _look(self, before: Progress) -> Progress:
        due = not before.idle and time.monotonic() - self._picture_s >= PICTURE_S
        now = self.server.progress(picture=due)
        if due:
            self._picture_s = time.monotonic()
        if not now.idle and self.offer.flavour == SDNEXT:
            now = replace(now, paused=self.server.paused())
        self._hand_on(now)
        return now

    def _when_idle(self) -> None:
        with self._lock:
            work, self._idle_work = self._idle_work, []
        for one in work:
            try:
                one()
            except EngineError as error:
                log.warning("%s: %s", self.server.url, error.message)
        if time.monotonic() - self._learnt_s >= LEARN_S:
            with suppress(Refusal):  # what it had is still known
                self._learn()

    def _learn(self) -> None:
        version = self.offer.version
        self.offer = self.server.offer()
        self.learnt(self.offer.version or version)
        self._learnt_s = time.monotonic()


def _period(period_s: float, before: Progress, now: Progress) -> float:
    """Shorter while several steps are made between two looks, longer while none is."""
    if now.idle:
        return SLOW_S
    steps = now.step - before.step if (now.key, now.job) == (before.key, before.job) else 1
    factor = 0.5 if steps > 1 else 1.5 if steps == 0 else 1.0
    return min(SLOW_S, max(QUICK_S, factor * period_s))
