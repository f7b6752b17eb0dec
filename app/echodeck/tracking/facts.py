"""What a script says a job is, as the spec that a hub takes. Pure.

People pass what their libraries gave them, so NumPy's whole numbers are whole numbers, None is what is not known, and
text may hold bytes of a file name that are no UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import index
from typing import Any

from ..client.teller import sayable
from ..errors import BadField
from ..model.job import JobSpec

NUMBERS = frozenset({"width", "height", "steps", "frames", "batch", "seed"})
MOST = 2**53
"""The hub takes no count beyond it: JavaScript knows none."""
TEXTS = frozenset({"model", "sampler", "scheduler", "prompt", "engine", "title"})


def text(value: Any) -> str:
    """Anything as text that can be sent; of what cannot be made one its type is said."""
    try:
        said = str(value)
    except Exception:  # noqa: BLE001 - any object's own __str__
        said = f"<{type(value).__name__}>"
    return sayable(said)


def whole(name: str, value: Any, least: int | None = None) -> int:
    """A whole number, of whatever make; with a bound below it is a count, of at most MOST. Raises BadField."""
    try:
        found = index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool) or (least is not None and found < least):
        bound = "" if least is None else f", {least} or more"
        raise BadField(name, f"must be a whole number{bound}, got {value!r}")
    if least is not None and found > MOST:
        raise BadField(name, f"must be at most 2**53, got a number of {found.bit_length()} bits")
    return found


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are known, as a spec has them. Raises TypeError for a name that is none, BadField for a value."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in NUMBERS | TEXTS:
            raise TypeError(f"a job has no {name!r}; it has {', '.join(sorted(NUMBERS | TEXTS))}")
        if value is not None:
            found[name] = text(value) if name in TEXTS else whole(name, value, None if name == "seed" else 0)
    return found


def spec_of(title: str, total: int, facts: Mapping[str, Any]) -> JobSpec:
    """The spec of a job of `total` steps (0: not known). Raises as `known` does."""
    said = {"engine": "python", "model": "", **known(facts)}
    said["title"] = text(title or "") or said.get("prompt", "")[:60] or said["model"] or "job"
    said["steps"] = said.get("steps") or total
    return JobSpec(type="video" if said.get("frames", 1) > 1 else "image", **said)


def with_facts(spec: JobSpec, facts: Mapping[str, Any]) -> JobSpec:
    """The spec when more is known. Raises as `known` does."""
    later = replace(spec, **known(facts))
    return replace(later, type="video") if later.frames > 1 else later
