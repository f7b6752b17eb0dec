"""What a server sends to its clients, sent on to the monitors: sockets whose client id begins with `echodeck-`.

A monitor gets {"type": "echodeck.event", "data": {"event", "data", "prompt_id", "sid_present"}} for a message that was
meant for another client (`sid_present`: whether that one is connected), and pictures as binary frames of type 4, which
name their prompt and node. What goes to everybody reaches a monitor by itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from .outbox import Outbox
from .picture import Pictures

PREFIX = "echodeck-"
NEVER = frozenset({"status", "feature_flags", "logs"})
"""Nothing about a prompt."""
LEFT_OUT = {"execution_error": ("current_inputs", "current_outputs")}
"""May hold the keys of services that somebody pays for."""

log = logging.getLogger("echodeck")


class Relay:
    """Stands in for `server.send_sync`. The server's own is called first, with the same arguments; a failure of ours
    is logged once, and ends our part."""

    def __init__(self, server: Any, binary: Any) -> None:
        self._server, self._original, self.works = server, server.send_sync, True
        self.monitors()  # asked for, as everything that is needed
        self._outboxes: dict[str, Outbox] = {}
        self._pictures = Pictures(server.loop, binary, self._put)
        server.send_sync = self.send_sync

    def monitors(self) -> list[str]:
        """May be asked for on any thread."""
        return [sid for sid in list(self._server.sockets) if sid.startswith(PREFIX)]

    def send_sync(self, event: Any, data: Any, sid: Any = None, *more: Any, **named: Any) -> Any:
        result = self._original(event, data, sid, *more, **named)
        if self.works:
            try:
                # Where no monitor is, this is all that is done: the quickest way to know.
                if PREFIX in "".join(self._server.sockets):
                    self._send_on(event, data, sid)
            except Exception as error:  # noqa: BLE001 - said once, and then never again
                self._fail(error)
        return result

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Something of our own, to all monitors. Never raises."""
        if self.works:
            self._guarded(self._post, json.dumps({"type": kind, "data": data}))

    def send_on(self, event: str, data: Any) -> None:
        """An event that was meant for nobody. Never raises."""
        if self.works and self.monitors():
            self._guarded(self._send_event, event, data, None)

    def _guarded(self, call: Callable[..., None], *values: Any) -> None:
        try:
            call(*values)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.works = False
        log.error("echodeck: what happens cannot be sent on any more; ComfyUI itself is not concerned", exc_info=error)

    def _send_on(self, event: Any, data: Any, sid: Any) -> None:
        monitors = self.monitors()
        if not monitors or monitors == [sid]:
            return
        if not isinstance(event, str):
            self._pictures.take(event, data, self._server, sid)
        elif sid is not None and event not in NEVER:
            self._send_event(event, data, sid)

    def _send_event(self, event: str, data: Any, sid: Any) -> None:
        prompt_id = data.get("prompt_id") if isinstance(data, dict) else None
        if event in LEFT_OUT:
            data = {key: value for key, value in data.items() if key not in LEFT_OUT[event]}
        about = {"event": event, "data": data, "sid_present": sid in self._server.sockets,
                 "prompt_id": prompt_id or getattr(self._server, "last_prompt_id", None)}
        try:
            frame = json.dumps({"type": "echodeck.event", "data": about}, default=_named)
        except (TypeError, ValueError, RecursionError) as error:
            log.debug("echodeck: an event %s cannot be sent on: %s", event, error)
            return
        self._post(frame, sid)

    def _post(self, frame: str | bytes, but: Any = None) -> None:
        self._server.loop.call_soon_threadsafe(self._put, frame, but)

    # --- on the server's loop ---

    def _put(self, frame: str | bytes, but: Any = None) -> None:
        """To all monitors, but not to one that had it already."""
        try:
            for sid in self.monitors():
                if sid != but:
                    self._outbox(sid).put(frame)
            for sid in [one for one in self._outboxes if one not in self._server.sockets]:
                del self._outboxes[sid]
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _outbox(self, sid: str) -> Outbox:
        socket, known = self._server.sockets[sid], self._outboxes.get(sid)
        if known is None or known.socket is not socket:
            known = self._outboxes[sid] = Outbox(socket)
        return known


def hear_nameless(relay: Relay) -> None:
    """Of a prompt without a client ComfyUI sends nobody that it begins, has cached nodes, or ends: monitors hear it.

    Where this is not possible they have to ask for it, as without the extension.
    """
    try:
        from execution import PromptExecutor

        add_message = PromptExecutor.add_message
    except (ImportError, AttributeError) as error:
        log.info("echodeck: prompts without a client tell little (%s)", error)
        return

    @wraps(add_message)
    def told(self: Any, event: str, data: dict[str, Any], broadcast: bool, *more: Any, **named: Any) -> Any:
        result = add_message(self, event, data, broadcast, *more, **named)
        if self.server.client_id is None and not broadcast:
            relay.send_on(event, data)
        return result

    PromptExecutor.add_message = told


def _named(value: Any) -> str:
    return f"<{type(value).__name__}>"

