"""Which parts of the brain are on: from the settings, and as a person switched them since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..brain.parts import PARTS
from ..wire import mind


class Parts:
    """`off` are the names of those that begin switched off; what a person says counts for more, over restarts too."""

    def __init__(self, off: Iterable[str] = (), said: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        begin = frozenset(off)
        self._views = {name: mind.PartView(name, label, name not in begin) for name, label in PARTS.items()}
        for name, record in (said or {}).items():
            if name in PARTS:  # one that is no more has nothing to switch
                self._views[name] = msgspec.convert({**record, "name": name, "label": PARTS[name]}, mind.PartView)

    def on(self, name: str) -> bool:
        return self._views[name].on

    def views(self) -> list[mind.PartView]:
        return list(self._views.values())

    def switch(self, name: str, on: bool, by: str, at: str | None) -> mind.PartView:
        """Raises KeyError for a part that there is not."""
        view = self._views[name] = msgspec.structs.replace(self._views[name], on=on, by=by, at=at)
        return view
