"""What a job is to reach and what was done for that, as it is shown: wishes, tries, and moves on ladders of models."""

from __future__ import annotations

from typing import Any

from ..model.job import Climb, Job, Try
from .base import Show, iso


class WishView(Show):
    """`auto`: its model is chosen by the hub, for `quality` ("draft", "standard", "final"). `allow` names what may be
    made smaller when memory is short."""

    auto: bool
    quality: str
    deadline: str | None
    allow: list[str]
    ladder: str


class TryView(Show):
    """An attempt that failed, and what was done then (`cure`; `told` says it in words)."""

    at: str | None
    attempt: int
    host: str
    error: str
    error_kind: str
    cure: str
    told: str


class ClimbView(Show, rename={"start": "from"}):
    """A move on a ladder, or the choice it began with (`from` is "" then)."""

    at: str | None
    start: str
    to: str
    cause: str
    reason: str
    expects: str


class ModelEscalation(Show, rename={"job_id": "jobId", "next_id": "nextId", "start": "from"}):
    """A job that left its model to the hub moves to another: `way` is "up" or "down". After a picture that was not
    good enough the move is a new job, `nextId`, and the first one keeps its picture. Where that picture only lacked
    steps (`cause` "steps"), the new job has more of them, and `to` is where it came from."""

    job_id: str
    start: str
    to: str
    way: str
    cause: str
    reason: str
    expects: str
    at: str | None
    next_id: str = ""


class RungView(Show):
    """A rung; `usable`: its engine has the model just now. `left_out` says why it is not taken; "": it is."""

    name: str
    model: str
    changes: dict[str, int]
    usable: bool
    left_out: str
    kinds: list[KindView]


class KindView(Show):
    """What is believed of a rung for one kind of job: how many verdicts there were (`seen`, which fades with each
    further one of the kind), their mean score, and how likely it meets each quality."""

    kind: str
    score: float
    seen: float
    likely: dict[str, float]


class LadderView(Show):
    """`problem` is why one that was set up cannot be used as it is, "" if it can. `more` models of its engine found no
    place on one that was learnt: it has so many rungs at most."""

    name: str
    engine: str
    learnt: bool
    lowest: int
    highest: int
    moves: int
    longest: float
    rungs: list[RungView]
    problem: str = ""
    more: int = 0


class LaddersView(Show):
    """All ladders, set up and learnt. `bounds` are the least scores by quality; `frozen`: nothing more is learnt."""

    on: bool
    frozen: bool
    target: float
    bounds: dict[str, float]
    ladders: list[LadderView]


def wish_view(job: Job) -> WishView | None:
    """None for a job that wished nothing."""
    wish = job.wish
    if not (wish.auto or wish.deadline_s is not None or wish.allow):
        return None
    return WishView(auto=wish.auto, quality=wish.quality, deadline=iso(wish.deadline_s), allow=list(wish.allow),
                    ladder=wish.ladder)


def try_view(one: Try) -> TryView:
    return TryView(at=iso(one.at_s), attempt=one.attempt, host=one.host, error=one.error.message,
                   error_kind=one.error.kind, cure=one.cure, told=one.told)


def climb_view(one: Climb) -> ClimbView:
    return ClimbView(at=iso(one.at_s), start=one.start, to=one.to, cause=one.cause, reason=one.reason,
                     expects=one.expects)


def asked(job: Job) -> dict[str, Any]:
    """What was asked for where it is another now, by field."""
    if job.asked is None:
        return {}
    names = ("model", "width", "height", "steps", "batch", "frames")
    return {name: getattr(job.asked, name) for name in names if getattr(job.asked, name) != getattr(job.spec, name)}
