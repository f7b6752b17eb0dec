"""What is thought of a finished picture: a score with the reasons for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DEFECTS = {
    "truncated": "the file is cut off",
    "black": "black",
    "nan_grey": "grey, as when the numbers ran away",
    "blank": "one colour",
    "wrong_size": "wrong size",
    "noise": "noise left over",
    "blur": "blurred",
    "clipped": "light or shade cut off",
    "low_contrast": "low contrast",
    "banding": "bands in smooth areas",
    "duplicate": "nearly the same as before",
    "frozen": "the film stands still",
    "flicker": "the film flickers",
    "missing_frames": "frames are missing",
}
"""What can be wrong with an output: its name, and in short for people."""
UNJUDGED = "unjudged"
"""The name of a reason that is no defect: nothing is known."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong. `severity` is 0 to 1, `measure` the figure that was too high or too low, in its own unit."""

    defect: str
    severity: float
    sentence: str
    measure: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one output of a job, by its place among them: `score` is 0 (useless) to 100, `reasons` the worst first.

    What could not be judged has no score, and its one reason says why and what to do.
    """

    output: int
    score: int | None
    reasons: tuple[Reason, ...] = ()


def scores(verdicts: Iterable[Verdict]) -> list[int]:
    """Of those that were judged."""
    return [one.score for one in verdicts if one.score is not None]
