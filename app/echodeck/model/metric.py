"""Rates from counters: computed where they are measured, and divided by measured time."""

from __future__ import annotations


def rate(before: float, after: float, elapsed_s: float) -> float:
    """Units a second from two readings of a counter. A counter that was reset (or no time passed) gives 0."""
    if elapsed_s <= 0 or after < before:
        return 0.0
    return (after - before) / elapsed_s
