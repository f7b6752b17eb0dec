"""What one device answered, figure by figure: a figure that it lacks hides no other, and has its reason.

An answer that cannot be is none: the next way is tried, and the reason says what the driver said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from ..model.record import Gpu
from .plausible import WHOLES, of_all, plausible

FIGURES = (*(one.name for one in fields(Gpu) if one.default is None), "throttle", "processes")
"""The fields of a Gpu that are figures: each is given, or has a reason in `Gpu.missing`."""


class Asked:
    """The answers of one reading. `errors` is what a question may raise, `why` says such an error in a few words."""

    def __init__(self, errors: tuple[type[Exception], ...], why: Callable[[Exception], str]) -> None:
        self.given: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self._errors, self._why = errors, why

    def ask(self, field: str, *ways: Callable[[], Any]) -> Any:
        """The answer of the first way that gives one, kept as the field's; None where none does."""
        for way in ways:
            try:
                answer = way()
            except self._errors as error:
                self.missing.setdefault(field, self._why(error))
                continue
            if answer is not None and self._believe(field, partial(plausible, field, answer)):
                self.missing.pop(field, None)
                return self.given[field]
        return None

    def _believe(self, field: str, checked: Callable[[], Any]) -> bool:
        try:
            self.given[field] = checked()
        except ValueError as error:
            self.given.pop(field, None)
            self.missing[field] = str(error)
        return field in self.given

    def gpu(self, index: int, vendor: str, known: Mapping[str, Any], untold: str) -> Gpu:
        """The Gpu. `known` are the facts that hold for as long as the device is there, `untold` the reason of a figure
        that was not asked for, because the interface has none."""
        for field, whole in WHOLES.items():
            total = self.given.get(whole, known.get(whole))
            if field in self.given and total is not None:
                self._believe(field, partial(of_all, self.given[field], total))
        given = {**known, **self.given}
        if not any(figure in self.given for figure in FIGURES if figure != "processes"):
            reason = next(iter(self.missing.values()), untold)
            return Gpu(index, vendor=vendor, reason=f"the device gives no figures: {reason}", **given)
        lacking = {figure: self.missing.get(figure, untold) for figure in FIGURES if figure not in given}
        return Gpu(index, vendor=vendor, missing=lacking, **given)
