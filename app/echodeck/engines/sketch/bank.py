"""The patch bank, what a model knows: training scenes, small for the score and large for the decoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .canvas import Field
from .denoiser import Denoiser
from .face import face
from .landscape import landscape
from .models import Model
from .prompt import Theme
from .size import Grid
from .style import STYLES

SCENE_SEED = 48_309
"""Scene number i is drawn from (SCENE_SEED, i): the bank of a smaller model is the beginning of a larger one's."""

PATCHES = ((2.0, 41), (1.0, 31), (0.5, 21), (0.25, 13), (0.12, 9), (0.05, 7), (0.0, 5))
FACE_PATCHES = ((4.0, 63), (1.5, 31), (1.0, 15), (0.4, 9), (0.05, 7), (0.0, 5))
"""(from this σ on, side of the compared patches), both for a grid of 48 × 48 cells: coarse noise settles the whole,
fine noise the parts. The halves of a face have to agree at first, then eyes, mouth and hair may go their own ways."""


class Bank:
    """Scenes of one theme: `denoiser` over the small ones (mirrored too), `details` (n, height, width, 3), int8.

    A detail is what a large scene has and the enlarged small one lacks, in 1/255; there are none where the grid is as
    fine as the picture.
    """

    def __init__(self, model: Model, theme: Theme, grid: Grid, checkpoint: Callable[[], None]) -> None:
        self.model, self.theme, self.grid = model, theme, grid
        small = np.empty((model.scenes, 3, grid.rows, grid.columns), np.float32)
        size = (grid.rows * grid.factor, grid.columns * grid.factor)
        self.details: NDArray[np.int8] = np.zeros((model.drawn if grid.factor > 1 else 0, *size, 3), np.int8)
        for i in range(model.drawn):
            checkpoint()
            large = draw(theme, i, *size)
            low = shrink(large, grid.factor)
            small[i] = small[model.drawn + i, :, :, ::-1] = low
            if grid.factor > 1:
                lost = large - (enlarge(low, size) + 1) / 2
                self.details[i] = np.clip(np.rint(lost * 255), -127, 127)
        self.denoiser = Denoiser(small, model.window)

    def patch_side(self, sigma: float) -> int:
        """The side (odd, cells) of the patches to compare at a noise level."""
        table = FACE_PATCHES if self.theme.subject == "face" else PATCHES
        side = next(side for low, side in table if sigma >= low * self.grid.scale)
        return max(3, round(side * self.grid.scale)) | 1

    def denoise(self, noisy: Field, sigma: float) -> Field:
        """The denoised estimate (3, rows, columns) of one picture."""
        return self.denoiser(noisy, sigma, self.patch_side(sigma))


def draw(theme: Theme, index: int, height: int, width: int) -> Field:
    """Training scene `index` of a theme: (height, width, 3), 0 to 1. The same everywhere, every time."""
    rng = np.random.default_rng([SCENE_SEED, index])
    palette = theme.palette()
    if theme.subject == "face":
        picture = face(rng, height, width, palette)
    else:
        picture = landscape(rng, height, width, palette, theme.subject)
    return np.clip(STYLES[theme.style].finish(picture, rng), 0, 1).astype(np.float32)


def shrink(picture: Field, factor: int) -> Field:
    """(h, w, 3) from 0 to 1 -> (3, h / factor, w / factor) from −1 to 1, by means over squares."""
    height, width, _ = picture.shape
    squares = picture.reshape(height // factor, factor, width // factor, factor, 3)
    return np.ascontiguousarray((squares.mean(axis=(1, 3), dtype=np.float32) * 2 - 1).transpose(2, 0, 1))


def enlarge(picture: Field, size: tuple[int, int]) -> Field:
    """(3, h, w) -> (height, width, 3), smoothly, same values."""
    planes = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC) for plane in picture]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
