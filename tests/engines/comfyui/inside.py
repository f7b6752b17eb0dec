"""The inside of a ComfyUI, as far as the extension meets it, written from how a real one works.

A server on a loop of its own with sockets, a prompt that runs, and a sampler that calls back on its own thread.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

EXTENSION = Path(__file__).parents[3] / "app" / "echodeck" / "engines" / "comfyui" / "extension" / "__init__.py"
LOADED_AS = "echodeck_in_comfyui"
MONITOR, BROWSER = "echodeck-1", "browser-1"


class Binary(IntEnum):
    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3
    PREVIEW_IMAGE_WITH_METADATA = 4


class Routes:
    """As aiohttp's table, as far as it is used."""

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], Any] = {}

    def get(self, path: str) -> Callable[[Any], Any]:
        return lambda handler: self.table.setdefault(("GET", path), handler)

    def post(self, path: str) -> Callable[[Any], Any]:
        return lambda handler: self.table.setdefault(("POST", path), handler)


class Socket:
    """A client's. One that is not `read` never finishes a message, until it is ended."""

    def __init__(self, read: bool = True, broken: bool = False) -> None:
        self.got: list[Any] = []
        self.ended, self._read, self._broken = False, read, broken

    async def send_str(self, frame: str) -> None:
        await self._send(json.loads(frame))

    async def send_bytes(self, frame: bytes) -> None:
        await self._send(frame)

    async def _send(self, frame: Any) -> None:
        if self._broken:
            raise ConnectionResetError("gone")
        if not self._read:
            await asyncio.Event().wait()
        self.got.append(frame)

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return SimpleNamespace(shutdown=self._shutdown)

    def _shutdown(self, how: int) -> None:
        self.ended = True

    def events(self) -> list[tuple[str, Any]]:
        """What was meant for others: event and data."""
        return [(frame["data"]["event"], frame["data"]["data"]) for frame in self.texts("echodeck.event")]

    def texts(self, kind: str) -> list[Any]:
        return [frame for frame in self.got if isinstance(frame, dict) and frame["type"] == kind]

    def pictures(self) -> list[bytes]:
        return [frame for frame in self.got if isinstance(frame, bytes)]


class Interrupted(Exception):
    """As ComfyUI's own."""


class Queue:
    """As PromptQueue: `currently_running` is one item, [number, prompt_id, …]."""

    def __init__(self) -> None:
        self.currently_running: dict[int, list[Any]] = {0: [0, "p", {}, {}, []]}

    def task_done(self, item_id: int, history_result: Any = None, status: Any = None, **named: Any) -> None:
        del self.currently_running[item_id]


class Executor:
    """As PromptExecutor, whose messages reach nobody where a prompt has no client."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def add_message(self, event: str, data: dict[str, Any], broadcast: bool) -> None:
        if self.server.client_id is not None or broadcast:
            self.server.send_sync(event, data, self.server.client_id)


class ComfyUI:
    """`sent` is what the server was asked to send, in order; what monitors got is in their sockets."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sent: list[tuple[Any, Any, Any]] = []
        self.sockets: dict[str, Any] = {BROWSER: Socket()}
        self.routes, self.prompt_queue = Routes(), Queue()
        self.client_id: str | None = BROWSER
        self.last_prompt_id, self.last_node_id = "p", "3"
        self.interrupted = False
        self.utils, self.management = ModuleType("comfy.utils"), ModuleType("comfy.model_management")
        self.execution = ModuleType("execution")
        vars(self.execution)["PromptExecutor"] = type("PromptExecutor", (Executor,), {})
        vars(self.management)["throw_exception_if_processing_interrupted"] = self._throw
        vars(self.utils).update(PROGRESS_BAR_HOOK=None, set_progress_bar_global_hook=self._set_hook)

    def _set_hook(self, hook: Any) -> None:
        vars(self.utils)["PROGRESS_BAR_HOOK"] = hook

    def _throw(self) -> None:
        if self.interrupted:
            raise Interrupted

    def monitor(self, **how: bool) -> Socket:
        self.sockets[MONITOR] = socket = Socket(**how)
        return socket

    def send_sync(self, event: Any, data: Any, sid: Any = None) -> None:
        self.sent.append((event, data, sid))

    def to(self, sid: Any) -> list[tuple[Any, Any]]:
        return [(event, data) for event, data, whom in self.sent if whom == sid]

    def hijack_progress(self) -> None:
        """What main.py does when the custom nodes are there."""

        def hook(value: int, total: int, preview: Any, prompt_id: Any = None, node_id: Any = None) -> None:
            self._throw()
            self.send_sync("progress", {"value": value, "max": total, "prompt_id": "p", "node": "3"}, self.client_id)
            if preview is not None:
                self.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, preview, self.client_id)

        self.utils.set_progress_bar_global_hook(hook)

    def sample(self, steps: int, made: list[int]) -> None:
        """A sampler's loop."""
        for step in range(1, steps + 1):
            made.append(step)
            self.utils.PROGRESS_BAR_HOOK(step, steps, None, node_id="3")

    def end(self) -> None:
        """The prompt is over, as the worker says it."""
        self.prompt_queue.task_done(0, {}, status=None)

    def ask(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, Any]:
        async def json_() -> Any:
            if body is None:
                raise ValueError
            return body

        handler = self.routes.table[method, path]
        answer = asyncio.run(handler(SimpleNamespace(json=json_, content_type=content_type)))
        return answer.status, json.loads(answer.body)

    def hold(self, on: bool = True, prompt_id: str = "p") -> tuple[int, Any]:
        return self.ask("POST", "/echodeck/hold", {"prompt_id": prompt_id, "hold": on})

    def state(self) -> Any:
        return self.ask("GET", "/echodeck/state")[1]

    def settle(self) -> None:
        """Returns when all that is on its way to sockets has arrived."""

        async def idle() -> None:
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

        asyncio.run_coroutine_threadsafe(idle(), self.loop).result(10)


@contextmanager
def running(server: ComfyUI) -> Iterator[ComfyUI]:
    """Its loop, in a thread."""
    thread = threading.Thread(target=server.loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), server.loop).result(10)
        server.loop.call_soon_threadsafe(server.loop.stop)
        thread.join(10)
        server.loop.run_until_complete(server.loop.shutdown_default_executor())
        server.loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def load(server: Any, utils: Any = None, management: Any = None, execution: Any = None, binary: Any = Binary) -> Any:
    """The extension, loaded as ComfyUI loads a custom node."""
    comfy = ModuleType("comfy")
    stands: dict[str, Any] = {"server": SimpleNamespace(PromptServer=SimpleNamespace(instance=server),
                                                        BinaryEventTypes=binary),
                              "comfy": comfy, "execution": execution}
    for name, module in (("utils", utils), ("model_management", management)):
        stands[f"comfy.{name}"] = module
        if module is not None:
            setattr(comfy, name, module)
    with _standing(stands):
        spec = importlib.util.spec_from_file_location(LOADED_AS, EXTENSION)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[LOADED_AS] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@contextmanager
def _standing(stands: dict[str, Any]) -> Iterator[None]:
    """`stands` as modules; afterwards those are gone, and so is what was loaded beside them."""
    before = {name: sys.modules.get(name) for name in stands}
    sys.modules.update(stands)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
        for name in [one for one in sys.modules if one.split(".")[0] == LOADED_AS]:
            del sys.modules[name]
