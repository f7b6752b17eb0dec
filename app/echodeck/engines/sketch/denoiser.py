"""The exact denoiser: given a noisy picture, the mean of the clean patches it may have come from.

For noise of standard deviation σ the best guess of a clean pixel, seeing only the patch around it, is

    D(x; σ) at place i = Σ_p w_p centre(p),  w = softmax over p of −‖patch_i(x) − p‖² / 2σ²

where p runs over the patches of all training scenes whose centre lies within `window` pixels of place i. Patch by patch
the parts of different scenes are combined, so what comes out is a new picture and not one of the scenes.

Sources: Kamb & Ganguli, "An analytic theory of creativity in convolutional diffusion models" (2024), the local score
machine (ours compares only patches from about the same place, so that the sky stays above the land); for the ideal
denoiser of a finite data set, Karras et al. (2022), appendix B.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
"""float32 throughout."""
BLOCK_FLOATS = 1 << 15
"""Distances worked on at a time. Measured: 128 KiB is best; blocks of 1 MiB take three times as long, as the allocator
gives such big ones back to the system each time and every page has to be fetched anew."""


class Denoiser:
    """Holds `scenes` (n, 3, height, width), float32, −1 to 1; answers for pictures (3, height, width) of that size.

    Everything is done element by element in one fixed order (no matrix product, no threads), so that the same
    question gets the same bits.
    """

    def __init__(self, scenes: Field, window: int) -> None:
        self.count, _, self.height, self.width = scenes.shape
        self.window = window
        edge = ((0, 0), (0, 0), (window, window), (window, window))
        self._padded: Field = np.pad(scenes, edge, mode="edge")
        self._block = max(1, BLOCK_FLOATS // (self.height * self.width))

    def __call__(self, noisy: Field, sigma: float, side: int) -> Field:
        """The mean clean picture (3, h, w) for a noisy one, compared by patches of `side` × `side` pixels (odd)."""
        best = np.full((self.height, self.width), -np.inf, np.float32)
        total = np.zeros((self.height, self.width), np.float32)
        mean = np.zeros((3, self.height, self.width), np.float32)
        scale = np.float32(-0.5 / sigma**2)
        for centres in self._blocks():
            logits = patch_distances(centres, noisy, side)
            logits *= scale
            peak = np.maximum(best, logits.max(axis=0))
            # The running sums are kept relative to the largest logit so far: nothing overflows, one pass is enough.
            fade = np.exp(best - peak)
            weights = np.exp(np.subtract(logits, peak, out=logits), out=logits)
            total = total * fade + weights.sum(axis=0)
            for channel in range(3):
                mean[channel] = mean[channel] * fade + (weights * centres[:, channel]).sum(axis=0)
            best = peak
        return mean / total

    def nearest(self, picture: Field, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """For every pixel, the scene and the offset (rows, columns) whose patch is nearest: three (h, w) arrays."""
        best = np.full((self.height, self.width), np.inf, np.float32)
        scene = np.zeros((self.height, self.width), np.int64)
        down, right = np.zeros_like(scene), np.zeros_like(scene)
        for first, dy, dx, centres in self._places():
            distances = patch_distances(centres, picture, side)
            winner = distances.argmin(axis=0)
            least = np.take_along_axis(distances, winner[None], axis=0)[0]
            better = least < best
            best = np.where(better, least, best)
            scene = np.where(better, winner + first, scene)
            down = np.where(better, dy, down)
            right = np.where(better, dx, right)
        return scene, down, right

    def _blocks(self) -> Iterator[Field]:
        for *_, centres in self._places():
            yield centres

    def _places(self) -> Iterator[tuple[int, int, int, Field]]:
        """(first scene, rows, columns, those scenes moved by that offset) until all has been seen."""
        reach = range(-self.window, self.window + 1)
        for first in range(0, self.count, self._block):
            block = self._padded[first : first + self._block]
            for dy, dx in product(reach, reach):
                top, left = dy + self.window, dx + self.window
                yield first, dy, dx, block[:, :, top : top + self.height, left : left + self.width]


def patch_distances(scenes: Field, picture: Field, side: int) -> Field:
    """‖patch of scene − patch of picture‖² (n, h, w), from `scenes` (n, 3, h, w) and a `picture` (3, h, w).

    A patch is cut off at the picture's border.
    """
    total = np.square(scenes[:, 0] - picture[0])
    for channel in (1, 2):
        total += np.square(scenes[:, channel] - picture[channel])
    return box_sum(box_sum(total, side, axis=2), side, axis=1)


def box_sum(field: Field, side: int, axis: int) -> Field:
    """Sums over `side` (odd) neighbours along an axis, nothing beyond the border.

    Runs of 1, 2, 4, … neighbours are added up, so the work grows with log side and rounding stays small.
    """
    if side == 1:
        return field
    half, length = side // 2, field.shape[axis]
    shape = list(field.shape)
    shape[axis] += 2 * half
    run = np.zeros(shape, np.float32)
    run[_slice(half, half + length, axis)] = field
    result: Field | None = None
    start, size = 0, 1
    while True:
        if side & size:
            part = run[_slice(start, start + length, axis)]
            result = part.copy() if result is None else np.add(result, part, out=result)
            start += size
        size *= 2
        if size > side:
            break
        reach = run.shape[axis] - size // 2
        run = run[_slice(0, reach, axis)] + run[_slice(size // 2, size // 2 + reach, axis)]
    assert result is not None
    return result


def _slice(start: int, stop: int, axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)
