"""What a script says of a job, as the stages, steps and ends that a teller tells. Pure: times come with what is said.

A script names its stages as it comes to them, so the plan grows. Until it names one, its steps are those of a stage
called RUN; the `total` that was given to `track` belongs to the stage in which steps are made first without a total of
its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..client.teller import JobTeller
from ..model.job import Output

RUN = "run"
LEFT = "left"
"""The fact of a loop that was left before its end: nobody knows yet why."""
MOST_STAGES = 200


Event = tuple[str, float, Any, Any]
"""What was said (so many steps, a stage, figures, an end, …), when on the monotonic clock, and two values of it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: "completed", "cancelled" or "failed" with the error's kind, message and traceback."""

    fact: str
    kind: str = ""
    message: str = ""
    detail: str = ""


class Clock:
    """Shows the time of what is being told."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


class Story:
    """Feed it events in order. `done` and `total` are the steps of the current stage, `ended` whether it has."""

    def __init__(self, teller: JobTeller, clock: Clock, total: int = 0) -> None:
        self._teller, self._clock, self._began_s = teller, clock, clock.now_s
        self._given = max(0, total)
        self._begun: list[tuple[str, int]] = []
        self._names: set[str] = set()
        self._told: list[tuple[str, int]] = []
        self.done = 0
        self.ended = False
        self.figures: dict[str, float] = {}
        self._plan()

    @property
    def total(self) -> int:
        return self._begun[-1][1] if self._begun else self._given

    @property
    def stage(self) -> str:
        return self._begun[-1][0] if self._begun else ""

    def take(self, event: Event) -> None:
        if self.ended:
            return
        self._clock.now_s = max(self._clock.now_s, event[1])
        match event:
            case "step", _, int(count), _:
                self._step(count)
            case "stage", _, str(name), total:
                self._enter(name, total or 0)
            case "total", _, int(total), _:
                self._total(total)
            case "metrics", _, dict(values), _:
                self._metrics(values)
            case "log", _, str(level), message:
                self._teller.log(level, str(message))
            case "output", _, Output() as output, _:
                self._teller.output(output)
            case "paused", *_:
                self._teller.paused()
            case "resumed", *_:
                self._teller.resumed()
            case "end", _, Ending() as ending, _:
                self._end(ending)

    # --- inside ---

    def _plan(self) -> None:
        """What has begun, and the RUN that is still to come where a total waits for its stage."""
        rest = [] if self._begun and not self._given else [(RUN, self._given)]
        planned = [*self._begun, *(one for one in rest if one[0] not in self._names)]
        if planned != self._told:
            self._told = planned
            self._teller.plan(planned)

    def _enter(self, name: str, total: int) -> None:
        if len(self._begun) >= MOST_STAGES:
            return
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name} ({number})"
        self._names.add(unique)
        self._begun.append((unique, max(0, total)))
        self.done = 0
        self._plan()
        self._teller.stage(unique)

    def _step(self, count: int) -> None:
        if not self._begun:  # it has been going on since the job began
            now_s, self._clock.now_s = self._clock.now_s, self._began_s
            self._enter(RUN, 0)
            self._clock.now_s = now_s
        if self._given and not self._begun[-1][1]:
            self._begun[-1], self._given = (self.stage, self._given), 0
        self.done += count
        if self.total and self.done > self.total:  # more than was said: then that was too little
            self._begun[-1] = (self.stage, self.done)
        self._plan()
        self._teller.step(self.done)

    def _total(self, total: int) -> None:
        if self._begun:
            self._begun[-1] = (self.stage, max(self.done, total))
        else:
            self._given = max(0, total)
        self._plan()

    def _metrics(self, values: Mapping[str, float]) -> None:
        self.figures.update(values)
        self._teller.metrics(values)

    def _end(self, ending: Ending) -> None:
        self.ended = True
        if ending.fact == "completed":
            if not self._begun:  # it took its time without a word
                self._enter(RUN, self._given)
            self._given = 0
            self._plan()
            self._teller.completed()
        elif ending.fact == "cancelled":
            self._teller.cancelled()
        else:
            self._teller.failed(ending.kind, ending.message, detail=ending.detail)
