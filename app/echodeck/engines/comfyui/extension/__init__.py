"""The echodeck extension: runs inside ComfyUI. It sends what happens on to echodeck, and holds a prompt at a step.

Only sockets whose client id begins with `echodeck-` are sent anything, and with none of them connected the price is one
look at the list of sockets. What is meant for other clients is always sent to them first, and unchanged. Whatever of a
ComfyUI is not as it is known here is left alone, and said once in the log and at /echodeck/state.

It needs nothing but what ComfyUI has, and runs on Python 3.9. Put here by `echodeck comfyui install`. Its routes are in
ComfyUI's own table, so they are behind ComfyUI's own guard against other sites, and exist under /api as well:

    GET  /echodeck/state  {"version", "features": {"events", "pause", "reasons"}, "running", "held", "holding",
                           "monitors"}; `held` is the prompt that is to stand, `holding` says whether it does by now
    POST /echodeck/hold   {"prompt_id", "hold": true or false}; 409 with {"error"} when that prompt does not run
"""

from __future__ import annotations

import logging
from typing import Any

VERSION = "1.1"

NODE_CLASS_MAPPINGS: dict[str, Any] = {}
WEB_DIRECTORY = None

log = logging.getLogger("echodeck")


def _start() -> None:
    from server import BinaryEventTypes, PromptServer

    from . import gate, relay, routes

    server, reasons = PromptServer.instance, dict[str, str]()
    if hasattr(server, "echodeck"):
        log.warning("echodeck: the extension is there twice; only one of them works")
        return
    sender = relay.Relay(server, BinaryEventTypes)
    server.echodeck = sender
    relay.hear_nameless(sender)
    door = gate.install(sender, server, reasons)
    routes.add(server, VERSION, sender, door, reasons)
    log.info("echodeck extension %s: events are sent on%s", VERSION,
             ", and prompts can be held" if door else f"; prompts cannot be held ({reasons.get('pause')})")


try:
    _start()
except Exception:
    # ComfyUI must start whatever it has become.
    log.exception("echodeck: this ComfyUI is not as it is known here; the extension stands aside")
