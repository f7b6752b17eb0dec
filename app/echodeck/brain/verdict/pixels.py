"""Pictures as numbers: every kind of pixel becomes (height, width, 3) from 0 to 1, and large ones become smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Raw = NDArray[Any]
Mask = NDArray[np.bool_]
LIGHT = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, as JPEG has it."""
CROP, MOST_CROPS = 384, 3
"""Of a larger picture the fine measures see so many crops a side, each so large: grain must not be resized."""


def normal(raw: Raw) -> Field:
    """(height, width) or (height, width, 1 to 4) of integers, booleans or floats -> (height, width, 3), 0 to 1.

    What is transparent is seen on white; what is no number stays none.
    """
    from skimage.util import img_as_float32

    pixels = raw[..., None] if raw.ndim == 2 else raw
    pixels = pixels.astype(np.float32) if raw.dtype.kind == "f" else img_as_float32(pixels)
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:]
        pixels = pixels[..., :-1] * alpha + (1 - alpha)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels[..., :3]


def light_of(picture: Field) -> Field:
    """(height, width, 3) -> (height, width)."""
    light: Field = picture @ LIGHT
    return light


def crops(raw: Raw) -> list[Raw]:
    """The picture (height, width, …), or if it is large some crops of it, evenly spread."""
    height, width = raw.shape[:2]
    if height * width <= (CROP * MOST_CROPS) ** 2:
        return [raw]
    return [raw[y : y + CROP, x : x + CROP] for y in _starts(height) for x in _starts(width)]


def _starts(length: int) -> list[int]:
    count = min(MOST_CROPS, max(1, length // CROP))
    return [round((length - CROP) * (part + 0.5) / count - (length - CROP) / (2 * count)) if count > 1 else
            max(0, (length - CROP) // 2) for part in range(count)]


def reduced(raw: Raw, side: int) -> Field:
    """The picture as by `normal`, by means over squares, so that its longer side is at most about `side`. Of a large
    one there is never more as floats than one row of squares."""
    height, width = raw.shape[:2]
    factor = -(-max(height, width) // side)
    if factor == 1:
        return normal(raw)
    down, across = min(factor, height), min(factor, width)
    count = width // across
    rows = [normal(raw[y : y + down, : count * across]).reshape(down, count, across, 3).mean(axis=(0, 2))
            for y in range(0, height // down * down, down)]
    return np.stack(rows)
