"""Pictures with known faults, drawn from a seed: good ones in eight styles, and what can go wrong with each.

A style takes (random numbers, height, width) and gives (height, width, 3) from 0 to 1. A fault takes (random numbers,
a good picture) and gives a bad one. `encode` writes it as a file would be, PNG or JPEG.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from echodeck.engines.sketch.bank import draw
from echodeck.engines.sketch.prompt import Theme, read

Field = NDArray[np.floating[Any]]
Random = np.random.Generator
Style = Callable[[Random, int, int], Field]
Fault = Callable[[Random, Field], Field]
SIZES = ((160, 160), (192, 320), (384, 256), (512, 512), (288, 512))
OVER = 4
"""Shapes are drawn so many times larger and then reduced, so that their edges are smooth."""


# --- good ones -------------------------------------------------------------------------------------------------------


def cloudy(rng: Random, height: int, width: int, slope: float) -> Field:
    """A field (height, width) from 0 to 1 whose amplitude falls with frequency as 1/f^slope."""
    down, right = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(down, right)
    radius[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / radius**slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(height, width))
    low, high = np.percentile(field, (1, 99))
    return np.clip((field - low) / (high - low), 0, 1)


def _colour(rng: Random, low: float = 0.05, high: float = 0.95) -> Field:
    return rng.uniform(low, high, 3)


def _ink(colour: Field) -> tuple[int, ...]:
    return tuple(round(255 * float(part)) for part in colour)


def _shape(rng: Random, pen: ImageDraw.ImageDraw, height: int, width: int, ink: tuple[int, ...], most: float) -> None:
    x, y, size = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, most) * min(height, width)
    if rng.random() < 0.5:
        pen.ellipse((x - size, y - size * rng.uniform(0.5, 1), x + size, y + size), fill=ink)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
        pen.polygon([(x + size * np.cos(a), y + size * np.sin(a)) for a in angles], fill=ink)


def _canvas(height: int, width: int, colour: Field) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    large = Image.new("RGB", (width * OVER, height * OVER), _ink(colour))
    return large, ImageDraw.Draw(large)


def _reduced(large: Image.Image) -> Field:
    return np.asarray(large.reduce(OVER), float) / 255


def flat(rng: Random, height: int, width: int) -> Field:
    """An illustration in flat colours."""
    large, pen = _canvas(height, width, _colour(rng))
    inks = [_ink(np.clip(_colour(rng, -0.15, 1.15), 0, 1)) for _ in range(6)]  # pure ones among them
    for _ in range(rng.integers(12, 40)):
        _shape(rng, pen, height * OVER, width * OVER, inks[rng.integers(6)], 0.35)
    return _reduced(large)


def sky(rng: Random, height: int, width: int) -> Field:
    """A night or evening sky: a smooth gradient, stars, a moon, and the land below."""
    top, bottom = _colour(rng, 0.02, 0.35), _colour(rng, 0.25, 0.9)
    ramp = (np.linspace(0, 1, height) ** rng.uniform(0.7, 1.6))[:, None, None]
    picture = np.broadcast_to(top + (bottom - top) * ramp, (height, width, 3)).copy()
    large, pen = _canvas(height, width, np.zeros(3))
    for _ in range(rng.integers(20, 80)):
        x, y, r = rng.uniform(0, width * OVER), rng.uniform(0, 0.6 * height * OVER), rng.uniform(1, 2.2) * OVER / 2
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    x, y, r = rng.uniform(0, width), rng.uniform(0, height / 2), rng.uniform(0.04, 0.1) * height
    pen.ellipse(tuple(OVER * part for part in (x - r, y - r, x + r, y + r)), fill=(250, 245, 225))
    light = _reduced(large)
    picture += light * (1 - picture) * rng.uniform(0.6, 1.0)
    line = height * (0.75 + 0.12 * (cloudy(rng, 8, width, 1.4)[4] - 0.5))
    land = np.clip(np.arange(height)[:, None] - line[None, :] + 0.5, 0, 1)[..., None]
    return picture + land * (_colour(rng, 0.02, 0.12) - picture)


def photo(rng: Random, height: int, width: int) -> Field:
    """Leaves upon leaves, each with its own texture and light: the edges and the spectrum of photographs."""
    textures = [cloudy(rng, height, width, rng.uniform(1.1, 1.8)) for _ in range(4)]
    picture = _colour(rng) * (0.6 + 0.4 * textures[0][..., None])
    for number in range(rng.integers(25, 60)):
        large = Image.new("L", (width * OVER, height * OVER))
        _shape(rng, ImageDraw.Draw(large), height * OVER, width * OVER, (255,), 0.3)
        mask = np.asarray(large.reduce(OVER), float)[..., None] / 255
        texture = textures[number % 4]
        shade = 1 + rng.uniform(0.1, 0.7) * (texture[..., None] - 0.5)
        picture = picture + mask * (np.clip(_colour(rng) * shade, 0, 1) - picture)
    return picture


THEMES = [f"{palette} {subject} {style}" for palette in ("dusk", "night", "autumn", "winter", "aurora", "desert")
          for subject in ("hills", "lake", "mountains", "face") for style in ("soft", "watercolour", "ink")]


def sketch(rng: Random, height: int, width: int) -> Field:
    """What the embedded engine takes for good."""
    theme: Theme = read(THEMES[rng.integers(len(THEMES))])
    return draw(theme, int(rng.integers(100_000)), height, width).astype(float)


def lines(rng: Random, height: int, width: int) -> Field:
    """Black lines on white paper."""
    large, pen = _canvas(height, width, np.full(3, rng.choice([1.0, 0.97])))
    for _ in range(rng.integers(8, 25)):
        points = rng.uniform(-0.1, 1.1, (rng.integers(2, 8), 2)) * (width * OVER, height * OVER)
        pen.line([tuple(point) for point in points], fill=(15, 15, 18), width=int(rng.integers(1, 4) * OVER))
    for _ in range(rng.integers(2, 8)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.3) * height
        box = tuple(OVER * part for part in (x - r, y - r, x + r, y + r))
        pen.ellipse(box, outline=(15, 15, 18), width=int(rng.integers(1, 4) * OVER))
    return _reduced(large)


def _lit(rng: Random, height: int, width: int) -> Field:
    """A soft light (height, width) in the middle somewhere, 0 to 1."""
    y, x = np.mgrid[0:height, 0:width] / min(height, width)
    far = np.hypot(y - rng.uniform(0.3, 0.7) * height / min(height, width),
                   x - rng.uniform(0.3, 0.7) * width / min(height, width))
    return np.exp(-((far / rng.uniform(0.3, 0.6)) ** 2))


def high_key(rng: Random, height: int, width: int) -> Field:
    """Nearly everything bright, a few dark accents."""
    picture = 0.78 + 0.17 * (0.6 * photo(rng, height, width) + 0.4 * _lit(rng, height, width)[..., None])
    large, pen = _canvas(height, width, np.zeros(3))
    for _ in range(rng.integers(5, 12)):
        _shape(rng, pen, height * OVER, width * OVER, (255, 255, 255), 0.12)
    return picture + _reduced(large) * (_colour(rng, 0.1, 0.45) - picture)


def low_key(rng: Random, height: int, width: int) -> Field:
    """Dark, with something lit in it."""
    light = _lit(rng, height, width)[..., None]
    return np.clip(photo(rng, height, width) * (0.04 + 0.9 * light) + 0.01, 0, 1)


def backdrop(rng: Random, height: int, width: int) -> Field:
    """Shaded balls before a softly lit wall, as renderers draw them."""
    light = _lit(rng, height, width)[..., None]
    picture = _colour(rng, 0.05, 0.5) * (0.5 + 0.5 * light) + _colour(rng, 0.0, 0.4) * light
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(rng.integers(2, 6)):
        r = rng.uniform(0.08, 0.25) * min(height, width)
        across, down = (x - rng.uniform(0, width)) / r, (y - rng.uniform(0.2, 1) * height) / r
        inside = np.clip((1 - np.hypot(across, down)) * r + 0.5, 0, 1)[..., None]
        round_ = np.sqrt(np.clip(1 - across**2 - down**2, 0, 1))
        shade = np.clip(0.25 + 0.75 * (0.6 * round_ - 0.5 * across - 0.5 * down), 0.05, 1)[..., None]
        picture = picture + inside * (_colour(rng) * shade - picture)
    return picture


STYLES: dict[str, Style] = {
    "flat": flat, "sky": sky, "backdrop": backdrop, "photo": photo, "sketch": sketch, "lines": lines,
    "high key": high_key, "low key": low_key,
}


# --- bad ones --------------------------------------------------------------------------------------------------------


def black(rng: Random, picture: Field) -> Field:
    return np.zeros_like(picture) + rng.choice([0.0, 0.004, 0.01])


def blank(rng: Random, picture: Field) -> Field:
    colour = _colour(rng, 0.15, 1.0)
    colour[rng.integers(3)] = rng.uniform(0.65, 1.0)
    return np.zeros_like(picture) + colour


def grey(rng: Random, picture: Field) -> Field:
    """What a decoder makes of latents that are not numbers: middle grey, at times with a faint grid."""
    height, width, _ = picture.shape
    wave = np.sin(2 * np.pi * np.arange(height) / 8)[:, None] * np.sin(2 * np.pi * np.arange(width) / 8)[None, :]
    faint = rng.choice([0.0, 0.006, 0.012]) * wave[..., None]
    return np.full_like(picture, rng.uniform(0.485, 0.515)) + faint


def noisy(rng: Random, picture: Field) -> Field:
    """Noise that the sampler left: of single pixels, or in blobs as a decoder enlarges what was left in the latents."""
    height, width, _ = picture.shape
    strength = rng.uniform(0.05, 0.22)
    blob = int(rng.choice([1, 1, 2, 3, 4]))
    grain = rng.standard_normal((height // blob + 2, width // blob + 2, 3))
    if blob > 1:
        grain = ndimage.zoom(grain, (blob, blob, 1), order=1)
        grain /= grain.std()
    return picture + strength * grain[:height, :width]


def blurred(rng: Random, picture: Field) -> Field:
    """Out of focus, or shaken."""
    if rng.random() < 0.75:
        wide = rng.uniform(2.6, 6.0)
        return ndimage.gaussian_filter(picture, (wide, wide, 0))
    length = int(rng.integers(13, 28))
    soft = ndimage.gaussian_filter(picture, (2.5, 2.5, 0))
    return ndimage.uniform_filter1d(soft, length, axis=int(rng.integers(2)))


def clipped(rng: Random, picture: Field) -> Field:
    """Over- or under-exposed until a fifth to a half of it is white (two of its channels at least) or black."""
    _, middle, bright = np.moveaxis(np.sort(picture, axis=2), 2, 0)
    share = rng.uniform(0.2, 0.5)
    if rng.random() < 0.6:
        return picture / max(0.05, float(np.quantile(middle, 1 - share)))
    lost = min(0.9, float(np.quantile(bright, share)))
    return (picture - lost) / (1 - lost)


def dull(rng: Random, picture: Field) -> Field:
    span = rng.uniform(0.04, 0.16)
    return rng.uniform(0.15, 0.8 - span) + span * picture


def banded(rng: Random, picture: Field) -> Field:
    """A gradient in steps that can be seen: of 10 to 25 levels of 255."""
    levels = rng.integers(10, 27)
    return np.round(picture * levels) / levels


FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "black": (black, tuple(STYLES)),
    "blank": (blank, tuple(STYLES)),
    "nan_grey": (grey, tuple(STYLES)),
    "noise": (noisy, tuple(STYLES)),
    "blur": (blurred, tuple(STYLES)),
    "clipped": (clipped, ("sky", "photo", "sketch", "high key", "low key")),
    "low_contrast": (dull, tuple(STYLES)),
    "banding": (banded, ("sky", "backdrop", "sketch")),
}
"""By defect: what makes it, and the styles in which it can be seen: a wall that is all white is what some want."""


@dataclass(frozen=True)
class Sample:
    """A picture as a file has it. `defect` is "" for a good one."""

    defect: str
    style: str
    data: bytes
    size: tuple[int, int]


def encode(rng: Random, picture: Field) -> bytes:
    """As PNG, or as JPEG of a usual quality."""
    pixels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    into = io.BytesIO()
    if rng.random() < 0.5:
        Image.fromarray(pixels).save(into, "PNG")
    else:
        Image.fromarray(pixels).save(into, "JPEG", quality=int(rng.integers(82, 97)))
    return into.getvalue()


def good(seed: int, number: int, style: str) -> tuple[Random, Field]:
    """Good picture `number` of a style and a seed, and the random numbers to go on with."""
    rng = np.random.default_rng([seed, number, sorted(STYLES).index(style)])
    height, width = SIZES[number % len(SIZES)]
    return rng, STYLES[style](rng, height, width)


def samples(seed: int, each: int) -> Iterable[Sample]:
    """`each` bad pictures a defect, and as many good ones a style."""
    for style in STYLES:
        for number in range(each):
            rng, picture = good(seed, number, style)
            yield Sample("", style, encode(rng, picture), picture.shape[1::-1])
    for place, (defect, (fault, styles)) in enumerate(FAULTS.items(), 1):
        for number in range(each):
            style = styles[number % len(styles)]
            rng, picture = good(seed, 1000 * place + number, style)
            yield Sample(defect, style, encode(rng, fault(rng, picture)), picture.shape[1::-1])
