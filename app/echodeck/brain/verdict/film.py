"""Films: whether they stand still, flicker, or jump."""

from __future__ import annotations

import numpy as np

from .figures import FilmMeasures
from .pixels import Field

SAME = 0.4 / 255
"""Frames whose pixels differ by less on average are the same one again, compressed anew."""


def film(frames: Field) -> FilmMeasures:
    """Of the light of all frames (frames, height, width), small, 0 to 1."""
    count = len(frames)
    if count < 2:
        return FilmMeasures(count, 0.0, 0.0, 0.0, 1.0)
    change = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))
    same = change < SAME
    bright = frames.mean(axis=(1, 2))
    swing = np.abs(np.diff(bright, 2)) / 2 if count > 2 else np.zeros(1)
    moving = change[~same]
    usual = float(np.median(moving)) if len(moving) else SAME
    return FilmMeasures(count, float(same.mean()), _longest(same) / (count - 1), float(np.median(swing)),
                        float(change.max() / max(usual, SAME)))


def _longest(same: Field) -> int:
    longest = run = 0
    for one in same:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest
