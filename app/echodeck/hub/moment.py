"""A moment as people and programs write it in a request."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import BadField


def moment(value: str, field: str = "since") -> float:
    """Seconds since the epoch, from such a number or an ISO 8601 time (UTC unless it says otherwise); "" is 0.

    Raises BadField, naming `field`.
    """
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            # In a URL an unescaped "+" has become a space.
            when = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value)
        except ValueError as error:
            raise BadField(field, f"expected seconds or an ISO 8601 time, got {value[:60]!r}") from error
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not 0.0 <= seconds <= 1e11:
        raise BadField(field, f"expected seconds since 1970, got {value[:60]!r}")
    return seconds
