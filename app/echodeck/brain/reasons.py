"""Why a job is where it is in the queue, in a few words for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ..model.job import Job
from .order import Lane
from .plan import Turn
from .words import size

BEGUN = "begun before"
_WHY = {"same_model": "same model", "deadline": "its deadline is near"}
_IN_FULL = {
    "same model": "it stands there as its model is loaded by then",
    "its deadline is near": "it stands there as its deadline is near",
    BEGUN: "it stands there as it was begun before",
}
_GIVEN = {
    "same_model": ("its model is loaded there already", "their model is loaded there already"),
    "new_model": ("its model serves the most jobs for one load", "their model serves the most jobs for one load"),
    "deadline": ("its deadline is near", "their deadlines are near"),
    "aged": ("it may not be overtaken any more", "they may not be overtaken any more"),
    "pinned": ("somebody put it there", "somebody put them there"),
    "first": ("the others are done sooner elsewhere",) * 2,
}
"""By `Choice.why`: of one job, and of several."""


def why_given(why: str, count: int = 1) -> str:
    """Why so many jobs are begun before others that stood before them."""
    return _GIVEN[why][count > 1]


def why_there(turn: Turn, overtaken: Mapping[str, int]) -> str:
    """Why it comes at its place; "" where that needs no words."""
    if turn.why == "aged":
        return f"aged: {overtaken.get(turn.job_id, 0)} went before it" if turn.job_id in overtaken else "aged"
    return _WHY.get(turn.why, "")


def in_full(why: str) -> str:
    """What stands beside a job in the queue, as a sentence of its own."""
    return _IN_FULL.get(why, f"its place in the queue: {why}")


def why_unfit(job: Job, need_bytes: float | None, lanes: Iterable[Lane]) -> str:
    """Why no worker can take it; "" when one can, or when none has its engine, which is shown otherwise."""
    able = [lane for lane in lanes if job.spec.engine in lane.engines]
    if not able or need_bytes is None:
        return ""
    largest = max(math.inf if lane.vram_bytes is None else lane.vram_bytes for lane in able)
    if need_bytes <= largest:
        return ""
    return f"waits: needs about {size(need_bytes)} of VRAM; the largest here has {size(largest)}"
