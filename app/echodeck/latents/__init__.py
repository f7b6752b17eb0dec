"""Latents as pictures: a linear map from latent channels to colours, fitted once for each VAE. Pure NumPy.

A VAE's latents are nearly linear in colour, so that one matrix, fitted by least squares to a few decoded latents, gives
a picture of one eighth of the size that shows what comes into being, at next to no cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Of float32."""
SHAPES = "B×C×H×W, B×C×F×H×W (video), or packed B×(H·W)×C"


def unpacked(latents: Array, channels: int, height: int, width: int) -> Array:
    """One picture's latents as C×H×W: of a batch the first, of a film the middle frame.

    `channels` are the VAE's; `height` and `width` of the picture in latent pixels (needed for packed ones only, which
    hold 2×2 latent pixels in one place with 4 times the channels, as Flux, or each in a place of its own, as LTX).
    Raises ValueError for another shape.
    """
    if latents.ndim == 5:
        return np.asarray(latents[0, :, latents.shape[2] // 2])
    if latents.ndim == 4:
        return np.asarray(latents[0])
    if latents.ndim == 3 and latents.shape[2] == 4 * channels and latents.shape[1] * 4 == height * width:
        rows, columns = height // 2, width // 2
        blocks = latents[0].reshape(rows, columns, channels, 2, 2)
        return np.asarray(blocks.transpose(2, 0, 3, 1, 4).reshape(channels, height, width))
    if latents.ndim == 3 and latents.shape[2] == channels and height * width and \
            latents.shape[1] % (height * width) == 0:
        frames = latents[0].reshape(-1, height, width, channels)
        return np.asarray(frames[len(frames) // 2].transpose(2, 0, 1))
    raise ValueError(f"latents of shape {latents.shape} are none of {SHAPES}")


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
