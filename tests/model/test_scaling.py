"""How durations grow with size: what is usual at first, then what is seen, and honest of what was never seen."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.scaling import (
    LOADING,
    MODEL_VARIANCE,
    MOST_MISFIT,
    OTHER,
    PICTURES,
    STEPS,
    Law,
    Seen,
    Size,
    law_of,
    prior_of,
)

BASE = Size(512**2, 1, 1)


def law(*seen: Seen, model: str = "m") -> Law:
    found = law_of(STEPS, model, seen)
    assert found is not None
    return found


def took(size: Size, duration_s: float, runs: int = 3, model: str = "m") -> Seen:
    return Seen(model, size, [math.log(duration_s)] * runs)


def grown(size: Size, cells: float, batch: float, frames: float) -> float:
    """Seconds by a power law, 1 at BASE."""
    return float((size.cells / BASE.cells) ** cells * size.batch**batch * size.frames**frames)


def test_without_a_size_there_is_no_law() -> None:
    assert law_of(STEPS, "m", []) is None


def test_one_size_is_scaled_as_is_usual() -> None:
    found = law(took(BASE, 1.0))
    for size, expected in ((BASE, 1.0), (Size(4 * BASE.cells, 1, 1), 4**1.1), (Size(BASE.cells, 4, 1), 4**0.9),
                           (Size(BASE.cells, 1, 16), 16.0), (Size(BASE.cells, 1, 1, calls=2), 2.0)):
        assert math.exp(found.at("m", size)[0]) == pytest.approx(expected, rel=0.01)


def test_the_variance_grows_with_the_distance_in_each_direction() -> None:
    found = law(took(BASE, 1.0), took(Size(4 * BASE.cells, 1, 1), 4.5), took(Size(16 * BASE.cells, 1, 1), 20.0))
    near = found.at("m", Size(5 * BASE.cells, 1, 1))[1]
    for far in (Size(400 * BASE.cells, 1, 1), Size(5 * BASE.cells, 8, 1), Size(5 * BASE.cells, 1, 24)):
        assert found.at("m", far)[1] > 1.5 * near
    assert found.at("m", Size(5 * BASE.cells, 1, 48))[1] > found.at("m", Size(5 * BASE.cells, 1, 24))[1]


@pytest.mark.parametrize("exponents", [(1.5, 0.6, 1.2), (0.8, 1.0, 0.8), (1.0, 0.9, 1.0)])
def test_exponents_are_learnt(exponents: tuple[float, float, float]) -> None:
    sizes = [BASE, Size(2 * BASE.cells, 1, 1), Size(4 * BASE.cells, 2, 1), Size(BASE.cells, 4, 1),
             Size(BASE.cells, 1, 8), Size(BASE.cells, 1, 24), Size(4 * BASE.cells, 8, 1)]
    found = law(*(took(size, grown(size, *exponents), 5) for size in sizes))
    far = Size(8 * BASE.cells, 8, 1)
    assert math.exp(found.at("m", far)[0]) == pytest.approx(grown(far, *exponents), rel=0.25)


def test_one_size_that_is_odd_moves_little() -> None:
    sizes = [Size(n * BASE.cells, 1, 1) for n in (1, 2, 3, 4, 6, 8, 10)]
    odd = [took(size, grown(size, 1.1, 1, 1) * (6.0 if n == 3 else 1.0)) for n, size in enumerate(sizes)]
    between = Size(5 * BASE.cells, 1, 1)
    assert math.exp(law(*odd).at("m", between)[0]) == pytest.approx(grown(between, 1.1, 1, 1), rel=0.35)


def test_sizes_that_follow_no_law_make_everything_uncertain() -> None:
    rng = Random(3)
    sizes = [Size((1 + n) * BASE.cells, 1, 1) for n in range(8)]
    calm = law(*(took(size, grown(size, 1.1, 1, 1)) for size in sizes))
    wild = law(*(took(size, grown(size, 1.1, 1, 1) * rng.lognormvariate(0.0, 0.8)) for size in sizes))
    new = Size(20 * BASE.cells, 1, 1)
    assert wild.at("m", new)[1] > 4 * calm.at("m", new)[1]
    assert wild.misfit <= MOST_MISFIT


def test_models_share_exponents_and_cost_what_they_like() -> None:
    others = [took(size, 3.0 * grown(size, 1.5, 1, 1), 5, model="other")
              for size in (BASE, Size(4 * BASE.cells, 1, 1), Size(9 * BASE.cells, 1, 1), Size(16 * BASE.cells, 1, 1))]
    found = law(*others, took(BASE, 1.0, 5))
    assert math.exp(found.at("m", Size(16 * BASE.cells, 1, 1))[0]) == pytest.approx(16**1.5, rel=0.25)
    unseen = law(*others, model="new").at("new", BASE)
    assert math.exp(unseen[0]) == pytest.approx(3.0, rel=0.2)
    assert unseen[1] > MODEL_VARIANCE


def test_about_four_of_five_are_within_the_interval() -> None:
    """Machines whose exponents are as is usual, give or take; sizes a little off the law, runs noisy."""
    rng, held = Random(5), list[bool]()
    for _ in range(400):
        exponents = [rng.gauss(*one) for one in (STEPS.cells, STEPS.batch, STEPS.frames)]
        sizes = [Size(round(BASE.cells * rng.uniform(0.25, 9.0)), rng.choice((1, 1, 2, 4, 8)), rng.choice((1, 1, 16)))
                 for _ in range(rng.randint(2, 6))]
        logs = [math.log(grown(size, *exponents)) + rng.gauss(0.0, 0.2) for size in sizes]
        seen = [Seen("m", size, [log + rng.gauss(0.0, 0.15) for _ in range(rng.randint(1, 5))])
                for size, log in zip(sizes, logs, strict=True)]
        middle, variance = law(*seen[:-1]).at("m", sizes[-1])
        held.append(abs(logs[-1] + rng.gauss(0.0, 0.15) - middle) <= 1.2816 * math.sqrt(variance))
    assert 0.75 < sum(held) / len(held) < 0.88


@pytest.mark.parametrize(("stage", "stepped", "prior"), [
    ("sample", True, STEPS), ("load model", False, LOADING), ("CheckpointLoaderSimple", False, LOADING),
    ("decode", False, PICTURES), ("VAEDecode", False, PICTURES), ("save", False, PICTURES),
    ("LoadImage", False, OTHER), ("node 7", False, OTHER)])
def test_what_is_usual_for_a_stage_is_known_by_its_name(stage: str, stepped: bool, prior: object) -> None:
    assert prior_of(stage, stepped=stepped) is prior


SIZES = st.builds(Size, st.integers(1, 10**9), st.integers(1, 1000), st.integers(1, 10_000), st.integers(1, 2))


@given(st.lists(st.tuples(st.sampled_from("abc"), SIZES, st.lists(st.floats(-7.0, 18.5), min_size=1, max_size=5)),
                min_size=1, max_size=30), SIZES)
@settings(deadline=None, max_examples=60)
def test_whatever_was_seen_an_answer_is_sensible(seen: list[tuple[str, Size, list[float]]], size: Size) -> None:
    found = law(*(Seen(*one) for one in seen), model="a")
    middle, variance = found.at("a", size)
    assert math.isfinite(middle)
    assert 0.0 < variance < math.inf
    assert found.shift(size, size) == pytest.approx(0.0)
