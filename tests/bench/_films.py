"""Short films and look-alikes with known faults, drawn from a seed, on top of the pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from _pictures import STYLES, Field, Random, encode, good
from PIL import Image
from scipy import ndimage

FRAMES = 12


def moving(rng: Random, picture: Field) -> list[Field]:
    """A camera that pans slowly over a picture."""
    width = picture.shape[1]
    far = int(rng.integers(2, 5))
    return [picture[:, number * far : number * far + width - FRAMES * far] for number in range(FRAMES)]


def frozen(rng: Random, frames: list[Field]) -> list[Field]:
    """The same frame again and again, but for what compression changes: equal ones would be written only once."""
    return [frames[0] + rng.normal(0, 0.002, frames[0].shape) for _ in frames]


def flicker(rng: Random, frames: list[Field]) -> list[Field]:
    strength = rng.uniform(0.15, 0.4)
    return [frame * (1 - strength * (number % 2)) for number, frame in enumerate(frames)]


def missing(rng: Random, frames: list[Field]) -> list[Field]:
    """Fewer frames than were asked for."""
    return frames[: int(rng.integers(3, FRAMES - 1))]


def webp(frames: list[Field]) -> bytes:
    made = [Image.fromarray((np.clip(frame, 0, 1) * 255 + 0.5).astype(np.uint8)) for frame in frames]
    into = io.BytesIO()
    made[0].save(into, "WEBP", save_all=True, append_images=made[1:], duration=90, quality=88)
    return into.getvalue()


FAULTS = {"": lambda rng, frames: frames, "frozen": frozen, "flicker": flicker, "missing_frames": missing}


def films(seed: int, each: int) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    """(defect, file, size) of `each` films a defect, and as many good ones."""
    for place, (defect, fault) in enumerate(FAULTS.items()):
        for number in range(each):
            style = ("flat", "sketch", "low key", "photo")[number % 4]
            rng, picture = good(seed, 5 * (20_000 + 1000 * place + number), style)  # the smallest size
            frames = fault(rng, moving(rng, picture))
            yield defect, webp(frames), frames[0].shape[1::-1]


def again(rng: Random, picture: Field) -> Field:
    """Nearly the same picture: another size, a little lighter, a little cropped."""
    height, width, _ = picture.shape
    cut = int(rng.integers(0, 3))
    cropped = picture[cut : height - cut or None, cut : width - cut or None]
    factor = rng.choice([0.5, 1.0, 1.5])
    resized = ndimage.zoom(cropped, (factor, factor, 1), order=1)
    return resized * rng.uniform(0.95, 1.03)


def pairs(seed: int, each: int) -> Iterator[tuple[str, bytes, bytes]]:
    """(defect, file, another): nearly the same ones, and as many of one style that are not."""
    styles = tuple(STYLES)
    for number in range(each):
        rng, picture = good(seed, 30_000 + number, styles[number % len(styles)])
        yield "duplicate", encode(rng, picture), encode(rng, again(rng, picture))
        other, further = good(seed, 40_000 + number, styles[number % len(styles)])
        yield "", encode(rng, picture), encode(other, further)
