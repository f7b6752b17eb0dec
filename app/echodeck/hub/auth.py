"""Who may connect: no foreign web page (cross-site WebSockets, forged posts), and no host name that is not ours.

A browser sends the page's Origin; programs send none and are let in: whoever can reach the port may use the hub. A
page is ours when it comes from the same host as the hub was asked by (any port: the dashboard has its own), when both
are this machine's loopback, or when the setting `allow_origin` names it. The Host header must be an address or a name
we know, so that a foreign name rebound to our address (DNS rebinding) gets nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config import Settings

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def host_name(value: str) -> str:
    """The host's name without port, lower case, of an authority ("[::1]:8309") or an origin; "" if there is none."""
    try:
        return (urlsplit(value if "//" in value else f"//{value}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _listed(setting: str) -> set[str]:
    return {item.strip().lower().rstrip("/") for item in setting.split(",") if item.strip()}


class Door:
    """The rules, from the settings."""

    def __init__(self, settings: Settings) -> None:
        own = socket.gethostname().lower()
        self._hosts = {own, f"{own}.local", own.split(".")[0], settings.host.lower(), *_listed(settings.allow_host)}
        self._origins = _listed(settings.allow_origin)

    def host_problem(self, host: str) -> str:
        """"" when the hub answers to this Host header, else why not."""
        name = host_name(host)
        if not host or _is_address(name) or is_loopback(name) or name in self._hosts:
            return ""
        return f"this hub does not answer to the name {name[:80]!r}; its setting allow_host can add it"

    def knows(self, origin: str, host: str) -> bool:
        """Whether a page from `origin` may use the hub that it asked by the name `host`."""
        if origin.lower().rstrip("/") in self._origins:
            return True
        page, hub = host_name(origin), host_name(host)
        return bool(page) and (page == hub or (is_loopback(page) and is_loopback(hub)))

    def problem(self, headers: Headers, *, changing: bool) -> str:
        """Why this request is refused, or "". `changing`: it is not only reading (any WebSocket is not)."""
        host, origin = headers.get("host", ""), headers.get("origin")
        found = self.host_problem(host)
        if not found and changing and origin is not None and not self.knows(origin, host):
            found = f"pages from {origin[:80]!r} may not use this hub; its setting allow_origin can add them"
        return found


class Guard:
    """ASGI middleware: refuses at the door with 403 and a sentence, and adds CORS headers for pages that are ours."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._door = Door(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        changing = scope["type"] == "websocket" or scope["method"] not in _SAFE
        problem = self._door.problem(headers, changing=changing)
        if problem:
            await refuse(scope, send, HTTPStatus.FORBIDDEN, "forbidden", problem)
            return
        origin = headers.get("origin")
        if scope["type"] == "websocket" or origin is None or not self._door.knows(origin, headers.get("host", "")):
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(origin, send)
        else:
            await self._app(scope, receive, _allowing(origin, send))


def _allowing(origin: str, send: Send) -> Send:
    async def allow(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers.add_vary_header("Origin")
        await send(message)

    return allow


async def _preflight(origin: str, send: Send) -> None:
    headers = MutableHeaders({
        "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "content-type, idempotency-key", "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    })
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b""})


async def refuse(scope: Scope, send: Send, status: int, code: str, message: str) -> None:
    """Answers an HTTP request, or a WebSocket's opening, with an error in the hub's usual shape."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = msgspec.json.encode({"error": {"code": code, "message": message, "field": None}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": int(status), "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
