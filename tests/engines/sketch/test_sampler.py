"""The schedule against its formula; the samplers where the exact answer is known: data that is one Gaussian."""

from __future__ import annotations

import numpy as np
import pytest

from echodeck.engines.sketch import models
from echodeck.engines.sketch.sampler import SAMPLERS, Denoise, Field, euler, euler_ancestral, heun, schedule

MEAN, SPREAD = 0.3, 0.5


def gaussian(x: Field, sigma: float) -> Field:
    """The exact denoiser when clean values are normal with MEAN and SPREAD."""
    return MEAN + (x - MEAN) * SPREAD**2 / (SPREAD**2 + sigma**2)


def exact(x: Field, sigma: float) -> Field:
    """Where the probability flow takes x from `sigma` to 0."""
    return MEAN + (x - MEAN) * SPREAD / (SPREAD**2 + sigma**2) ** 0.5


def last(name: str, x: Field, sigmas: list[float], denoise: Denoise, seed: int = 1) -> Field:
    rng = np.random.default_rng(seed)
    steps = list(SAMPLERS[name](x, sigmas, denoise, lambda: rng.standard_normal(x.shape).astype(x.dtype)))
    assert [step.number for step in steps] == list(range(1, len(sigmas)))
    return steps[-1].x


def start(sigma: float, count: int = 20_000) -> Field:
    rng = np.random.default_rng(7)
    return MEAN + (SPREAD**2 + sigma**2) ** 0.5 * rng.standard_normal(count)


def test_schedule_is_equation_5() -> None:
    found = schedule(20, 0.03, 12.0)
    assert len(found) == 21
    for i in (0, 1, 7, 19):
        wanted = (12 ** (1 / 7) + i / 19 * (0.03 ** (1 / 7) - 12 ** (1 / 7))) ** 7
        assert found[i] == pytest.approx(wanted)
    assert found[0] == pytest.approx(12.0)
    assert found[19] == pytest.approx(0.03)
    assert found[20] == 0.0
    assert found == sorted(found, reverse=True)


def test_schedule_of_one_step_goes_straight_down() -> None:
    assert schedule(1, 0.03, 12.0) == [12.0, 0.0]


@pytest.mark.parametrize(("name", "bound"), [("euler", 0.03), ("heun", 0.003)])
def test_deterministic_samplers_follow_the_probability_flow(name: str, bound: float) -> None:
    x = start(12.0, 500)
    found = last(name, x, schedule(60, 0.01, 12.0), gaussian)
    assert np.abs(found - exact(x, 12.0)).max() < bound * 4
    assert np.abs(found - exact(x, 12.0)).mean() < bound


def test_heun_is_of_a_higher_order_than_euler() -> None:
    x = start(12.0, 500)

    def error(name: str, steps: int) -> float:
        return float(np.abs(last(name, x, schedule(steps, 0.01, 12.0), gaussian) - exact(x, 12.0)).mean())

    assert error("euler", 80) == pytest.approx(error("euler", 40) / 2, rel=0.2)
    assert error("heun", 80) < error("heun", 40) / 3
    assert error("heun", 40) < error("euler", 40) / 5


def test_ancestral_draws_from_the_data() -> None:
    found = last("euler_ancestral", start(12.0), schedule(60, 0.01, 12.0), gaussian)
    assert found.mean() == pytest.approx(MEAN, abs=0.02)
    assert found.std() == pytest.approx(SPREAD, abs=0.03)


def test_ancestral_stirs_and_the_others_do_not() -> None:
    x, sigmas = start(12.0, 50), schedule(10, 0.03, 12.0)
    assert np.array_equal(last("euler", x, sigmas, gaussian, 1), last("euler", x, sigmas, gaussian, 2))
    assert np.array_equal(last("heun", x, sigmas, gaussian, 1), last("heun", x, sigmas, gaussian, 2))
    ancestral = [last("euler_ancestral", x, sigmas, gaussian, seed) for seed in (1, 2)]
    assert np.abs(ancestral[0] - ancestral[1]).mean() > 0.1


def test_one_step_is_the_denoised_estimate_itself() -> None:
    x = start(12.0, 20)
    for name in SAMPLERS:
        np.testing.assert_allclose(last(name, x, schedule(1, 0.03, 12.0), gaussian), gaussian(x, 12.0))


def test_heun_asks_twice_a_step_but_at_the_end() -> None:
    asked: list[float] = []

    def denoise(x: Field, sigma: float) -> Field:
        asked.append(sigma)
        return gaussian(x, sigma)

    sigmas = schedule(3, 0.1, 1.0)
    list(heun(start(1.0, 5), sigmas, denoise, lambda: np.zeros(5)))
    assert asked == [sigmas[0], sigmas[1], sigmas[1], sigmas[2], sigmas[2]]


def test_pictures_stay_single_precision() -> None:
    x = start(1.0, 5).astype(np.float32)
    for sampler in (euler, heun, euler_ancestral):
        *_, step = sampler(x, schedule(3, 0.1, 1.0), lambda x, sigma: x * np.float32(0.5), lambda: x)
        assert step.x.dtype == np.float32


def test_the_names_known_beforehand_are_the_samplers_there_are() -> None:
    assert tuple(SAMPLERS) == models.SAMPLERS
