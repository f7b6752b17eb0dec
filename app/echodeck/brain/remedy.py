"""What a picture that is not good enough calls for: a better model, more steps, or neither. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from statistics import fmean
from typing import Literal

from ..model.verdict import DEFECTS, Reason, Verdict
from .steps import few

NOT_THE_MODELS = frozenset({"truncated", "wrong_size", "duplicate", "missing_frames"})
"""What another model would do again: the file was damaged, the engine made another size or left frames out, or the same
was asked for twice. Neither do models learn from it. All else (black, one colour, blurred, cut off light, bands, ...)
another model may draw better."""
UNFINISHED = frozenset({"noise", "blur"})
"""What too few steps leave behind: noise with samplers that add some, blur with the others."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Of a job: how many it had, how many its model usually needs (0: not known), and whether it may have these."""

    had: int = 0
    usual: int = 0
    may: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """`reason`: what was found wrong that it is the remedy of; of "none", also why there is nothing to be done."""

    kind: Literal["model", "steps", "none"]
    reason: str = ""


def fair(verdicts: Iterable[Verdict]) -> float | None:
    """The mean score (0 to 100) of a job's outputs by what is the model's alone; None if none of them shows that."""
    scores = [score for one in verdicts if (score := _fair(one)) is not None]
    return fmean(scores) if scores else None


def remedy(verdicts: Sequence[Verdict], least: float, steps: Steps) -> Remedy:
    """Of a job whose outputs' mean score is less than `least`."""
    reasons = sorted((reason for one in verdicts for reason in one.reasons), key=lambda reason: -reason.severity)
    own = fair(verdicts)
    if own is None or own >= least:
        beyond = [one for one in reasons if one.defect in NOT_THE_MODELS]
        return Remedy("none", f"{_said(beyond)}: no better model would mend that")
    of_model = [one for one in reasons if one.defect not in NOT_THE_MODELS]
    unfinished = next((one for one in of_model if one.defect in UNFINISHED), None)
    if unfinished is None or not few(steps.had, steps.usual):
        return Remedy("model", _said(of_model))
    said = f"{steps.had} {'step is' if steps.had == 1 else 'steps are'} too few, {steps.usual} are usual " \
           f"({DEFECTS[unfinished.defect]})"
    return Remedy("steps", said) if steps.may else Remedy(
        "none", f"{said}; no better model would mend that, and more steps than were asked for are not allowed")


def _fair(verdict: Verdict) -> float | None:
    kept = prod(1.0 - reason.severity for reason in verdict.reasons if reason.defect in NOT_THE_MODELS)
    return min(100.0, verdict.score / kept) if verdict.score is not None and kept > 0.0 else None


def _said(reasons: Sequence[Reason]) -> str:
    """The worst in words; "" where none was found."""
    return reasons[0].sentence or reasons[0].defect if reasons else ""
