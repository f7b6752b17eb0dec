"""The parts of the brain that a person can switch off. Off means: exactly as if the part did not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import ConfigError

PARTS: Mapping[str, str] = {
    "foresight": "Calibrates the intervals of estimates by how good earlier ones were.",
    "watch": "Watches machines and jobs, and raises alerts.",
    "notify": "Sends messages out: to other services, and to webhooks.",
    "verdicts": "Judges finished pictures.",
    "ladder": "Chooses models for jobs that leave the choice open, and moves jobs to better or cheaper ones.",
    "mend": "Tries failed jobs again, in a way that can succeed.",
    "order": "Orders waiting jobs, and chooses the worker for each.",
    "preempt": "Holds a running job for an urgent one.",
}

KEYS = ("off", "overtake", "mend", "ladder")
"""What `[brain]` may have: whatever else is in it, somebody meant something by it that would not happen."""


def off_at_start(table: Mapping[str, object]) -> frozenset[str]:
    """The parts that `[brain] off` names. Raises ConfigError, also for a key that `[brain]` does not have."""
    if strange := table.keys() - KEYS:
        raise ConfigError(f"brain.{min(strange)}: unknown; there are {', '.join(KEYS)}")
    named = table.get("off", [])
    if not isinstance(named, Iterable) or isinstance(named, str) or not all(isinstance(one, str) for one in named):
        raise ConfigError(f'brain.off: a list of names, like ["order"], got {named!r}')
    off = frozenset(str(one) for one in named)
    if unknown := off - PARTS.keys():
        raise ConfigError(f"brain.off: no part is called {min(unknown)!r}; there are {', '.join(PARTS)}")
    return off
