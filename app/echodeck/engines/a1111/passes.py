"""A request's passes as stages that never go backwards. Pure.

The server counts its passes (one a picture, and one more for each hires fix) and the steps of the present one; how
many steps each has shows when it runs. Right after a beginning its numbers are the last request's.
"""

from __future__ import annotations

from collections.abc import Callable

from .parse import Progress

SAMPLE, HIRES = "sample", "hires fix"
MOST_PASSES = 200


def names(passes: int, *, hires: bool) -> list[str]:
    """What the passes are called: with the hires fix every second one is that."""
    each = (SAMPLE, HIRES) if hires else (SAMPLE,)
    rounds = max(1, passes // len(each))
    if rounds == 1:
        return list(each[:max(1, passes)])
    return [f"{name} {number}/{rounds}" for number in range(1, rounds + 1) for name in each]


class Passes:
    """`plan` and `enter` and `step` are called when there is something new: a plan of (name, steps), a stage's name, a
    step's number. `steps` and `passes` are what was asked for, as far as it is known."""

    def __init__(self, plan: Callable[[list[tuple[str, int]]], None], enter: Callable[[str], None],
                 step: Callable[[int], None], *, steps: int = 0, passes: int = 1, hires: bool = False,
                 hires_steps: int = 0) -> None:
        self._plan, self._enter, self._step = plan, enter, step
        self._hires = hires
        self._usual = max(0, steps), max(0, hires_steps) or max(0, steps)
        self._stages = self._named(max(1, passes))
        self._at, self._done = -1, 0
        plan(list(self._stages))

    def take(self, now: Progress) -> None:
        """What the server says now. Numbers that cannot be, being behind what was said before, are passed over."""
        if now.jobs < 0 or (now.jobs == 0 and now.steps == 0):
            return
        if not self._hires and now.jobs > len(self._stages):
            self._more(min(now.jobs, MOST_PASSES))
        place = min(max(now.job, 0), len(self._stages) - 1)
        if place < self._at or not now.steps:
            return
        self._total(place, now.steps)
        if place > self._at:
            self._at, self._done = place, 0
            self._enter(self._stages[place][0])
        step = min(now.step, self._stages[place][1])
        if step > self._done:
            self._done = step
            self._step(step)

    def finish(self) -> None:
        """All is made: the last steps, which come too quickly to be asked for, are done too."""
        for place in range(max(0, self._at), len(self._stages)):
            name, steps = self._stages[place]
            if place > self._at:
                self._at, self._done = place, 0
                self._enter(name)
            if steps > self._done:
                self._done = steps
                self._step(steps)

    def _named(self, passes: int) -> list[tuple[str, int]]:
        found = names(passes, hires=self._hires)[:MOST_PASSES]
        return [(name, self._usual[1] if name.startswith(HIRES) else self._usual[0]) for name in found]

    def _more(self, passes: int) -> None:
        """More passes than were known of: those that have begun keep their names."""
        made, begun = self._named(passes), self._stages[: self._at + 1]
        used = {name for name, _ in begun}
        self._stages = [*begun, *((name if name not in used else f"{name} again", steps)
                                  for name, steps in made[len(begun):])]
        self._plan(list(self._stages))

    def _total(self, place: int, steps: int) -> None:
        name, before = self._stages[place]
        if place == self._at and steps < before:
            return  # it does not get fewer in the middle
        if steps != before:
            self._stages[place] = (name, steps)
            self._plan(list(self._stages))
