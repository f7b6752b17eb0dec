"""REST for who is here and what is said: questions to the coordinator, agents and people, messages."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from .. import wire
from ..config import Settings
from ..errors import BadField
from ..model.record import LEVELS
from ..store import Sought
from ..wire import say, show
from .answers import Asked, answer, body, shows, takes
from .room import Room
from .shapes import Found, Message, Sent, Who, Whom

MOST_WORDS = 10


def routes(room: Room, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["echo"])

    @router.post("/echo/query", responses=shows(Found), openapi_extra=takes(say.Query))
    async def query(request: Request) -> Response:
        """Asks the coordinator; the answer depends on `what`, and has its reasons as sentences in `text`."""
        payload = wire.check(say.Query, await body(request, settings.max_frame_bytes))
        result = await Asked(room, request, "/api/echo/ws").do("query", payload)
        return answer(Found(payload.what, result["answer"]))

    @router.get("/messages", responses=shows(Whom))
    async def messages(to: str = "", job: str = "", q: str = "", level: str = "",
                       after: Annotated[int, Query(ge=0, le=2**53)] = 0,
                       limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        """The newest messages after the event `after`, oldest of them first: `to` somebody, about a `job`, with all
        the words of `q` in what is said or in who said it; `level` is one or several (comma)."""
        levels = tuple(item.strip() for item in level.split(",") if item.strip())
        if unknown := [one for one in levels if one not in LEVELS]:
            raise BadField("level", f"there are {', '.join(LEVELS)}, got {unknown[0][:60]!r}")
        sought = Sought(to, job, levels, tuple(q.split()[:MOST_WORDS]))
        found = await room.store.messages(sought, after=after, limit=limit)
        rows = [msgspec.convert({**one.payload, "seq": one.seq}, Message) for one in found]
        return answer(Whom(rows, found[-1].seq if found else after))

    @router.post("/messages", responses=shows(Sent), openapi_extra=takes(say.Communicate))
    async def send(request: Request) -> Response:
        """Says something: to everybody, to one agent or person, or to who works on a job."""
        payload = wire.check(say.Communicate, await body(request, settings.max_frame_bytes))
        result = await Asked(room, request).do("communicate", payload)
        return answer(msgspec.convert(result, Sent))

    @router.get("/agents", responses=shows(Who))
    async def agents(kind: str = "") -> Response:
        """Everybody who is here in one shape: workers, machines' agents, scripts, and people (kind "person")."""
        found = [one for one in everybody(room) if kind in ("", one.metadata["kind"])]
        return answer(Who(found))

    return router


def everybody(room: Room) -> list[show.AgentView]:
    """Agents, and who watches. People are not among the `agents` of the WebSockets: existing dashboards show each of
    those as something that works, with a progress."""
    agents: list[show.AgentView] = list(room.board.all("agents").values())
    presence: show.Presence | None = room.board.get("presence")
    people = [show.AgentView(f"person:{one.id}", f"person:{one.id}", "online", 0.0, {
        "kind": "person", "name": one.name, "since": one.since, "connections": one.connections})
        for one in (presence.users if presence else ())]
    return [*agents, *people]
