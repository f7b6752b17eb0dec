"""What is told of one attempt of a job, by whoever has it: an engine's worker, a watcher of a server, or a script.

Durations are measured by the monotonic clock and leave out the time paused; moments are that clock mapped to the hub's
seconds since the epoch, once a job, so that they never run backwards in it. A teller may be used from one thread at a
time; `tell` takes what it says, from that thread.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import EngineError
from ..model.job import JobError, Output
from ..model.record import LEVELS
from ..wire import say

PREVIEW_S = 0.5
"""Between two previews of a job."""
MAX_PREVIEW_BYTES = 290_000
"""As base64 it stays under the wire's 400,000 characters."""
MAX_DETAIL_CHARS = 4096
MAX_LOG_CHARS = 4000

PreviewMaker = Callable[[], tuple[str, bytes]]
"""Makes (mime type, encoded image) when somebody wants it; called at once, in the teller's thread, or not at all."""
Fact = Literal["planned", "stage_started", "stage_done", "paused", "resumed", "refused", "cancelled",
               "completed", "failed", "lost", "released", "judged"]


@dataclass(frozen=True, slots=True)
class Hand:
    """Which attempt of which job is in whose hand."""

    job_id: str
    attempt: int
    worker_id: str
    host: str = ""


class JobTeller:
    """Tells of one attempt. `epoch_s` is what the hub's clock shows when `clock` (monotonic, seconds) shows 0."""

    def __init__(self, hand: Hand, tell: Callable[[say.Say], None], *, epoch_s: float,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.hand, self._tell, self._epoch_s, self._clock = hand, tell, epoch_s, clock
        self._stages: list[tuple[str, int]] = []
        self._index, self._step = -1, 0
        self._stage_began = self._step_began = 0.0
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._preview_due = 0.0
        self._outputs: list[Output] = []

    @property
    def stages(self) -> list[tuple[str, int]]:
        """The plan: (name, steps) each."""
        return list(self._stages)

    def plan(self, stages: list[tuple[str, int]]) -> None:
        """Which stages there are. Said again it replaces those after the current one, which keeps its place."""
        self._stages = [(sayable(str(name)), int(steps)) for name, steps in stages]
        self._report("planned", stages=self._stages)

    def stage(self, name: str) -> None:
        """The named stage begins; the one before has ended, those between are skipped.

        Raises EngineError for one that is not in what is left of the plan.
        """
        name = sayable(name)
        later = [index for index, (stage, _) in enumerate(self._stages) if stage == name and index > self._index]
        if not later:
            raise EngineError(f"the engine began stage {name!r}, which is not in what is left of its plan")
        self._leave(later[0])
        self._index, self._step = later[0], 0
        self._stage_began = self._step_began = self._worked()
        self._report("stage_started", index=self._index)

    def step(self, step: int, preview: PreviewMaker | None = None) -> None:
        """Step number `step` (from 1) of the current stage has ended."""
        if self._index < 0:
            raise EngineError("the engine made a step before it began a stage")
        now = self._worked()
        # What took several steps at once took so long for each.
        at_s, duration_s = self.now_s(), max(0.0, now - self._step_began) / max(1, step - self._step)
        self._step_began, self._step = now, max(step, self._step)
        hand = self.hand
        self._tell(say.JobProgress(hand.job_id, hand.attempt, hand.worker_id, self._index, step, at_s,
                                   [(self._index, step, at_s, duration_s)]))
        if preview is not None:
            self.preview(step, preview)

    def preview(self, step: int, preview: PreviewMaker) -> None:
        """A picture of how far it is; made only when one is due."""
        if self._clock() < self._preview_due:
            return
        mime, data = preview()
        self._preview_due = self._clock() + PREVIEW_S
        self.picture(step, mime, data)

    def picture(self, step: int, mime: str, data: bytes) -> None:
        """A picture of how far it is, that was due and is made."""
        if len(data) > MAX_PREVIEW_BYTES:
            self.log("debug", f"a preview of {len(data):,} bytes is too big to show")
            return
        image = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
        self._tell(say.JobPreview(self.hand.job_id, self.hand.attempt, step, image))

    def metrics(self, values: Mapping[str, float]) -> None:
        """Figures of the job's own, by name; needs a plan."""
        hand, index = self.hand, max(0, self._index)
        self._tell(say.JobProgress(hand.job_id, hand.attempt, hand.worker_id, index, 0, self.now_s(), [],
                                   {name: float(value) for name, value in values.items()}))

    def log(self, level: str, message: str) -> None:
        """A line for the log, level debug, info, warning or error."""
        known: Any = level if level in LEVELS else "info"
        self._tell(say.Log(known, self.hand.worker_id[:128], sayable(message[:MAX_LOG_CHARS]), self.hand.job_id,
                           self.now_s()))

    def output(self, output: Output) -> None:
        """A file is finished and on disk."""
        self._outputs.append(replace(output, host=output.host or self.hand.host, path=sayable(output.path)))

    def paused(self) -> None:
        """It holds now (again: it still does)."""
        if self._paused_at is None:
            self._paused_at = self._clock()
        self._report("paused")

    def resumed(self) -> None:
        """It goes on (again: it still does)."""
        if self._paused_at is not None:
            self._paused_s += self._clock() - self._paused_at
            self._paused_at = None
        self._report("resumed")

    def refused(self, command: str, reason: str) -> None:
        """What was asked of it cannot be done."""
        self._report("refused", command=command, error=JobError("refused", reason[:MAX_LOG_CHARS]))

    # --- how it ended ---

    def completed(self) -> None:
        self._leave(len(self._stages))
        self._report("completed", outputs=self._outputs)

    def cancelled(self) -> None:
        self._report("cancelled")

    def failed(self, kind: str, message: str, *, retryable: bool = False, detail: str = "", needed_bytes: int = 0,
               free_bytes: int = 0) -> None:
        error = JobError(kind, sayable(message[:MAX_LOG_CHARS]), retryable, sayable(detail[-MAX_DETAIL_CHARS:]),
                         needed_bytes, free_bytes)
        self._report("failed", error=error)

    def released(self) -> None:
        """It is given back: the queue has it again."""
        self._report("released")

    def lost(self, reason: str) -> None:
        """The server that ran it has forgotten it."""
        self._report("lost", error=JobError("lost", reason[:MAX_LOG_CHARS], retryable=True))

    # --- inside ---

    def now_s(self) -> float:
        """The hub's clock, as far as it is known."""
        return self._epoch_s + self._clock()

    def _worked(self) -> float:
        """The clock without the time paused."""
        held_s = self._clock() - self._paused_at if self._paused_at is not None else 0.0
        return self._clock() - self._paused_s - held_s

    def _leave(self, for_index: int) -> None:
        """The current stage has ended; those between it and the next one are skipped."""
        if self._index >= 0:
            self._report("stage_done", index=self._index, duration_s=max(0.0, self._worked() - self._stage_began))
        for index in range(self._index + 1, for_index):
            self._report("stage_done", index=index, skipped=True)
        self._index = for_index

    def _report(self, fact: Fact, **fields: Any) -> None:
        hand = self.hand
        self._tell(say.JobReport(hand.job_id, hand.attempt, hand.worker_id, fact, self.now_s(), **fields))


def sayable(text: str) -> str:
    """Text that can be sent: bytes of a file name that are no UTF-8 (lone surrogates) become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
