"""How REST reads and answers: JSON made by msgspec, one shape of error, and what OpenAPI says of both."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from .. import wire
from ..errors import (
    BadField,
    BadFrame,
    EchodeckError,
    IllegalTransition,
    InputError,
    StoreError,
    UnknownRecord,
)
from ..wire import say, show
from .room import Room
from .session import Session, Shown
from .shapes import ErrorBody, Refusal, Told

_documented: set[Any] = {Refusal}


def answer(value: Any, status: int = 200) -> Response:
    """Any payload as a JSON response that nobody keeps."""
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, "application/json")


def shows(kind: Any, status: int = 200, what: str = "") -> dict[int | str, dict[str, Any]]:
    """`responses` for a route: what it answers, for OpenAPI."""
    _documented.add(kind)
    return {
        status: {"description": what or "as described", "content": {"application/json": {"schema": _ref(kind)}}},
        "default": {"description": "refused", "content": {"application/json": {"schema": _ref(Refusal)}}},
    }


def takes(kind: Any) -> dict[str, Any]:
    """`openapi_extra` for a route: the body it reads."""
    _documented.add(kind)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref(kind)}}}}


def _ref(kind: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def describe(app: FastAPI) -> None:
    """Give the app an OpenAPI document that has the shapes above."""
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description,
                                   routes=app.routes, webhooks=app.webhooks.routes)
            kinds = sorted(_documented, key=lambda kind: str(kind.__name__))
            _, parts = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
            document["components"] = {"schemas": parts}
            # A wrong parameter is answered as everything wrong is.
            for path in (*document["paths"].values(), *document["webhooks"].values()):
                for operation in path.values():
                    operation["responses"].pop("422", None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


async def body(request: Request, limit: int) -> bytes:
    """The request's body. Raises BadFrame ("too_large") without reading more than the limit."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > limit:
            raise BadFrame(f"the body has more than {limit:,} bytes", code="too_large")
    return bytes(read)


def with_fields(raw: bytes, **fields: str) -> bytes:
    """A JSON object with these fields set. Raises BadFrame when `raw` is no JSON object."""
    try:
        given = msgspec.json.decode(raw or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(f"not a JSON object: {error}", code="bad_json") from error
    return msgspec.json.encode({**given, **fields})


class Asked:
    """One REST call as a session: what is told to it is kept in `told`."""

    def __init__(self, room: Room, request: Request, endpoint: str = "/api/ws") -> None:
        self.told: list[Shown] = []
        self._room = room
        client = request.query_params.get("client", "")[:128] or uuid.uuid4().hex
        user = request.query_params.get("user", "")[:80]
        self.id = (request.headers.get("idempotency-key") or "")[:128] or None
        self.session = Session(id=uuid.uuid4().hex, endpoint=endpoint, client=client, user=user, tell=self.told.append)

    async def do(self, type_: str, payload: say.Say) -> dict[str, Any]:
        """What the room answers; durable. Raises InputError and StoreError."""
        result: dict[str, Any] = await self._room.handle(self.session, wire.Request(type_, payload, self.id))
        return result


def told(messages: Sequence[Shown]) -> list[Told]:
    return [Told(one.type, wire.plain(one.payload), show.iso(one.at_s) or "", one.seq) for one in messages]


def status_of(error: EchodeckError) -> int:
    match error:
        case UnknownRecord():
            return 404
        case IllegalTransition():
            return 409
        case StoreError():
            return 503
        case InputError():
            return 413 if error.code == "too_large" else 400
        case _:
            return 500


def refusal(error: EchodeckError) -> Response:
    return answer(Refusal(ErrorBody(error.code, error.message, error.field)), status_of(error))


def translate(app: FastAPI) -> None:
    """Every refusal in one shape."""
    @app.exception_handler(EchodeckError)
    async def refused(request: Request, error: EchodeckError) -> Response:
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refusal(BadField(str(first["loc"][-1]), str(first["msg"])))

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "not_allowed"}.get(error.status_code, "http_error")
        what = f"{request.method} {request.url.path[:200]}: {error.detail}"
        return answer(Refusal(ErrorBody(code, what)), error.status_code)

    @app.exception_handler(Exception)
    async def broke(request: Request, error: Exception) -> Response:
        # The framework raises it again afterwards, and the server logs it.
        return answer(Refusal(ErrorBody("internal", "the hub failed at this; its log says more")), 500)
