"""What people and agents say to a job of a script."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

MOST_MAIL = 100
"""Messages that a job keeps until its script asks for them; beyond, the oldest goes."""
MOST_SEEN = 500


class Mail(NamedTuple):
    """A message: who says it, what, how important ("info", "success", "warning", "error"), and when (ISO 8601)."""

    source: str
    message: str
    level: str = "info"
    at: str = ""


class Sorter:
    """Says for which jobs a message is: it may come more than once, and what is for others may come too."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)
        self._seen: deque[str] = deque(maxlen=MOST_SEEN)

    def take(self, payload: Mapping[str, Any], jobs: Mapping[str, Any]) -> list[str]:
        """The ids of those of `jobs` that it is for. What a hub sends may be anything."""
        id_, to, job_id = (str(payload.get(name) or "") for name in ("id", "to", "jobId"))
        if not id_ or id_ in self._seen or (to and to not in self._names):
            return []
        self._seen.append(id_)
        return [one for one in jobs if job_id in ("", one)]


def mail(payload: Mapping[str, Any]) -> Mail:
    source, message, level, at = (str(payload.get(name) or "") for name in ("source", "message", "level", "at"))
    return Mail(source, message, level or "info", at)
