"""`GET /metrics` for Prometheus: jobs, machines, engines and the hub itself, read at the moment of the scrape.

Names and units follow Prometheus' conventions: base units in the name, shares from 0 to 1, `_total` for what only
grows. What is counted here starts at 0 with the process, as counters do; `rate` and `increase` know that.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from ...model.record import Host
from ..fanout import Fanout
from ..keeper import Keeper
from ..room import Room
from .estimates import tell_estimates
from .families import Families
from .inside import Inside
from .jobs import JobFigures
from .machines import tell_machines

OPENMETRICS = "application/openmetrics-text"


class Metrics(Collector):
    """Everything that is told of one hub, in a registry of its own; counts from its making on."""

    def __init__(self, room: Room, fanout: Fanout, keeper: Keeper) -> None:
        self._room, self.registry = room, CollectorRegistry()
        # First of all, so that what its reading makes known (an engine that has done nothing yet) is on the same page.
        self.registry.register(self)
        self._jobs = JobFigures(room, self.registry)
        self._inside = Inside(room, fanout, keeper, self.registry)
        room.followers.append(self._jobs.follow)
        room.wrote = self._inside.wrote
        ProcessCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        families = Families()
        hosts: dict[str, Host] = self._room.board.all("hosts")
        self._jobs.tell(families, self._room.clock())
        tell_estimates(families, self._room)
        self._inside.tell(families)
        tell_machines(families, hosts.values(), self._room.pulse.hosts())
        return iter(families)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: what there is depends on the machines."""
        return iter(())

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics for who asks for it, else the older text format."""
        if OPENMETRICS in accept.lower():
            body: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


def routes(metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get("/metrics", response_class=Response, responses={200: {
        "description": "Prometheus' text format, or OpenMetrics if `Accept` asks for it",
        "content": {"text/plain": {}, OPENMETRICS: {}}}})
    async def scrape(request: Request) -> Response:
        """Everything that can be counted or measured here, for Prometheus."""
        body, kind = metrics.page(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return router
