"""A scripted hub on a real socket: it says what a test tells it to, and remembers what it heard."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from echodeck import wire
from echodeck.client import Backoff, Client
from echodeck.wire.show import iso

PATIENCE_S = 20.0


def frame(type_: str, payload: dict[str, Any] | None = None, seq: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"type": type_, "payload": payload or {}, "timestamp": iso(time.time())}
    return made if seq is None else {**made, "seq": seq}


def initial(seq: int = 0, jobs: list[dict[str, Any]] | None = None, hub: str = "h1") -> dict[str, Any]:
    return frame("initial_state", {"seq": seq, "hub": hub, "jobs": jobs or [], "agents": [], "now": iso(time.time())})


class ScriptedHub:
    """Answers `ping`; acks everything else through `reply`, unless that is None for a request."""

    def __init__(self) -> None:
        self.queries: list[dict[str, str]] = []
        self.heard: list[dict[str, Any]] = []
        self.sockets: list[ServerConnection] = []
        self.greeting: list[Any] = [initial()]
        self.pongs = True
        self.refuse: int | None = None
        self.reply: Callable[[dict[str, Any]], dict[str, Any] | None] = self.ack
        self._server: Server | None = None
        self.port = 0

    @staticmethod
    def ack(request: dict[str, Any]) -> dict[str, Any]:
        return frame("ack", {"id": request["id"], "result": {"echo": request["payload"]}})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self, type_: str) -> list[dict[str, Any]]:
        return [request for request in self.heard if request["type"] == type_]

    async def start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", self.port, process_request=self._check,
                                   subprotocols=[wire.SUBPROTOCOL])  # type: ignore[list-item]
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            for socket in self.sockets:
                socket.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cuts every connection without a word, like a process that was killed."""
        for socket in self.sockets:
            socket.transport.abort()
        self.sockets.clear()

    async def say(self, *messages: Any) -> None:
        for socket in [*self.sockets]:
            await socket.send(json.dumps(list(messages)))

    async def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuse is None:
            return None
        return connection.respond(HTTPStatus(self.refuse), "no\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.queries.append({name: values[0] for name, values in parse_qs(urlsplit(socket.request.path).query).items()})
        self.sockets.append(socket)
        try:
            for message in self.greeting:
                await socket.send(message if isinstance(message, str | bytes) else json.dumps([message]))
            async for text in socket:
                request = json.loads(text)
                self.heard.append(request)
                if request["type"] == "ping":
                    answer = frame("pong", {"id": request["id"], "now": iso(time.time() + 5)}) if self.pongs else None
                else:
                    answer = self.reply(request) if "id" in request else None
                if answer is not None:
                    await socket.send(json.dumps([answer]))
        except ConnectionClosed:
            return
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)


@pytest.fixture
async def hub() -> AsyncIterator[ScriptedHub]:
    scripted = ScriptedHub()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """Makes a client that comes back within milliseconds."""

    def make(hub: Any, **options: Any) -> Client:
        return Client(hub.url, **{"backoff": Backoff(0.02, 0.1, soon_s=0.01), "poll_s": 0.02, **options})

    return make


@pytest.fixture
def until() -> Callable[..., Any]:
    async def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
            await asyncio.sleep(0.005)
        return found

    return wait


@pytest.fixture
def say() -> Any:
    """Makers of frames: `say.frame(type, payload, seq)`, `say.initial(seq, jobs)`."""
    from types import SimpleNamespace

    return SimpleNamespace(frame=frame, initial=initial)


@pytest.fixture
def scripted_hub() -> type[ScriptedHub]:
    return ScriptedHub
