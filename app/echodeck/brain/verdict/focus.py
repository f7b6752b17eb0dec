"""How wide the sharpest edges are: the one measure of blur that a smooth sky, a line drawing and a photo share.

An edge of height H that a Gaussian of deviation σ has blurred rises by at most H / (σ √2π) a pixel, so the height over
the steepest slope is √2π σ ≈ 2.5 σ pixels wide; one that is as sharp as pixels allow is 1 to 2 wide.
"""

from __future__ import annotations

import numpy as np

from .pixels import Field

TILE = 16
STRONG, WEAKEST = 0.3, 0.02
"""An edge counts from this share of the picture's span on, and from this height."""
SHARPEST = 0.1
FEWEST = 3
"""Tiles with an edge, so that something can be said."""


def edge_width(light: Field, span: float) -> float | None:
    """The width in pixels of the sharpest edges in (height, width); None where there are none to tell by."""
    rows, columns = (light.shape[0] - 1) // TILE, (light.shape[1] - 1) // TILE
    if rows < 1 or columns < 1:
        return None
    inside = light[: rows * TILE + 1, : columns * TILE + 1]
    down, right = np.abs(np.diff(inside, axis=0))[:, :-1], np.abs(np.diff(inside, axis=1))[:-1]
    slope = _tiles(np.maximum(down, right)).max(axis=(1, 3))
    tiles = _tiles(inside[:-1, :-1])
    height = tiles.max(axis=(1, 3)) - tiles.min(axis=(1, 3))
    strong = height >= max(WEAKEST, STRONG * span)
    if int(strong.sum()) < FEWEST:
        return None
    return float(np.quantile(height[strong] / slope[strong], SHARPEST))


def _tiles(plane: Field) -> Field:
    rows, columns = plane.shape[0] // TILE, plane.shape[1] // TILE
    return plane.reshape(rows, TILE, columns, TILE)
