"""A recorded conversation played again: a server that answers and sends what the real ComfyUI did, at its pace.

`pace` 1.0 is the real one, 10.0 ten times as fast. The recorded prompt's id becomes the one that we post with; every
frame and every body is the recording's own otherwise.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from aiohttp import web

from ..served import Served
from .conftest import lines
from .standin import picture


class Replay(Served):
    """One prompt of a scenario: the `number`th that was posted."""

    def __init__(self, scenario: str, number: int = 0, pace: float = 10.0) -> None:
        super().__init__()
        calls = list(lines(f"{scenario}.rest"))
        posts = [call for call in calls if call["path"] == "/prompt" and call["method"] == "POST"
                 and call["status"] == 200]
        self.graph: dict[str, Any] = posts[number]["request"]["prompt"]
        self.recorded: str = posts[number]["body"]["prompt_id"]
        self.pace = pace
        bodies = [call["body"] for call in calls if call["path"] == f"/history/{self.recorded}"]
        self._past = next((body[self.recorded] for body in bodies if body), None)
        self._frames = [line for line in lines(f"{scenario}.submitter") if line["t"] >= posts[number]["t"]]
        self._stats = next(call["body"] for call in lines("rest_static.rest") if call["path"] == "/system_stats")
        self._posted = ""
        self._ended = False
        self._sockets: list[web.WebSocketResponse] = []
        self._do(self._start())

    def close(self) -> None:
        self._do(self._hang_up())
        self.end()

    async def _start(self) -> None:
        app = web.Application()
        app.add_routes([
            web.get("/ws", self._ws), web.post("/prompt", self._prompt), web.get("/queue", self._queue),
            web.get("/history", self._history), web.get("/history/{id}", self._history),
            web.get("/system_stats", self._system), web.get("/view", self._view),
        ])
        await self._listen(app)

    def _ours(self, value: Any) -> Any:
        return json.loads(json.dumps(value).replace(self.recorded, self._posted))

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    async def _prompt(self, request: web.Request) -> web.Response:
        self._posted = (await request.json())["prompt_id"]
        self._task = asyncio.create_task(self._play())
        return web.json_response({"prompt_id": self._posted, "number": 0, "node_errors": {}})

    async def _play(self) -> None:
        before_s = self._frames[0]["t"]
        for line in self._frames:
            await asyncio.sleep(max(0.0, line["t"] - before_s) / self.pace)
            before_s = line["t"]
            for socket in self._sockets:
                if line["kind"] == "binary":
                    frame = base64.b64decode(line["b64"]).replace(self.recorded.encode(), self._posted.encode())
                    await socket.send_bytes(frame)
                elif line["kind"] == "text":
                    await socket.send_str(json.dumps(self._ours(line["data"])))
            data = line.get("data") or {}
            if data.get("type") == "executing" and data["data"] == {"node": None, "prompt_id": self.recorded}:
                self._ended = True  # from here on it was in the history, always
        self._ended = True

    async def _queue(self, request: web.Request) -> web.Response:
        item = [0, self._posted, self.graph, {}, []]
        return web.json_response({"queue_running": [item] if self._posted and not self._ended else [],
                                  "queue_pending": []})

    async def _history(self, request: web.Request) -> web.Response:
        known = self._ended and self._past is not None and request.match_info.get("id") in (self._posted, None)
        return web.json_response({self._posted: self._ours(self._past)} if known else {})

    async def _system(self, request: web.Request) -> web.Response:
        return web.json_response(self._stats)

    async def _view(self, request: web.Request) -> web.Response:
        return web.Response(body=picture(), content_type="image/png")
