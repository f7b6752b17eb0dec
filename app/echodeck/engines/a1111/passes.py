"""A request's passes as stages that never go backwards. Pure.

A server counts its passes (one a picture, and one more for each hires fix) and the steps of the present one. Until its
first step is done, a pass shows the steps of the one before: A1111 then counts each pass anew, SD.Next goes on counting
where the last one ended, and tells of a pass only when it begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from .parse import Progress

LOAD, SAMPLE, HIRES, SAVE = "load", "sample", "hires fix", "save"
MOST_PASSES = 200
_ROUND = re.compile(r"Batch \d+ out of (\d+)")
_PLAIN = re.compile(r"scripts_\w+|task\(.*\)")
"""A1111's names for a request of one round."""
_KINDS = {"Hires": HIRES, "Refiner": "refine", "Detailer": "detail"}
"""SD.Next's names for what is not the first pass of a picture."""


class Voice(Protocol):
    """What passes are told through: `engines.Told` is such."""

    def plan(self, stages: list[tuple[str, int]]) -> None: ...
    def stage(self, name: str) -> None: ...
    def step(self, step: int) -> None: ...


def names(passes: int, *, hires: bool) -> list[str]:
    """What the passes are called: with the hires fix every second one is that."""
    each = (SAMPLE, HIRES) if hires else (SAMPLE,)
    rounds = -(-passes // len(each))
    if rounds <= 1:
        return list(each[:passes])
    return [f"{name} {number}/{rounds}" for number in range(1, rounds + 1) for name in each][:passes]


def has_hires(now: Progress) -> bool:
    """Whether there are twice as many passes as rounds. A1111 names its rounds where there are several."""
    match = _ROUND.fullmatch(now.name)
    rounds = int(match[1]) if match else 1 if _PLAIN.fullmatch(now.name) else 0
    return rounds > 0 and now.jobs == 2 * rounds


class Passes:
    """`take` what the server says, in order; `finish` when all is made. What is new of it is told through `voice`.

    `passes`, `steps` and so on are what was asked for; without `passes` it is another client's request, of which only
    the server's numbers are known. `before` are stages that have begun already.
    """

    def __init__(self, voice: Voice, *, passes: int = 0, steps: int = 0, hires: bool = False, hires_steps: int = 0,
                 before: Sequence[str] = ()) -> None:
        self._voice, self._ours = voice, passes > 0
        self._usual = {SAMPLE: max(0, steps), HIRES: max(0, hires_steps or steps)}
        self._before = [(name, 0) for name in (*before, LOAD)]
        self._stages = self._named(min(passes, MOST_PASSES), hires) if self._ours else []
        self._told: list[tuple[str, int]] = []
        self._at, self._done = -1, 0
        self._base: int | None = 0
        self._counted = 0
        self._plan()
        voice.stage(LOAD)

    @property
    def at(self) -> int:
        """The pass that runs, from 0; -1 before the first."""
        return self._at

    @property
    def step(self) -> int:
        """How many steps of it are done."""
        return self._done

    @property
    def steps(self) -> int:
        """How many steps the first pass has, 0 while that is not known."""
        return self._stages[0][1] if self._stages else 0

    @property
    def rounds(self) -> int:
        """How many rounds of passes there are, as far as it is known."""
        return sum(1 for name, _ in self._stages if not name.startswith(HIRES))

    @property
    def share(self) -> float:
        """How much of all its steps is done, 0 to 1."""
        total = sum(steps for _, steps in self._stages)
        done = sum(steps for _, steps in self._stages[: max(0, self._at)]) + self._done
        return min(1.0, done / total) if total else 0.0

    def take(self, now: Progress) -> None:
        """What cannot be, being behind what was said before, is passed over."""
        if now.job < now.jobs:
            self._foresee(now)
            place = min(now.job, len(self._stages) - 1)
            if place > self._at and (self._stages[place][1] or now.step):
                self._enter(place, now)
        if self._at >= 0 and now.job >= self._at:
            self._count(now)

    def finish(self) -> None:
        """All is made: the last steps, which no look has seen, are done too."""
        if self._ours:
            self._through(len(self._stages))
        else:
            self._complete()

    # --- inside ---

    def _named(self, passes: int, hires: bool) -> list[tuple[str, int]]:
        return [(name, self._usual[HIRES if name.startswith(HIRES) else SAMPLE])
                for name in names(passes, hires=hires)]

    def _foresee(self, now: Progress) -> None:
        """More passes than were known of: those that have begun keep their names."""
        count = min(now.job + 1 if self._ours else now.jobs, MOST_PASSES)
        if count > len(self._stages) or (not self._ours and self._at < 0):
            begun = self._stages[: self._at + 1]
            self._stages = [*begun, *self._named(count, has_hires(now))[len(begun):]]
            self._plan()

    def _enter(self, place: int, now: Progress) -> None:
        """Those between were too quick to be seen; who comes in the middle has missed what was before."""
        if self._at >= 0:
            self._through(place)
        if (kind := _KINDS.get(now.name)) and not self._stages[place][0].startswith(kind):
            self._rename(place, kind)
        self._begin(place)
        self._base = None if self._counted else 0

    def _through(self, place: int) -> None:
        self._complete()
        for between in range(self._at + 1, place):
            self._begin(between)
            self._complete()

    def _complete(self) -> None:
        if self._at >= 0:
            self._advance(self._stages[self._at][1])

    def _begin(self, place: int) -> None:
        self._at, self._done = place, 0
        self._voice.stage(self._stages[place][0])

    def _rename(self, place: int, kind: str) -> None:
        used = {name for name, _ in self._stages[:place]}
        name = kind if kind not in used else f"{kind} {place + 1}"
        self._stages[place] = (name, self._stages[place][1])
        self._plan()

    def _count(self, now: Progress) -> None:
        if self._base is None:
            if now.step < self._counted:
                self._base = 0
            elif now.steps > self._counted:
                self._base = self._counted
            else:
                return  # the numbers are still those of the pass before
        step, steps = now.step - self._base, now.steps - self._base
        if step < 1 or steps < 1:
            return
        self._counted = now.steps
        self._total(steps)
        self._advance(min(step, steps))

    def _total(self, steps: int) -> None:
        """How many it has shows with its first step; fewer they do not get after that. The others of its kind, where
        nothing is known of them, have as many."""
        name, planned = self._stages[self._at]
        if steps > planned or not self._done:
            kind = name.rpartition(" ")[0] if "/" in name else name
            self._stages[self._at] = (name, steps)
            self._stages[self._at + 1 :] = [(other, known or (steps if other.startswith(kind) else 0))
                                            for other, known in self._stages[self._at + 1 :]]
            self._plan()

    def _advance(self, step: int) -> None:
        if step > self._done:
            self._done = step
            self._voice.step(step)

    def _plan(self) -> None:
        after = [(SAVE, 0)] if self._ours else []
        stages = [*self._before, *self._stages, *after]
        if stages != self._told:
            self._told = stages
            self._voice.plan(list(stages))
