"""The signature of a picture, for `likeness`."""

from __future__ import annotations

import numpy as np

from .likeness import SIDE, Signature
from .pixels import Raw, light_of, reduced

GRID = 32
REDUCED = 512
"""The longer side to which large pictures are brought first."""


def signature(raw: Raw, of: str = "") -> Signature:
    """Of pixels as a file has them."""
    from scipy.fft import dctn
    from skimage.transform import resize_local_mean

    picture = np.nan_to_num(reduced(raw, REDUCED), nan=0.5, posinf=1.0, neginf=0.0)
    small = resize_local_mean(picture, (GRID, GRID), channel_axis=2)
    low = dctn(light_of(small), norm="ortho")[:9, :9].ravel()[1:65]
    bits = low > np.median(low)
    tiny = np.clip(np.rint(resize_local_mean(small, (SIDE, SIDE), channel_axis=2) * 255), 0, 255).astype(np.uint8)
    contrast = float(np.abs(tiny - tiny.mean(axis=(0, 1))).mean())
    return Signature(int.from_bytes(np.packbits(bits).tobytes(), "big"), tiny.tobytes(), round(contrast, 3), of)
