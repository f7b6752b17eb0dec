"""What the talking commands read: what fits a question, a quality, a file with a workflow."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadField

QUESTIONS = ("estimate", "plan", "why", "recommend", "capacity", "compare", "ladders", "health")
MOST_BYTES = 1 << 20
_FIELDS = ("jobs", "name", "on_failure")
"""What a workflow's file may say."""
_SPEC = frozenset({"engine", "model", "width", "height", "steps"})
_OPTIONS = {"estimate": _SPEC, "plan": _SPEC | {"add"}, "recommend": _SPEC | {"count", "by", "quality"},
            "compare": _SPEC}
"""By question, the options that it minds; a question that is not here minds none."""
_ABOUT = {"estimate": 1, "why": 1, "recommend": 100, "compare": 100}
"""By question, how many jobs or models it may be about."""


def fitting(what: str, about: Sequence[str], options: Mapping[str, Any]) -> None:
    """Raises BadField for what the question would pass over. One that nobody knows is for the hub to refuse."""
    if what not in QUESTIONS:
        return
    most = _ABOUT.get(what, 0)
    if len(about) > most:
        takes = "one job" if most else "no job and no model"
        raise BadField(what, f"it is about {takes}; leave out {about[most][:60]!r}")
    for name, value in options.items():
        if value is not None and name not in _OPTIONS.get(what, ()):
            raise BadField(f"--{name}", f"{what!r} does not mind it; leave it out")
    if about and what == "estimate" and (given := next((name for name in _SPEC if options.get(name) is not None), "")):
        raise BadField(f"--{given}", "the job is as it is; leave out one of the two")


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
    if other := [name for name in found if name not in _FIELDS]:
        raise BadField("FILE", f"{path} has {other[0][:60]!r}, which no workflow has; there are {', '.join(_FIELDS)}")
    return dict(found)
