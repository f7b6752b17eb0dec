"""The noise a job starts from and is stirred with: one picture's, or a slow loop of it for a film."""

from __future__ import annotations

import numpy as np

from .canvas import Field

SWING = 0.24
"""How far a film's frames stray from their common noise, in radians on the sphere of noises."""


class Noise:
    """Each call gives the next (batch × frames, 3, rows, columns) standard normal values.

    Picture i of a batch has the noise that it would have alone with seed + i. The frames of a film go once around a
    small circle on the sphere of noises (spherical interpolation between three of them), so the film is a loop, and
    every frame on its own is standard normal noise.
    """

    def __init__(self, seed: int, batch: int, frames: int, rows: int, columns: int) -> None:
        self._sources = [np.random.default_rng((seed + i) % 2**32) for i in range(batch)]
        self._frames = frames
        self._shape = (3, rows, columns)

    def __call__(self) -> Field:
        return np.concatenate([self._draw(source) for source in self._sources])

    def _draw(self, source: np.random.Generator) -> Field:
        common = source.standard_normal(self._shape, dtype=np.float32)
        if self._frames == 1:
            return common[None]
        one, other = (source.standard_normal(self._shape, dtype=np.float32) for _ in range(2))
        angles = 2 * np.pi * np.arange(self._frames) / self._frames
        frames = [np.cos(SWING) * common + np.sin(SWING) * (np.cos(a) * one + np.sin(a) * other) for a in angles]
        return np.stack(frames).astype(np.float32)
