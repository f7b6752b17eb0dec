"""The figures of one picture, from which everything about it is decided."""

from __future__ import annotations

import numpy as np

from .bands import banding
from .figures import Measures
from .focus import edge_width
from .grain import grain, speckle
from .pixels import Raw, crops, light_of, normal, reduced
from .tone import tone

TONE_SIDE = 768


def measure(raw: Raw) -> Measures:
    """Of pixels as a file has them (see `pixels.normal`). Large pictures are seen whole for their light, and in crops,
    not resized, for grain, edges and bands."""
    height, width = raw.shape[:2]
    seen = tone(reduced(raw, TONE_SIDE))
    fine = [np.nan_to_num(normal(crop), nan=0.5, posinf=1.0, neginf=0.0) for crop in crops(raw)]
    widths = [found for crop in fine if (found := edge_width(light_of(crop), seen.span)) is not None]
    return Measures(
        width=width, height=height, low=seen.low, high=seen.high, middle=seen.middle, tint=seen.tint, bad=seen.bad,
        cut=seen.cut, grain=_median([grain(crop) for crop in fine]),
        speckle=_median([speckle(light_of(crop)) for crop in fine]), edge_px=min(widths, default=None),
        bands=max(banding(crop) for crop in fine))


def _median(values: list[float]) -> float:
    return float(np.median(values))
