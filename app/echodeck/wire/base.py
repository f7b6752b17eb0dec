"""What the catalogues of shown payloads have in common."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct


def iso(at_s: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC with milliseconds, as JavaScript writes and reads it."""
    if at_s is None:
        return None
    whole_s = math.floor(at_s)
    micros = round((at_s - whole_s) * 1e6)
    minute, second = divmod(whole_s + micros // 1_000_000, 60)
    return f"{_minute(minute)}{second:02d}.{micros % 1_000_000 // 1000:03d}Z"


@lru_cache(4096)
def _minute(number: int) -> str:
    """The minute with this number since the epoch. A long queue tells thousands of moments in a few hundred of them."""
    return datetime.fromtimestamp(60 * number, UTC).strftime("%Y-%m-%dT%H:%M:")


class Show(Struct, rename="camel"):
    """The base of every camelCase payload the hub sends."""
