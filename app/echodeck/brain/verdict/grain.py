"""Noise that was left over: fine coloured grain that is everywhere, and that does not grow from octave to octave.

The grain of an octave is how far its diagonal Haar coefficients spread (their median absolute deviation over 0.6745:
Donoho & Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994). Each octave is the means of the one before:
white noise halves, what is to be seen stays as strong (Field, "Relations between the statistics of natural images and
the response properties of cortical cells", 1987), edges and lines grow. What a decoder enlarged is noise from its
second octave on, or its third. Hatching and textures have grain in their light too, but their colours go together.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .pixels import Field, light_of

TILE = 8
"""The side of a tile in coefficients."""
OCTAVES = 4
QUIET, QUIET_GREY = 0.20, 0.02
"""Which tile speaks for the picture, quietest first: noise is in all of them, texture is not."""
GROWTH = 1.45
"""What grows by more from one octave to the next is no noise, even on top of a strong texture."""
HATCHED = 0.6
"""Grey pictures whose slopes agree more are drawn in lines."""
COLOURED = 0.004
"""Less colour than this, as a mean difference of the channels, is none."""


def grain(picture: Field) -> float:
    """The noise in a picture (height, width, 3), 0 to 1: a standard deviation on the same scale."""
    light, warmth = light_of(picture), (picture[..., 0] - picture[..., 2]) * 0.7
    if min(light.shape) < 2 * TILE:
        return 0.0
    if float(np.abs(warmth).mean()) < COLOURED:
        return _noise(octaves(light, QUIET_GREY)) if coherence(light) < HATCHED else 0.0
    both = zip(octaves(light, QUIET), octaves(warmth, QUIET), strict=True)
    return _noise([(one * other) ** 0.5 for one, other in both])


def coherence(light: Field) -> float:
    """How far the slopes of (height, width) agree with those beside them, 0 to 1: of lines much, of noise little."""
    from skimage.feature import structure_tensor

    down, both, across = structure_tensor(light, sigma=2.0)
    return float(np.hypot(across - down, 2 * both).sum() / ((across + down).sum() + 1e-9))


def speckle(light: Field) -> float:
    """How ragged a picture (height, width) is: what a median of 3 × 3 takes away, as a share of all its slopes."""
    from scipy import ndimage

    if min(light.shape) < 2:
        return 0.0
    lost = float(np.abs(light - ndimage.median_filter(light, 3)).mean())
    soft = ndimage.gaussian_filter(light, 0.7)
    down, right = np.gradient(soft)
    slopes = np.sqrt(ndimage.gaussian_filter(down**2 + right**2, 2.0))
    return lost / (float(slopes.mean()) + 1e-6)


def octaves(plane: Field, quiet: float) -> list[float]:
    """The grain of each octave, finest first, as far as the plane is large enough for tiles."""
    found: list[float] = []
    while len(found) < OCTAVES and min(plane.shape) >= 2 * TILE:
        height, width = plane.shape[0] & ~1, plane.shape[1] & ~1
        a, b = plane[0:height:2, 0:width:2], plane[0:height:2, 1:width:2]
        c, d = plane[1:height:2, 0:width:2], plane[1:height:2, 1:width:2]
        found.append(_spread((a - b - c + d) / 2, quiet))
        plane = (a + b + c + d) / 4
    return found


def _noise(levels: list[float]) -> float:
    steady = [here for here, then in pairwise(levels) if then <= GROWTH * here]
    return max(steady, default=0.0)


def _spread(diagonal: Field, quiet: float) -> float:
    rows, columns = diagonal.shape[0] // TILE, diagonal.shape[1] // TILE
    tiles = diagonal[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    spread = np.median(np.abs(tiles), axis=(1, 3)) / 0.6745
    return float(np.quantile(spread, quiet))
