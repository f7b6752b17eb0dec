"""REST: the fallback when no WebSocket can be had, the old dashboard's own calls, and the history."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from .. import wire
from ..config import Settings
from ..errors import InputError, StoreError
from ..version import __version__
from ..wire import say, show
from . import echo, estimates, generations, history, metrics, mind, series, status
from .answers import Asked, answer, body, describe, shows, status_of, takes, told, translate
from .keeper import Keeper
from .metrics import Metrics
from .notify import rest as notify
from .resume import merged, missed
from .room import Room
from .shapes import Answer, Events, Recent, Said, State, Told
from .ws import error_view

DESCRIPTION = (
    "The hub of echodeck: jobs, machines and agents, live. Everything here is also told over the WebSockets "
    f"{', '.join(say.ENDPOINTS)}; their messages are described at `api/schema`. An `Idempotency-Key` header on a POST "
    "with a `client` in the query makes repeating it harmless."
)


def rest(room: Room, settings: Settings, keeper: Keeper, told: Metrics) -> FastAPI:
    """The application. It needs no network for its documentation."""
    app = FastAPI(title="Echo Brain", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None)
    translate(app)
    app.include_router(generations.routes(room, settings))
    app.include_router(status.routes(room, settings))
    app.include_router(history.routes(room))
    app.include_router(series.routes(keeper))
    app.include_router(echo.routes(room, settings))
    app.include_router(mind.routes(room, settings.max_frame_bytes))
    app.include_router(estimates.routes(room))
    app.include_router(metrics.routes(told))
    app.include_router(notify.routes(room))
    app.webhooks.include_router(notify.webhooks)
    _documents(app)
    _stream(app, room)
    _hosts(app, room)
    _commands(app, room, settings)
    describe(app)
    return app


def _documents(app: FastAPI) -> None:
    page = Path(__file__).with_name("docs.html").read_text(encoding="utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page)

    @app.get("/", include_in_schema=False)
    async def top() -> Response:
        return RedirectResponse("docs")

    @app.get("/api/schema", tags=["messages"])
    async def schema() -> Response:
        """A JSON Schema of every WebSocket message: what the hub says, and what may be said at each endpoint."""
        return answer(wire.schema())


def _stream(app: FastAPI, room: Room) -> None:
    @app.get("/api/events", tags=["messages"], responses=shows(Events))
    async def events(after: Annotated[int, Query(ge=0, le=2**53)] = 0,
                     limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> Response:
        """The log of durable events after `after`, in order."""
        found = await room.events(after, limit)
        rows = [Told(one.type, one.payload, show.iso(one.at_s) or "", one.seq) for one in found]
        return answer(Events(rows, found[-1].seq if found else min(after, room.board.seq)))

    @app.get("/api/state", tags=["messages"], responses=shows(State))
    async def state(after: Annotated[int | None, Query(ge=0, le=2**53)] = None, hub: str = "") -> Response:
        """What a WebSocket would begin with: everything (`initial`), or with `after` what was missed (`messages`)."""
        found = None if after is None else await missed(room, after, hub)
        if found is None:
            initial = room.initial_state()
            return answer(State(initial.seq, initial=initial))
        return answer(State(found.seq, messages=told(merged(found.events, found.records))))


def _hosts(app: FastAPI, room: Room) -> None:
    @app.get("/api/hosts/recent", tags=["messages"], responses=shows(Recent))
    async def recent() -> Response:
        """The latest samples of each machine, oldest first, for a page that has just been opened."""
        return answer(Recent(room.staff.hosts.recent()))

    @app.delete("/api/hosts/{name:path}", tags=["messages"], status_code=204, response_class=Response)
    async def forget(name: str, request: Request) -> Response:
        """A machine that was taken away for good; refused while it is heard from. Its figures stay in the series."""
        await Asked(room, request).do("forget_host", say.ForgetHost(name))
        return Response(status_code=204)


def _commands(app: FastAPI, room: Room, settings: Settings) -> None:
    @app.post("/api/commands", tags=["messages"], responses=shows(Answer), openapi_extra=takes(Said))
    async def commands(request: Request) -> Response:
        """Any message that a viewer may send over a WebSocket, for those who have none; answers its ack or error."""
        asked = Asked(room, request, "/api/echo/ws")
        id_: str | None = None
        try:
            raw = await body(request, settings.max_frame_bytes)
            message = wire.decode_request(raw, asked.session.endpoint, settings.max_frame_bytes)
            id_ = message.id
            result = {} if message.type in ("ping", "subscribe") else await room.handle(asked.session, message)
        except (InputError, StoreError) as error:
            view = error_view(error, getattr(error, "request_id", id_))
            return answer(Answer("error", wire.plain(view), show.iso(time.time()) or ""), status_of(error))
        ack = wire.plain(show.Ack(id_, result))
        return answer(Answer("ack", ack, show.iso(time.time()) or "", told(asked.told)))
