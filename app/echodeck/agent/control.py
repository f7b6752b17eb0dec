"""What a running job says and heeds: asked from the event loop, obeyed and told in the engine's thread.

Durations are measured by the monotonic clock and leave out the time paused; moments are that clock mapped to the hub's
seconds since the epoch, once a job, so that they never run backwards in it.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..engines import PreviewMaker
from ..errors import Cancelled, EngineError
from ..model.job import JobError, Output
from ..model.record import LEVELS
from ..wire import say

PREVIEW_S = 0.5
"""Between two previews of a job."""
MAX_PREVIEW_BYTES = 290_000
"""As base64 it stays under the wire's 400,000 characters."""
MAX_DETAIL_CHARS = 4096
MAX_LOG_CHARS = 4000

Ending = Literal["cancel", "abandon", "stop"]
"""Why a job is to end: somebody cancelled it, the hub gave it to somebody else, or the agent itself ends."""
Fact = Literal["planned", "stage_started", "stage_done", "paused", "resumed", "cancelled", "completed", "failed",
               "released"]


@dataclass(frozen=True, slots=True)
class Hand:
    """Which attempt of which job is in whose hand."""

    job_id: str
    attempt: int
    worker_id: str
    host: str = ""


class JobControl:
    """The `engines.Control` of one attempt. `tell` takes what is said, from any thread.

    `epoch_s` is what the hub's clock shows when `clock` (monotonic, seconds) shows 0.
    """

    def __init__(self, hand: Hand, tell: Callable[[say.Say], None], *, epoch_s: float,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.hand, self._tell, self._epoch_s, self._clock = hand, tell, epoch_s, clock
        self._changed = threading.Condition()
        self._pausing = self._holding = False
        self._resumes = 0
        self._ending: Ending | None = None
        self._stages: list[tuple[str, int]] = []
        self._index = -1
        self._stage_began = self._step_began = 0.0
        self._paused_s = 0.0
        self._preview_due = 0.0
        self._outputs: list[Output] = []

    # --- asked, from the event loop -----------------------------------------------------------------------------------

    @property
    def ending(self) -> Ending | None:
        return self._ending

    def pause(self) -> None:
        """To hold at its next step. One that holds already says so again."""
        with self._changed:
            self._pausing, holding = True, self._holding
        if holding:
            self._report("paused")

    def resume(self) -> None:
        """To go on. One that does not hold (yet) says at once that it runs."""
        with self._changed:
            self._pausing, holding = False, self._holding
            self._resumes += 1
            self._changed.notify_all()
        if not holding:
            self._report("resumed")

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
            self._report("released")

    # --- said, in the engine's thread ---------------------------------------------------------------------------------

    def plan(self, stages: list[tuple[str, int]]) -> None:
        self._stages = [(str(name), int(steps)) for name, steps in stages]
        self._report("planned", stages=self._stages)

    def stage(self, name: str) -> None:
        self.checkpoint()
        later = [index for index, (stage, _) in enumerate(self._stages) if stage == name and index > self._index]
        if not later:
            raise EngineError(f"the engine began stage {name!r}, which is not in what is left of its plan")
        self._leave(later[0])
        self._index = later[0]
        self._stage_began = self._step_began = self._worked()
        self._report("stage_started", index=self._index)

    def step(self, step: int, preview: PreviewMaker | None = None) -> None:
        if self._index < 0:
            raise EngineError("the engine made a step before it began a stage")
        now = self._worked()
        at_s, duration_s = self._now(), max(0.0, now - self._step_began)
        self._step_began = now
        hand = self.hand
        self._tell(say.JobProgress(hand.job_id, hand.attempt, hand.worker_id, self._index, step, at_s,
                                   [(self._index, step, at_s, duration_s)]))
        if preview is not None and self._clock() >= self._preview_due:
            self._preview(step, preview)
        self.checkpoint()

    def checkpoint(self) -> None:
        while True:
            with self._changed:
                if self._ending is not None:
                    raise Cancelled
                if not self._pausing:
                    return
                self._holding, seen = True, self._resumes
            self._hold(seen)

    def log(self, level: str, message: str) -> None:
        known: Any = level if level in LEVELS else "info"
        self._tell(say.Log(known, self.hand.worker_id[:128], message[:MAX_LOG_CHARS], self.hand.job_id, self._now()))

    def output(self, output: Output) -> None:
        self._outputs.append(replace(output, host=output.host or self.hand.host))

    # --- how it ended, in the engine's thread -------------------------------------------------------------------------

    def completed(self) -> None:
        self._leave(len(self._stages))
        self._report("completed", outputs=self._outputs)

    def stopped(self) -> None:
        """It was cancelled, or given back by an agent that stops. What was abandoned says nothing: it is another's."""
        if self._ending == "cancel":
            self._report("cancelled")
        elif self._ending == "stop":
            self._report("released")
        elif self._ending is None:
            self.failed("engine_error", "the engine stopped by itself", retryable=True)

    def failed(self, kind: str, message: str, *, retryable: bool = False, detail: str = "") -> None:
        if self._ending == "stop":
            self._report("released")
        elif self._ending != "abandon":
            error = JobError(kind, message[:MAX_LOG_CHARS], retryable, detail[-MAX_DETAIL_CHARS:])
            self._report("failed", error=error)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._epoch_s + self._clock()

    def _worked(self) -> float:
        """The clock without the time paused."""
        return self._clock() - self._paused_s

    def _hold(self, seen: int) -> None:
        began = self._clock()
        self._report("paused")
        with self._changed:
            self._changed.wait_for(lambda: self._ending is not None or self._resumes != seen)
            self._holding, resumed = False, self._ending is None
        self._paused_s += self._clock() - began
        # Every resume is told, even when a further pause came at once: the hub waits for both facts.
        if resumed:
            self._report("resumed")

    def _leave(self, for_index: int) -> None:
        """The current stage has ended; those between it and the next one are skipped."""
        if self._index >= 0:
            self._report("stage_done", index=self._index, duration_s=max(0.0, self._worked() - self._stage_began))
        for index in range(self._index + 1, for_index):
            self._report("stage_done", index=index, skipped=True)
        self._index = for_index

    def _preview(self, step: int, preview: PreviewMaker) -> None:
        mime, data = preview()
        self._preview_due = self._clock() + PREVIEW_S
        if len(data) > MAX_PREVIEW_BYTES:
            self.log("debug", f"a preview of {len(data):,} bytes is too big to show")
            return
        image = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
        self._tell(say.JobPreview(self.hand.job_id, self.hand.attempt, step, image))

    def _report(self, fact: Fact, **fields: Any) -> None:
        hand = self.hand
        self._tell(say.JobReport(hand.job_id, hand.attempt, hand.worker_id, fact, self._now(), **fields))
