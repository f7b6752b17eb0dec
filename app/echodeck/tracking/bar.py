"""A bar in the terminal, by tqdm, for a script that no hub watches."""

from __future__ import annotations

import os
import sys
from typing import Any

from .story import RUN, Story

VARIABLE = "ECHODECK_BAR"


def wanted(given: bool | None) -> bool:
    """What was asked for; else what the environment says; else whether somebody looks at standard error."""
    if given is not None:
        return given
    said = os.environ.get(VARIABLE, "")
    if said:
        return said not in ("0", "no", "off", "false")
    return sys.stderr is not None and sys.stderr.isatty()


class Bar:
    """Follows a story."""

    def __init__(self, title: str, began_s: float) -> None:
        from tqdm import tqdm

        self._title = title
        self._bar: Any = tqdm(desc=title, file=sys.stderr, dynamic_ncols=True)
        self._bar.start_t = began_s  # it is shown a little later than what it shows began
        self._shown: tuple[Any, ...] = ()

    def show(self, story: Story) -> None:
        now = (story.stage, story.done, story.total, dict(story.figures))
        if now == self._shown:
            return
        if self._shown and self._shown[0] != story.stage:
            self._bar.reset()
        self._shown = now
        self._bar.total = story.total or None
        named = f"{self._title} · {story.stage}" if story.stage not in ("", RUN) else self._title
        self._bar.set_description_str(named, refresh=False)
        if story.figures:
            self._bar.set_postfix(story.figures, refresh=False)
        self._bar.n = story.done
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()
