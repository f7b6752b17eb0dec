"""A bar in the terminal, by tqdm, for a script that no hub watches."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Any

from .story import RUN

VARIABLE = "ECHODECK_BAR"


def at_a_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def wanted(given: bool | None) -> bool:
    """What was asked for; else what the environment says; else whether somebody looks at standard error."""
    if given is not None:
        return given
    said = os.environ.get(VARIABLE, "")
    if said:
        return said not in ("0", "no", "off", "false")
    return at_a_terminal()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a bar shows of a job: the steps of its current stage, 0 of 0 where it has none."""

    title: str
    stage: str
    done: int
    total: int
    figures: dict[str, float] = field(default_factory=dict)


class Bar:
    """Drawn when first shown. Every method may raise what standard error raises."""

    def __init__(self, began_s: float) -> None:
        self._bar: Any = None
        self._began_s, self._stage = began_s, ""

    def show(self, now: Shown) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(desc=now.title, file=sys.stderr, dynamic_ncols=True)
            self._bar.start_t = self._began_s  # it is shown a little later than what it shows began
        elif self._stage != now.stage:
            self._bar.reset()
        self._stage = now.stage
        self._bar.total = now.total or None
        named = f"{now.title} · {now.stage}" if now.stage not in ("", RUN) else now.title
        self._bar.set_description_str(named, refresh=False)
        if now.figures:
            self._bar.set_postfix(now.figures, refresh=False)
        self._bar.n = now.done
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
