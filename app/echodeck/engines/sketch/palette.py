"""Colours by name: the palettes a scene is painted in, the tints that shift one, and how two are mixed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.floating[Any]]
"""Three floats, sRGB, 0 to 1."""


def colour(text: str) -> Colour:
    """`rrggbb` as a Colour."""
    return np.array([int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


@dataclass(frozen=True, slots=True)
class Palette:
    """The sky from its zenith down to the horizon, what lights it, and the land from far to near.

    `stars`, `snow` and `aurora` are amounts from 0 to 1; `low` is how near the sun stands to the horizon.
    """

    zenith: Colour
    sky: Colour
    horizon: Colour
    sun: Colour
    cloud: Colour
    far: Colour
    near: Colour
    stars: float = 0.0
    snow: float = 0.0
    aurora: float = 0.0
    low: float = 0.5

    @staticmethod
    def of(text: str, **amounts: float) -> Palette:
        """From the seven colours as `rrggbb`, zenith to near."""
        names = [entry.name for entry in fields(Palette)][: len(text.split())]
        values: dict[str, Any] = dict(zip(names, map(colour, text.split()), strict=True), **amounts)
        return Palette(**values)


PALETTES: dict[str, Palette] = {
    "dusk": Palette.of("1b2254 8a4a86 ffa561 fff2c4 ff8f7c 7d4c7e 120e26", low=0.75),
    "dawn": Palette.of("5b86c4 efb0bd ffe6b4 fffbe6 ffd3cb 9b93c0 27385a", low=0.7),
    "day": Palette.of("2b79d0 79bbee e2f3fa fffdf0 ffffff 8db6cf 1c5a37", low=0.2),
    "night": Palette.of("050a20 13265a 3b5f98 f6f1da 31487c 2b4577 040915", stars=1.0, low=0.3),
    "autumn": Palette.of("5a83ad dcb98c ffdc94 fff4d0 f7d0a6 bd8f6c 561f10", low=0.6),
    "winter": Palette.of("7199c4 bcd5e8 f8efe9 fffdf6 ffffff a9bdd4 2e4460", snow=1.0, low=0.6),
    "spring": Palette.of("56abdb b3e1e2 fff0dc fffdea fff5f3 9fcab0 2a6a40", low=0.4),
    "aurora": Palette.of("030d1e 0b3444 2b7d70 e9fff4 1d5560 1a4a5a 020910", stars=0.8, aurora=1.0, low=0.4),
    "desert": Palette.of("3d70a6 f2bd8c ffe4b4 fff8dc ffd9b0 dd8f5b 64271a", low=0.5),
    "storm": Palette.of("232c3c 56647a b4b3ac eee8d4 7f8797 5d6b80 161c26", low=0.5),
    "rose": Palette.of("54316f d9709f ffc9b6 fff3dd ffb2b8 a55c93 2a1438", low=0.8),
    "mint": Palette.of("1d6f7a 74c6b5 eff6cf fffde0 d9f3e2 5fa79b 0d3a3d", low=0.5),
}

TINTS: dict[str, Colour] = {
    name: colour(value)
    for name, value in {
        "red": "d8342c", "orange": "f0812c", "gold": "f2b93b", "yellow": "f4d84a", "green": "3aa055",
        "teal": "1f9c98", "blue": "2f6fd8", "violet": "7d4fd0", "pink": "ef6fa6", "grey": "808890",
    }.items()
}


def mix(palettes: list[Palette]) -> Palette:
    """The mean of palettes, colour by colour; amounts take the largest so that half a winter still has snow."""
    first = palettes[0]
    values: dict[str, Any] = {}
    for entry in fields(Palette):
        column = [getattr(palette, entry.name) for palette in palettes]
        if isinstance(getattr(first, entry.name), float):
            values[entry.name] = float(np.mean(column)) if entry.name == "low" else max(column)
        else:
            values[entry.name] = np.mean(column, axis=0, dtype=np.float32)
    return Palette(**values)


def tinted(palette: Palette, tint: Colour, share: float = 0.45) -> Palette:
    """The palette drawn towards a colour, each part keeping its own lightness."""

    def shift(base: Colour, amount: float) -> Colour:
        light = float(base @ np.array([0.3, 0.59, 0.11], np.float32))
        goal = tint * (light / 0.5) if light < 0.5 else tint + (1 - tint) * (light - 0.5) / 0.5
        return np.clip(base + (goal - base) * amount, 0, 1).astype(np.float32)

    return replace(
        palette,
        zenith=shift(palette.zenith, share),
        sky=shift(palette.sky, share),
        horizon=shift(palette.horizon, share * 0.8),
        cloud=shift(palette.cloud, share * 0.7),
        far=shift(palette.far, share),
        near=shift(palette.near, share * 0.6),
    )
