"""REST for what the hub decides by itself."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from .. import wire
from ..wire import mind, say, wishes
from .answers import Asked, answer, body, shows, takes, with_fields
from .room import Room


def routes(room: Room, limit: int) -> APIRouter:
    router = APIRouter(prefix="/api/brain", tags=["brain"])

    @router.get("", responses=shows(mind.Mind))
    async def brain() -> Response:
        """What decides by itself, whether it is on, and what was decided lately, newest last."""
        decisions: list[mind.DecisionView] = sorted(room.board.all("decisions").values(), key=lambda one: one.at or "")
        return answer(mind.Mind(room.desk.parts.views(), decisions))

    @router.get("/ladders", responses=shows(wishes.LaddersView))
    async def ladders() -> Response:
        """The ladders that jobs with the model "auto" choose from, and what is believed of their rungs."""
        return answer(room.staff.ladders.view())

    @router.post("/{part}", responses=shows(mind.Mind), openapi_extra=takes(say.BrainSwitch))
    async def switch(part: str, request: Request) -> Response:
        """Switches a part off, or on again: {"on": false}."""
        raw = with_fields(await body(request, limit), part=part)
        await Asked(room, request).do("brain_switch", wire.check(say.BrainSwitch, raw))
        return await brain()

    return router
