"""Keys and tokens that travel in a prompt's `extra_data`: never stored, never shown.

ComfyUI passes partners' keys there (api_key_comfy_org, auth_token_comfy_org, credential_…), other programs their own.
"""

from __future__ import annotations

import re
from typing import Any

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET = frozenset({"secret", "secrets", "password", "passwd", "pwd", "passphrase", "credential", "credentials",
                     "authorization", "bearer", "cookie", "cookies"})
_MAYBE = frozenset({"key", "keys", "token", "tokens", "auth"})
"""Secret at the end of a name, or after one of these: `api_key_comfy_org`, but not `token_normalization`."""
_BEFORE = frozenset({"api", "auth", "access", "private", "refresh", "session", "user", "client", "id"})
_ENDINGS = ("apikey", "token", "secret", "password", "credential", "credentials")
_DEEPEST = 64


def redact(extra_data: Any) -> Any:
    """A copy without whatever has a secret's name, at any depth."""
    return _without(extra_data, _DEEPEST)


def has_secrets(extra_data: Any) -> bool:
    """Whether `redact` takes anything out: such a prompt cannot be queued again as it was."""
    stack = [(extra_data, _DEEPEST)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, dict | list) and depth <= 0:
            return True
        if isinstance(value, dict):
            if any(_secret(name, item) for name, item in value.items()):
                return True
            stack += [(item, depth - 1) for item in value.values()]
        elif isinstance(value, list):
            stack += [(item, depth - 1) for item in value]
    return False


def _without(value: Any, depth: int) -> Any:
    if depth <= 0 and isinstance(value, dict | list):
        return None  # deeper than anybody looks
    if isinstance(value, dict):
        return {name: _without(item, depth - 1) for name, item in value.items() if not _secret(name, item)}
    return [_without(item, depth - 1) for item in value] if isinstance(value, list) else value


def _secret(name: Any, value: Any) -> bool:
    """A secret is a text, or something with texts in it: a number such as `max_tokens` is none, nor an empty one."""
    if not isinstance(name, str) or not isinstance(value, str | dict | list) or not value:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word in _SECRET or (word.endswith(_ENDINGS) and word not in _MAYBE) for word in words):
        return True
    return any(word in _MAYBE and (after == "" or before in _BEFORE)
               for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False))
