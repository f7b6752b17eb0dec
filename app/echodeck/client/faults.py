"""Errors as the hub sends them, made into the exceptions they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import (
    BadField,
    BadFrame,
    EchodeckError,
    HubUnreachable,
    IllegalTransition,
    InputError,
    StoreError,
    StoreHeld,
    StoreUnavailable,
    UnknownRecord,
)

_FRAME_CODES = frozenset({"bad_json", "bad_frame", "too_large", "unknown_type"})
_BY_CODE: dict[str, type[EchodeckError]] = {
    "store_error": StoreError, "store_held": StoreHeld, "store_unavailable": StoreUnavailable,
    "hub_unreachable": HubUnreachable, "illegal_transition": IllegalTransition, "bad_input": InputError,
}


def rebuild(payload: Mapping[str, Any]) -> EchodeckError:
    """The exception for an `error` frame's payload (`code`, `message`, `field`)."""
    code, message = str(payload.get("code") or "error"), str(payload.get("message") or "the hub refused it")
    field = payload.get("field")
    field = None if field is None else str(field)
    error: EchodeckError
    if code == "bad_field":
        error = BadField(field or "payload", message.removeprefix(f"{field}: "))
    elif code in _FRAME_CODES:
        error = BadFrame(message, code=code, field=field)
    elif code in _BY_CODE:
        error = _BY_CODE[code](message)
    elif code.startswith("unknown_"):
        error = UnknownRecord(code.removeprefix("unknown_"), "")
        error.message, error.args = message, (message,)
    else:
        error = EchodeckError(message, code=code, field=field)
    error.field = field if field is not None else error.field
    return error


def no_hub(url: str, reason: str) -> HubUnreachable:
    """One sentence: who does not answer, why, and what to do."""
    why = f" ({reason})" if reason else ""
    return HubUnreachable(f"no hub answers at {url}{why}; start one with `echodeck up`, or give its address with --hub")
