"""Previews for monitors: small, a few a second, each with the prompt and the node that it belongs to.

The frame is ComfyUI's own of type 4, whichever version it is: u32 4, u32 length of the JSON, the JSON, the picture; all
numbers big-endian. A preview is made small in a thread of the loop's pool, one at a time.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import struct
import time
from collections.abc import Callable
from typing import Any

PREVIEW_S = 0.25
"""Between two pictures."""
MOST_PX, QUALITY, MOST_BYTES = 384, 80, 1 << 20
PREVIEW, UNENCODED, WITH_METADATA = 1, 2, 4
MIMES = {1: "image/jpeg", 2: "image/png"}

log = logging.getLogger("echodeck")


class Pictures:
    """Takes binary messages on the executing thread; `put(frame, but)` is called on the server's `loop`."""

    def __init__(self, loop: Any, binary: Any, put: Callable[[bytes, Any], None]) -> None:
        self._loop, self._put = loop, put
        self._preview = getattr(binary, "PREVIEW_IMAGE", PREVIEW)
        self._unencoded = getattr(binary, "UNENCODED_PREVIEW_IMAGE", UNENCODED)
        self._with_metadata = getattr(binary, "PREVIEW_IMAGE_WITH_METADATA", WITH_METADATA)
        self._last_s, self._failed = 0.0, False
        self._task: asyncio.Future[None] | None = None

    def take(self, event: Any, data: Any, server: Any, sid: Any) -> None:
        """Other binary messages than previews are left alone, and so is one that comes too soon or that `sid`, the
        monitor that it was sent to, can read by itself."""
        if event not in (self._preview, self._unencoded, self._with_metadata):
            return
        now = time.monotonic()
        if now - self._last_s < PREVIEW_S:
            return
        self._last_s = now
        if event == self._with_metadata:
            picture, about = data
        else:
            picture, about = data, about_running(server)
        self._loop.call_soon_threadsafe(self._begin, picture, about, sid)

    # --- on the server's loop ---

    def _begin(self, picture: Any, about: dict[str, Any], but: Any) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._send(picture, about, but))

    async def _send(self, picture: Any, about: dict[str, Any], but: Any) -> None:
        try:
            frame = await self._loop.run_in_executor(None, encoded, picture, about)
        except Exception:
            if not self._failed:
                self._failed = True
                log.exception("echodeck: a preview cannot be sent on")
            return
        if frame:
            self._put(frame, but)


def about_running(server: Any) -> dict[str, Any]:
    """What a preview belongs to: what the calling thread executes, else what the server began last."""
    prompt_id, node = running_node()
    node = node or getattr(server, "last_node_id", None)
    return {"node_id": node, "prompt_id": prompt_id or getattr(server, "last_prompt_id", None),
            "display_node_id": node, "parent_node_id": None, "real_node_id": node}


def running_node() -> tuple[Any, Any]:
    """Prompt and node that the calling thread executes; None where a ComfyUI does not say."""
    try:
        from comfy_execution.utils import get_executing_context
    except ImportError:
        return None, None
    context = get_executing_context()
    return (None, None) if context is None else (context.prompt_id, context.node_id)


def encoded(picture: Any, about: dict[str, Any]) -> bytes:
    """The frame for a preview: (format, PIL image, size), or what ComfyUI sends as type 1. b"" if it is too large."""
    if isinstance(picture, (bytes, bytearray)):
        (number,) = struct.unpack(">I", picture[:4])
        mime, body = MIMES.get(number, "image/jpeg"), bytes(picture[4:])
    else:
        small = picture[1].convert("RGB")
        small.thumbnail((MOST_PX, MOST_PX))
        file = io.BytesIO()
        small.save(file, "JPEG", quality=QUALITY)
        mime, body = "image/jpeg", file.getvalue()
    head = json.dumps({**about, "image_type": mime}).encode()
    return struct.pack(">II", WITH_METADATA, len(head)) + head + body if len(body) <= MOST_BYTES else b""
