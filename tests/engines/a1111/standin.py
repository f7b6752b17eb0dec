"""A small server with AUTOMATIC1111's interface on a real socket, one request after the other, with the quirks that its
kin have in their source: numbers of the last request after a beginning, steps that are counted from 0, SD.Next's counts
that add up, its other time stamp while it loads, and its state that stays as it was when a request fails.

A prompt steers it: "fail" and "hungry" go wrong at the third step, "empty" makes nothing.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from typing import Any

from aiohttp import web
from PIL import Image

from ..served import Served

OOM = ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 512.00 MiB is "
       "free.")
STATE = {"skipped": False, "interrupted": False, "stopping_generation": False, "job": "", "job_count": 0,
         "job_timestamp": "0", "job_no": 0, "sampling_step": 0, "sampling_steps": 0}


def picture(colour: int = 90, size: tuple[int, int] = (48, 32)) -> str:
    data = io.BytesIO()
    Image.new("RGB", size, (colour % 256, 90, 160)).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


class StandIn(Served):
    """`flavour`: "a1111", "forge", "sdnext", or "old", which knows neither schedulers nor tasks. `auth` is asked for;
    `api` off is as without --api. `asked` are the requests by HTTP, `found` what ran when each came."""

    def __init__(self, flavour: str = "a1111", *, auth: str = "", api: bool = True) -> None:
        super().__init__()
        self.flavour, self.auth, self.api = flavour, auth, api
        self.sdnext = flavour == "sdnext"
        self.delay_s, self.step_s, self.load_s = 0.0, 0.05, 0.02
        self.asked: list[dict[str, Any]] = []
        self.found: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.failing, self.mute = False, False
        self.odd: dict[str, Any] = {}
        self._stamps = self._failures = 0
        self.start()

    # --- what a test does, from its own thread ---

    def start(self) -> None:
        self._do(self._start())

    def kill(self) -> None:
        """As SIGKILL: sockets break, everything is forgotten."""
        self._do(self._kill())

    def forget(self) -> None:
        """As a restart behind a proxy that keeps the sockets: what ran is not known any more, and not answered."""
        self._do(self._forget())

    def cut(self) -> None:
        """As a proxy that has waited long enough: requests lose their sockets, the server goes on."""
        self._do(self._cut())

    def close(self) -> None:
        self._do(self._kill())
        self.end()

    def post(self, **body: Any) -> None:
        """A generation of another client's; nobody waits for it here."""
        self._do(self._begin({"prompt": "theirs", "steps": 6, "n_iter": 1, "width": 512, **body}))

    def interrupt(self) -> None:
        """As on its own page."""
        self._do(self._call(lambda: self.state.update(interrupted=True)))

    def hold(self, on: bool) -> None:
        """As on SD.Next's own page: between two steps."""
        self._do(self._call(self._going.clear if on else self._going.set))

    def answer(self) -> None:
        """What a restart left unanswered gives up."""
        self._do(self._call(self._muted.set))

    # --- life ---

    async def _start(self) -> None:
        self.state = dict(STATE)
        self._image: str | None = None
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._current, self._queued, self._finished = "", set[str](), set[str]()
        self._sockets: set[Any] = set()
        self._going, self._muted = asyncio.Event(), asyncio.Event()
        self._going.set()
        app = web.Application(middlewares=[self._guard], client_max_size=1 << 24)
        app.add_routes(self._routes() if self.api else [])
        await self._listen(app)

    def _routes(self) -> list[web.RouteDef]:
        routes = [web.get("/sdapi/v1/progress", self._progress), web.post("/sdapi/v1/txt2img", self._generate),
                  web.post("/sdapi/v1/img2img", self._generate), web.post("/sdapi/v1/interrupt", self._interrupt),
                  web.post("/sdapi/v1/skip", self._skip), web.post("/sdapi/v1/unload-checkpoint", self._free),
                  web.get("/sdapi/v1/memory", self._memory)]
        routes += [web.get(f"/sdapi/v1/{name}", self._fixed(body)) for name, body in self._lists().items()]
        if self.flavour != "old":
            routes.append(web.post("/internal/progress", self._task))
        if self.sdnext:
            routes.append(web.get("/sdapi/v1/status", self._status))
        return routes

    def _lists(self) -> dict[str, Any]:
        lists: dict[str, Any] = {
            "sd-models": [{"title": "dreamy.safetensors [abc]", "model_name": "dreamy"}, {"title": "other"}],
            "samplers": [{"name": "Euler a"}, {"name": "DPM++ 2M"}],
            "options": {"sd_model_checkpoint": "dreamy.safetensors [abc]"}}
        if self.flavour in ("a1111", "forge"):
            lists["schedulers"] = [{"name": "automatic", "label": "Automatic"}, {"name": "karras", "label": "Karras"}]
        if self.flavour == "forge":
            lists["sd-modules"] = []
        if self.sdnext:
            lists["version"] = {"app": "sd.next", "updated": "2025-03-02", "hash": "431bcc36"}
            lists["upscalers"] = [{"name": "None"}, {"name": "Latent Nearest"}]
        return lists

    async def _kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._cut()
        await self._hang_up()

    async def _cut(self) -> None:
        for transport in [*self._sockets]:
            transport.abort()
        self._sockets.clear()

    async def _forget(self) -> None:
        self.mute = True
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep(0)
        self.state, self._current, self._finished = dict(STATE), "", set()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> Any:
        wanted = f"Basic {base64.b64encode(self.auth.encode()).decode()}"
        if self.auth and request.headers.get("Authorization") != wanted:
            return web.json_response({"detail": "Not authenticated"}, status=401)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return await handler(request)

    # --- generating ---

    async def _begin(self, body: dict[str, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._make(body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _make(self, body: dict[str, Any]) -> list[str]:
        task_id = body.get("force_task_id", "") if not self.sdnext else ""
        self._queued.add(task_id)
        async with self._turn:
            self._queued.discard(task_id)
            self._current = task_id
            self._open("scripts_txt2img" if not self.sdnext else "API TXT")
            failed = True
            try:
                made = await self._rounds(body)
                self._current = ""
                self._finished.add(task_id)
                failed = False
                return made
            finally:
                if not (failed and self.sdnext):
                    self._close()

    def _open(self, name: str) -> None:
        """What a new request leaves of the old numbers differs: A1111 keeps the steps."""
        self._stamps += 1
        steps = {"sampling_steps": 0} if self.sdnext else {}
        self.state |= {**{name: value for name, value in STATE.items() if name != "sampling_steps"}, **steps,
                       "job_timestamp": f"20260101{self._stamps:06}", "job": name,
                       "job_count": 0 if self.sdnext else -1}
        self._image = None

    def _close(self) -> None:
        self.state |= {"job": "", "job_count": 0}
        if self.sdnext:
            self.state |= {"job_no": 0, "interrupted": False, "skipped": False}

    async def _rounds(self, body: dict[str, Any]) -> list[str]:
        await self._load()
        rounds, hires, made = body["n_iter"], body.get("enable_hr") is True, []
        if not self.sdnext:
            self.state["job_count"] = rounds * (2 if hires else 1)
        for number in range(rounds):
            self.state["skipped"] = False
            if self.state["interrupted"]:
                break
            if rounds > 1 and not self.sdnext:
                self.state["job"] = f"Batch {number + 1} out of {rounds}"
            for kind in ("Text", "Hires") if hires else ("Text",):
                await self._sample(kind, body)
            if not (self.sdnext and self.state["skipped"]) and body["prompt"] != "empty":
                made.append(picture(body.get("seed", 0) + number))
        return made

    async def _load(self) -> None:
        """SD.Next has another state meanwhile."""
        kept = dict(self.state)
        if self.sdnext:
            self._open("Load")
        await asyncio.sleep(self.load_s)
        if self.sdnext:
            self.state |= kept

    async def _sample(self, kind: str, body: dict[str, Any]) -> None:
        steps = body.get("hr_second_pass_steps") or body["steps"] if kind == "Hires" else body["steps"]
        if "init_images" in body:
            steps = int(steps * body["denoising_strength"]) + 1
        if self.sdnext:
            self.state |= {"job": kind, "job_count": self.state["job_count"] + 1,
                           "sampling_steps": self.state["sampling_steps"] + steps}
        else:
            self.state |= {"sampling_steps": steps, "sampling_step": 0}
        for step in range(steps):
            if not self.sdnext:
                self.state["sampling_step"] = step
            self._image = picture(step)
            await asyncio.sleep(self.step_s)
            await self._going.wait()
            if self.sdnext:
                self.state["sampling_step"] += 1
            if step == 2:
                self._go_wrong(body["prompt"])
            if self.state["interrupted"] or self.state["skipped"]:
                break
        self.state["job_no"] += 1
        if not self.sdnext:
            self.state["sampling_step"] = 0

    def _go_wrong(self, prompt: str) -> None:
        if prompt == "hungry":
            self._failures += 1
            if not self.sdnext:
                raise MemoryError(OOM)
            self.state["interrupted"] = True  # as SD.Next does, which then answers without a picture
        if prompt == "fail":
            raise RuntimeError("the tensor is odd")

    async def _generate(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.found.append(dict(self.state))
        self._sockets.add(request.transport)
        if body["width"] == 64:
            return web.json_response({"detail": [{"loc": ["body", "width"], "msg": "too small"}]}, status=422)
        try:
            made = await asyncio.shield(await self._begin(body))
        except (RuntimeError, MemoryError) as error:
            name = "OutOfMemoryError" if isinstance(error, MemoryError) else type(error).__name__
            return web.json_response({"error": name, "detail": "", "body": "", "errors": str(error)}, status=500)
        except asyncio.CancelledError:
            if self.mute:
                await self._muted.wait()
            raise
        finally:
            self._sockets.discard(request.transport)
        made = [] if self.sdnext and body["prompt"] == "hungry" else made
        facts = {"all_seeds": [body["seed"] + number for number in range(body["n_iter"])],
                 "index_of_first_image": 0, "infotexts": ["dusk\nSteps: 6, Seed: 0, Version: v1.10.1"]}
        return web.json_response({"images": made, "parameters": {}, "info": json.dumps(facts)})

    # --- the rest ---

    async def _progress(self, request: web.Request) -> web.Response:
        if self.failing:
            return web.json_response({"error": "ZeroDivisionError", "errors": "division by zero"}, status=500)
        idle = self.state["job_count"] == 0
        hidden = idle or request.query.get("skip_current_image") == "true"
        return web.json_response({"progress": 0 if idle else 0.3, "eta_relative": 0 if idle else 4.0,
                                  "state": {**self.state, **self.odd}, "textinfo": None, "surprise": time.time(),
                                  "current_image": None if hidden else self._image})

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "running" if self._going.is_set() else "paused", "task": self.state["job"]})

    async def _task(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["id_task"]
        return web.json_response({"active": wanted == self._current, "queued": wanted in self._queued,
                                  "completed": wanted in self._finished, "textinfo": "Waiting..."})

    async def _interrupt(self, request: web.Request) -> web.Response:
        self.commands.append("interrupt")
        self.state["interrupted"] = True
        return web.json_response({}) if not self.sdnext else web.Response(status=204)

    async def _skip(self, request: web.Request) -> web.Response:
        self.commands.append("skip")
        self.state["skipped"] = True
        return web.json_response(None)

    async def _free(self, request: web.Request) -> web.Response:
        self.commands.append("free" if not self.state["job"] else "free while it runs")
        return web.json_response({})

    async def _memory(self, request: web.Request) -> web.Response:
        cuda = {"system": {"free": 3 << 30, "used": 5 << 30, "total": 8 << 30}, "events": {"oom": self._failures}}
        return web.json_response({"ram": {}, "cuda": cuda})

    @staticmethod
    def _fixed(body: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            return web.json_response(body)

        return answer
