"""What the watching parts find: something that is so now and that a person should know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SEVERITY = {"success": 0, "info": 1, "warning": 2, "error": 3}
"""The levels an alert can have, each with its weight."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One trouble. `cause` is its key: while it lasts, whoever finds it again finds it under the same one.

    `title` stays the same while the trouble lasts; `message` has the figures, and may change.
    """

    cause: str
    level: str
    title: str
    message: str
    host: str = ""
    job_id: str = ""


def distinct(findings: Iterable[Finding]) -> dict[str, Finding]:
    """One a cause: of several the gravest, the first of those."""
    found: dict[str, Finding] = {}
    for one in findings:
        known = found.get(one.cause)
        if known is None or SEVERITY[one.level] > SEVERITY[known.level]:
            found[one.cause] = one
    return found
