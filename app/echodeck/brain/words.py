"""Durations, counts, shares and sizes in words, as a person would say them."""

from __future__ import annotations


def span(seconds: float) -> str:
    """About how long: "12 s", "4 min", "1 h 20 min", "3 days"."""
    whole = max(0.0, seconds)
    if whole < 99.5:
        return f"{whole:.1f} s" if 0.05 <= whole < 9.95 else f"{whole:.0f} s"
    minutes = round(whole / 60.0)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, left = divmod(minutes, 60)
        return f"{hours} h {left} min" if left else f"{hours} h"
    return f"{whole / 86_400.0:.0f} days"


def between(low_s: float, high_s: float) -> str:
    """"30 s to 55 s", or one figure where both are the same in words."""
    low, high = span(low_s), span(high_s)
    return low if low == high else f"{low} to {high}"


def many(count: int, noun: str) -> str:
    """"1 job", "3 jobs", "3 tries"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("ry") else f"{count} {noun}s"


def percent(share: float) -> str:
    """Of a share from 0 to 1: "80 %"."""
    return f"{100.0 * share:.0f} %"


def size(count_bytes: float) -> str:
    """Of memory: "1.5 GiB", "300 MiB"."""
    gib = count_bytes / (1 << 30)
    return f"{gib:.1f} GiB" if gib >= 1.0 else f"{count_bytes / (1 << 20):.0f} MiB"
