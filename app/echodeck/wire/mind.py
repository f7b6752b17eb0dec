"""What the hub shows of what it decides by itself, and of which parts of it do."""

from __future__ import annotations

from typing import Any

from ..model.record import Decision
from .show import Show, iso


class DecisionView(Show):
    """What was decided, by which `part`, and why. `data` depends on the part; its `undo`, where there is one, is a
    command (`type`, `payload`) that takes it back, with a `label` for people."""

    id: str
    at: str | None
    part: str
    title: str
    reason: str
    job_id: str
    data: dict[str, Any]


def decision_view(decision: Decision) -> DecisionView:
    return DecisionView(id=decision.id, at=iso(decision.at_s), part=decision.part, title=decision.title,
                        reason=decision.reason, job_id=decision.job_id, data=dict(decision.data))


class PartView(Show):
    """A part that decides: what it does, whether it is on, and who switched it last ("": nobody)."""

    name: str
    label: str
    on: bool
    by: str = ""
    at: str | None = None


class Mind(Show):
    """The parts, and the latest decisions, newest last."""

    parts: list[PartView]
    decisions: list[DecisionView]
