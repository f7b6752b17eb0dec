"""The ways a scene can be painted: each changes the palette before and the picture after it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .canvas import Field, Random, noise, smoothstep
from .palette import Palette, mix

LIGHTNESS = np.array([0.30, 0.59, 0.11], np.float32)
PAPER = Palette.of("e6dcc6 efe6d2 f8f2e4 c8402e dcd2bd a9a9a6 1e2026", low=0.5)
NEON = Palette.of("0b0524 43127a ff3f9a ffdc62 c24be0 6a1fa0 0a0619", stars=0.7, low=0.8)


@dataclass(frozen=True, slots=True)
class Style:
    """`base` is mixed into the palette (`share` of it, 0 to 1), `finish` goes over the picture (h, w, 3), 0 to 1."""

    finish: Callable[[Field, Random], Field]
    base: Palette | None = None
    share: float = 0.0

    def palette(self, palette: Palette) -> Palette:
        if self.base is None:
            return palette
        whole = round(self.share * 8)
        mixed = mix([self.base] * whole + [palette] * (8 - whole))
        return Palette(mixed.zenith, mixed.sky, mixed.horizon, self.base.sun, mixed.cloud, mixed.far, mixed.near,
                       self.base.stars, palette.snow, 0.0, palette.low)


def _soft(picture: Field, rng: Random) -> Field:
    """As it was drawn."""
    return picture


def _poster(picture: Field, rng: Random) -> Field:
    """Flat inks: seven levels of lightness, stronger colour."""
    light = (picture @ LIGHTNESS)[..., None]
    levels = light * 7
    whole = np.floor(levels)
    stepped = (whole + smoothstep(0.40, 0.60, levels - whole)) / 7
    vivid = light + (picture - light) * 1.25
    flat: Field = vivid * (0.25 + 0.75 * stepped / np.maximum(light, 0.02))
    return flat


def _watercolour(picture: Field, rng: Random) -> Field:
    """Thin paint on paper: lighter, uneven, gathering at the edges, with the paper's grain."""
    height, width, _ = picture.shape
    wash = noise(rng, height, width, 4, 4)[..., None]
    grain = noise(rng, height, width, height / 6, 2)[..., None]
    down, right = np.gradient(picture @ LIGHTNESS)
    edge = np.clip(np.hypot(down, right) * height / 24, 0, 1)[..., None]
    pigment = (1 - picture) * (0.84 + 0.10 * wash + 0.05 * grain + 0.25 * edge)
    painted: Field = 1 - np.array([0.97, 1.0, 1.06], np.float32) * pigment
    return painted


def _ink(picture: Field, rng: Random) -> Field:
    """Brush and ink: a wash that pales downwards, and grain."""
    height, width, _ = picture.shape
    grain = noise(rng, height, width, height / 5, 2)[..., None]
    wash = noise(rng, height, width, 3, 4)[..., None]
    brushed: Field = picture + (1 - picture) * picture * (0.10 * wash + 0.06 * grain)
    return brushed


def _neon(picture: Field, rng: Random) -> Field:
    """Tubes of light along every edge."""
    height = picture.shape[0]
    down, right = np.gradient(picture @ LIGHTNESS)
    edge = np.clip(np.hypot(down, right) * height / 20, 0, 1)[..., None]
    glow = edge * np.array([0.25, 0.95, 1.0], np.float32)
    lit: Field = picture + 0.75 * glow * (1 - picture)
    return lit


STYLES: dict[str, Style] = {
    "soft": Style(_soft),
    "poster": Style(_poster),
    "watercolour": Style(_watercolour),
    "ink": Style(_ink, PAPER, 0.75),
    "neon": Style(_neon, NEON, 0.75),
}
"""By name; the first is used when a prompt names none."""

