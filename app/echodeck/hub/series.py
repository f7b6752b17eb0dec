"""REST for the machines' figures over time: any range in as many rows as a plot has room for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ..errors import BadField
from ..model.metric import metric_of
from ..model.series import MOST_POINTS
from .answers import answer, shows
from .keeper import Keeper
from .moment import moment
from .shapes import Names, Rows

HOUR_S = 3_600.0


def routes(keeper: Keeper) -> APIRouter:
    router = APIRouter(prefix="/api/series", tags=["history"])

    @router.get("", responses=shows(Rows))
    async def series(host: str, metric: str, since: str = "", until: str = "",
                     points: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 500) -> Response:
        """One figure of one machine, the last hour unless it is said otherwise. Times are seconds since the epoch or
        ISO 8601. Each row holds the extremes of its part of the range, so that no peak is lost in a coarse one."""
        until_s = moment(until, "until") if until else keeper.now_s()
        since_s = moment(since, "since") if since else until_s - HOUR_S
        if since_s >= until_s:
            raise BadField("since", "must be before until")
        rows = await keeper.series.range(host, metric, since_s, until_s, points)
        known = metric_of(metric)
        return answer(Rows(host, metric, known.label if known else "", known.unit if known else "", since_s, until_s,
                           rows))

    @router.get("/names", responses=shows(Names))
    async def names() -> Response:
        """Which figures are kept of which machine."""
        return answer(Names(await keeper.series.names()))

    return router
