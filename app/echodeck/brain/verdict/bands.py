"""Steps in what should be smooth: plateaus side by side whose levels differ by little, and all by about as much."""

from __future__ import annotations

import numpy as np

from .pixels import Field

PLATEAU = 5
"""Pixels that are level on both sides of a step."""
LEVEL = 0.3
"""What a plateau varies by, as a share of the step: of an even slope it is half."""
LEAST, MOST = 4.5 / 255, 27 / 255
"""The height of a step: less is the rounding of an 8-bit picture, more is an edge of something."""
FEWEST = 0.002
"""Steps a pixel; fewer are no bands."""
PERIODS = np.arange(9, 30)
"""Into how many levels a channel may have been cut; what compression smears, its histogram still shows."""
LEVELS, MOST_OF_ONE = 256, 0.05
STAIRS, OF_ALL = 3, 0.06
"""Steps go up from so many levels at least, each with that share of all: two flat colours side by side are no bands."""
OVER = 32
"""Heights that are told apart, in levels of 8 bits."""


def banding(picture: Field) -> float:
    """How many steps of one height there are a pixel in (height, width, 3), as far as its levels are a comb; 0 to 1."""
    return max(max(_steps(plane, 0), _steps(plane, 1)) * _comb(plane) ** 2 for plane in np.moveaxis(picture, 2, 0))


def _comb(plane: Field) -> float:
    """How much the levels of (height, width) stand in equal distances, 0 to 1: the largest of its histogram's Fourier
    coefficients at PERIODS, no level counting for more than MOST_OF_ONE."""
    levels = np.clip(np.rint(plane * (LEVELS - 1)), 0, LEVELS - 1).astype(int)
    share = np.minimum(np.bincount(levels.ravel(), minlength=LEVELS) / levels.size, MOST_OF_ONE)
    waves = np.exp(2j * np.pi * PERIODS[:, None] * np.arange(LEVELS)[None, :] / (LEVELS - 1))
    return float(np.abs(waves @ share).max() / share.sum())


def _steps(plane: Field, axis: int) -> float:
    from scipy import ndimage

    if plane.shape[axis] < 4 * PLATEAU:
        return 0.0
    lines = np.moveaxis(plane, axis, -1)
    high = ndimage.maximum_filter1d(lines, PLATEAU, axis=-1)
    low = ndimage.minimum_filter1d(lines, PLATEAU, axis=-1)
    uneven, middle = high - low, (high + low) / 2
    apart = PLATEAU + 2  # from the middle of one plateau to that of the next, with the step's own pixels between
    size = np.abs(middle[..., apart:] - middle[..., :-apart])
    steps = (size >= LEAST) & (size <= MOST) & (np.maximum(uneven[..., apart:], uneven[..., :-apart]) <= LEVEL * size)
    share = float(steps.mean())
    if share < FEWEST:
        return 0.0
    heights = np.rint(size[steps] * 255).astype(int)
    alike = np.convolve(np.bincount(heights, minlength=OVER), np.ones(3), "valid")
    usual = int(alike.argmax()) + 1
    of_usual = np.abs(heights - usual) <= 1
    lower = np.minimum(middle[..., apart:], middle[..., :-apart])[steps][of_usual]
    stairs = np.bincount(np.rint(lower * 255 / usual).astype(int))
    if int((stairs >= OF_ALL * len(lower)).sum()) < STAIRS:
        return 0.0
    return share * float(alike.max() / len(heights)) ** 3
