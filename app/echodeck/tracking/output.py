"""What a script made, put where it can be shown: a file of its own stays where it is, a picture becomes one."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from ..model.job import Output
from . import picture


def keep(made: Any, directory: Path, number: int) -> Output:
    """`made` is a path (str) or a picture; what is to be written goes into `directory`. Raises OSError, and what
    `picture.opened` raises."""
    small = directory / f"{number:02}.png"
    if not isinstance(made, str):
        width, height, size = picture.save(made, small)
        return Output(str(small), "image/png", width, height, size)
    path = Path(made)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    size = path.stat().st_size
    if not kind.startswith("image/"):
        return Output("", kind, size_bytes=size, link=path.as_uri())
    image = picture.opened(path)
    width, height = image.size
    image.thumbnail((2 * picture.SIDE, 2 * picture.SIDE))
    picture.save(image, small)
    return Output(str(small), kind, width, height, size, link=path.as_uri())
