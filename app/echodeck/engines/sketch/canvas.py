"""What the scenes are drawn with: a float canvas, smooth noise, gradients and masks with soft edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .palette import Colour

Field = NDArray[np.floating[Any]]
"""Floats; the docstrings say their shape and range."""
Random = np.random.Generator


def smoothstep(low: float, high: float, x: Field) -> Field:
    """0 below `low`, 1 above `high`, and a smooth S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    smooth: Field = (t * t * (3 - 2 * t)).astype(np.float32)
    return smooth


def noise(rng: Random, height: int, width: int, cells: float, octaves: int = 4, stretch: float = 1.0) -> Field:
    """Cloudy noise (height, width), about -1 to 1: octaves of random grids, resized smoothly.

    `cells` is how many cells of the coarsest grid lie along the height, `stretch` how much wider than high they are.
    """
    total = np.zeros((height, width), np.float32)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        rows = max(2, round(cells * 2**octave) + 2)
        columns = max(2, round(cells * 2**octave * width / height / stretch) + 2)
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        total += amplitude * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))
        norm += amplitude
        amplitude *= 0.5
    return total * (1.6 / norm)


def ridge(rng: Random, x: Field, cells: float, octaves: int, roughness: float) -> Field:
    """A skyline over `x` (in heights of the picture), about -1 to 1. `roughness` 0 is rolling, 1 is jagged."""
    total = np.zeros_like(x)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        scaled = x * cells * 2**octave + rng.uniform(0, 1)
        knots = rng.uniform(-1, 1, int(scaled.max()) + 3)
        left = scaled.astype(int)
        t = scaled - left
        t = roughness * t + (1 - roughness) * t * t * (3 - 2 * t)
        total += amplitude * (knots[left] * (1 - t) + knots[left + 1] * t)
        norm += amplitude
        amplitude *= 0.35 + 0.2 * roughness
    return (total / norm).astype(np.float32)


class Canvas:
    """A picture being painted: `pixels` (height, width, 3) in sRGB 0 to 1, `x` (width,) and `y` (height, 1).

    `y` runs from 0 at the top to 1, `x` in the same unit from 0 to width / height.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.aspect = width / height
        self.y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.x = (np.arange(width, dtype=np.float32) + 0.5) / height
        self.pixels: Field = np.zeros((height, width, 3), np.float32)

    def gradient(self, stops: list[tuple[float, Colour]]) -> None:
        """Fill from top to bottom through the colours at their heights."""
        at = [place for place, _ in stops]
        columns = [np.interp(self.y[:, 0], at, [float(c[i]) for _, c in stops]) for i in range(3)]
        self.pixels[:] = np.stack(columns, axis=-1).astype(np.float32)[:, None, :]

    def blend(self, mask: Field, paint: Colour | Field) -> None:
        """Lay paint (a colour or an (h, w, 3) field) over the picture where the mask (h, w) is 1."""
        self.pixels += mask[..., None] * (paint - self.pixels)

    def glow(self, mask: Field, light: Colour) -> None:
        """Add light as photographers' screen blending does: it never exceeds white."""
        self.pixels += mask[..., None] * light * (1 - self.pixels)

    def below(self, line: Field, soft: float = 1.0) -> Field:
        """Mask (h, w) of what lies below a skyline `line` (w,), its edge `soft` pixels wide."""
        return np.clip((self.y - line[None, :]) * (self.height / soft) + 0.5, 0, 1).astype(np.float32)

    def distance(self, x: float, y: float) -> Field:
        """How far each pixel (h, w) is from a point, in heights of the picture."""
        return np.hypot(self.x[None, :] - np.float32(x), self.y - np.float32(y)).astype(np.float32)
