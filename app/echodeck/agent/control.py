"""What a running job heeds: asked from the event loop, obeyed in the engine's thread, which tells as a JobTeller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from ..client.teller import Hand, JobTeller, PreviewMaker
from ..errors import Cancelled
from ..wire import say

Ending = Literal["cancel", "abandon", "stop"]
"""Why a job is to end: somebody cancelled it, the hub gave it to somebody else, or the agent itself ends."""


class JobControl:
    """The `engines.Control` of one attempt. `told` says the same without heeding anything."""

    def __init__(self, hand: Hand, tell: Callable[[say.Say], None], *, epoch_s: float,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.hand, self.told = hand, JobTeller(hand, tell, epoch_s=epoch_s, clock=clock)
        self.plan, self.preview, self.metrics = self.told.plan, self.told.preview, self.told.metrics
        self.log, self.output, self.completed = self.told.log, self.told.output, self.told.completed
        self._changed = threading.Condition()
        self._pausing = self._holding = self._skipping = False
        self._resumes = 0
        self._ending: Ending | None = None

    # --- asked, from the event loop -----------------------------------------------------------------------------------

    @property
    def ending(self) -> Ending | None:
        return self._ending

    @property
    def holding(self) -> bool:
        """Whether it is paused now."""
        return self._holding

    def pause(self) -> None:
        """To hold at its next step. One that holds already says so again."""
        with self._changed:
            self._pausing, holding = True, self._holding
        if holding:
            self.told.paused()

    def resume(self) -> None:
        """To go on. One that does not hold (yet) says at once that it runs."""
        with self._changed:
            self._pausing, holding = False, self._holding
            self._resumes += 1
            self._changed.notify_all()
        if not holding:
            self.told.resumed()

    def skip(self) -> None:
        """To leave out the picture in hand."""
        with self._changed:
            self._skipping = True

    def end(self, why: Ending) -> None:
        """To stop at its next step. The first reason counts, but what is cancelled may still be abandoned."""
        with self._changed:
            if self._ending is None or why == "abandon":
                self._ending = why
            self._changed.notify_all()

    def give_back(self) -> None:
        """The engine does not heed a stop: the hub may give the job to another, and whatever is still said is void."""
        with self._changed:
            void, self._ending = self._ending == "abandon", "abandon"
            self._changed.notify_all()
        if not void:
            self.told.released()

    # --- heeded, in the engine's thread -------------------------------------------------------------------------------

    def stage(self, name: str) -> None:
        self.checkpoint()
        self.told.stage(name)

    def step(self, step: int, preview: PreviewMaker | None = None) -> None:
        self.told.step(step, preview)
        self.checkpoint()

    def checkpoint(self) -> None:
        while True:
            with self._changed:
                if self._ending is not None:
                    raise Cancelled(why=self._ending)
                if not self._pausing:
                    return
                self._holding, seen = True, self._resumes
            self._hold(seen)

    @property
    def wanted(self) -> Literal["run", "pause", "cancel", "abandon", "stop"]:
        """What the job is to do now, for engines that cannot block because they drive a server."""
        return self._ending or ("pause" if self._pausing else "run")

    def skipping(self) -> bool:
        """Whether the picture in hand is to be left out; true once for each time that was asked."""
        with self._changed:
            asked, self._skipping = self._skipping, False
            return asked

    def paused(self) -> None:
        with self._changed:
            self._holding = True
        self.told.paused()

    def resumed(self) -> None:
        with self._changed:
            self._holding = False
        self.told.resumed()

    def refused(self, command: str, reason: str) -> None:
        if command == "pause":
            with self._changed:
                self._pausing = False
        self.told.refused(command, reason)

    # --- how it ended, in the engine's thread -------------------------------------------------------------------------

    def stopped(self) -> None:
        """It was cancelled, or given back by an agent that stops. What was abandoned says nothing: it is another's."""
        if self._ending == "cancel":
            self.told.cancelled()
        elif self._ending == "stop":
            self.told.released()
        elif self._ending is None:
            self.failed("engine_error", "the engine stopped by itself", retryable=True)

    def failed(self, kind: str, message: str, *, retryable: bool = False, detail: str = "", needed_bytes: int = 0,
               free_bytes: int = 0) -> None:
        if self._ending == "stop":
            self.told.released()
        elif self._ending != "abandon":
            self.told.failed(kind, message, retryable=retryable, detail=detail, needed_bytes=needed_bytes,
                             free_bytes=free_bytes)

    def lost(self, reason: str) -> None:
        if self._ending is None:
            self.told.lost(reason)
        else:
            self.stopped()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _hold(self, seen: int) -> None:
        self.told.paused()
        with self._changed:
            self._changed.wait_for(lambda: self._ending is not None or self._resumes != seen)
            self._holding, resumed = False, self._ending is None
        # Every resume is told, even when a further pause came at once: the hub waits for both facts.
        if resumed:
            self.told.resumed()
