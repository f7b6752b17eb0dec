"""What does it bring to learn which rung is good enough? Simulated jobs whose model is left open, beside doing without.

Three models cost 1, 3 and 9; how good their pictures are depends on the kind of job, and half-way the middle model gets
worse. A picture that is not good enough is made again one rung higher. Ours chooses by what it has learnt (`brain`'s
own choose, move and bandit); the peer always begins where it would with nothing known; the notes have always the
cheapest and always the dearest, and ours where people also make hasty trials of models that they name, with the
verdicts on them kept apart, as they are, or learnt as if they had had their steps.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from echodeck.brain.bandit import NOTHING, QUALITIES, Bandit, draw, mean
from echodeck.brain.ladder import FEW, Ladder, Outlook, Rung, choose, move
from echodeck.brain.limits import SCORES, Climbing
from echodeck.model.job import Climb

RULES = Climbing()
LADDER = Ladder("sim", "sim", tuple(Rung(name) for name in ("small", "middle", "large")))
COSTS = (1.0, 3.0, 9.0)
KINDS = {"icon": (82.0, 86.0, 90.0), "portrait": (45.0, 72.0, 86.0), "map": (30.0, 48.0, 84.0)}
"""The middle score of each rung's pictures, by kind of job."""
SPREAD, WORSE = 8.0, 25.0
LACKING = 55.0
"""What too few steps take of a score: the embedded engine's 98 of 100 become 44 with 2 steps."""
JOBS, SEEDS = 600, 5

Begin = Callable[[str, str], int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of all jobs: how many wishes were met, how many at once, and what was paid a job."""

    met: float
    first: float
    cost: float


def score_of(kind: str, rung: int, late: bool, chance: random.Random) -> float:
    middle = KINDS[kind][rung] - (WORSE if late and rung == 1 else 0.0)
    return min(100.0, max(0.0, chance.gauss(middle, SPREAD)))


def looks(drawn: list[float] | None = None) -> list[Outlook]:
    return [Outlook(cost, cost, 1.0, share) for cost, share in zip(COSTS, drawn or [1.0] * len(COSTS), strict=True)]


def play(seed: int, begin: Begin, learn: Callable[[str, str, float], object]) -> Outcome:
    chance = random.Random(seed)
    met = first = cost = 0.0
    for number in range(JOBS):
        kind, quality = chance.choice(list(KINDS)), chance.choice(QUALITIES)
        at = begin(kind, quality)
        climbs = (Climb(0.0, "", LADDER.rungs[at].name, "choice", ""),)
        while True:
            cost += COSTS[at]
            score = score_of(kind, at, number >= JOBS // 2, chance)
            learn(kind, LADDER.rungs[at].name, score)
            if score >= SCORES[quality]:
                met, first = met + 1, first + (len(climbs) == 1)
                break
            found = move(LADDER, climbs, "verdict", looks())
            if isinstance(found, str):
                break
            climbs = (*climbs, Climb(0.0, LADDER.rungs[at].name, LADDER.rungs[found].name, "verdict", ""))
            at = found
    return Outcome(100.0 * met / JOBS, 100.0 * first / JOBS, cost / JOBS)


def learning(seed: int, hasty: str | None = None) -> Outcome:
    """`hasty` is what is added to the kind of a hasty trial, one before each job (None: there are none)."""
    bandit, luck = Bandit(RULES.bounds), random.Random(seed + 1)

    def begin(kind: str, quality: str) -> int:
        if hasty is not None:
            rung = luck.randrange(len(COSTS))
            score = max(0.0, score_of(kind, rung, False, luck) - LACKING)
            bandit.learn(kind + hasty, LADDER.rungs[rung].name, score)
        drawn = [draw(bandit.of(kind, rung.name), quality, LADDER.place(index), luck)
                 for index, rung in enumerate(LADDER.rungs)]
        return _rung(drawn)

    return play(seed, begin, bandit.learn)


def unlearning(seed: int) -> Outcome:
    """The rung that the prior alone would have it begin on."""
    return play(seed, lambda kind, quality: _rung(
        [mean(NOTHING, quality, LADDER.place(index)) for index in range(len(COSTS))]), lambda kind, rung, score: None)


def always(rung: int) -> Callable[[int], Outcome]:
    return lambda seed: play(seed, lambda kind, quality: rung, lambda kind, name, score: None)


def _rung(drawn: list[float]) -> int:
    found = choose(LADDER, looks(drawn), RULES.target, None)
    assert not isinstance(found, str)
    return found[0]


def _figures(way: Callable[[int], Outcome], seed: int) -> dict[str, float]:
    found = [way(1000 * seed + n) for n in range(SEEDS)]
    return {"wishes met, %": round(statistics.fmean(one.met for one in found), 2),
            "met at once, %": round(statistics.fmean(one.first for one in found), 2),
            "cost a job": round(statistics.fmean(one.cost for one in found), 3)}


def bench(seed: int, seconds: float) -> dict[str, object]:
    ours, peer = _figures(learning, seed), _figures(unlearning, seed)
    others = {"with hasty trials": _figures(lambda one: learning(one, f"/{FEW}"), seed),
              "with them learnt like others": _figures(lambda one: learning(one, ""), seed),
              "always the cheapest first": _figures(always(0), seed),
              "always the dearest": _figures(always(len(COSTS) - 1), seed)}
    told = [f"{name}: {', '.join(f'{what} {value:g}' for what, value in figures.items())}"
            for name, figures in others.items()]
    notes = f"{SEEDS} × {JOBS} jobs of {len(KINDS)} kinds; costs {COSTS}; the middle model worsens half-way; " \
            f"{'; '.join(told)}"
    return {"name": "ladder", "ours": ours, "peer": peer,
            "ratio": {name: round(ours[name] / peer[name], 3) for name in ours}, "notes": notes}
