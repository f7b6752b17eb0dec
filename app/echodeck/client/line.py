"""The two ways to talk to a hub, with the same three verbs: a WebSocket, and REST while none can be had."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial

from .. import wire
from ..errors import ConfigError, EchodeckError, HubUnreachable
from .faults import rebuild

LARGEST_BYTES = 64 << 20
"""An initial_state with ten thousand jobs fits."""
OPEN_S = 5.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Line(Protocol):
    """A way to talk. Every method may raise OSError, or websockets' ConnectionClosed, when it is cut."""

    async def receive(self) -> list[wire.Message]:
        """The next messages. Raises BadFrame when they cannot be read; the line is still good."""

    async def send(self, frame: bytes) -> None: ...

    async def close(self) -> None: ...


class Address:
    """A hub's address in its two spellings. Raises ConfigError when it is none."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
        try:
            good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ConfigError(f"--hub: {url!r} is no hub's address; it looks like http://127.0.0.1:8309")
        rest = f"{parts.netloc}{parts.path.rstrip('/')}"
        socket = schemes[parts.scheme]
        self.http = f"{'https' if socket == 'wss' else 'http'}://{rest}"
        self.socket = f"{socket}://{rest}"
        self.loopback = (parts.hostname or "") in LOOPBACK

    def __str__(self) -> str:
        return self.http


class Rest:
    """The hub's REST interface, with the standard library, in threads."""

    def __init__(self, address: Address, timeout_s: float = 10.0) -> None:
        self.address, self.timeout_s = address, timeout_s
        # A proxy cannot reach this machine's loopback, whatever the environment says.
        handlers = [urllib.request.ProxyHandler({})] if address.loopback else []
        self._opener = urllib.request.build_opener(*handlers)

    async def get(self, path: str, **query: Any) -> Any:
        """GET as JSON. Raises the hub's error, HubUnreachable when this is no hub, OSError when nobody answers."""
        return await asyncio.to_thread(self.ask, path, None, query)

    async def post(self, path: str, body: bytes, **query: Any) -> Any:
        return await asyncio.to_thread(self.ask, path, body, query)

    def ask(self, path: str, body: bytes | None = None, query: dict[str, Any] | None = None) -> Any:
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        url = f"{self.address.http}{path}" + (f"?{urllib.parse.urlencode(given)}" if given else "")
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=self.timeout_s) as answer:
                content = answer.read(LARGEST_BYTES)
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except http.client.HTTPException as error:
            raise OSError(f"not an HTTP answer: {error!r}") from error
        return self._json(content)

    def _json(self, content: bytes) -> Any:
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise HubUnreachable(f"what answers at {self.address} is no hub") from error

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        try:
            answer = json.loads(error.read(LARGEST_BYTES))
            told = answer.get("error") or answer.get("payload")
        except (ValueError, AttributeError, OSError):
            told = None
        if not isinstance(told, dict):
            return HubUnreachable(f"what answers at {self.address} is no hub (HTTP {error.code})")
        return rebuild(told)


class Socket:
    """A WebSocket that speaks wire.SUBPROTOCOL."""

    name = "live"

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, address: Address, endpoint: str, query: dict[str, Any]) -> Socket:
        """Raises OSError, TimeoutError, or websockets' InvalidHandshake when HTTP answers but gives no WebSocket."""
        given = urllib.parse.urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return cls(await dial(
            f"{address.socket}{endpoint}?{given}", subprotocols=[wire.SUBPROTOCOL],  # type: ignore[list-item]
            open_timeout=OPEN_S, ping_interval=None, close_timeout=1.0, max_size=LARGEST_BYTES, compression=None,
            proxy=None if address.loopback else True,
        ))

    async def receive(self) -> list[wire.Message]:
        return wire.decode(await self._connection.recv())

    async def send(self, frame: bytes) -> None:
        await self._connection.send(frame, text=True)

    async def close(self) -> None:
        await self._connection.close()


class Poll:
    """REST in place of a WebSocket: what changed is asked for every `every_s`, commands are posted."""

    name = "polling"

    def __init__(self, rest: Rest, query: dict[str, Any], resume: Callable[[], dict[str, Any]], every_s: float) -> None:
        self._rest, self._query, self._resume, self._every_s = rest, query, resume, every_s
        self._answers: asyncio.Queue[wire.Message] = asyncio.Queue()
        self._due = 0.0
        self.latency_s: float | None = None

    async def receive(self) -> list[wire.Message]:
        try:
            return [await asyncio.wait_for(self._answers.get(), max(0.001, self._due - time.monotonic()))]
        except TimeoutError:
            began = time.monotonic()
        state = await self._rest.get("/api/state", **self._resume(), **self._query)
        self.latency_s = time.monotonic() - began
        self._due = time.monotonic() + self._every_s
        if isinstance(state, dict) and "messages" in state:
            return wire.decode(json.dumps(state["messages"]))
        initial = state.get("initial", state) if isinstance(state, dict) else None
        if not isinstance(initial, dict) or "seq" not in initial:
            raise HubUnreachable(f"what answers at {self._rest.address} is no hub")
        return [wire.Message("initial_state", initial)]

    async def send(self, frame: bytes) -> None:
        id_ = json.loads(frame).get("id")
        try:
            answer = await self._rest.post("/api/commands", frame, **self._query)
        except HubUnreachable:
            raise
        except EchodeckError as error:
            answer = {"type": "error", "payload": {"id": id_, **error.as_dict()}}
        # `messages` are what the request called for beside its ack: the result of a query, say.
        more = answer.get("messages", []) if isinstance(answer, dict) else []
        for message in wire.decode(json.dumps([*more, answer])):
            self._answers.put_nowait(message)
        self._due = 0.0  # show what the command did at once

    async def close(self) -> None:
        """Nothing is held open."""

