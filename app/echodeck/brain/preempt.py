"""Whether a running job should be held at its next step for an urgent one, and which. Pure.

Held is not ended: the job keeps its memory and goes on where it was. So both must fit beside each other, and the wait
that is saved must be worth the time that the held job loses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .words import span

URGENT = 20
"""From this priority on a job is urgent."""
WORTH_S = 10.0
"""A wait shorter than this is not worth holding anybody."""


@dataclass(frozen=True, slots=True)
class Running:
    """A job in hand. `left_s` is the time it still needs; `need_bytes` what it takes of memory, None: not known.

    `vram_bytes` is all that its worker can have: None where there is no GPU to run out of memory. `cannot` says why it
    cannot be held; "" when it can. `able`: its worker could do the urgent job, which takes `load_s` to load there.
    """

    id: str
    priority: int
    left_s: float
    able: bool
    load_s: float = 0.0
    need_bytes: float | None = None
    vram_bytes: float | None = None
    cannot: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The job to hold, or "" and why none is."""

    hold: str
    reason: str


def preempt(priority: int, wait_s: float, need_bytes: float | None, running: Iterable[Running]) -> Verdict:
    """For an urgent job that would otherwise wait `wait_s`. Held is the least important, and of those the longest."""
    if priority < URGENT:
        return Verdict("", "it is not urgent")
    if wait_s < WORTH_S:
        return Verdict("", f"it begins in {span(wait_s)} anyway")
    fitting, reasons = [], []
    for one in running:
        if why := _against(one, wait_s, need_bytes):
            reasons.append(why)
        else:
            fitting.append(one)
    if not fitting:
        return Verdict("", reasons[0] if reasons else "nothing that could be held for it runs")
    held = min(fitting, key=lambda one: (one.priority, -one.left_s, one.id))
    return Verdict(held.id, f"an urgent job would wait {span(wait_s)}; this one has {span(held.left_s)} left")


def _against(one: Running, wait_s: float, need_bytes: float | None) -> str:
    """Why this job is not held; "" when it may be."""
    if not one.able:
        return "the worker of what runs cannot do it"
    if one.priority >= URGENT:
        return "what runs is urgent too"
    if one.cannot:
        return f"what runs cannot be held: {one.cannot}"
    if min(one.left_s, wait_s) - one.load_s < WORTH_S:
        return "what runs is nearly done"
    if one.vram_bytes is None:
        return ""
    if need_bytes is None or one.need_bytes is None:
        return "it is not known whether both fit in memory"
    if one.need_bytes + need_bytes > one.vram_bytes:
        return "both do not fit in memory at once"
    return ""
