"""What a prompt has made: a small picture of each file is kept here, with the address of the original in ComfyUI."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ...errors import EngineError
from ...model.job import Output
from .media import File, view_path
from .server import Server

MOST_FILES = 64
MOST_BYTES = 256 << 20
MOST_PIXELS = 200_000_000
SIDE = 768
QUALITY = 88
_SHOWN = ("image/png", "image/apng", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif")


def fetch(server: Server, files: Sequence[File], directory: Path, log: Callable[[str, str], None]) -> list[Output]:
    """The outputs, saved ones or, where nothing was saved, what was only to be looked at. What cannot be fetched has
    its address alone, and `log` (level, message) says why."""
    wanted = [file for file in files if file.type == "output"] or [file for file in files if file.type == "temp"]
    if len(wanted) > MOST_FILES:
        log("warning", f"the first {MOST_FILES} of {len(wanted)} outputs are shown")
    return [_output(server, file, directory / f"{number:02}.webp", log)
            for number, file in enumerate(wanted[:MOST_FILES])]


def _output(server: Server, file: File, path: Path, log: Callable[[str, str], None]) -> Output:
    link = server.url + view_path(file)
    bare = Output("", file.mime, link=link)
    if file.mime not in _SHOWN:
        return bare
    try:
        content = server.file(file, MOST_BYTES)
        width, height, frames = thumbnail(content, path)
    except EngineError as error:
        log("warning", f"{file.filename[:120]} could not be fetched: {error.message}")
        return bare
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        log("warning", f"{file.filename[:120]} could not be shown: {error}")
        return bare
    return Output(str(path), file.mime, width, height, len(content), frames, link=link)


def thumbnail(content: bytes, path: Path) -> tuple[int, int, int]:
    """Writes a WebP of at most SIDE pixels a side; returns width, height and frames of the original."""
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"it has {width} × {height} pixels")
        frames = int(getattr(picture, "n_frames", 1))
        small = picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB")
        small.thumbnail((SIDE, SIDE))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        small.save(part, "WEBP", quality=QUALITY)
        part.replace(path)
    return width, height, frames
