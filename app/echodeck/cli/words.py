"""Refusals in the words of whoever types: flags and arguments, where the hub names the fields of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import EchodeckError

_FLAGS = ("engine", "model", "quality", "deadline", "ladder", "allow", "width", "height", "steps", "seed", "batch",
          "frames", "sampler", "scheduler", "workflow", "title", "priority", "count", "user", "place", "before",
          "after", "level", "limit", "to")
_NAMES = {name: f"--{name}" for name in _FLAGS} | {
    "values": "--set", "options": "--option", "seconds": "--for", "prompt": "the prompt", "message": "the text",
    "jobId": "the job", "alertId": "the alert", "models": "the models", "payload": "", "command": ""}
"""By field; "" for those that nobody has typed."""
ASKING = {"deadline": "--by", "add.count": "--add", "add": "--add"}
"""What is called otherwise in a question."""


def in_words(error: EchodeckError, named: Mapping[str, str]) -> str:
    """The message, with the field that it begins with as it was typed. `named` is what a command calls otherwise."""
    field = error.field or ""
    if not field or not error.message.startswith(f"{field}: "):
        return error.message
    name, problem = _name(field, named), error.message[len(field) + 2:]
    return f"{name}: {problem}" if name else problem


def _name(field: str, named: Mapping[str, str]) -> str:
    """"add[0].count" is --add, "job.steps" --steps; a workflow's jobs keep their places: "jobs[1].on_failure"."""
    path = re.sub(r"\[\d+\]", "", field)
    names = {**_NAMES, **named}
    if path in names:
        return names[path]
    whole, _, rest = path.partition(".")
    if whole in ("add", "job") and rest:
        return _name(rest, named)
    if whole == "options" and rest:
        return f"--option {rest}"
    return re.sub("(?<=[a-z])[A-Z]", lambda letter: f"_{letter[0].lower()}", field)
