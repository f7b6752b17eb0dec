"""What `echodeck submit` reads of a workflow: the file, and NAME=VALUE pairs."""

from __future__ import annotations

from json import dumps
from pathlib import Path

from ..errors import BadField
from ..model.workflow import read as read_workflow

MOST_BYTES = 64 << 20
MAX_CHARS = 1_000_000
"""A message to the hub has at most 1 MiB."""


def read(path: Path) -> str:
    """The workflow in a file as JSON text. Raises BadField."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise BadField("--workflow", f"{path} cannot be read: {error.strerror}") from error
    text = dumps(read_workflow(content), separators=(",", ":"))
    if len(text) > MAX_CHARS:
        raise BadField("--workflow", f"{path} has {len(text):,} characters; {MAX_CHARS:,} are the most a job can hold")
    return text


def pairs(given: list[str], flag: str) -> dict[str, str]:
    """NAME=VALUE as a mapping. Raises BadField for one without a name or a sign of equality."""
    found = {}
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise BadField(flag, f"expected NAME=VALUE, got {pair[:80]!r}")
        found[name.strip()] = value
    return found
