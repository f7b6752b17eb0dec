"""Ways to do a job, side by side: how long, how sure, how good, how much memory."""

from __future__ import annotations

from collections.abc import Sequence

from .option import Option, described

CLOSE = 1.1
"""Within this factor two are as fast as each other."""


def compare(options: Sequence[Option]) -> list[str]:
    """A sentence for each, and what follows: which is faster by how much, and whether that is sure."""
    said = [described(one) for one in options]
    if len(options) < 2:
        return said
    line = sorted(options, key=lambda one: one.picture_s)
    return [*said, *(_against(line[0], other) for other in line[1:])]


def _against(fast: Option, slow: Option) -> str:
    factor = slow.picture_s / fast.picture_s if fast.picture_s > 0 else 1.0
    if factor < CLOSE:
        head = f"{fast.name} and {slow.name} are about as fast"
    else:
        overlap = fast.took.high_s / max(1, fast.pictures) > slow.took.low_s / max(1, slow.pictures)
        unsure = ", but their intervals overlap, so that is not sure" if overlap else ""
        head = f"{slow.name} takes {factor:.1f} times as long per picture as {fast.name}{unsure}"
    if fast.quality is None or slow.quality is None:
        return head
    apart = slow.quality - fast.quality
    return f"{head}; its pictures score {abs(apart):.0f} {'more' if apart >= 0 else 'less'}" if abs(apart) >= 1.0 else \
        f"{head}; their pictures are as good"
