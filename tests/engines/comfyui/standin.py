"""A small ComfyUI on a real socket, for tests: what it answers and sends has the shapes of the recordings.

It runs one prompt at a time, node after node, tells who submitted it (and, with `extension`, monitors), knows a queue,
a history and interruption, and can be killed, revived, slowed and made to babble. Nodes: any class is instant; one with
`steps` counts them, `step_s` apart, with previews; ProbeFail raises what its `error` names.
"""

from __future__ import annotations

import asyncio
import copy
import io
import json
import struct
import time
import uuid
from typing import Any

from aiohttp import WSMsgType, web
from PIL import Image

from ..served import Served

OOM = "torch.OutOfMemoryError"


def picture(colour: int = 90) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (48, 32), (colour % 256, 90, 160)).save(data, "PNG")
    return data.getvalue()


class StandIn(Served):
    """`url` is where it answers, the same after `revive`. `jobs_route`: newer versions list and cancel jobs."""

    def __init__(self, *, jobs_route: bool = True, extension: bool = False, version: str = "0.33.0") -> None:
        super().__init__()
        self.jobs_route, self.extension, self.version = jobs_route, extension, version
        self.delay_s = 0.0
        self.posted: list[dict[str, Any]] = []
        self.client_ids: list[str] = []
        self.freed = 0
        self.partners: tuple[str, ...] = ()
        self.start()

    # --- what a test does, from its own thread ---

    def start(self) -> None:
        self._do(self._start())

    def kill(self) -> None:
        """As SIGKILL: sockets break, everything is forgotten."""
        self._do(self._kill())

    def close(self) -> None:
        self._do(self._kill())
        self.end()

    def post(self, graph: dict[str, Any], client_id: str = "browser", **extra: Any) -> str:
        """Queues a prompt as another client does."""
        prompt_id = str(uuid.uuid4())
        self._do(self._queue_up({"prompt": graph, "prompt_id": prompt_id, "client_id": client_id,
                                 "extra_data": {"client_id": client_id, **extra} if client_id else extra}))
        return prompt_id

    def delete(self, prompt_id: str) -> None:
        self._do(self._call(lambda: self._delete([prompt_id])))

    def interrupt(self) -> None:
        self._do(self._call(self._interrupt.set))

    def say(self, message: Any) -> None:
        """To every socket, as it is."""
        self._do(self._everybody(message))

    def order(self) -> list[str]:
        return [item[1] for item in sorted(self._pending)]

    # --- life ---

    async def _start(self) -> None:
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._pending: list[list[Any]] = []
        self._running: list[Any] | None = None
        self._history: dict[str, Any] = {}
        self._cache: set[str] = set()
        self._number = 0
        self._held = ""
        self._wake, self._interrupt = asyncio.Event(), asyncio.Event()
        app = web.Application(middlewares=[self._slow])
        app.add_routes(self._routes())
        await self._listen(app)
        self._worker = asyncio.create_task(self._work())

    async def _kill(self) -> None:
        self._worker.cancel()
        for socket in self._sockets.values():
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        await self._hang_up()

    def _routes(self) -> list[web.RouteDef]:
        routes = [
            web.get("/ws", self._ws), web.post("/prompt", self._prompt), web.get("/prompt", self._prompt_info),
            web.get("/queue", self._get_queue), web.post("/queue", self._post_queue),
            web.post("/interrupt", self._post_interrupt), web.get("/history", self._get_history),
            web.get("/history/{id}", self._get_history), web.get("/system_stats", self._stats),
            web.get("/object_info", self._object_info), web.get("/view", self._view), web.post("/free", self._free),
        ]
        if self.jobs_route:
            routes.append(web.post("/api/jobs/{id}/cancel", self._cancel))
        if self.extension:
            routes += [web.get("/echodeck/state", self._state), web.post("/echodeck/hold", self._hold)]
        return routes

    @web.middleware
    async def _slow(self, request: web.Request, handler: Any) -> Any:
        if self.delay_s and request.path != "/ws":
            await asyncio.sleep(self.delay_s)
        return await handler(request)

    # --- sockets ---

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client_id = request.query.get("clientId") or uuid.uuid4().hex
        self._sockets[client_id] = socket
        self.client_ids.append(client_id)
        await self._send(client_id, "status", {**self._status(), "sid": client_id})
        async for message in socket:
            if message.type is WSMsgType.TEXT and "feature_flags" in message.data:
                await self._send(client_id, "feature_flags", {"supports_preview_metadata": True})
        if self._sockets.get(client_id) is socket:
            del self._sockets[client_id]
        return socket

    async def _send(self, client_id: str, type_: str, data: Any) -> None:
        socket = self._sockets.get(client_id)
        if socket is not None and not socket.closed:
            await socket.send_str(json.dumps({"type": type_, "data": data}))

    async def _everybody(self, message: Any) -> None:
        for socket in [*self._sockets.values()]:
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def _tell(self, item: list[Any], type_: str, data: dict[str, Any]) -> None:
        """To who submitted it; to everybody if nobody is named; with the extension to monitors too."""
        client_id = item[3].get("client_id", "")
        if not client_id:
            if type_ in ("progress", "progress_state", "execution_interrupted"):
                await self._everybody({"type": type_, "data": data})
        else:
            await self._send(client_id, type_, data)
        if self.extension:
            for monitor in [one for one in self._sockets if one.startswith("echodeck-") and one != client_id]:
                await self._send(monitor, "echodeck.event", {"event": type_, "data": data})

    def _status(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": len(self._pending) + bool(self._running)}}}

    async def _changed(self) -> None:
        await self._everybody({"type": "status", "data": self._status()})

    # --- the queue ---

    async def _prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posted.append(copy.deepcopy(body))
        for node_id, node in body["prompt"].items():
            if node["class_type"] == "NoSuchNode":
                error = {"type": "missing_node_type", "message": "Node 'NoSuchNode' not found.",
                         "details": f"Node ID '#{node_id}'", "extra_info": {}}
                return web.json_response({"error": error, "node_errors": {}}, status=400)
        number = await self._queue_up(body)
        return web.json_response({"prompt_id": body["prompt_id"], "number": number, "node_errors": {}})

    async def _queue_up(self, body: dict[str, Any]) -> float:
        extra = {**body.get("extra_data", {}), "create_time": int(time.time() * 1000)}
        if body.get("client_id"):
            extra["client_id"] = body["client_id"]
        number = float(body["number"]) if "number" in body else float(self._number) * (-1 if body.get("front") else 1)
        self._number += "number" not in body
        ends = [key for key, node in body["prompt"].items() if node["class_type"] in ("SaveImage", "PreviewImage")]
        self._pending.append([number, body["prompt_id"], body["prompt"], extra, ends])
        self._wake.set()
        await self._changed()
        return number

    async def _get_queue(self, request: web.Request) -> web.Response:
        running = [self._running] if self._running else []
        return web.json_response({"queue_running": running, "queue_pending": self._pending[::-1]})

    async def _post_queue(self, request: web.Request) -> web.Response:
        self._delete((await request.json()).get("delete", []))
        await self._changed()
        return web.Response()

    def _delete(self, ids: list[str]) -> int:
        before = len(self._pending)
        self._pending = [item for item in self._pending if item[1] not in ids]
        return before - len(self._pending)

    async def _post_interrupt(self, request: web.Request) -> web.Response:
        wanted = (await request.json()).get("prompt_id")
        if self._running and wanted in (None, self._running[1]):
            self._interrupt.set()
        return web.Response()

    async def _cancel(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["id"]
        found = bool(self._delete([prompt_id]))
        if self._running and self._running[1] == prompt_id:
            self._interrupt.set()
            found = True
        await self._changed()
        return web.json_response({"cancelled": found})

    async def _prompt_info(self, request: web.Request) -> web.Response:
        return web.json_response(self._status()["status"])

    async def _get_history(self, request: web.Request) -> web.Response:
        wanted = request.match_info.get("id")
        if wanted is not None:
            return web.json_response({wanted: self._history[wanted]} if wanted in self._history else {})
        newest = list(self._history.items())[-int(request.query.get("max_items", 10_000)):]
        return web.json_response(dict(newest))

    # --- the rest of REST ---

    async def _stats(self, request: web.Request) -> web.Response:
        gib = 2**30
        return web.json_response({"system": {"os": "posix", "comfyui_version": self.version, "ram_total": 8 * gib,
                                             "ram_free": 4 * gib, "argv": ["main.py"]},
                                  "devices": [{"name": "cpu", "type": "cpu", "index": 0, "vram_total": 8 * gib,
                                               "vram_free": 3 * gib}]})

    async def _object_info(self, request: web.Request) -> web.Response:
        classes = {name: {"api_node": True, "category": "api node/x"} for name in self.partners}
        return web.json_response({**classes, "KSampler": {"output_node": False}})

    async def _view(self, request: web.Request) -> web.Response:
        return web.Response(body=picture(len(request.query["filename"])), content_type="image/png")

    async def _free(self, request: web.Request) -> web.Response:
        self.freed += 1
        return web.Response()

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "1", "features": {"events": True, "pause": True, "reasons": {}}})

    async def _hold(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not self._running or self._running[1] != body["prompt_id"]:
            return web.json_response({"error": "that prompt does not run"}, status=409)
        held, self._held = self._held, body["prompt_id"] if body["hold"] else ""
        if held and not body["hold"]:
            await self._monitors("echodeck.released", {"prompt_id": held})
        return web.json_response({"held": self._held})

    async def _monitors(self, type_: str, data: dict[str, Any]) -> None:
        for monitor in [one for one in self._sockets if one.startswith("echodeck-")]:
            await self._send(monitor, type_, data)

    # --- the worker ---

    async def _work(self) -> None:
        while True:
            while not self._pending:
                self._wake.clear()
                await self._wake.wait()
            item = min(self._pending)
            self._pending.remove(item)
            self._running = item
            self._interrupt.clear()
            messages: list[Any] = []
            await self._changed()
            outputs = await self._execute(item, messages)
            ok = messages[-1][0] == "execution_success"
            self._history[item[1]] = {"prompt": item, "outputs": outputs, "meta": {}, "status": {
                "status_str": "success" if ok else "error", "completed": ok, "messages": messages}}
            self._running, self._held = None, ""
            await self._changed()
            await self._tell(item, "executing", {"node": None, "prompt_id": item[1]})

    async def _execute(self, item: list[Any], messages: list[Any]) -> dict[str, Any]:
        _, prompt_id, graph, _, _ = item

        async def event(type_: str, **data: Any) -> None:
            data = {"prompt_id": prompt_id, **data, "timestamp": int(time.time() * 1000)}
            if type_ in ("execution_start", "execution_cached", "execution_success", "execution_error",
                         "execution_interrupted"):
                messages.append([type_, data])
            await self._tell(item, type_, data)

        await event("execution_start")
        order = sorted(graph, key=lambda key: (len(key), key))
        keys = {key: json.dumps([graph[key]["class_type"], graph[key]["inputs"]]) for key in order}
        cached = [key for key in order if keys[key] in self._cache and "Save" not in graph[key]["class_type"]]
        await event("execution_cached", nodes=cached)
        outputs: dict[str, Any] = {}
        for key in [one for one in order if one not in cached]:
            node = graph[key]
            await event("executing", node=key, display_node=key)
            if "error" in node["inputs"]:
                await event("execution_error", node_id=key, node_type=node["class_type"], executed=[],
                            exception_message=str(node["inputs"]["message"]), exception_type=node["inputs"]["error"],
                            traceback=['  File "nodes.py", line 1, in run\n'], current_inputs={}, current_outputs=[])
                return outputs
            if not await self._steps(item, key, node["inputs"]):
                await event("execution_interrupted", node_id=key, node_type=node["class_type"], executed=[])
                return outputs
            self._cache.add(keys[key])
            if "Save" in node["class_type"]:
                files = {"images": [{"filename": f"{prompt_id[:8]}.png", "subfolder": "", "type": "output"}]}
                outputs[key] = files
                await event("executed", node=key, display_node=key, output=files)
        await event("execution_success")
        return outputs

    async def _steps(self, item: list[Any], key: str, inputs: dict[str, Any]) -> bool:
        """False when it was interrupted."""
        total = int(inputs.get("steps", 0))
        for step in range(1, total + 1):
            await asyncio.sleep(float(inputs.get("step_s", 0.02)))
            await self._tell(item, "progress", {"value": step, "max": total, "prompt_id": item[1], "node": key})
            await self._preview(item, key)
            told = False
            while self._held == item[1] and not self._interrupt.is_set():
                if not told:
                    await self._monitors("echodeck.held", {"prompt_id": item[1], "node": key})
                    told = True
                await asyncio.sleep(0.01)
            if self._interrupt.is_set():
                return False
        return True

    async def _preview(self, item: list[Any], key: str) -> None:
        about = json.dumps({"node_id": key, "prompt_id": item[1], "display_node_id": key, "image_type": "image/png"})
        frame = struct.pack(">II", 4, len(about)) + about.encode() + picture()
        client_id = item[3].get("client_id", "")
        names = [client_id] + [one for one in self._sockets if self.extension and one.startswith("echodeck-")]
        for name in dict.fromkeys(names if client_id else self._sockets):
            socket = self._sockets.get(name)
            if socket is not None and not socket.closed:
                await socket.send_bytes(frame)
