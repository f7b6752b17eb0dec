"""One job of this process, as the link has it: what it says is told to a hub, or shown as a bar."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..client.teller import PREVIEW_S, Hand, JobTeller
from ..model.job import JobSpec
from ..wire import say
from . import picture
from .aside import Aside
from .bar import Bar, Shown
from .ending import ending_of, uncaught
from .job import Job
from .output import keep
from .story import Clock, Ending, Event, Story

log = logging.getLogger(__name__)

LEFT_S = 0.3
MOST_TOLD = 100
"""Of what a job said, at one look."""


class Told:
    """Belongs to the link's loop. `tell` takes what is said, `adopt` is called when the job is another than thought."""

    def __init__(self, job: Job, hand: Hand, tell: Callable[[say.Say], None], aside: Aside, *, ahead_s: float,
                 directory: Path, adopt: Callable[[Told], None]) -> None:
        self.job, self.spec = job, job.spec
        self._adopt, self._aside, self._directory = adopt, aside, directory
        self._clock = Clock(time.monotonic() - max(0.0, time.time() - job.began_s))
        self._teller = JobTeller(hand, tell, epoch_s=time.time() - time.monotonic() + ahead_s, clock=self._clock)
        adopt(self)
        self._story = Story(self._teller, self._clock, job.given_total)
        self._made = self._dropped = 0
        self._figures: dict[str, float] = {}
        self._busy = self._picturing = self._drawing = self._paused = self._barless = False
        self._picture_due_s = 0.0
        self._left_s: float | None = None
        self._bar: Bar | None = None
        self._drawn: Shown | None = None
        self._warned: set[str] = set()

    @property
    def over(self) -> bool:
        """It has ended, and all of it is told."""
        return self._story.ended

    def again(self) -> None:
        """To a hub that may know nothing of it: its plan once more, and whether it holds."""
        self._teller.plan(self._teller.stages)
        if self._paused:
            self._teller.paused()

    def look(self, *, listening: bool, ending: bool) -> None:
        """Tells what is new. `listening`: a hub is there to see pictures; `ending`: the process is about to."""
        self._drain()
        if listening and self.job.shown is not None:
            self._picture()
        self._settle(ending=ending)

    # --- what was said ---

    def _drain(self) -> None:
        job = self.job
        for _ in range(MOST_TOLD):
            # In this order: what is said after the steps were read has them before it, and is the next look's.
            made, made_s = job.made, job.made_s
            if self._busy:
                return
            if not job.events:
                self._steps(made, made_s)
                self._measured()
                break
            made, made_s, event = job.events.popleft()
            self._steps(made, made_s)
            self._take(event)
        if (lost := job.dropped - self._dropped) > 0:
            self._dropped += lost
            self._tell(("log", 0.0, "warning", f"too much was said at once; {lost} things were dropped"))

    def _steps(self, made: int, made_s: float) -> None:
        if made > self._made:
            count, self._made = made - self._made, made
            self._tell(("step", made_s, count, None))

    def _measured(self) -> None:
        figures = self.job.figures.copy()
        fresh = {name: value for name, value in figures.items() if self._figures.get(name) != value}
        if fresh:
            self._figures = figures
            self._tell(("metrics", 0.0, fresh, None))

    def _take(self, event: Event) -> None:
        match event:
            case "end", at_s, Ending(fact="left"), _:
                self._left_s = at_s
            case "describe", _, JobSpec() as spec, _:
                self._described(spec)
            case "made", at_s, made, int(number):
                self._busy = True
                self._aside.do(partial(keep, made, self._directory, number), partial(self._kept, at_s))
            case _:
                self._tell(event)

    def _described(self, spec: JobSpec) -> None:
        if spec != self.spec:
            self.spec = spec
            self._adopt(self)

    def _kept(self, at_s: float, output: Any, error: BaseException | None) -> None:
        self._busy = False
        if error is not None:
            self._warn("output", f"an output of {self.spec.title} could not be kept: {error}")
        else:
            self._tell(("output", at_s, output, None))

    def _tell(self, event: Event) -> None:
        if event[0] == "end":
            self._measured()
        elif event[0] in ("paused", "resumed"):
            self._paused = event[0] == "paused"
        self._story.take(event)

    def _settle(self, *, ending: bool) -> None:
        """A loop that was left is done, unless it was by an exception that nobody caught: it has been reported by then,
        at the end of a script or under the cell of a notebook."""
        if self._left_s is None or not (ending or time.monotonic() - self._left_s > LEFT_S):
            return
        at_s, self._left_s = self._left_s, None
        error = uncaught()
        self._tell(("end", at_s, ending_of(error if id(error) != self.job.uncaught else None), None))

    # --- pictures of how far it is ---

    def _picture(self) -> None:
        if self._picturing or time.monotonic() < self._picture_due_s:
            return
        shown, self.job.shown = self.job.shown, None
        self._picturing, self._picture_due_s = True, time.monotonic() + PREVIEW_S
        self._aside.do(partial(picture.small, shown), partial(self._pictured, self._story.done))

    def _pictured(self, step: int, made: Any, error: BaseException | None) -> None:
        self._picturing = False
        if error is not None:
            self._warn("preview", f"a preview of {self.spec.title} could not be told: {error}")
        elif not self.over:
            self._teller.picture(step, *made)

    # --- without a hub ---

    def show(self, wanted: bool) -> None:
        """A bar in the terminal; one that is there stays, also when a hub comes. What ends before anybody could look
        has none."""
        story = self._story
        if self._bar is None and wanted and not self.over and not self._barless:
            self._bar = Bar(self.job.began_s)
        now = Shown(self.spec.title, story.stage, story.done, story.total, dict(story.figures))
        if self._bar is not None and now != self._drawn and (self.over or not self._drawing):
            self._drawn, self._drawing = now, True
            self._aside.do(partial(self._bar.show, now), self._shown)

    def close(self) -> None:
        if self._bar is not None:
            self._aside.do(self._bar.close, self._shown)
            self._bar = None

    def _shown(self, _: Any, error: BaseException | None) -> None:
        self._drawing = False
        if error is not None:
            self._bar, self._barless = None, True
            log.debug("no bar for %s: %s", self.spec.title, error)

    def _warn(self, about: str, message: str) -> None:
        """Once for each thing that is wrong."""
        if about not in self._warned:
            self._warned.add(about)
            log.warning("%s", message)
