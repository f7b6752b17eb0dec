"""A moment as people say it at the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ..errors import BadField


def moment(text: str | None, field: str, now: datetime | None = None) -> str | None:
    """In ISO 8601 with its time zone; None for none. A time of day is the next such one, and without a zone it is this
    machine's. Raises BadField, naming `field`."""
    if not text:
        return None
    now = now or datetime.now().astimezone()
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text.strip()):
            hour, minute = map(int, text.split(":"))
            at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return (at if at > now else at + timedelta(days=1)).isoformat()
        when = datetime.fromisoformat(text.strip())
        return (when if when.tzinfo else when.astimezone()).isoformat()
    except (ValueError, OverflowError) as error:
        raise BadField(field, f"expected a time like 18:30 or 2026-05-04T18:30, got {text[:40]!r}") from error
