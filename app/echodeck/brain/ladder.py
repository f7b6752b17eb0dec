"""Which model a job takes that leaves the choice open, and when it moves to another: pure.

Models stand on a ladder, cheapest first. A job begins on the cheapest rung that is likely enough to meet its wish and
in time for its deadline. It moves up when its picture was not good enough or it fails again, down when memory or time
are lacking. A rung is entered at most once in each direction and none that lacked memory is come back to, so no order
of events makes a loop; how many moves a job may make, and on which rungs, is for people to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..model.job import Climb, JobSpec
from .words import percent, span

Cause = Literal["verdict", "failure", "memory", "deadline"]
UP: frozenset[Cause] = frozenset({"verdict", "failure"})
"""Causes that ask for a better rung; the others ask for a cheaper one."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A model, and what else of a job is set with it (fields of JobSpec)."""

    model: str
    changes: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return " ".join([self.model, *(f"{name} {value}" for name, value in self.changes.items())])

    def applied(self, spec: JobSpec, keep: Sequence[str] = ()) -> JobSpec:
        """The spec on this rung. `keep` are fields that somebody set on purpose."""
        changes: dict[str, Any] = {name: value for name, value in self.changes.items() if name not in keep}
        return replace(spec, model=self.model, **changes)


@dataclass(frozen=True, slots=True)
class Ladder:
    """`lowest` and `highest` are the first and the last rung that may be taken, `moves` the most a job may make,
    `longest_s` what a job may take on a rung (0: as long as it likes). `learnt`: made from history, not set up."""

    name: str
    engine: str
    rungs: tuple[Rung, ...]
    lowest: int = 0
    highest: int = 10**6
    moves: int = 2
    longest_s: float = 0.0
    learnt: bool = False

    def find(self, name: str) -> int | None:
        return next((index for index, rung in enumerate(self.rungs) if rung.name == name), None)

    def place(self, index: int) -> float:
        """0 for the cheapest rung, 1 for the dearest; a single one is the dearest."""
        return index / (len(self.rungs) - 1) if len(self.rungs) > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a job would be on a rung: how long it should take (`high_s`: the upper end of the interval), and how likely
    it meets the wish: `mean`, and `drawn`, one sample of it. `usable`: the engine has it just now."""

    median_s: float
    high_s: float
    mean: float = 1.0
    drawn: float = 1.0
    usable: bool = True


def expects(look: Outlook, quality: str) -> str:
    """What is expected of a job on a rung."""
    return f"about {span(look.median_s)}, {percent(look.mean)} likely to be good enough as {quality}"


def choose(ladder: Ladder, looks: Sequence[Outlook], target: float, left_s: float | None) -> tuple[int, str] | str:
    """The rung to begin on, and why; or why there is none. `target` is the least likelihood of meeting the wish,
    `left_s` the time until the deadline from when the job can begin (None: there is none)."""
    able = [index for index in range(len(ladder.rungs)) if _may(ladder, index, looks)]
    if not able:
        return f"no rung of the ladder {ladder.name} can be used"
    timely = [index for index in able if left_s is None or looks[index].high_s <= left_s]
    if not timely:
        return able[0], "it is the cheapest; even with it the deadline may not be met"
    when = "" if left_s is None else " in time"
    good = [index for index in timely if looks[index].drawn >= target]
    if good:
        return good[0], f"it is the cheapest that should be good enough{when}"
    best = max(timely, key=lambda index: (looks[index].drawn, index))
    return best, f"none is surely good enough{when}, and this one is the likeliest"


def move(ladder: Ladder, climbs: Sequence[Climb], cause: Cause, looks: Sequence[Outlook],
         left_s: float | None = None) -> int | str:
    """The rung to move to because of `cause`; or why the job stays where it is. `climbs` are its moves so far, the
    choice it began with being the first."""
    at = ladder.find(climbs[-1].to) if climbs else None
    if at is None:
        return "its model is not on the ladder any more"
    if len(climbs) - 1 >= ladder.moves:
        return f"it has made the {ladder.moves} moves that are allowed"
    up = cause in UP
    way = range(at + 1, len(ladder.rungs)) if up else range(at - 1, -1, -1)
    entered = {one.to for one in climbs if _went_up(ladder, one) is up}
    ceiling = _ceiling(ladder, climbs)
    able = [index for index in way if _may(ladder, index, looks) and index < ceiling
            and ladder.rungs[index].name not in entered
            and (left_s is None or looks[index].high_s <= left_s)]
    if able:
        return able[0]
    return f"there is no {'better' if up else 'cheaper'} rung that it may take{'' if left_s is None else ' in time'}"


def _may(ladder: Ladder, index: int, looks: Sequence[Outlook]) -> bool:
    cheap = not ladder.longest_s or looks[index].median_s <= ladder.longest_s
    return ladder.lowest <= index <= ladder.highest and looks[index].usable and cheap


def _went_up(ladder: Ladder, climb: Climb) -> bool | None:
    """None for the first choice, and where the ladder is another by now."""
    start, to = ladder.find(climb.start), ladder.find(climb.to)
    return None if start is None or to is None else to > start


def _ceiling(ladder: Ladder, climbs: Sequence[Climb]) -> int:
    """The lowest rung that lacked memory."""
    return min((found for one in climbs if one.cause == "memory"
                and (found := ladder.find(one.start)) is not None), default=len(ladder.rungs))


@dataclass(frozen=True, slots=True)
class Known:
    """A model of an engine: what a job takes with it, the mean score of its pictures, and how many were judged."""

    model: str
    median_s: float
    score: float = 0.0
    seen: float = 0.0


def learnt(engine: str, models: Sequence[Known], least_seen: float = 5.0) -> Ladder:
    """The ladder of an engine for which none was set up: its models by what they cost. One that costs more than
    another and, both being known well enough, is no better has no place on it."""
    rungs: list[Known] = []
    for one in sorted(models, key=lambda known: known.median_s):  # of equals, as they were named
        worse = any(below.score >= one.score for below in rungs if min(below.seen, one.seen) >= least_seen)
        if not worse:
            rungs.append(one)
    return Ladder(engine, engine, tuple(Rung(one.model) for one in rungs), learnt=True)


def kind_of(ladder: Ladder, spec: JobSpec) -> str:
    """What jobs learn from each other: the ladder, the type, and the size where the rungs do not set it."""
    sized = any("width" in rung.changes for rung in ladder.rungs)
    pixels = spec.width * spec.height
    size = "" if sized or not pixels else "small" if pixels < 500_000 else "medium" if pixels < 1_500_000 else "large"
    return "/".join(part for part in (ladder.name, spec.type, size) if part)
