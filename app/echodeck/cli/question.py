"""What the talking commands read: a quality, a file with a workflow."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ..errors import BadField

MOST_BYTES = 1 << 20


def score(text: str | None) -> float | str | None:
    """A number where it is one, else the word."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def flow(path: Path) -> dict[str, Any]:
    """A workflow's file: `jobs`, and if it says so `name` and `on_failure`. Raises BadField."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadField("FILE", f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise BadField("FILE", f"{path} has more than {MOST_BYTES:,} bytes")
    try:
        text = content.decode()
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except ValueError as error:  # of both, and of what is no text
        raise BadField("FILE", f"{path} is not {'TOML' if path.suffix.lower() == '.toml' else 'JSON'}: "
                               f"{error}") from error
    found = {"jobs": found} if isinstance(found, list) else found
    jobs = found.get("jobs") if isinstance(found, dict) else None
    if not isinstance(jobs, list) or not all(isinstance(one, dict) for one in jobs):
        raise BadField("FILE", f'{path} has no list of jobs; write {{"jobs": [{{"prompt": …, "name": "a"}}, '
                               '{"prompt": …, "after": ["a"]}]}')
    return dict(found)
