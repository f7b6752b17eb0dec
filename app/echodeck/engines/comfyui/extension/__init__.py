"""The echodeck extension: runs inside ComfyUI. It sends what happens on to echodeck, and holds a prompt at a step.

Only sockets whose client id begins with `echodeck-` are sent anything, and with none of them connected the price is one
look at the list of sockets. What is meant for other clients is always sent to them first, and unchanged. Whatever of a
ComfyUI is not as it is known here is left alone, and said once in the log and at /echodeck/state.

It needs nothing but what ComfyUI has, and runs on Python 3.9. Put here by `echodeck comfyui install`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

VERSION = "1.0"
PREFIX = "echodeck-"
PREVIEW_S = 0.25
"""Between two pictures that are sent on."""
CHECK_S = 0.05
ALONE_S = 600.0
"""A prompt that is held goes on when nobody who could release it has been connected for so long."""

NODE_CLASS_MAPPINGS: dict[str, Any] = {}
WEB_DIRECTORY = None

log = logging.getLogger("echodeck")


class Mirror:
    """Sends on to echodeck what a server sends to others."""

    def __init__(self, server: Any, binary: Any) -> None:
        self._server, self._original = server, server.send_sync
        self._unencoded = getattr(binary, "UNENCODED_PREVIEW_IMAGE", None)
        self._with_metadata = getattr(binary, "PREVIEW_IMAGE_WITH_METADATA", None)
        self._pictured = 0.0
        self._broken = False
        self.ended: Callable[[str], None] = lambda prompt_id: None
        server.send_sync = self.send_sync

    @property
    def works(self) -> bool:
        return not self._broken

    def monitors(self) -> list[str]:
        return [sid for sid in list(self._server.sockets) if sid.startswith(PREFIX)]

    def send_sync(self, event: Any, data: Any, sid: Any = None, *more: Any, **named: Any) -> Any:
        """In place of the server's own, which is called first of all."""
        result = self._original(event, data, sid, *more, **named)
        if not self._broken:
            try:
                self._send_on(event, data, sid)
            except Exception:
                self._broken = True
                log.exception("echodeck: what happens cannot be sent on any more; ComfyUI itself is not concerned")
        return result

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Something of our own, to echodeck alone."""
        for monitor in self.monitors():
            self._original(event, data, monitor)

    def _send_on(self, event: Any, data: Any, sid: Any) -> None:
        if event == "executing" and isinstance(data, dict) and data.get("node") is None:
            self.ended(str(data.get("prompt_id") or ""))
        if sid is None:  # everybody gets it
            return
        monitors = [one for one in self.monitors() if one != sid]
        if not monitors:
            return
        if isinstance(event, str):
            for monitor in monitors:
                self._original("echodeck.event", {"event": event, "data": data}, monitor)
        elif event in (self._unencoded, self._with_metadata) and event is not None:
            self._picture(event, data, monitors)

    def _picture(self, event: Any, data: Any, monitors: list[str]) -> None:
        """With the prompt and the node that it belongs to, where this ComfyUI can say so."""
        now = time.monotonic()
        if now - self._pictured < PREVIEW_S:
            return
        self._pictured = now
        if event == self._unencoded and self._with_metadata is not None:
            prompt_id, node = self._server.last_prompt_id, self._server.last_node_id
            about = {"node_id": node, "prompt_id": prompt_id, "display_node_id": node, "parent_node_id": None,
                     "real_node_id": node}
            event, data = self._with_metadata, (data, about)
        for monitor in monitors:
            self._original(event, data, monitor)


class Gate:
    """Holds a running prompt, on the thread that executes it, at a step of its progress."""

    def __init__(self, mirror: Mirror, running: Callable[[], str], interrupted: Callable[[], bool]) -> None:
        self._mirror, self._running, self._interrupted = mirror, running, interrupted
        self._changed = threading.Condition()
        self.held = ""
        self.holding = False
        mirror.ended = self.forget

    def hold(self, prompt_id: str, on: bool) -> str:
        """Why it cannot be, "" when it is so."""
        with self._changed:
            if on and prompt_id != self._running():
                return "that prompt does not run"
            if on:
                self.held = prompt_id
            elif self.held == prompt_id:
                self.held = ""
            self._changed.notify_all()
        return ""

    def forget(self, prompt_id: str) -> None:
        with self._changed:
            if self.held == prompt_id:
                self.held = ""
                self._changed.notify_all()

    def after(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """A progress hook that holds when it has told of a step."""

        def told(*values: Any, **named: Any) -> Any:
            result = hook(*values, **named)
            if self.held:
                self._stand()
            return result

        return told

    def _stand(self) -> None:
        prompt_id, seen = self._running(), time.monotonic()
        with self._changed:
            if self.held != prompt_id:
                return
            self.holding = True
            self._mirror.tell("echodeck.held", {"prompt_id": prompt_id})
            try:
                while self.held == prompt_id and not self._interrupted():
                    self._changed.wait(CHECK_S)
                    seen = time.monotonic() if self._mirror.monitors() else seen
                    if time.monotonic() - seen > ALONE_S:
                        log.warning("echodeck: nobody has been there to release a held prompt; it goes on")
                        self.held = ""
            finally:
                self.holding = False
                self._mirror.tell("echodeck.released", {"prompt_id": prompt_id})


def _running_of(server: Any) -> Callable[[], str]:
    """The id of the prompt that runs, "" if none does."""

    def running() -> str:
        items = list(server.prompt_queue.currently_running.values())
        return str(items[0][1]) if items else ""

    return running


def _routes(server: Any, web: Any, state: Callable[[], dict[str, Any]], gate: Gate | None) -> None:
    async def get_state(request: Any) -> Any:
        return web.json_response(state())

    async def post_hold(request: Any) -> Any:
        try:
            body = await request.json()
            prompt_id, on = str(body["prompt_id"]), bool(body["hold"])
        except (KeyError, TypeError, ValueError):
            return web.json_response({"error": "send {\"prompt_id\": ID, \"hold\": true or false}"}, status=400)
        problem = "this version of ComfyUI gives no way to" if gate is None else gate.hold(prompt_id, on)
        if problem:
            return web.json_response({"error": problem}, status=409)
        return web.json_response({"held": gate.held if gate is not None else ""})

    server.routes.get("/echodeck/state")(get_state)
    server.routes.post("/echodeck/hold")(post_hold)


def _gate(mirror: Mirror, server: Any, reasons: dict[str, str]) -> Gate | None:
    """None, with the reason, where nothing can be held."""
    try:
        import comfy.model_management as management
        import comfy.utils as utils

        set_hook = utils.set_progress_bar_global_hook
        interrupted, running = management.processing_interrupted, _running_of(server)
        server.prompt_queue  # noqa: B018 - asked for, as everything that is needed
    except (ImportError, AttributeError) as error:
        reasons["pause"] = str(error)
        return None
    gate = Gate(mirror, running, interrupted)

    def set_holding_hook(hook: Any, *more: Any, **named: Any) -> Any:
        return set_hook(hook if hook is None else gate.after(hook), *more, **named)

    # The server sets its hook after all custom nodes are loaded; what is set by then, if anything, is wrapped too.
    utils.set_progress_bar_global_hook = set_holding_hook
    if getattr(utils, "PROGRESS_BAR_HOOK", None) is not None:
        set_holding_hook(utils.PROGRESS_BAR_HOOK)
    return gate


def _start() -> None:
    from aiohttp import web
    from server import BinaryEventTypes, PromptServer

    server, reasons = PromptServer.instance, dict[str, str]()
    mirror = Mirror(server, BinaryEventTypes)
    gate = _gate(mirror, server, reasons)

    def state() -> dict[str, Any]:
        features = {"events": mirror.works, "pause": gate is not None, "reasons": reasons}
        return {"version": VERSION, "features": features, "held": gate.held if gate else "",
                "holding": gate.holding if gate else False, "monitors": len(mirror.monitors())}

    _routes(server, web, state, gate)
    log.info("echodeck extension %s: events are sent on%s", VERSION,
             ", and prompts can be held" if gate else f"; prompts cannot be held ({reasons.get('pause')})")


try:
    _start()
except Exception:
    # ComfyUI must start whatever it has become.
    log.exception("echodeck: this ComfyUI is not as it is known here; the extension stands aside")
