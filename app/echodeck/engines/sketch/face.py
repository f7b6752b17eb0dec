"""Training pictures of faces: drawn with shapes, finer than needed, then reduced."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .canvas import Canvas, Field, Random, noise, smoothstep
from .palette import Colour, Palette, colour

SKINS = [colour(text) for text in ("f6d3bd", "eebf9f", "d9a07a", "b0764f", "84533a")]
HAIRS = [colour(text) for text in ("1f1a1e", "3d261c", "6e4327", "b5502a", "d9a94e")]
EYES = [colour(text) for text in ("3b6ea5", "3f7a55", "5a3a22", "4a4f5c")]
LIP = colour("b8434a")
STYLES = ("short", "long", "bob", "bun", "curly")
FINER = 2

Points = list[tuple[float, float]]


class Pen:
    """Draws shapes in the unit square of the face (0 to 1, y down), placed in the middle of the picture."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.size = min(image.size) * 1.0
        self.left = (image.width - self.size) / 2
        self.top = image.height - self.size
        self.draw = ImageDraw.Draw(image)

    def _at(self, points: Points) -> Points:
        return [(self.left + x * self.size, self.top + y * self.size) for x, y in points]

    def shape(self, points: Points, paint: Colour) -> None:
        self.draw.polygon(self._at(points), fill=_rgb(paint))

    def oval(self, x: float, y: float, rx: float, ry: float, paint: Colour) -> None:
        (left, top), (right, bottom) = self._at([(x - rx, y - ry), (x + rx, y + ry)])
        self.draw.ellipse((left, top, right, bottom), fill=_rgb(paint))

    def line(self, points: Points, width: float, paint: Colour) -> None:
        self.draw.line(self._at(points), fill=_rgb(paint), width=max(1, round(width * self.size)), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, paint)

    def shade(self, points: Points, paint: Colour, amount: float, blur: float) -> None:
        """A shape with a soft edge, laid over what is there."""
        mask = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(mask).polygon(self._at(points), fill=round(255 * amount))
        mask = mask.filter(ImageFilter.BoxBlur(blur * self.size))
        self.image.paste(_rgb(paint), (0, 0), mask)


@dataclass(frozen=True, slots=True)
class Person:
    """What one face is made of; lengths in heights of the face's square."""

    skin: Colour
    hair: Colour
    eyes: Colour
    cloth: Colour
    style: str
    width: float
    chin: float
    eye: float
    smile: float
    brow: float
    nose: float
    glasses: bool
    beard: bool


def face(rng: Random, height: int, width: int, palette: Palette) -> Field:
    """One portrait (height, width, 3), 0 to 1, before a sky of the palette."""
    person = _person(rng, palette)
    image = Image.fromarray(_backdrop(rng, height, width, palette)).resize((width * FINER, height * FINER))
    pen = Pen(image)
    _hair_behind(pen, person)
    _shoulders(pen, person)
    _head(pen, person)
    _eyes(pen, person)
    _mouth(pen, person)
    _hair_before(pen, person)
    small = image.resize((width, height), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / 255
    light = (palette.sun * 0.5 + palette.horizon * 0.5) * 0.25 + 0.75
    return np.clip(pixels * light, 0, 1).astype(np.float32)


def _person(rng: Random, palette: Palette) -> Person:
    cloth = [palette.far, palette.near * 0.7 + palette.far * 0.3, palette.cloud, palette.sky][rng.integers(4)]
    style = STYLES[rng.integers(len(STYLES))]
    return Person(
        skin=SKINS[rng.integers(len(SKINS))], hair=HAIRS[rng.integers(len(HAIRS))], eyes=EYES[rng.integers(len(EYES))],
        cloth=cloth, style=style, width=rng.uniform(0.185, 0.21), chin=rng.uniform(0.0, 1.0),
        eye=rng.uniform(0.028, 0.034), smile=rng.uniform(0.3, 1.0), brow=rng.uniform(-1, 1), nose=rng.uniform(0.7, 1.2),
        glasses=rng.uniform() < 0.2, beard=style == "short" and rng.uniform() < 0.35,
    )


def _backdrop(rng: Random, height: int, width: int, palette: Palette) -> NDArray[np.uint8]:
    canvas = Canvas(height, width)
    canvas.gradient([(0.0, palette.zenith), (0.5, palette.sky), (1.0, palette.horizon)])
    haze = noise(rng, height, width, 3, 3, 1.5)
    canvas.blend(0.35 * smoothstep(-0.2, 0.8, haze), palette.cloud)
    away = canvas.distance(canvas.aspect / 2, 1 - 0.56 * min(1, canvas.aspect)) / min(1, canvas.aspect)
    canvas.blend(0.85 * smoothstep(0.415, 0.41, away), palette.sun * 0.45 + palette.horizon * 0.55)
    return (np.clip(canvas.pixels, 0, 1) * 255 + 0.5).astype(np.uint8)


def _outline(person: Person) -> Points:
    """The head: half an ellipse above, a jaw that narrows to the chin below."""
    points = []
    for i in range(72):
        a = 2 * pi * i / 72
        x, y = cos(a), sin(a)
        if y > 0:
            x *= 1 - (0.10 + 0.12 * person.chin) * y**2.2
        points.append((0.5 + person.width * x, 0.47 + (0.255 if y > 0 else 0.235) * y))
    return points


def _hair_behind(pen: Pen, person: Person) -> None:
    hair, w = person.hair * 0.82, person.width
    if person.style == "long":
        pen.shape(_round(0.5, 0.56, w + 0.075, 0.36, 3.2), hair)
    elif person.style == "bob":
        pen.shape(_round(0.5, 0.47, w + 0.07, 0.28, 3.0), hair)
    elif person.style == "bun":
        pen.oval(0.5, 0.155, 0.085, 0.08, person.hair)
    elif person.style == "curly":
        for i in range(17):
            a = pi * (0.93 + 1.14 * i / 16)
            pen.oval(0.5 + (w + 0.035) * cos(a), 0.42 + 0.225 * sin(a), 0.075, 0.075, hair)


def _round(x: float, y: float, rx: float, ry: float, power: float) -> Points:
    """A superellipse: power 2 is an ellipse, more is boxier."""
    points = []
    for i in range(80):
        c, s = cos(2 * pi * i / 80), sin(2 * pi * i / 80)
        points.append((x + rx * np.sign(c) * abs(c) ** (2 / power), y + ry * np.sign(s) * abs(s) ** (2 / power)))
    return points


def _shoulders(pen: Pen, person: Person) -> None:
    pen.shape(_round(0.5, 1.085, 0.40, 0.27, 2.6), person.cloth)
    pen.oval(0.5, 0.83, 0.115, 0.05, person.cloth * 0.78)
    pen.shape([(0.415, 0.6), (0.585, 0.6), (0.595, 0.825), (0.5, 0.865), (0.405, 0.825)], person.skin * 0.86)
    pen.shade([(0.41, 0.66), (0.59, 0.66), (0.585, 0.76), (0.415, 0.76)], person.skin * 0.6, 0.6, 0.02)


def _head(pen: Pen, person: Person) -> None:
    w = person.width
    for side in (-1, 1):
        pen.oval(0.5 + side * w, 0.495, 0.032, 0.05, person.skin * 0.93)
    pen.shape(_outline(person), person.skin)
    right = [(0.5 + (x - 0.5) * 0.96, y) for x, y in _outline(person) if x > 0.545]
    pen.shade([*right, (0.6, 0.28)], person.skin * np.array([0.72, 0.6, 0.6], np.float32), 0.34, 0.03)
    blush = person.skin * 0.6 + LIP * 0.4
    for side in (-1, 1):
        pen.shade(_round(0.5 + side * 0.115, 0.575, 0.042, 0.028, 2), blush, 0.65, 0.016)
    if person.beard:
        lower = [(x, y) for x, y in _outline(person) if y > 0.53]
        edge = [(0.5 - w * 0.8, 0.575), (0.5 - w * 0.62, 0.60), (0.45, 0.588), (0.5, 0.583), (0.55, 0.588),
                (0.5 + w * 0.62, 0.60), (0.5 + w * 0.8, 0.575)]
        pen.shape([*lower, *edge], person.hair * 0.9)
    nose = person.skin * np.array([0.78, 0.66, 0.62], np.float32)
    pen.line([(0.505, 0.5), (0.515, 0.54), (0.52, 0.555), (0.495, 0.562)], 0.009 * person.nose, nose)


def _eyes(pen: Pen, person: Person) -> None:
    dark = person.hair * 0.5
    white = np.ones(3, np.float32)
    for side in (-1, 1):
        x, y, r = 0.5 + side * 0.083, 0.475, person.eye
        pen.oval(x, y, r * 1.25, r, white * 0.98)
        pen.oval(x, y + 0.001, r * 0.82, r * 0.92, person.eyes)
        pen.oval(x, y + 0.001, r * 0.45, r * 0.5, dark * 0.3)
        pen.oval(x - r * 0.3, y - r * 0.34, r * 0.26, r * 0.26, white)
        lid = [(x + r * 1.4 * cos(a), y + r * 1.08 * sin(a)) for a in np.linspace(pi * 1.03, pi * 1.97, 12)]
        pen.line(lid, 0.010, dark * 0.6)
        lift = 0.008 * person.brow
        pen.line([(x - 0.043 * side, 0.419 - lift), (x + 0.005 * side, 0.41), (x + 0.048 * side, 0.43)], 0.014, dark)
        if person.glasses:
            ring = [(x + 0.064 * cos(a), y + 0.056 * sin(a)) for a in np.linspace(0, 2 * pi, 40)]
            pen.line(ring, 0.009, np.array([0.16, 0.14, 0.2], np.float32))
    if person.glasses:
        pen.line([(0.481, 0.468), (0.5, 0.461), (0.519, 0.468)], 0.009, np.array([0.16, 0.14, 0.2], np.float32))


def _mouth(pen: Pen, person: Person) -> None:
    lip = LIP * 0.75 + person.skin * 0.25
    half, drop = 0.052 + 0.014 * person.smile, 0.016 + 0.022 * person.smile
    steps = np.linspace(-1, 1, 15)
    lower = [(0.5 + half * t, 0.612 + drop * (1 - t * t)) for t in steps]
    if person.smile > 0.62:
        upper = [(0.5 + half * t, 0.612 + 0.006 * (1 - t * t)) for t in steps]
        pen.shape([*upper, *reversed(lower)], np.array([0.98, 0.96, 0.95], np.float32))
        pen.line(upper, 0.010, lip)
    pen.line(lower, 0.013, lip)


def _hair_before(pen: Pen, person: Person) -> None:
    w, hair = person.width + 0.012, person.hair
    cap = [(0.5 + w * cos(a), 0.462 + 0.262 * sin(a)) for a in np.linspace(pi * 0.99, pi * 2.01, 40)]
    if person.style in ("short", "bun"):
        under = [(0.5 + w * 0.9, 0.42), (0.60, 0.335), (0.50, 0.318), (0.40, 0.335), (0.5 - w * 0.9, 0.42)]
    elif person.style == "curly":
        for i in range(7):
            pen.oval(0.5 + (i - 3) * 0.052, 0.30 - 0.02 * cos((i - 3) * 0.6), 0.045, 0.05, hair)
        under = [(0.5 + w * 0.93, 0.40), (0.58, 0.3), (0.42, 0.3), (0.5 - w * 0.93, 0.40)]
    else:
        under = [(0.5 + w * 0.97, 0.5), (0.645, 0.40), (0.575, 0.345), (0.46, 0.29), (0.40, 0.35), (0.35, 0.42),
                 (0.5 - w * 0.97, 0.5)]
    pen.shape([*cap, *under], hair)
    shine = [(0.5 + 0.74 * w * cos(a), 0.455 + 0.20 * sin(a)) for a in np.linspace(pi * 1.25, pi * 1.5, 12)]
    pen.shade([*shine, *[(x, y - 0.022) for x, y in reversed(shine)]], hair * 0.5 + 0.5, 0.45, 0.012)


def _rgb(paint: Colour) -> tuple[int, int, int]:
    red, green, blue = (int(min(255, max(0, round(float(part) * 255)))) for part in paint)
    return red, green, blue
