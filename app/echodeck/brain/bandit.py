"""What verdicts teach about the rungs of a ladder: Thompson sampling with a memory that fades. Pure; chance is handed
in.

For each kind of job and each rung there is a belief of how likely it meets a wish ("draft", "standard", "final"): a
Beta distribution of counts, drawn towards a prior by the rung's place. With each verdict of a kind, all that was known
of that kind counts a little less, so that a model which changed is tried anew. After Raj and Kalyani, "Taming
non-stationary bandits: a Bayesian approach" (2017).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

QUALITIES = ("draft", "standard", "final")
FADE = 0.98
"""What a count is still worth after one more verdict of its kind: some fifty of them are remembered."""
PRIOR_WEIGHT = 8.0
"""Verdicts that the prior counts for."""
_PRIOR = {"draft": (0.9, 0.05), "standard": (0.6, 0.35), "final": (0.35, 0.6)}
"""The chance that the cheapest rung meets the wish, before anything is known, and what the dearest adds to it."""
MOST_KINDS = 500


@dataclass(frozen=True, slots=True)
class Belief:
    """Of one rung and one kind of job. `met` and `missed` are faded counts by quality, `score` the faded mean of its
    scores (0 to 100) and `seen` how many verdicts that is worth."""

    met: Mapping[str, float] = field(default_factory=dict)
    missed: Mapping[str, float] = field(default_factory=dict)
    score: float = 0.0
    seen: float = 0.0

    def faded(self) -> Belief:
        return Belief({name: FADE * count for name, count in self.met.items()},
                      {name: FADE * count for name, count in self.missed.items()}, self.score, FADE * self.seen)

    def with_score(self, score: float, bounds: Mapping[str, float]) -> Belief:
        """After one more verdict. `bounds` has the least score by quality."""
        met, missed = dict(self.met), dict(self.missed)
        for name in QUALITIES:
            into = met if score >= bounds[name] else missed
            into[name] = into.get(name, 0.0) + 1.0
        return Belief(met, missed, (self.score * self.seen + score) / (self.seen + 1.0), self.seen + 1.0)


NOTHING = Belief()


def posterior(belief: Belief, quality: str, place: float) -> tuple[float, float]:
    """The two parameters of the Beta distribution. `place` is 0 for the cheapest rung and 1 for the dearest."""
    low, more = _PRIOR[quality]
    prior = low + more * place
    return (PRIOR_WEIGHT * prior + belief.met.get(quality, 0.0),
            PRIOR_WEIGHT * (1.0 - prior) + belief.missed.get(quality, 0.0))


def mean(belief: Belief, quality: str, place: float) -> float:
    """How likely the rung meets the wish, as far as is known."""
    a, b = posterior(belief, quality, place)
    return a / (a + b)


def draw(belief: Belief, quality: str, place: float, chance: random.Random) -> float:
    """One sample of that likelihood: the less is known, the further it strays from the mean."""
    return chance.betavariate(*posterior(belief, quality, place))


class Bandit:
    """The beliefs by (kind of job, name of the rung); `bounds` as in `Belief.with_score`."""

    def __init__(self, bounds: Mapping[str, float], beliefs: Mapping[tuple[str, str], Belief] | None = None) -> None:
        self._bounds = bounds
        self.beliefs = dict(beliefs or {})

    def of(self, kind: str, rung: str) -> Belief:
        return self.beliefs.get((kind, rung), NOTHING)

    def learn(self, kind: str, rung: str, score: float) -> dict[tuple[str, str], Belief | None]:
        """The beliefs that a verdict changed; None for those that are forgotten."""
        fresh: dict[tuple[str, str], Belief | None] = {
            key: belief.faded() for key, belief in self.beliefs.items() if key[0] == kind}
        fresh[kind, rung] = (fresh.get((kind, rung)) or NOTHING).with_score(score, self._bounds)
        for key, belief in fresh.items():  # put at the end, so that the first kind is the one unused for longest
            self.beliefs.pop(key, None)
            if belief is not None:
                self.beliefs[key] = belief
        return {**fresh, **self._forget()}

    def _forget(self) -> dict[tuple[str, str], Belief | None]:
        kinds = list(dict.fromkeys(kind for kind, _ in self.beliefs))
        old = set(kinds[: max(0, len(kinds) - MOST_KINDS)])
        gone: dict[tuple[str, str], Belief | None] = {key: None for key in self.beliefs if key[0] in old}
        for key in gone:
            del self.beliefs[key]
        return gone
