"""What an estimate of the sampler looks like."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from .canvas import Field

PREVIEW_SIDE = 192


def preview(estimate: Field) -> tuple[str, bytes]:
    """(mime type, JPEG) of an estimate (3, rows, columns), −1 to 1; the longer side becomes PREVIEW_SIDE pixels."""
    pixels = (np.clip((estimate + 1) / 2, 0, 1) * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    ratio = PREVIEW_SIDE / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    buffer = BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
    return "image/jpeg", buffer.getvalue()
