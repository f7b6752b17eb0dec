"""A small server with AUTOMATIC1111's interface on a real socket. Requests are done one after the other.

A prompt steers it: "fail" and "hungry" go wrong at the second step; numbers in it are none of its business.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
import time
from typing import Any

from aiohttp import web
from PIL import Image


def picture(colour: int = 90) -> str:
    data = io.BytesIO()
    Image.new("RGB", (48, 32), (colour % 256, 90, 160)).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


class StandIn:
    """`flavour` "sdnext" has a status and ids, "old" neither schedulers nor tasks. `api` off: as without --api."""

    def __init__(self, flavour: str = "a1111", *, auth: str = "", api: bool = True) -> None:
        self.flavour, self.auth, self.api = flavour, auth, api
        self.delay_s, self.step_s, self.port = 0.0, 0.05, 0
        self.asked: list[dict[str, Any]] = []
        self.freed = 0
        self._stamps = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._do(self._start())

    def kill(self) -> None:
        self._do(self._kill())

    def close(self) -> None:
        self._do(self._kill())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def post(self, **body: Any) -> None:
        """A generation of another client's; nobody waits for it here."""
        self._do(self._begin({"prompt": "theirs", "steps": 6, "n_iter": 1, **body}))

    def interrupt(self) -> None:
        self._do(self._set("interrupted"))

    def set(self, **state: Any) -> None:
        """The numbers of /progress as they are given, whatever goes on."""
        self._state.update(state)

    async def _set(self, what: str) -> None:
        self._state[what] = True

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        self._idle()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._current = ""
        app = web.Application(middlewares=[self._guard])
        routes = [web.get("/sdapi/v1/progress", self._progress), web.post("/sdapi/v1/txt2img", self._generate),
                  web.post("/sdapi/v1/img2img", self._generate), web.post("/sdapi/v1/interrupt", self._interrupt),
                  web.post("/sdapi/v1/skip", self._skip), web.get("/sdapi/v1/sd-models", self._models),
                  web.get("/sdapi/v1/samplers", self._samplers), web.get("/sdapi/v1/options", self._options),
                  web.post("/sdapi/v1/unload-checkpoint", self._free)]
        if self.flavour != "old":
            routes += [web.get("/sdapi/v1/schedulers", self._schedulers), web.post("/internal/progress", self._task)]
        if self.flavour == "sdnext":
            routes.append(web.get("/sdapi/v1/status", self._options))
        app.add_routes(routes if self.api else [])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def _kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> Any:
        wanted = f"Basic {base64.b64encode(self.auth.encode()).decode()}"
        if self.auth and request.headers.get("Authorization") != wanted:
            return web.json_response({"detail": "Not authenticated"}, status=401)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return await handler(request)

    # --- generating ---

    def _idle(self) -> None:
        stamp = getattr(self, "_state", {}).get("job_timestamp", "0")
        self._state: dict[str, Any] = {"job_count": 0, "job_no": 0, "sampling_step": 0, "sampling_steps": 0, "job": "",
                                       "skipped": False, "interrupted": False, "job_timestamp": stamp}
        self._share, self._image = 0.0, None

    async def _begin(self, body: dict[str, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._make(body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _make(self, body: dict[str, Any]) -> list[str]:
        async with self._turn:
            self._stamps += 1
            self._current = body.get("force_task_id", "")
            self._state |= {"job_timestamp": f"20260101{self._stamps:06}", "job_count": -1, "job": "txt2img"}
            await asyncio.sleep(self.step_s)
            try:
                return await self._passes(body)
            finally:
                self._current = ""
                self._idle()

    async def _passes(self, body: dict[str, Any]) -> list[str]:
        hires = body.get("enable_hr") is True
        count, steps = body["n_iter"] * (2 if hires else 1), body["steps"]
        self._state["job_count"] = count
        made = []
        for number in range(count):
            self._state |= {"job_no": number, "sampling_steps": steps, "sampling_step": 0, "skipped": False}
            for step in range(1, steps + 1):
                await asyncio.sleep(self.step_s)
                self._state["sampling_step"] = step
                self._share = 0.01 + number / count + step / steps / count
                self._image = picture(step)
                if step == 2 and body["prompt"] in ("fail", "hungry"):
                    raise RuntimeError("CUDA out of memory. Tried to allocate 9 GiB" if body["prompt"] == "hungry" else
                                       "the tensor is odd")
                if self._state["interrupted"] or self._state["skipped"]:
                    break
            if self._state["interrupted"]:
                break
            if not self._state["skipped"] and not (hires and number % 2 == 0):
                made.append(picture(body.get("seed", 0) + number))
        return made

    async def _generate(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        if body["width"] == 64:
            return web.json_response({"detail": [{"loc": ["body", "width"], "msg": "too small"}]}, status=422)
        try:
            made = await (await self._begin(body))
        except RuntimeError as error:
            return web.json_response({"error": type(error).__name__, "detail": "", "errors": str(error)}, status=500)
        return web.json_response({"images": made, "parameters": {}, "info": json.dumps({"all_seeds": [body["seed"]]})})

    # --- the rest ---

    async def _progress(self, request: web.Request) -> web.Response:
        picture_ = None if request.query.get("skip_current_image") == "true" else self._image
        more = {"id": f"task-{self._state['job_timestamp']}"} if self.flavour == "sdnext" else {}
        return web.json_response({"progress": self._share, "eta_relative": 1.0, "state": self._state,
                                  "current_image": picture_, "textinfo": None, "surprise": time.time(), **more})

    async def _task(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["id_task"]
        return web.json_response({"active": wanted == self._current, "queued": False, "completed": False})

    async def _interrupt(self, request: web.Request) -> web.Response:
        if self._state["job_count"]:
            self._state["interrupted"] = True
        return web.json_response({}) if self.flavour != "sdnext" else web.Response(status=204)

    async def _skip(self, request: web.Request) -> web.Response:
        self._state["skipped"] = True
        return web.json_response({})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response([{"title": "dreamy.safetensors [abc]", "model_name": "dreamy"}, {"title": "other"}])

    async def _samplers(self, request: web.Request) -> web.Response:
        return web.json_response([{"name": "Euler a"}, {"name": "DPM++ 2M"}])

    async def _schedulers(self, request: web.Request) -> web.Response:
        return web.json_response([{"name": "automatic", "label": "Automatic"}, {"name": "karras", "label": "Karras"}])

    async def _options(self, request: web.Request) -> web.Response:
        return web.json_response({"sd_model_checkpoint": "dreamy.safetensors [abc]"})

    async def _free(self, request: web.Request) -> web.Response:
        self.freed += 1
        return web.json_response({})
