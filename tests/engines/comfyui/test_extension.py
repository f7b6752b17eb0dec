"""The extension in a stand-in for ComfyUI's server and sampler callback, written from how a real one works."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

EXTENSION = Path(__file__).parents[3] / "app" / "echodeck" / "engines" / "comfyui" / "extension" / "__init__.py"
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


class Interrupted(Exception):
    """As ComfyUI's own."""


class ComfyUI:
    """A server with sockets, a prompt that runs, and a sampler that calls back."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, Any, Any]] = []
        self.sockets: dict[str, Any] = {BROWSER: object()}
        self.routes = Routes()
        self.last_prompt_id, self.last_node_id = "p", "3"
        self.prompt_queue = SimpleNamespace(currently_running={0: [0, "p", {}, {}, []]})
        self.utils = ModuleType("comfy.utils")
        self.management = ModuleType("comfy.model_management")
        self.interrupted = False
        self.management.processing_interrupted = lambda: self.interrupted  # type: ignore[attr-defined]
        self.utils.PROGRESS_BAR_HOOK = None  # type: ignore[attr-defined]

        def set_progress_bar_global_hook(hook: Any) -> None:
            self.utils.PROGRESS_BAR_HOOK = hook  # type: ignore[attr-defined]

        self.utils.set_progress_bar_global_hook = set_progress_bar_global_hook  # type: ignore[attr-defined]

    def send_sync(self, event: Any, data: Any, sid: Any = None) -> None:
        self.sent.append((event, data, sid))

    def to(self, sid: Any) -> list[tuple[Any, Any]]:
        return [(event, data) for event, data, whom in self.sent if whom == sid]

    def hijack_progress(self) -> None:
        """What main.py does when the custom nodes are there."""

        def hook(value: int, total: int, preview: Any, prompt_id: Any = None, node_id: Any = None) -> None:
            if self.interrupted:
                raise Interrupted
            self.send_sync("progress", {"value": value, "max": total, "prompt_id": "p", "node": "3"}, BROWSER)
            if preview is not None:
                self.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, preview, BROWSER)

        self.utils.set_progress_bar_global_hook(hook)

    def sample(self, steps: int, made: list[int]) -> None:
        """A sampler's loop."""
        for step in range(1, steps + 1):
            made.append(step)
            self.utils.PROGRESS_BAR_HOOK(step, steps, ("JPEG", f"picture {step}", 512), node_id="3")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async def json_() -> Any:
            if body is None:
                raise ValueError
            return body

        answer = asyncio.run(self.routes.table[method, path](SimpleNamespace(json=json_)))
        return answer.status, json.loads(answer.body)


def load(server: Any, utils: Any = None, management: Any = None, binary: Any = Binary) -> Any:
    """The extension, loaded as ComfyUI loads a custom node."""
    comfy = ModuleType("comfy")
    stands: dict[str, Any] = {"server": SimpleNamespace(PromptServer=SimpleNamespace(instance=server),
                                                        BinaryEventTypes=binary), "comfy": comfy}
    for name, module in (("utils", utils), ("model_management", management)):
        stands[f"comfy.{name}"] = module
        if module is not None:
            setattr(comfy, name, module)
    before = {name: sys.modules.get(name) for name in stands}
    sys.modules.update(stands)
    try:
        spec = importlib.util.spec_from_file_location("echodeck_in_comfyui", EXTENSION)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        for name, one in before.items():
            if one is None:
                del sys.modules[name]
            else:
                sys.modules[name] = one


@pytest.fixture
def comfyui() -> ComfyUI:
    return ComfyUI()


@pytest.fixture
def extension(comfyui: ComfyUI) -> Any:
    module = load(comfyui, comfyui.utils, comfyui.management)
    comfyui.hijack_progress()
    return module


@pytest.fixture
def sampling(comfyui: ComfyUI) -> Iterator[Callable[[int], tuple[threading.Thread, list[int], list[BaseException]]]]:
    started: list[threading.Thread] = []

    def start(steps: int) -> tuple[threading.Thread, list[int], list[BaseException]]:
        made: list[int] = []
        raised: list[BaseException] = []

        def work() -> None:
            try:
                comfyui.sample(steps, made)
            except Interrupted as error:
                raised.append(error)

        started.append(threading.Thread(target=work))
        started[-1].start()
        return started[-1], made, raised

    yield start
    comfyui.interrupted = True
    for thread in started:
        thread.join(10)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_it_is_no_node_and_says_that_it_is_there(comfyui: ComfyUI, extension: Any) -> None:
    assert extension.NODE_CLASS_MAPPINGS == {}
    status, state = comfyui.ask("GET", "/echodeck/state")
    assert (status, state["version"], state["features"]) == (
        200, extension.VERSION, {"events": True, "pause": True, "reasons": {}})


def test_what_is_meant_for_others_reaches_them_unchanged_and_echodeck_too(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.sockets[MONITOR] = object()
    data = {"node": "3", "prompt_id": "p"}
    comfyui.send_sync("executing", data, BROWSER)
    assert comfyui.sent == [("executing", data, BROWSER),
                            ("echodeck.event", {"event": "executing", "data": data}, MONITOR)]


def test_nothing_is_sent_on_where_nobody_listens_or_everybody_gets_it(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.send_sync("executing", {"node": "3", "prompt_id": "p"}, BROWSER)
    comfyui.sockets[MONITOR] = object()
    comfyui.send_sync("status", {}, None)
    comfyui.send_sync("progress", {}, MONITOR)
    assert [sid for _, _, sid in comfyui.sent] == [BROWSER, None, MONITOR]


def test_it_works_while_the_submitter_is_away(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.sockets = {MONITOR: object()}
    comfyui.send_sync("execution_success", {"prompt_id": "p"}, "a browser that was closed")
    assert comfyui.to(MONITOR) == [("echodeck.event", {"event": "execution_success", "data": {"prompt_id": "p"}})]


def test_pictures_go_with_their_prompt_and_node_and_not_too_often(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.sockets[MONITOR] = object()
    picture = ("JPEG", "picture", 512)
    for _ in range(3):
        comfyui.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, picture, BROWSER)
    [(event, (image, about))] = comfyui.to(MONITOR)
    assert (event, image) == (Binary.PREVIEW_IMAGE_WITH_METADATA, picture)
    assert (about["prompt_id"], about["node_id"]) == ("p", "3")
    assert len(comfyui.to(BROWSER)) == 3


def test_an_older_comfyui_sends_pictures_as_they_are(comfyui: ComfyUI) -> None:
    load(comfyui, comfyui.utils, comfyui.management, SimpleNamespace(UNENCODED_PREVIEW_IMAGE=2))
    comfyui.sockets[MONITOR] = object()
    comfyui.send_sync(2, "picture", BROWSER)
    assert comfyui.to(MONITOR) == [(2, "picture")]


def test_a_failure_of_its_own_harms_nobody_and_is_said_once(comfyui: ComfyUI, extension: Any,
                                                            caplog: pytest.LogCaptureFixture) -> None:
    comfyui.sockets = None  # type: ignore[assignment]
    for _ in range(3):
        comfyui.send_sync("executing", {"node": "3"}, BROWSER)
    assert len(comfyui.to(BROWSER)) == 3
    assert caplog.text.count("cannot be sent on any more") == 1


def test_a_held_prompt_stands_at_a_step_and_goes_on(comfyui: ComfyUI, extension: Any, sampling: Any) -> None:
    comfyui.sockets[MONITOR] = object()
    assert comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": True}) == (200, {"held": "p"})
    thread, made, _ = sampling(4)
    until(lambda: ("echodeck.held", {"prompt_id": "p"}) in comfyui.to(MONITOR))
    assert comfyui.ask("GET", "/echodeck/state")[1]["holding"]
    time.sleep(0.2)  # what stands makes no step: there is nothing that could be waited for
    assert made == [1]
    assert len([one for one in comfyui.to(BROWSER) if one[0] == "progress"]) == 1, "its step was told before"
    comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": False})
    thread.join(10)
    assert made == [1, 2, 3, 4]
    assert comfyui.to(MONITOR).count(("echodeck.released", {"prompt_id": "p"})) == 1


def test_an_interruption_ends_one_that_stands(comfyui: ComfyUI, extension: Any, sampling: Any) -> None:
    comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": True})
    thread, made, raised = sampling(4)
    until(lambda: comfyui.ask("GET", "/echodeck/state")[1]["holding"])
    comfyui.interrupted = True
    thread.join(10)
    assert made == [1, 2]
    assert len(raised) == 1


def test_only_what_runs_can_be_held_and_the_hold_ends_with_it(comfyui: ComfyUI, extension: Any, sampling: Any) -> None:
    assert comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "q", "hold": True})[0] == 409
    assert comfyui.ask("POST", "/echodeck/hold", {"hold": True})[0] == 400
    assert comfyui.ask("POST", "/echodeck/hold")[0] == 400
    comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": True})
    comfyui.send_sync("executing", {"node": None, "prompt_id": "p"}, BROWSER)
    assert comfyui.ask("GET", "/echodeck/state")[1]["held"] == ""
    thread, made, _ = sampling(3)
    thread.join(10)
    assert made == [1, 2, 3]


def test_one_that_nobody_could_release_goes_on(comfyui: ComfyUI, extension: Any, sampling: Any,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "ALONE_S", 0.1)
    comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": True})
    thread, made, _ = sampling(2)
    thread.join(10)
    assert made == [1, 2]


@pytest.mark.parametrize("missing", ["set_progress_bar_global_hook", "processing_interrupted", "prompt_queue", "comfy"])
def test_a_comfyui_without_what_holding_needs_is_still_watched(comfyui: ComfyUI, missing: str) -> None:
    utils, management = comfyui.utils, comfyui.management
    for thing in (utils, management, comfyui):
        if missing in vars(thing):
            delattr(thing, missing)
    load(comfyui, *((None, None) if missing == "comfy" else (utils, management)))
    _, state = comfyui.ask("GET", "/echodeck/state")
    assert state["features"]["events"]
    assert not state["features"]["pause"]
    assert state["features"]["reasons"]["pause"]
    assert comfyui.ask("POST", "/echodeck/hold", {"prompt_id": "p", "hold": True})[0] == 409


def test_a_comfyui_that_is_quite_another_starts_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    module = load(SimpleNamespace(routes=Routes()))
    assert module.NODE_CLASS_MAPPINGS == {}
    assert "stands aside" in caplog.text
