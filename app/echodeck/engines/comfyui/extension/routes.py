"""What is asked of the extension over HTTP: how it is, and to hold a prompt."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .gate import Gate
from .relay import Relay

USAGE = 'send {"prompt_id": ID, "hold": true or false} as application/json'
NO_HOOK = "ComfyUI has set no hook that its steps call"


def add(server: Any, version: str, relay: Relay, gate: Gate | None, reasons: dict[str, str]) -> None:
    """Puts the routes into the server's table."""

    async def get_state(request: Any) -> Any:
        return web.json_response(state(version, relay, gate, reasons))

    async def post_hold(request: Any) -> Any:
        body = await _body(request)
        if body is None:
            return web.json_response({"error": USAGE}, status=400)
        problem = _problem(gate, reasons) or (gate.hold(*body) if gate is not None else "")
        if problem:
            return web.json_response({"error": problem}, status=409)
        return web.json_response({"held": (gate.held or None) if gate is not None else None})

    server.routes.get("/echodeck/state")(get_state)
    server.routes.post("/echodeck/hold")(post_hold)


def state(version: str, relay: Relay, gate: Gate | None, reasons: dict[str, str]) -> dict[str, Any]:
    problem = _problem(gate, reasons)
    why = {**reasons, **({"pause": problem} if problem else {}), **({} if relay.works else {"events": "see the log"})}
    return {"version": version, "features": {"events": relay.works, "pause": not problem, "reasons": why},
            "running": (gate.running() or None) if gate is not None else None,
            "held": (gate.held or None) if gate is not None else None,
            "holding": gate is not None and gate.holding, "monitors": len(relay.monitors())}


def _problem(gate: Gate | None, reasons: dict[str, str]) -> str:
    if gate is None:
        return reasons.get("pause", "it gives no way to")
    return "" if gate.hooked else NO_HOOK


async def _body(request: Any) -> tuple[str, bool] | None:
    """None when it is not as it should be. Only JSON: a page of another site can post other types unasked."""
    if request.content_type != "application/json":
        return None
    try:
        body = await request.json()
        prompt_id, on = body["prompt_id"], body["hold"]
    except (KeyError, TypeError, ValueError):
        return None
    return (prompt_id, on) if isinstance(prompt_id, str) and isinstance(on, bool) else None
