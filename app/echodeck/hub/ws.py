"""The three WebSocket endpoints: who connects is shown everything, and what is said is given to the room.

An ASGI application of its own beside the REST one, because it writes to the transports itself (see `line`).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from .. import wire
from ..config import Settings
from ..errors import BadField, BadFrame, EchodeckError, InputError, StoreError
from ..wire import say, show
from .auth import refuse
from .fanout import Fanout
from .line import EXTENSION
from .outbox import Outbox
from .resume import missed
from .room import Room
from .session import Session, Shown

log = logging.getLogger(__name__)

WAITING = 64
"""Requests of one connection that may wait for their turn; beyond, it is not read on."""
MAX_NAME = 80


class Sockets:
    """The application for WebSockets. `stop` says good-bye to everybody (1001)."""

    def __init__(self, room: Room, fanout: Fanout, settings: Settings, *,
                 clock: Callable[[], float] = time.time) -> None:
        self._room, self._fanout, self._settings, self._clock = room, fanout, settings, clock
        self._open: set[Send] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        if path not in say.ENDPOINTS:
            known = ", ".join(say.ENDPOINTS)
            await refuse(scope, send, 404, "not_found", f"there is no WebSocket at {path[:200]!r}; there are {known}")
            return
        batched = wire.SUBPROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": wire.SUBPROTOCOL if batched else None})
        outbox = Outbox(scope["extensions"][EXTENSION]["line"], batched=batched, hurry=self._fanout.hurry)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        self._open.add(send)
        try:
            await self._attend(path, query, outbox, receive)
        finally:
            self._open.discard(send)

    async def stop(self) -> None:
        """Closes every connection with 1001, waiting a moment for those that cannot be written to."""
        goodbye = {"type": "websocket.close", "code": 1001, "reason": "the hub is stopping"}
        closing = [asyncio.ensure_future(send(goodbye)) for send in self._open]
        if closing:
            _, late = await asyncio.wait(closing, timeout=1.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*closing, return_exceptions=True)

    async def _attend(self, path: str, query: dict[str, list[str]], outbox: Outbox, receive: Receive) -> None:
        id_ = uuid.uuid4().hex
        client, user = query.get("client", [id_])[-1][:128], query.get("user", [""])[-1][:MAX_NAME]
        session = Session(id=id_, endpoint=path, client=client, user=user, tell=outbox.tell)
        outbox.watched = session.jobs
        self._fanout.add(outbox)
        self._room.joined(session)
        try:
            await self._begin(outbox, query.get("after", [""])[-1], query.get("hub", [""])[-1])
            await self._listen(session, outbox, receive)
        finally:
            self._fanout.discard(outbox)
            self._room.left(session)

    async def _begin(self, outbox: Outbox, after: str, hub: str) -> None:
        readable = after.isascii() and after.isdigit() and len(after) < 19
        found = await missed(self._room, int(after), hub) if readable else None
        # No await from here on: what is told next is newer than what is read here.
        if found is None:
            outbox.restart()
        else:
            outbox.resume(found.events, found.records)
        self._fanout.hurry(outbox)

    async def _listen(self, session: Session, outbox: Outbox, receive: Receive) -> None:
        requests: asyncio.Queue[wire.Request | None] = asyncio.Queue(WAITING)
        worker = asyncio.create_task(self._work(session, requests))
        try:
            while (event := await receive())["type"] != "websocket.disconnect":
                request = self._read(session, outbox, event)
                if request is not None:
                    await requests.put(request)
                await outbox.room()
            # What was said before leaving still counts.
            await requests.put(None)
            await worker
        finally:
            worker.cancel()

    def _read(self, session: Session, outbox: Outbox, event: Any) -> wire.Request | None:
        """The request of a frame, unless it is answered here."""
        try:
            if event.get("text") is None:
                raise BadFrame("binary frames mean nothing here; send text", code="bad_frame")
            frame = event["text"].encode()
            request = wire.decode_request(frame, session.endpoint, self._settings.max_frame_bytes)
            if request.type == "subscribe":
                self._subscribe(outbox, request)
            elif request.type != "ping":
                return request
        except InputError as error:
            self._refuse(session, error, getattr(error, "request_id", None))
            return None
        if request.type == "ping":
            now = self._clock()
            session.tell(Shown("pong", show.Pong(request.id, show.iso(now)), now))
        self._ack(session, request, {})
        return None

    def _subscribe(self, outbox: Outbox, request: wire.Request) -> None:
        wanted = request.payload
        assert isinstance(wanted, say.Subscribe)
        unknown = [topic for topic in wanted.topics if topic not in wire.ROUTES]
        if unknown:
            error = BadField("topics", f"there are no messages of the type {unknown[0][:80]!r}")
            error.request_id = request.id  # type: ignore[attr-defined]
            raise error
        outbox.subscribe(wanted.topics, wanted.max_rate)

    async def _work(self, session: Session, requests: asyncio.Queue[wire.Request | None]) -> None:
        """A connection's requests one after the other, in the order they were said."""
        while (request := await requests.get()) is not None:
            try:
                result = await self._room.handle(session, request)
            except (InputError, StoreError) as error:
                self._refuse(session, error, request.id)
            except Exception:
                log.exception("a %s request failed", request.type)
                error_ = EchodeckError("the hub failed at this; its log says more", code="internal")
                self._refuse(session, error_, request.id)
            else:
                self._ack(session, request, result)

    def _ack(self, session: Session, request: wire.Request, result: dict[str, Any]) -> None:
        if request.id is not None:
            session.tell(Shown("ack", show.Ack(request.id, result), self._clock()))

    def _refuse(self, session: Session, error: EchodeckError, id_: str | None) -> None:
        session.tell(Shown("error", error_view(error, id_), self._clock()))


def error_view(error: EchodeckError, id_: str | None) -> show.ErrorView:
    """Any refusal as it is shown."""
    return show.ErrorView(id_, error.code, error.message, error.field)
