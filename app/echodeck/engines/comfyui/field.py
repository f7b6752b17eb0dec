"""Fields of JSON that another program sent: any of them may be missing, or of another type than it should be."""

from __future__ import annotations

import math
from typing import Any

from ...errors import EngineError

MAX_TEXT_CHARS = 20_000


def bad_answer(what: str, problem: str) -> EngineError:
    """The one error of this package's parsers: a body that is not what `what` answers. Trying again may help."""
    return EngineError(f"ComfyUI's answer to {what} cannot be used: {problem}", retryable=True, code="bad_answer")


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: Any, most_chars: int = MAX_TEXT_CHARS) -> str:
    """The text; of a number its digits, as ids are sometimes numbers; "" for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 1 << 64 else ""
    return value[:most_chars].encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    return tuple(found for item in listed(value) if (found := text(item)))


def number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300 or math.isnan(value):
        return None
    return float(value)


def count(value: Any) -> int:
    """A whole number that is 0 or more; 0 for anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else 0


def seconds(value_ms: Any) -> float | None:
    """A time that was sent as milliseconds since the Unix epoch."""
    found = number(value_ms)
    return found / 1000.0 if found is not None and found > 0 else None
