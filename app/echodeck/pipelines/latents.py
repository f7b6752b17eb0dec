"""Pictures of latents, made by a linear map from a latent pixel to a colour. Pure: NumPy only.

The map is fitted by least squares to what a VAE decodes (see `fitting`), which is good enough to see what becomes of a
picture, and costs nothing beside a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Of float32."""
SHAPES = "B×C×H×W, B×C×F×H×W or B×F×C×H×W (video), or packed B×(H·W)×C"


def unpacked(latents: Array, channels: int, height: int, width: int) -> Array:
    """One picture's latents as C×H×W: of a batch the first, of a film the middle frame.

    `channels` are the VAE's; `height` and `width` of the picture in latent pixels (needed for packed ones only, which
    hold 2×2 latent pixels in one place with 4 times the channels, as Flux, or each in a place of its own, as LTX).
    Raises ValueError for another shape.
    """
    if latents.ndim == 5 and latents.shape[1] == channels:
        return np.asarray(latents[0, :, latents.shape[2] // 2])
    if latents.ndim == 5 and latents.shape[2] == channels:
        return np.asarray(latents[0, latents.shape[1] // 2])
    if latents.ndim == 4 and latents.shape[1] == channels:
        return np.asarray(latents[0])
    if latents.ndim == 3 and latents.shape[2] == 4 * channels:
        return _blocks_of_four(latents[0], channels, height // 2, width // 2)
    if latents.ndim == 3 and latents.shape[2] == channels and height * width and \
            latents.shape[1] % (height * width) == 0:
        frames = latents[0].reshape(-1, height, width, channels)
        return np.asarray(frames[len(frames) // 2].transpose(2, 0, 1))
    raise ValueError(f"latents of shape {latents.shape} with {channels} channels are none of {SHAPES}")


def _blocks_of_four(packed: Array, channels: int, rows: int, columns: int) -> Array:
    """C×2R×2K of (R·K)×4C. Where the size is not known, or another, it is taken for a square."""
    if rows * columns != len(packed):
        rows = columns = round(len(packed) ** 0.5)
    if rows * columns != len(packed):
        raise ValueError(f"{len(packed)} packed latent pixels are no picture of the size that was said")
    blocks = packed.reshape(rows, columns, channels, 2, 2)
    return np.asarray(blocks.transpose(2, 0, 3, 1, 4).reshape(channels, 2 * rows, 2 * columns))


def fit(latents: Array, pictures: Array) -> Array:
    """The (C + 1)×3 matrix that maps latent pixels (N×C) to colours (N×3, 0..1) best in the least squares."""
    ones = np.ones((len(latents), 1), np.float32)
    found, *_ = np.linalg.lstsq(np.hstack([latents, ones]), pictures, rcond=None)
    return np.asarray(found, np.float32)


def colours(latent: Array, matrix: Array) -> NDArray[np.uint8]:
    """A picture H×W×3 of one latent C×H×W."""
    channels = latent.shape[0]
    flat = latent.reshape(channels, -1).T.astype(np.float32)
    shown = np.clip(flat @ matrix[:channels] + matrix[channels], 0.0, 1.0)
    picture: NDArray[np.uint8] = (shown.reshape(*latent.shape[1:], 3) * 255.0).astype(np.uint8)
    return picture


def calmed(latent: Array) -> Array:
    """Of the usual spread at most: at the first steps it is noise of many times that, which would be shown in nothing
    but the extremes. What is no number becomes 0."""
    finite = np.nan_to_num(latent, nan=0.0, posinf=0.0, neginf=0.0)
    spread = float(finite.std())
    return np.asarray(finite / max(1.0, spread), np.float32)


def shrunk(latent: Array, side: int) -> Array:
    """C×H×W of at most `side` latent pixels a side, by taking every so many."""
    every = -(-max(latent.shape[1:]) // side)
    return np.ascontiguousarray(latent[:, ::every, ::every])


def samples(channels: int, side: int, count: int, seed: int = 0) -> Array:
    """Latents to fit with: smooth noise of several sizes, count×C×side×side, as those of pictures are."""
    random = np.random.default_rng(seed)
    made = np.zeros((count, channels, side, side), np.float32)
    size = 2
    while size <= side:
        coarse = random.standard_normal((count, channels, size, size)).astype(np.float32)
        made += np.repeat(np.repeat(coarse, side // size, 2), side // size, 3)
        size *= 2
    return np.asarray(made / made.std(), np.float32)


def blocks(picture: Any, side: int) -> Array:
    """The mean colour of each latent pixel: N×3 of a picture 3×H×W (-1..1), H and W multiples of `side`."""
    array = np.asarray(picture, np.float32)
    step_h, step_w = array.shape[1] // side, array.shape[2] // side
    mean = array[:, : side * step_h, : side * step_w].reshape(3, side, step_h, side, step_w).mean((2, 4))
    return np.asarray((mean.reshape(3, -1).T + 1.0) / 2.0, np.float32)
