"""Small pictures of outputs, as data URLs, for a page that must stand alone."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

SIDE = 192
MOST_BYTES = 64 << 20


def data_url(path: str | Path, side: int = SIDE) -> str | None:
    """A WebP of at most `side` × `side` pixels as a data URL, of an animation its first frame.

    None when there is no such picture on this machine: the output is of another host, was deleted, or is no picture.
    """
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            return None
        with Image.open(path) as picture:
            picture.draft("RGB", (side, side))
            small = picture.convert("RGB")
            small.thumbnail((side, side))
    except (OSError, ValueError, Image.DecompressionBombError):
        # Not worth a report's life: the row says where the file is.
        return None
    out = io.BytesIO()
    small.save(out, "WEBP", quality=72, method=4)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
