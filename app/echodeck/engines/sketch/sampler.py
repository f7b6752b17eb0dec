"""From noise to a picture: the noise schedule and three samplers.

Source: Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models" (2022). A
sampler is a generator: it yields after every step what it has, so that whoever runs it can show, pause and stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Denoise = Callable[[Field, float], Field]
"""(noisy pictures, σ) -> the denoised estimate, same shape."""
Noise = Callable[[], Field]
"""The next field of standard normal noise, of the pictures' shape."""


@dataclass(frozen=True, slots=True)
class Step:
    """After step `number` (from 1): the pictures `x`, still noisy, and the denoised estimate they moved towards."""

    number: int
    x: Field
    denoised: Field


def schedule(steps: int, low: float, high: float, rho: float = 7.0) -> list[float]:
    """`steps` noise levels from `high` down to `low`, then 0: Karras et al., equation 5."""
    if steps == 1:
        return [high, 0.0]
    ramp = [i / (steps - 1) for i in range(steps)]
    return [(high ** (1 / rho) + t * (low ** (1 / rho) - high ** (1 / rho))) ** rho for t in ramp] + [0.0]


def euler(x: Field, sigmas: list[float], denoise: Denoise, noise: Noise) -> Iterator[Step]:
    """Algorithm 1 of Karras et al. without the second-order correction: dx/dσ = (x − D(x; σ)) / σ."""
    for i, (now, then) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, now)
        x = _towards(x, denoised, now, then)
        yield Step(i + 1, x, denoised)


def heun(x: Field, sigmas: list[float], denoise: Denoise, noise: Noise) -> Iterator[Step]:
    """Algorithm 1 of Karras et al.: an Euler step, then the trapezoid with the slope found there (not at σ = 0)."""
    for i, (now, then) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, now)
        ahead = _towards(x, denoised, now, then)
        if then > 0:
            there = denoise(ahead, then)
            slope = ((x - denoised) / np.float32(now) + (ahead - there) / np.float32(then)) / 2
            ahead = x + slope * np.float32(then - now)
            denoised = there
        x = ahead
        yield Step(i + 1, x, denoised)


def euler_ancestral(x: Field, sigmas: list[float], denoise: Denoise, noise: Noise) -> Iterator[Step]:
    """An Euler step down past the next level, then fresh noise up to it: the posterior variance of DDPM ancestral
    sampling (Ho et al., 2020) in terms of σ, so that x keeps the distribution that belongs to each level."""
    for i, (now, then) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, now)
        up = min(then, (then**2 * (now**2 - then**2) / now**2) ** 0.5)
        down = (then**2 - up**2) ** 0.5
        x = _towards(x, denoised, now, down)
        if up > 0:
            x = x + np.float32(up) * noise()
        yield Step(i + 1, x, denoised)


def _towards(x: Field, denoised: Field, now: float, then: float) -> Field:
    """One Euler step from σ `now` to `then`; to σ = 0 it is the denoised estimate itself."""
    return denoised + (x - denoised) * np.float32(then / now)


SAMPLERS: dict[str, Callable[[Field, list[float], Denoise, Noise], Iterator[Step]]] = {
    "euler_ancestral": euler_ancestral,
    "euler": euler,
    "heun": heun,
}
"""By name; the first is the default."""
