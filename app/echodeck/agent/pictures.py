"""Reads the files that engines made, in any format that Pillow knows, as arrays for the brain."""

from __future__ import annotations

import io
import urllib.request
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 100_000_000
"""10,000 × 10,000. Pillow and NumPy hold them as bytes, about 12 a pixel; the brain makes floats of parts only."""
MOST_BYTES = 256 << 20
MOST_FRAMES = 720
"""Of a film its beginning is looked at, frame after frame; half a minute of most."""
FILM_SIDE = 64
FETCH_S = 10.0
PLAIN = {"L", "LA", "RGB", "RGBA"}


class Unreadable(Exception):
    """The file is cut off or damaged; the message says how."""


class Skipped(Exception):
    """The file cannot be judged, and that is no fault of its own; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`pixels` as the file has them: (height, width) or (height, width, 2 to 4), integers or floats. Of a film the
    frame in its middle, and `film`: the light of its frames, (frames, height, width), small, 0 to 1; `frames` is how
    many the file has."""

    pixels: NDArray[Any]
    film: NDArray[np.float32] | None = None
    frames: int = 1


def content_of(path: str, link: str) -> bytes:
    """The bytes of an original: from the program that keeps it, if there is a link, else from the disk. Raises
    Skipped."""
    try:
        if link:
            if not link.startswith(("http://", "https://")):
                raise Skipped(f"no address of a file: {link[:80]}")
            with urllib.request.urlopen(link, timeout=FETCH_S) as answer:
                data: bytes = answer.read(MOST_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Skipped(f"it cannot be read: {error}") from error
    if len(data) > MOST_BYTES:
        raise Skipped(f"it has more than {MOST_BYTES >> 20} MiB")
    return data


def picture_of(data: bytes) -> Picture:
    """The picture or film in a file's bytes. Raises Unreadable, Skipped."""
    try:
        with _opened(data) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Skipped(f"it has {image.width} × {image.height} pixels")
            count = int(getattr(image, "n_frames", 1))
            film, frames = _film(image, count) if count > 1 else (None, 1)
            image.seek(count // 2)
            image.load()
            return Picture(_pixels(image), film, frames)
    except (OSError, SyntaxError, ValueError, EOFError, UnidentifiedImageError) as error:
        # What Pillow raises for a file that ends too soon depends on the format.
        raise Unreadable(_short(str(error)) if data else "it is empty") from error


def _opened(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at here
        try:
            return Image.open(io.BytesIO(data))
        except Image.DecompressionBombError as error:
            raise Skipped(str(error)) from error


def _film(image: Image.Image, count: int) -> tuple[NDArray[np.float32], int]:
    """The light of the frames that are looked at, and how many there are: one that stays k times as long as the
    shortest is k frames, for encoders write equal ones once."""
    ratio = min(1.0, FILM_SIDE / max(image.size))
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    frames, lasting_ms = [], []
    for number in range(min(count, MOST_FRAMES)):
        image.seek(number)
        small = image.convert("L").resize(size, Image.Resampling.BOX)
        frames.append(np.asarray(small, np.float32) / 255)
        lasting_ms.append(float(image.info.get("duration") or 0))
    shortest_ms = min(lasting_ms)
    times = [round(one / shortest_ms) if shortest_ms else 1 for one in lasting_ms]
    film = np.repeat(np.stack(frames), times, axis=0)[:MOST_FRAMES].astype(np.float32)
    return film, count - len(frames) + sum(times)


def _pixels(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I"):
        return np.asarray(np.clip(np.asarray(image), 0, 65535), np.uint16)
    if image.mode == "F":
        light = np.asarray(image, np.float32)
        bright = light.size and float(np.nanmax(light)) > 1.5
        return light / (255 if bright else 1)
    if image.mode in PLAIN:
        return np.asarray(image, np.uint8)
    return np.array(image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB"))


def _short(text: str) -> str:
    return text.replace("<_io.BytesIO object", "<the file")[:120]
