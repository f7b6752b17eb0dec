"""One job of this process, as the link has it: what waits in its queue is told, or shown as a bar."""

from __future__ import annotations

import logging
import math
import mimetypes
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any

from ..client.teller import Hand, JobTeller, sayable
from ..model.job import Output
from ..wire import say
from . import picture
from .bar import Bar
from .job import Job, ending_of
from .story import Clock, Ending, Event, Story

log = logging.getLogger(__name__)

ATTEMPT = 1
LEFT_S = 0.3
MOST_TOLD = 50
"""Messages of a job at one look."""


class Told:
    """`tell` takes what is said; `adopt` is called when the job is another than was thought."""

    def __init__(self, job: Job, hand: Hand, tell: Callable[[say.Say], None], ahead_s: Callable[[], float],
                 output_dir: Path, adopt: Callable[[Told], None]) -> None:
        self.job, self.spec, self._adopt = job, job.spec, adopt
        self._directory = output_dir / job.id
        self._clock = Clock(time.monotonic() - max(0.0, time.time() - job.began_s))
        self._teller = JobTeller(hand, tell, epoch_s=time.time() - time.monotonic() + ahead_s(), clock=self._clock)
        self._story: Story | None = None
        self._bar: Bar | None = None
        self._warned: set[str] = set()
        self._left: float | None = None

    def start(self) -> None:
        self._story = Story(self._teller, self._clock, self.job.given_total)

    @property
    def story(self) -> Story:
        assert self._story is not None
        return self._story

    @property
    def over(self) -> bool:
        """It has ended, and all of it is told."""
        return self.story.ended

    def again(self) -> None:
        """To a hub that may know nothing of it: its plan once more."""
        self._teller.plan(self._teller.stages)

    def drain(self) -> int:
        """Tells what waits, and returns how much did. Steps that come faster than can be told go together."""
        events = self.job.events
        waiting = len(events)
        if waiting == events.maxlen:
            self._warn("flood", f"{self.spec.title}: steps come faster than they can be told; not all are counted")
        together = 1 + waiting // MOST_TOLD
        steps, grouped, at_s, shown = 0, 0, 0.0, None
        for _ in range(waiting):
            said = events.popleft()
            event = ("step", said, 1, None) if isinstance(said, float) else said
            if event[0] == "step":
                steps, grouped, at_s = steps + self._count(event[2]), grouped + 1, event[1]
                shown = event[3] if event[3] is not None else shown
                if grouped < together:
                    continue
            if grouped:
                self._tell(("step", at_s, steps, shown))
                steps, grouped, shown = 0, 0, None
            if event[0] != "step":
                self._tell(event)
        if grouped:
            self._tell(("step", at_s, steps, shown))
        return waiting

    def _count(self, steps: Any) -> int:
        try:
            return index(steps)
        except TypeError:
            self._warn("count", f"{self.spec.title}: {steps!r} is no number of steps")
            return 0

    def settle(self, *, ending: bool) -> None:
        """A loop that was left is done, unless an exception that nobody caught came right after: the script's end, or
        that of a notebook's cell."""
        if self._left is not None and (ending or time.monotonic() - self._left > LEFT_S):
            at_s, self._left = self._left, None
            error = getattr(sys, "last_value", None)
            self._tell(("end", at_s, ending_of(None if id(error) == self.job.error_before else error), None))

    def _tell(self, event: Event) -> None:
        try:
            self._take(event)
        except Exception as error:  # noqa: BLE001 - a picture may raise anything
            # What one picture or one odd value does must not end the watching of all jobs.
            self._warn(event[0], f"a {event[0]} of {self.spec.title} could not be told: {error}")

    def _take(self, event: Event) -> None:
        match event:
            case "step", at_s, count, shown if shown is not None:
                self.story.take(("step", at_s, count, partial(picture.small, shown)))
            case "end", at_s, Ending(fact="left"), _:
                self._left = at_s
            case "metric", at_s, name, value:
                self._metric(at_s, name, value)
            case "describe", _, dict(facts), _:
                self._describe(facts)
            case "made", at_s, made, int(number):
                self.story.take(("output", at_s, self._output(made, number), None))
            case _:
                self.story.take(event)

    def _metric(self, at_s: float, name: Any, value: Any) -> None:
        figure = float(value)
        if math.isfinite(figure):
            self.story.take(("metrics", at_s, {sayable(str(name)[:60]): figure}, None))
        else:
            self._warn(f"metric {name}", f"{self.spec.title}: {name} is {figure}, which cannot be shown")

    def _describe(self, facts: dict[str, Any]) -> None:
        spec = replace(self.spec, **facts)
        if spec != self.spec:
            self.spec = spec
            self._adopt(self)

    def _output(self, made: Any, number: int) -> Output:
        if not isinstance(made, str | PathLike):
            path = self._directory / f"{number:02}.png"
            width, height, size = picture.save(made, path)
            return Output(str(path), "image/png", width, height, size)
        path = Path(made).absolute()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        size = path.stat().st_size
        if not kind.startswith("image/"):
            return Output("", kind, size_bytes=size, link=path.as_uri())
        small = self._directory / f"{number:02}.png"
        image = picture.opened(path)
        width, height = image.size
        image.thumbnail((2 * picture.SIDE, 2 * picture.SIDE))
        picture.save(image, small)
        return Output(str(small), kind, width, height, size, link=path.as_uri())

    def _warn(self, about: str, message: str) -> None:
        """Once for each thing that is wrong."""
        if about not in self._warned:
            self._warned.add(about)
            log.warning("%s", message)

    # --- without a hub ---

    def show(self, wanted: bool) -> None:
        """A bar in the terminal; one that is there stays, also when a hub comes."""
        if self._bar is None and wanted and not self.story.ended:
            self._bar = Bar(self.spec.title, self.job.began_s)
        if self._bar is not None:
            self._bar.show(self.story)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
