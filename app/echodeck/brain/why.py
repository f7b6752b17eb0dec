"""Why a job waits: what is before it, who could do it, what they have in hand, and when it should begin."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.job import BRAIN
from .words import between, many, span

SOON_S = 2.0
MOST_NAMED = 3
Bounds = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class InHand:
    """A job that takes a slot: its title, the worker's host, and the seconds left (None: not known).

    A guest is done beside the job that has the slot, and takes none. `paused_by` is "" of one that runs.
    """

    title: str
    host: str
    left_s: float | None = None
    guest: bool = False
    paused_by: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """What is known of a waiting job. `held` is a reason that time alone does not mend (it is paused, it waits for
    others). `before` counts the jobs that go first, and `before_s` is the work they are. `slots` and `taken` are those
    of the agents that can do it. Spans are (middle, low, high) with an 80 % interval; `start_s` and `end_s` are from
    now, None when nobody can say."""

    engine: str
    held: str = ""
    before: int = 0
    before_s: float = 0.0
    slots: int = 0
    taken: tuple[InHand, ...] = ()
    start_s: Bounds | None = None
    end_s: Bounds | None = None
    takes_s: Bounds = (0.0, 0.0, 0.0)
    decided: tuple[str, ...] = ()


def sentences(wait: Wait) -> list[str]:
    """The reasons, the one that matters most first."""
    said = [wait.held] if wait.held else []
    if not wait.slots:
        return [*said, f"no agent with the engine {wait.engine} is online", *wait.decided]
    return [*said, _queue(wait), *_taken(wait), *_start(wait), *wait.decided]


def _queue(wait: Wait) -> str:
    count = sum(not one.guest for one in wait.taken)
    taken = f"{count} of {many(wait.slots, 'slot')} that can do it {'is' if wait.slots == 1 else 'are'} taken"
    if not wait.before:
        return f"no job is before it, and {taken}"
    return f"{many(wait.before, 'job')} {'is' if wait.before == 1 else 'are'} before it, about " \
           f"{span(wait.before_s)} of work, and {taken}"


def _taken(wait: Wait) -> list[str]:
    """Who has the slots, those that end first."""
    line = sorted(wait.taken, key=lambda one: float("inf") if one.left_s is None else one.left_s)
    named = [_doing(one) + ("" if one.left_s is None else f", about {span(one.left_s)} left")
             for one in line[:MOST_NAMED]]
    more = len(line) - MOST_NAMED
    return [*named, *([f"and {many(more, 'other')} in work"] if more > 0 else [])]


def _doing(one: InHand) -> str:
    if one.paused_by == BRAIN:
        return f"{one.host} holds {one.title} for an urgent job"
    if one.paused_by:
        return f"{one.host} keeps {one.title}, which {one.paused_by} paused"
    return f"{one.host} works on {one.title}"


def _start(wait: Wait) -> list[str]:
    if wait.held or wait.start_s is None:
        return []
    begins = "at once" if wait.start_s[0] < SOON_S else f"in {_about(wait.start_s)}"
    said = f"it should begin {begins}, take {_about(wait.takes_s)}"
    return [said if wait.end_s is None else f"{said} and be done in {_about(wait.end_s)}"]


def _about(bounds: Bounds) -> str:
    return f"about {span(bounds[0])} ({between(bounds[1], bounds[2])})"
