"""REST for the history: plain rows for DataFrames, the newest `limit` of them, oldest first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ..model.record import EstimateSample, StageRun, StepSample
from ..wire import show
from .answers import answer, shows
from .moment import moment
from .room import Room

Limit = Annotated[int, Query(ge=1, le=1_000_000)]


def routes(room: Room) -> APIRouter:
    router = APIRouter(prefix="/api/history", tags=["history"])

    @router.get("/jobs", responses=_rows(show.JobView))
    async def jobs(since: str = "", limit: Limit = 10_000) -> Response:
        """Jobs that ended (or, if not ended, were created) since, whole."""
        found = await room.store.jobs(since_s=moment(since) or None, limit=limit)
        return answer([_job(room, one.id) or show.job_view(one, show.Outlook(one.finished_s or one.created_s))
                       for one in reversed(found)])

    @router.get("/steps", responses=_rows(StepSample))
    async def steps(since: str = "", limit: Limit = 10_000, job: str = "") -> Response:
        """Steps as measured, of one job or of all."""
        return answer(await room.store.steps(job_id=job or None, since_s=moment(since), limit=limit))

    @router.get("/runs", responses=_rows(StageRun))
    async def runs(since: str = "", limit: Limit = 10_000, engine: str = "") -> Response:
        """Finished stages."""
        found = await room.store.runs(engine=engine or None, since_s=moment(since), limit=limit)
        return answer(found[::-1])

    @router.get("/estimates", responses=_rows(EstimateSample))
    async def estimates(since: str = "", limit: Limit = 10_000, job: str = "") -> Response:
        """What the estimator said when."""
        return answer(await room.store.estimates(job_id=job or None, since_s=moment(since), limit=limit))

    return router


def _job(room: Room, job_id: str) -> show.JobView | None:
    """The job as it stands: of one that is not ended the board knows more than the store."""
    view: show.JobView | None = room.board.get("jobs", job_id)
    return view


def _rows(kind: Any) -> dict[int | str, dict[str, Any]]:
    responses = shows(kind)
    content = responses[200]["content"]["application/json"]
    content["schema"] = {"type": "array", "items": content["schema"]}
    return responses
