"""A sequential test for a change of pace: Page's cumulative sum (1954) of log-likelihood ratios, one run of a job after
the other.

Each run has a pace of its own about the usual one (variance `between`), and its steps scatter about that. A run's
evidence that all is `shift` slower is then (r·shift − shift²/2) / variance, r being its median deviation, so that a
thousand steps of one run that happens to be slow do not weigh more than the run itself. The evidence of a run under way
counts, and grows as it goes; what is kept of it is what it was at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

MEDIAN_COST = 1.571
"""The variance of a median over that of a mean, for many normal values."""


def evidence(deviation: float, shift: float, between: float, within: float, steps: int) -> float:
    """The log-likelihood ratio of "slower by `shift`" (in logs) over "as usual", from the median of some steps."""
    variance = between + MEDIAN_COST * within / steps
    return (deviation * shift - shift * shift / 2.0) / variance


@dataclass(slots=True)
class Drift:
    """Slow once the sum of the evidence for it passes `alarm`, usual again once that against it passes `back`.

    `most` bounds what one run can add, either way.
    """

    alarm: float
    back: float
    most: float
    slow: bool = False
    score: float = 0.0
    """The evidence of the ended runs: for a slow-down, or while it is slow, against it."""

    def look(self, ratio: float) -> float:
        """The score with a run under way whose evidence so far is `ratio`; when it is decisive, things change."""
        bounded = max(-self.most, min(self.most, ratio))
        score = max(0.0, self.score + (-bounded if self.slow else bounded))
        if score > (self.back if self.slow else self.alarm):
            self.slow, self.score, score = not self.slow, 0.0, 0.0
        return score

    def keep(self, ratio: float) -> None:
        """The run has ended with this evidence."""
        was_slow = self.slow
        score = self.look(ratio)
        if self.slow is was_slow:
            self.score = score
