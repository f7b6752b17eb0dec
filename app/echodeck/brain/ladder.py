"""Which model a job takes that leaves the choice open, and when it moves to another: pure.

Models stand on a ladder, cheapest first. A job begins on the cheapest rung that is likely enough to meet its wish and
in time for its deadline. It moves up when its picture was not good enough or it fails again, down when memory or time
are lacking. A rung is entered at most once in each direction and none that lacked memory is come back to, so no order
of events makes a loop; how many moves a job may make, and on which rungs, is for people to say. A picture that lacked
steps is made again on its own rung with more of them (`again`): that is a move too, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..model.job import Climb, JobSpec
from .steps import few
from .words import percent, span

FEW = "few steps"
"""Of a kind of job that had too few of them; see `kind_of`."""
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
    `longest_s` what a job may take on a rung (0: as long as it likes). `learnt`: made from history, not set up.
    `left_out` says of rungs, by name, why they are not taken; they keep their places."""

    name: str
    engine: str
    rungs: tuple[Rung, ...]
    lowest: int = 0
    highest: int = 10**6
    moves: int = 2
    longest_s: float = 0.0
    learnt: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)

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
    best = max(timely, key=lambda index: (looks[index].drawn, -index))
    return best, f"none is surely good enough{when}, and this one is the likeliest"


def move(ladder: Ladder, climbs: Sequence[Climb], cause: Cause, looks: Sequence[Outlook],
         left_s: float | None = None) -> int | str:
    """The rung to move to because of `cause`; or why the job stays where it is. `climbs` are its moves so far, the
    choice it began with being the first."""
    at = _standing(ladder, climbs)
    if isinstance(at, str):
        return at
    up = cause in UP
    way = range(at + 1, len(ladder.rungs)) if up else range(at - 1, -1, -1)
    entered = {one.to for one in climbs if _went_up(ladder, one) is up}
    ceiling = _ceiling(ladder, climbs)
    able = [index for index in way if _may(ladder, index, looks) and index < ceiling
            and ladder.rungs[index].name not in entered
            and (left_s is None or looks[index].high_s <= left_s)]
    if able:
        return able[0]
    none = f"there is no {'better' if up else 'cheaper'} rung that it may take{'' if left_s is None else ' in time'}"
    out = [name for index in way if (name := ladder.rungs[index].name) in ladder.left_out]
    return f"{none} ({', '.join(out)} left out)" if out else none


def again(ladder: Ladder, climbs: Sequence[Climb], looks: Sequence[Outlook], left_s: float | None = None) -> int | str:
    """The rung that the job is on, if it may be done there once more with more steps, as `looks` has it; or why not."""
    at = _standing(ladder, climbs)
    if isinstance(at, str):
        return at
    if not looks[at].usable or (ladder.longest_s and looks[at].median_s > ladder.longest_s):
        return "with more steps it would be more than is allowed"
    return at if left_s is None or looks[at].high_s <= left_s else "with more steps it would be late"


def _standing(ladder: Ladder, climbs: Sequence[Climb]) -> int | str:
    """The rung that the job is on, or why it may not move."""
    at = ladder.find(climbs[-1].to) if climbs else None
    if at is None:
        return "its model is not on the ladder any more"
    if len(climbs) - 1 < ladder.moves:
        return at
    return "it has made the one move that is allowed" if ladder.moves == 1 else \
        f"it has made the {ladder.moves} moves that are allowed"


def _may(ladder: Ladder, index: int, looks: Sequence[Outlook]) -> bool:
    cheap = not ladder.longest_s or looks[index].median_s <= ladder.longest_s
    taken = ladder.rungs[index].name not in ladder.left_out
    return ladder.lowest <= index <= ladder.highest and looks[index].usable and cheap and taken


def _went_up(ladder: Ladder, climb: Climb) -> bool | None:
    """None for what is no move from rung to rung (the first choice, more steps), and where the ladder is another."""
    start, to = ladder.find(climb.start), ladder.find(climb.to)
    return None if start is None or to is None or start == to else to > start


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
    another and, both being known well enough, is no better is left out. As verdicts fade it is known less and less
    while others are used, so in time it is tried again; and verdicts on what people make with it count all along."""
    line = sorted(models, key=lambda known: known.median_s)  # of equals, as they were named
    left_out: dict[str, str] = {}
    for index, one in enumerate(line):
        better = next((below for below in line[:index] if below.model not in left_out and below.score >= one.score
                       and min(below.seen, one.seen) >= least_seen), None)
        if better is not None:
            left_out[one.model] = _no_better(one, better)
    return Ladder(engine, engine, tuple(Rung(one.model) for one in line), learnt=True, left_out=left_out)


def _no_better(one: Known, below: Known) -> str:
    return f"{below.model} takes no longer and its pictures score no worse: {below.score:.0f} to {one.score:.0f} " \
           f"(from {below.seen:.0f} and {one.seen:.0f} verdicts)"


def kind_of(ladder: Ladder, spec: JobSpec, usual_steps: int = 0) -> str:
    """What jobs learn from each other: the ladder, the type, the size where the rungs do not set it, and whether its
    steps are few beside the model's usual ones (0: not known)."""
    sized = any("width" in rung.changes for rung in ladder.rungs)
    pixels = spec.width * spec.height
    size = "" if sized or not pixels else "small" if pixels < 500_000 else "medium" if pixels < 1_500_000 else "large"
    steps = FEW if few(spec.steps, usual_steps) else ""
    return "/".join(part for part in (ladder.name, spec.type, size, steps) if part)


def place_of(ladder: Ladder, index: int, kind: str) -> float:
    """The place of a rung as far as it promises more for such jobs: a dearer model does not make up for steps."""
    return 0.0 if of_few(kind) else ladder.place(index)


def of_few(kind: str) -> bool:
    """Whether a kind of job is one of too few steps."""
    return kind.endswith(f"/{FEW}")
