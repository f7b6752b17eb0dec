"""Learning from verdicts: where it comes to, that it forgets, and that it is the same from the same seed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain import bandit
from echodeck.brain.bandit import NOTHING, QUALITIES, Bandit, draw, mean, posterior
from echodeck.brain.limits import SCORES

RUNGS = ("s", "m", "l")
PLACES = {"s": 0.0, "m": 0.5, "l": 1.0}


def cheapest(learner: Bandit, quality: str, chance: random.Random, target: float = 0.7) -> str:
    """As `ladder.choose` does where all rungs are usable."""
    drawn = {rung: draw(learner.of("k", rung), quality, PLACES[rung], chance) for rung in RUNGS}
    good = [rung for rung in RUNGS if drawn[rung] >= target]
    return good[0] if good else max(drawn, key=lambda rung: drawn[rung])


def play(learner: Bandit, truth: dict[str, float], rounds: int, chance: random.Random) -> list[str]:
    """`truth` is how often each rung makes a standard picture."""
    taken = []
    for _ in range(rounds):
        rung = cheapest(learner, "standard", chance)
        taken.append(rung)
        learner.learn("k", rung, 70.0 if chance.random() < truth[rung] else 30.0)
    return taken


def test_nothing_known_the_wish_decides() -> None:
    for rung, place in PLACES.items():
        chances = [mean(NOTHING, quality, place) for quality in QUALITIES]
        assert rung == "l" or chances == sorted(chances, reverse=True)
    first = {quality: next((rung for rung in RUNGS if mean(NOTHING, quality, PLACES[rung]) >= 0.7), "l")
             for quality in QUALITIES}
    assert first == {"draft": "s", "standard": "m", "final": "l"}


@pytest.mark.parametrize(("truth", "right"), [
    ({"s": 0.95, "m": 0.95, "l": 0.95}, "s"),
    ({"s": 0.2, "m": 0.9, "l": 0.95}, "m"),
    ({"s": 0.1, "m": 0.3, "l": 0.9}, "l"),
])
def test_it_comes_to_the_cheapest_rung_that_is_good_enough(truth: dict[str, float], right: str) -> None:
    shares = []
    for seed in range(10):
        taken = play(Bandit(SCORES), truth, 200, random.Random(seed))
        shares.append(sum(rung == right for rung in taken[100:]) / 100)
    assert sum(shares) / len(shares) >= 0.8


def test_a_model_that_got_worse_is_left_within_its_memory() -> None:
    learner, chance = Bandit(SCORES), random.Random(3)
    play(learner, {"s": 0.95, "m": 0.95, "l": 0.95}, 200, chance)
    play(learner, {"s": 0.1, "m": 0.95, "l": 0.95}, 60, chance)
    assert sum(rung == "s" for rung in play(learner, {"s": 0.1, "m": 0.95, "l": 0.95}, 50, chance)) <= 10


def test_the_same_seed_gives_the_same_choices() -> None:
    truth = {"s": 0.5, "m": 0.7, "l": 0.9}
    runs = [play(Bandit(SCORES), truth, 100, random.Random(7)) for _ in range(2)]
    assert runs[0] == runs[1]


@given(st.lists(st.tuples(st.sampled_from(RUNGS), st.floats(0, 100)), max_size=80))
def test_beliefs_are_bounded_and_in_order_whatever_is_judged(verdicts: list[tuple[str, float]]) -> None:
    learner = Bandit(SCORES)
    for rung, score in verdicts:
        learner.learn("k", rung, score)
    for (_, rung), belief in learner.beliefs.items():
        assert 0 <= belief.score <= 100
        assert belief.seen <= 1 / (1 - bandit.FADE)
        chances = [posterior(belief, quality, PLACES[rung]) for quality in QUALITIES]
        assert all(a > 0 and b > 0 for a, b in chances)
        met = [belief.met.get(quality, 0.0) for quality in QUALITIES]
        assert met == sorted(met, reverse=True), "what is good enough for a final picture is so for a draft"


def test_kinds_that_were_not_asked_for_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandit, "MOST_KINDS", 2)
    learner = Bandit(SCORES)
    for kind in ("a", "b", "a"):
        learner.learn(kind, "s", 50.0)
    changed = learner.learn("c", "s", 50.0)
    assert changed["b", "s"] is None
    assert {kind for kind, _ in learner.beliefs} == {"a", "c"}
