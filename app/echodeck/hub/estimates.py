"""REST for how good the estimates were."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ..wire.foresight import EstimateScore
from ..wire.show import Show
from .answers import answer, shows
from .room import Room


class Estimates(Show):
    """The coarser kinds first: all jobs, those of an engine, of a model, of a resolution."""

    kinds: list[EstimateScore]


def routes(room: Room) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["brain"])

    @router.get("/estimates", responses=shows(Estimates))
    async def estimates() -> Response:
        """How good the estimates of completed jobs were, by kind of job and by how much of it was done."""
        return answer(Estimates(room.staff.foresight.scores()))

    return router
