"""How the light of a picture is spread: nothing but black, one colour, little contrast, or light and shade cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pixels import Field, Mask, light_of

EDGE = 0.005
"""The share of pixels left out at either end: a few of them say nothing of the whole."""
OVER, MOSTLY = 0.5 / 255, 0.1
"""What is left of the light where it is over the end, and how much of an area that was cut off is."""
BRINK = 0.03
"""What is nearer to the end than this is as good as over it, for compression blurs the line."""
OPENING = 5
"""Cut-off areas narrower than this are highlights, stars and lines."""
NEAR = 3
"""So far outside an area that was cut off, in pixels, is looked whether the light ran into it."""
REACH = 0.18
"""Light that runs over the end is nearer to it than this just outside."""
PACE, UNEVEN = 1.5, 0.03
"""An even ramp is 5/4 as far from the brink there as it rises within OPENING pixels. What is much farther stands behind
a step: it is a colour of its own beside a pure one."""
ENOUGH = 0.6
"""An area counts in full when the light ran into it along so much of its outline; the rest are edges of things."""
LEAST_CUT = 0.02


@dataclass(frozen=True, slots=True)
class Tone:
    """`low` and `high` are the darkest and the lightest of nearly all pixels, `middle` the mean, `tint` how far the
    channels' means are apart; 0 to 1 all. `bad` is the share of pixels that are no numbers, `cut` the share that is
    white or black because the light ran over the end."""

    low: float
    high: float
    middle: float
    tint: float
    bad: float
    cut: float

    @property
    def span(self) -> float:
        return self.high - self.low


def tone(picture: Field) -> Tone:
    """Of (height, width, 3), 0 to 1."""
    good = np.isfinite(picture)
    bad = 1.0 - float(good.mean())
    if bad:
        picture = np.where(good, picture, np.float32(0.5))
    _, second, first = np.moveaxis(np.sort(picture, axis=2), 2, 0)
    light = light_of(picture)
    low, high = np.quantile(light, (EDGE, 1 - EDGE))
    means = picture.mean(axis=(0, 1))
    cut = max(_cut(1 - second), _cut(first))
    return Tone(float(low), float(high), float(light.mean()), float(means.max() - means.min()), bad, cut)


def _cut(left: Field) -> float:
    """The share of the picture where nothing is `left` (height, width) before the end, as far as it ran out there."""
    from scipy import ndimage

    areas: Mask = ndimage.binary_opening(left < BRINK, np.ones((OPENING, OPENING), bool))
    share = float(areas.mean())
    if share < LEAST_CUT or float((areas & (left <= OVER)).mean()) < MOSTLY * share:
        return 0.0
    inner = ndimage.binary_dilation(areas, iterations=NEAR - 1)
    whole = ndimage.binary_dilation(inner)
    outline = whole & ~inner & (left >= BRINK)
    farthest, nearest = ndimage.maximum_filter(left, OPENING), ndimage.minimum_filter(left, OPENING)
    steady = farthest - BRINK <= PACE * (farthest - nearest) + UNEVEN
    numbers, count = ndimage.label(whole)
    sizes, outlines, ran = (np.bincount(numbers[mask], minlength=count + 1)
                            for mask in (areas, outline, outline & steady & (farthest < REACH)))
    counts = np.minimum(1.0, ran / np.maximum(outlines, 1) / ENOUGH)
    return float((sizes * counts).sum() / areas.size)
