"""Other people's words on somebody's terminal: titles, names and messages must not be able to drive it."""

from __future__ import annotations

import json
from typing import Any

JOINER = "\u200d"
"""Not printable by itself, but what holds an emoji of several people together."""


def plain(text: str) -> str:
    """`text` on one line, with a mark for each character that is not to be seen (escapes, direction marks, …)."""
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if character.isprintable() or character == JOINER:
        return character
    return " " if character.isspace() else "\ufffd"


def as_line(value: Any) -> str:
    """One line of JSON that says the same, with such characters as escapes."""
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(character: str) -> str:
    # Outside its strings, JSON on one line has printable characters only.
    return character if character.isprintable() or character == JOINER else json.dumps(character)[1:-1]
