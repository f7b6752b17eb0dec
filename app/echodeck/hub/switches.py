"""What people say to the brain: which of its parts are on."""

from __future__ import annotations

from typing import Any

from .. import wire
from ..brain.parts import PARTS
from ..errors import BadField
from ..wire import say, show
from .desk import Desk
from .ledger import Change
from .session import Session


class Switches:
    """Each method is one message type, as in Commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def brain_switch(self, session: Session, payload: say.BrainSwitch, change: Change) -> dict[str, Any]:
        desk = self._desk
        if payload.part not in PARTS:
            raise BadField("part", f"no part is called {payload.part[:40]!r}; there are {', '.join(PARTS)}")
        if desk.parts.on(payload.part) is not payload.on:
            view = desk.parts.switch(payload.part, payload.on, session.user or "somebody", show.iso(change.at_s))
            change.batch.records["parts", view.name] = wire.plain(view)
            change.tell("brain_part", "parts", view.name, view)
            desk.action(change, session, f"switched {view.name} {'on' if view.on else 'off'}")
        return {"parts": wire.plain(desk.parts.views())}
