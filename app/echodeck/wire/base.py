"""What the catalogues of shown payloads have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct


def iso(at_s: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC with milliseconds, as JavaScript writes and reads it."""
    if at_s is None:
        return None
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Show(Struct, rename="camel"):
    """The base of every camelCase payload the hub sends."""
