"""Whether two pictures are nearly the same, from a few bytes of each: a perceptual hash, and a tiny picture to be sure.

The hash is the signs of the 64 lowest frequencies of a 32 × 32 picture (pHash: Zauner, "Implementation and benchmarking
of perceptual image hash functions", 2010). Skies of one kind share it, so the tiny pictures must agree too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SIDE = 16
"""Of the tiny picture."""
MOST_BITS = 8
LEAST_ALIKE = 0.95
"""How tiny pictures must correlate, channel by channel about their means: light and size may differ."""
LEAST_CONTRAST = 1.0


@dataclass(frozen=True, slots=True)
class Signature:
    """`hash` has 64 bits, `tiny` SIDE × SIDE × 3 bytes; `contrast` is the mean deviation of those, in levels. `of`
    names the output for people."""

    hash: int
    tiny: bytes
    contrast: float
    of: str = ""


def alike(one: Signature, other: Signature) -> float:
    """How alike, 0 to 1; 0 when they are not nearly the same, or when there is nothing in them."""
    if (one.hash ^ other.hash).bit_count() > MOST_BITS or min(one.contrast, other.contrast) < LEAST_CONTRAST:
        return 0.0
    first, second = _about_means(one.tiny), _about_means(other.tiny)
    both = sum(a * b for a, b in zip(first, second, strict=True))
    alone = sum(a * a for a in first) * sum(b * b for b in second)
    share = both / alone**0.5 if alone else 0.0
    return share if share >= LEAST_ALIKE else 0.0


def _about_means(tiny: bytes) -> list[float]:
    means = [sum(tiny[channel::3]) / (len(tiny) // 3) for channel in range(3)]
    return [value - means[place % 3] for place, value in enumerate(tiny)]


def nearest(one: Signature, last: Iterable[Signature]) -> tuple[float, str]:
    """Which of the last outputs it is nearly the same as: (how alike, which); (0, "") for none."""
    found = max(((alike(one, other), other.of) for other in last), default=(0.0, ""))
    return found if found[0] else (0.0, "")
