"""Hysteresis and duration: when something that is measured again and again is so for long enough to be said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Trigger:
    """Opens when it was bad without a break for `for_s`, closes when it was good without a break for `clear_for_s`.

    What is neither (between the two bounds of a hysteresis) leaves it as it is, and breaks both runs. Readings further
    apart than `gap_s` tell nothing of the time between them: a run does not reach over such a gap.
    """

    for_s: float
    clear_for_s: float
    gap_s: float = 60.0
    open: bool = False
    opened_s: float = 0.0
    last_s: float | None = None
    _run_s: float | None = None
    """Since when it has been so that it would change."""

    def see(self, at_s: float, *, bad: bool, good: bool) -> bool:
        """One more reading; whether it is open now. A reading that is not newer than the last one is passed over."""
        if self.last_s is not None and at_s <= self.last_s:
            return self.open
        if self.last_s is not None and at_s - self.last_s > self.gap_s:
            self._run_s = None
        self.last_s = at_s
        if not (good if self.open else bad):
            self._run_s = None
            return self.open
        if self._run_s is None:
            self._run_s = at_s
        if at_s - self._run_s >= (self.clear_for_s if self.open else self.for_s):
            self.open, self._run_s = not self.open, None
            self.opened_s = at_s if self.open else self.opened_s
        return self.open
