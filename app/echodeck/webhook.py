"""Signed webhooks, after the Standard Webhooks specification: to sign what is sent, and for receivers to check it.

Three headers go with each body: `webhook-id` (the same for every try, so that a repeated one is known),
`webhook-timestamp` (seconds since the epoch, when this try left) and `webhook-signature` ("v1," and base64 of the
HMAC-SHA256 of "id.timestamp.body" under the secret). Any library for that specification can check them, or:

    from echodeck import verify_webhook

    notice = verify_webhook(body, request.headers, "whsec_…")     # raises BadSignature

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from .errors import BadSignature, ConfigError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
TOLERANCE_S = 300.0
"""How far a receiver lets the sender's clock, or a delay on the way, be off: older ones could be replayed."""


def new_secret() -> str:
    """A secret to be given to the hub and to the receiver."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Raises ConfigError, without showing the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ConfigError(f"secret: expected {PREFIX!r} and base64 of {LEAST_BYTES} to {MOST_BYTES} bytes")
    return key


def sign(body: bytes, id_: str, at_s: float, secret: str) -> dict[str, str]:
    """The headers that go with `body`. Raises ConfigError."""
    at = str(int(at_s))
    signature = _signature(body, id_, at, key_of(secret))
    return {"webhook-id": id_, "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}


def _signature(body: bytes, id_: str, at: str, key: bytes) -> str:
    signed = b".".join((id_.encode(), at.encode(), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify_webhook(body: bytes | str, headers: Mapping[str, str], secret: str, *, now_s: float | None = None,
                   tolerance_s: float = TOLERANCE_S) -> dict[str, Any]:
    """What the webhook says, if it is ours, whole and of now. `body` is as it came, before any JSON is read.

    To be safe from replays within the tolerance too, remember the ids (`webhook-id`) of the last minutes. Raises
    BadSignature, and ConfigError for a secret that is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id_, at, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id_ and at and signatures):
        raise BadSignature("the headers webhook-id, webhook-timestamp and webhook-signature are not all there")
    if not (at.isascii() and at.isdigit() and len(at) <= 15):
        raise BadSignature("webhook-timestamp is no number of seconds")
    late_s = (time.time() if now_s is None else now_s) - int(at)
    if abs(late_s) > tolerance_s:
        off = f"{abs(late_s):.0f} s {'old' if late_s > 0 else 'ahead'}"
        raise BadSignature(f"it is {off}: replayed, or a clock is wrong")
    raw = body.encode() if isinstance(body, str) else body
    wanted = _signature(raw, id_, at, key_of(secret)).encode()
    # Several may be given while a secret is being changed.
    found = [one.removeprefix("v1,").encode() for one in signatures.split() if one.startswith("v1,")]
    if not any(hmac.compare_digest(one, wanted) for one in found):
        raise BadSignature("the signature is not of this body under this secret")
    said: dict[str, Any] = json.loads(raw)
    return said
