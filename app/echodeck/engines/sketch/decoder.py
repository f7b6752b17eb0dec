"""From the latent grid to the asked size: every cell borrows the fine detail of the training patch most like it.

Example-based super-resolution in the manner of Freeman, Jones & Pasztor (2002): a dictionary of small patches paired
with what their large originals have beyond them. Here the dictionary is the same bank the score was taken from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bank import Bank, enlarge
from .canvas import Field

MATCH_SIDE = 5
"""The side of the patches compared, in cells."""


def decode(bank: Bank, latent: Field) -> NDArray[np.uint8]:
    """A picture (height, width, 3), 0 to 255, from a latent (3, rows, columns), −1 to 1."""
    grid = bank.grid
    smooth = (enlarge(latent, (grid.rows * grid.factor, grid.columns * grid.factor)) + 1) / 2
    if grid.factor > 1:
        smooth = smooth + _detail(bank, latent)
    return (np.clip(smooth, 0, 1) * 255 + 0.5).astype(np.uint8)


def _detail(bank: Bank, latent: Field) -> Field:
    """The detail (height, width, 3): blocks of 2 × 2 cells, one around each cell, faded into each other.

    The fading is a raised cosine, whose overlapping copies add up to 1.
    """
    rows, columns, factor = bank.grid.rows, bank.grid.columns, bank.grid.factor
    height, width = rows * factor, columns * factor
    scene, down, right = bank.denoiser.nearest(latent, MATCH_SIDE)
    mirrored = scene >= bank.model.drawn
    scene = np.where(mirrored, scene - bank.model.drawn, scene)
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * factor, dtype=np.float32) + 0.5) / factor)
    top = (np.arange(rows)[:, None] + down) * factor - factor // 2
    left = (np.arange(columns)[None, :] + right) * factor - factor // 2
    total = np.zeros((height + 2 * factor, width + 2 * factor, 3), np.float32)
    for y in range(2 * factor):
        at_row = np.clip(top + y, 0, height - 1)
        for x in range(2 * factor):
            column = np.clip(left + x, 0, width - 1)
            found = bank.details[scene, at_row, np.where(mirrored, width - 1 - column, column)]
            share = np.float32(fade[y] * fade[x] / 255)
            total[y : y + height : factor, x : x + width : factor] += found * share
    margin = factor // 2
    return total[margin : margin + height, margin : margin + width]
