"""Whether two pictures are nearly the same, from a few bytes of each: a perceptual hash, and a tiny picture to be sure.

The hash is the signs of the 64 lowest frequencies of a 32 × 32 picture (pHash: Zauner, "Implementation and benchmarking
of perceptual image hash functions", 2010). Skies of one kind share it, so the tiny pictures must agree too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SIDE = 16
"""Of the tiny picture."""
MOST_BITS = 12
MOST_APART = 0.16
"""How far tiny pictures may be apart, as a share of their own contrast."""


@dataclass(frozen=True, slots=True)
class Signature:
    """`hash` has 64 bits, `tiny` SIDE × SIDE × 3 bytes; `contrast` is the mean deviation of those, in levels. `of`
    names the output for people."""

    hash: int
    tiny: bytes
    contrast: float
    of: str = ""


def alike(one: Signature, other: Signature) -> float:
    """How alike, 0 to 1; 0 when they are not nearly the same."""
    if (one.hash ^ other.hash).bit_count() > MOST_BITS or not one.contrast:
        return 0.0
    apart = sum(abs(a - b) for a, b in zip(one.tiny, other.tiny, strict=True)) / len(one.tiny)
    share = apart / max(one.contrast, other.contrast)
    return max(0.0, 1.0 - share) if share <= MOST_APART else 0.0


def nearest(one: Signature, last: Iterable[Signature]) -> tuple[float, str]:
    """Which of the last outputs it is nearly the same as: (how alike, which); (0, "") for none."""
    found = max(((alike(one, other), other.of) for other in last), default=(0.0, ""))
    return found if found[0] else (0.0, "")
