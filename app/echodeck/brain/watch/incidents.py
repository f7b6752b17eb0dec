"""From what is found at each moment to what is told: an alert raised, brought up to date now and then, resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .finding import SEVERITY, Finding

UPDATE_FIRST_S, UPDATE_LAST_S = 60.0, 3600.0
"""An alert whose text changes is told again after the first, then after twice as long each time until the last."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What to do with the alert of a cause; `finding` is None when it is resolved."""

    what: Literal["raise", "update", "resolve"]
    cause: str
    finding: Finding | None = None


@dataclass(slots=True)
class _Open:
    told: Finding
    told_s: float
    pause_s: float = UPDATE_FIRST_S


class Incidents:
    """One open alert a cause at most, whatever comes in which order.

    `known` are causes whose alert was open before we began: they are taken up when they are found again, and resolved
    when they are not within `grace_s`, which gives what is measured the time to show them.
    """

    def __init__(self, known: Iterable[str] = (), now_s: float = 0.0, grace_s: float = 600.0) -> None:
        self._open: dict[str, _Open] = {}
        self._known = dict.fromkeys(known, now_s + grace_s)

    @property
    def open(self) -> frozenset[str]:
        """The causes of which an alert is open."""
        return frozenset({*self._open, *self._known})

    def update(self, found: Mapping[str, Finding], now_s: float) -> list[Telling]:
        """`found` is all that is so now, by cause."""
        tellings = [Telling("resolve", cause) for cause in self._open if cause not in found]
        tellings += [Telling("resolve", cause) for cause, until_s in self._known.items()
                     if cause not in found and now_s >= until_s]
        for telling in tellings:
            self._open.pop(telling.cause, None)
            self._known.pop(telling.cause, None)
        for cause, finding in found.items():
            one = self._open.get(cause)
            if one is None:
                self._open[cause] = _Open(finding, now_s)
                again = self._known.pop(cause, None) is not None
                tellings.append(Telling("update" if again else "raise", cause, finding))
            elif finding != one.told and (_graver(finding, one.told) or now_s - one.told_s >= one.pause_s):
                one.told, one.told_s, one.pause_s = finding, now_s, min(UPDATE_LAST_S, 2.0 * one.pause_s)
                tellings.append(Telling("update", cause, finding))
        return tellings

    def close(self) -> list[Telling]:
        """Nobody watches any more: all are resolved."""
        tellings = [Telling("resolve", cause) for cause in sorted(self.open)]
        self._open, self._known = {}, {}
        return tellings


def _graver(new: Finding, old: Finding) -> bool:
    return SEVERITY[new.level] > SEVERITY[old.level]
