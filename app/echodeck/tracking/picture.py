"""Pictures as scripts have them, made into small encoded ones, or files. Done away from the script's own thread.

Known by what they can do, so that none of their libraries is imported for it: PIL images, NumPy arrays and torch
tensors (height × width × 3 or 1, or channels first; 0..255 whole numbers, or 0..1 or -1..1), encoded bytes, paths, and
callables that give one of these.
"""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import Any

SIDE = 384
QUALITY = 80
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def small(picture: Any) -> tuple[str, bytes]:
    """(mime, encoded) of at most SIDE pixels a side. Raises TypeError or ValueError for what is no picture."""
    if isinstance(picture, bytes):
        mime = next((mime for magic, mime in _MAGIC.items() if picture.startswith(magic)), "")
        if mime and len(picture) < 100_000:
            return mime, picture
    image = opened(picture)
    image.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=QUALITY)
    return "image/jpeg", data.getvalue()


def opened(picture: Any) -> Any:
    """A PIL image in RGB, the caller's own one left alone."""
    from PIL import Image

    if callable(picture) and not hasattr(picture, "thumbnail"):
        picture = picture()
    if hasattr(picture, "thumbnail"):
        return picture.convert("RGB").copy()
    if isinstance(picture, bytes | bytearray):
        return Image.open(io.BytesIO(picture)).convert("RGB")
    if isinstance(picture, str | PathLike):
        return Image.open(picture).convert("RGB")
    return Image.fromarray(pixels(picture)).convert("RGB")


def pixels(array: Any) -> Any:
    """A NumPy array of bytes, height × width × 3 or height × width, of an array or tensor."""
    import numpy as np

    for method in ("detach", "float", "cpu", "numpy"):
        if hasattr(array, method) and not isinstance(array, np.ndarray):
            array = getattr(array, method)()
    found = np.asarray(array)
    if found.dtype.kind not in "biuf":
        raise ValueError(f"an array of {found.dtype} is no picture")
    while found.ndim > 3:  # of a batch or a film the middle one
        found = found[len(found) // 2]
    if found.ndim == 3 and found.shape[0] in (1, 3, 4) and found.shape[2] not in (1, 3, 4):
        found = found.transpose(1, 2, 0)
    if found.ndim not in (2, 3) or (found.ndim == 3 and found.shape[2] not in (1, 3, 4)) or 0 in found.shape:
        raise ValueError(f"an array of shape {np.asarray(array).shape} is no picture")
    if found.dtype.kind == "f":
        found = np.nan_to_num(found)
        low, high = float(found.min()), float(found.max())
        if low < 0 and low >= -1.001 and high <= 1.001:
            found = (found + 1.0) / 2.0
        if high <= 1.001:
            found = found * 255.0
    found = found.clip(0, 255).astype(np.uint8)
    return found[..., 0] if found.ndim == 3 and found.shape[2] == 1 else found[..., :3]


def save(picture: Any, path: Path) -> tuple[int, int, int]:
    """Writes a PNG; returns width, height and bytes."""
    image = opened(picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    image.save(part, "PNG")
    part.replace(path)
    return image.width, image.height, path.stat().st_size
