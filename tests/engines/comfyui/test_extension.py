"""The extension in a stand-in for the inside of ComfyUI: what monitors are sent, and that nobody else notices."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from echodeck.engines.comfyui.frames import Preview, parse_binary

from .inside import BROWSER, MONITOR, Binary, ComfyUI, Routes, Socket, load, running

EXECUTING = {"node": "3", "prompt_id": "p"}


@pytest.fixture
def comfyui() -> Iterator[ComfyUI]:
    with running(ComfyUI()) as server:
        yield server


@pytest.fixture
def extension(comfyui: ComfyUI) -> Any:
    module = load(comfyui, comfyui.utils, comfyui.management, comfyui.execution)
    comfyui.hijack_progress()
    return module


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def picture(width: int = 64, height: int = 64) -> tuple[str, Image.Image, int]:
    """A preview as a sampler gives it."""
    return "JPEG", Image.new("RGB", (width, height), (200, 100, 50)), 512


def preview(frame: bytes) -> Preview:
    found = parse_binary(frame)
    assert isinstance(found, Preview)
    return found


# --- events ---


def test_it_is_no_node_and_says_that_it_is_there(comfyui: ComfyUI, extension: Any) -> None:
    assert extension.NODE_CLASS_MAPPINGS == {}
    state = comfyui.state()
    assert (state["version"], state["running"]) == (extension.VERSION, "p")
    assert state["features"] == {"events": True, "pause": True, "reasons": {}}


def test_what_is_meant_for_others_reaches_them_unchanged_and_monitors_too(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    [(event, data, sid)] = comfyui.sent
    assert (event, sid) == ("executing", BROWSER)
    assert data is EXECUTING
    assert monitor.got == [{"type": "echodeck.event", "data": {"event": "executing", "data": EXECUTING,
                                                               "prompt_id": "p", "sid_present": True}}]
    assert comfyui.sockets[BROWSER].got == []


def test_nothing_is_sent_on_where_nobody_listens_or_it_arrives_by_itself(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    monitor = comfyui.monitor()
    comfyui.send_sync("status", {}, None)
    comfyui.send_sync("progress", {}, None)
    comfyui.send_sync("executing", EXECUTING, MONITOR)
    comfyui.send_sync("logs", {"entries": []}, BROWSER)
    comfyui.settle()
    assert monitor.got == []
    assert len(comfyui.sent) == 5


def test_of_two_monitors_the_one_whose_prompt_it_is_gets_it_once(comfyui: ComfyUI, extension: Any) -> None:
    own, other = comfyui.monitor(), Socket()
    comfyui.sockets["echodeck-2"] = other
    comfyui.send_sync("executing", EXECUTING, MONITOR)
    comfyui.settle()
    assert (own.got, other.events()) == ([], [("executing", EXECUTING)])


def test_it_works_while_the_submitter_is_away(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync("execution_success", {"prompt_id": "p"}, "a browser that was closed")
    comfyui.settle()
    assert monitor.events() == [("execution_success", {"prompt_id": "p"})]
    assert monitor.got[0]["data"]["sid_present"] is False


def test_a_prompt_without_a_client_is_told_of_too(comfyui: ComfyUI, extension: Any) -> None:
    monitor, comfyui.client_id = comfyui.monitor(), None
    executor = comfyui.execution.PromptExecutor(comfyui)
    executor.add_message("execution_start", {"prompt_id": "p"}, broadcast=False)
    executor.add_message("execution_interrupted", {"prompt_id": "p"}, broadcast=True)
    comfyui.client_id = BROWSER
    executor.add_message("execution_start", {"prompt_id": "q"}, broadcast=False)
    comfyui.settle()
    assert monitor.events() == [("execution_start", {"prompt_id": "p"}), ("execution_start", {"prompt_id": "q"})]
    assert comfyui.sent == [("execution_interrupted", {"prompt_id": "p"}, None),
                            ("execution_start", {"prompt_id": "q"}, BROWSER)]


def test_inputs_of_a_failed_node_are_left_out(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync("execution_error", {"prompt_id": "p", "node_id": "3", "current_inputs": {"key": ["secret"]},
                                          "current_outputs": []}, BROWSER)
    comfyui.settle()
    assert monitor.events() == [("execution_error", {"prompt_id": "p", "node_id": "3"})]
    assert "current_inputs" in comfyui.sent[0][1]


def test_what_is_no_json_is_named_or_left_out_and_the_rest_goes_on(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    circle: dict[str, Any] = {"prompt_id": "p"}
    circle["self"] = circle
    for data in ({"prompt_id": "p", "output": {"odd": [object()]}}, circle, {("not", "text"): 1}, EXECUTING):
        comfyui.send_sync("executed", data, BROWSER)
    comfyui.settle()
    assert monitor.events() == [("executed", {"prompt_id": "p", "output": {"odd": ["<object>"]}}),
                                ("executed", EXECUTING)]
    assert comfyui.state()["features"]["events"]


def test_the_servers_own_arguments_and_answer_pass_through(comfyui: ComfyUI) -> None:
    asked: list[Any] = []

    def send_sync(*values: Any, **named: Any) -> str:
        asked.append((values, named))
        return "an answer"

    comfyui.send_sync = send_sync  # type: ignore[method-assign, assignment]
    load(comfyui, comfyui.utils, comfyui.management, comfyui.execution)
    assert comfyui.send_sync("executing", EXECUTING, BROWSER, "new", newer=1) == "an answer"
    assert asked == [(("executing", EXECUTING, BROWSER, "new"), {"newer": 1})]


# --- slow, broken and leaving monitors ---


def test_a_monitor_that_does_not_read_holds_up_nobody(comfyui: ComfyUI, extension: Any) -> None:
    monitor, other = comfyui.monitor(read=False), Socket()
    comfyui.sockets["echodeck-2"] = other
    for _ in range(3000):
        comfyui.send_sync("executing", EXECUTING, BROWSER)
    until(lambda: len(other.got) == 3000)
    assert monitor.got == []
    assert len(comfyui.to(BROWSER)) == 3000


def test_one_that_too_much_waits_for_is_let_go(comfyui: ComfyUI, extension: Any,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = comfyui.monitor(read=False)
    monkeypatch.setattr(extension.outbox, "MOST_BYTES", 500)
    for _ in range(10):
        comfyui.send_sync("executing", EXECUTING, BROWSER)
    until(lambda: monitor.ended)
    assert comfyui.state()["features"]["events"]


def test_one_that_takes_nothing_for_a_while_is_let_go(comfyui: ComfyUI, extension: Any,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = comfyui.monitor(read=False)
    monkeypatch.setattr(extension.outbox, "SEND_S", 0.01)
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    until(lambda: monitor.ended)
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    again = comfyui.monitor()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert again.events() == [("executing", EXECUTING)]


def test_one_that_breaks_is_let_go(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor(broken=True)
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert monitor.ended
    assert comfyui.state()["features"]["events"]


def test_one_that_left_is_forgotten(comfyui: ComfyUI, extension: Any) -> None:
    comfyui.monitor()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert comfyui.state()["monitors"] == 1
    del comfyui.sockets[MONITOR]
    comfyui.sockets["echodeck-2"] = Socket()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert list(comfyui.echodeck._outboxes) == ["echodeck-2"]  # type: ignore[attr-defined]


# --- previews ---


def test_pictures_go_with_their_prompt_and_node_and_not_too_often(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    for _ in range(3):
        comfyui.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, picture(), BROWSER)
    comfyui.settle()
    [frame] = monitor.pictures()
    found = preview(frame)
    assert (found.mime, found.prompt_id, found.node) == ("image/jpeg", "p", "3")
    assert len(comfyui.to(BROWSER)) == 3


def test_a_picture_is_made_smaller_but_never_larger(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync(Binary.PREVIEW_IMAGE_WITH_METADATA, (picture(1024, 512), {"node_id": "7", "prompt_id": "q"}),
                      BROWSER)
    comfyui.settle()
    found = preview(monitor.pictures()[0])
    assert Image.open(BytesIO(found.image)).size == (384, 192)
    assert (found.prompt_id, found.node) == ("q", "7")
    small = extension.picture.encoded(picture(64, 32), {})
    assert Image.open(BytesIO(preview(small).image)).size == (64, 32)


def test_a_picture_that_a_node_encoded_itself_is_sent_on_as_it_is(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync(Binary.PREVIEW_IMAGE, struct.pack(">I", 2) + b"a PNG", BROWSER)
    comfyui.settle()
    found = preview(monitor.pictures()[0])
    assert (found.mime, found.image, found.prompt_id) == ("image/png", b"a PNG", "p")
    assert extension.picture.encoded(struct.pack(">I", 2) + bytes(2 << 20), {}) == b""


def test_a_picture_that_everybody_gets_is_named_for_monitors(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, picture(), None)
    comfyui.settle()
    assert preview(monitor.pictures()[0]).prompt_id == "p"


def test_other_binary_messages_are_left_alone(comfyui: ComfyUI, extension: Any) -> None:
    monitor = comfyui.monitor()
    comfyui.send_sync(Binary.TEXT, b"text of a node", BROWSER)
    comfyui.send_sync(99, b"of another extension", BROWSER)
    comfyui.settle()
    assert monitor.got == []


def test_a_picture_that_is_none_is_said_once_and_the_rest_goes_on(comfyui: ComfyUI, extension: Any,
                                                                  caplog: pytest.LogCaptureFixture,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension.picture, "PREVIEW_S", 0.0)
    monitor = comfyui.monitor()
    for _ in range(2):
        comfyui.send_sync(Binary.UNENCODED_PREVIEW_IMAGE, ("JPEG", "no picture", 512), BROWSER)
        comfyui.settle()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert monitor.events() == [("executing", EXECUTING)]
    assert caplog.text.count("a preview cannot be sent on") == 1


def test_an_older_comfyui_without_such_a_frame_gets_it_all_the_same(comfyui: ComfyUI) -> None:
    load(comfyui, comfyui.utils, comfyui.management, comfyui.execution, SimpleNamespace(UNENCODED_PREVIEW_IMAGE=2))
    monitor = comfyui.monitor()
    comfyui.send_sync(2, picture(), BROWSER)
    comfyui.settle()
    assert preview(monitor.pictures()[0]).node == "3"


# --- a ComfyUI that is not as it is known ---


def test_a_failure_of_its_own_harms_nobody_and_is_said_once(comfyui: ComfyUI, extension: Any,
                                                            caplog: pytest.LogCaptureFixture) -> None:
    sockets, comfyui.sockets = comfyui.sockets, None  # type: ignore[assignment]
    for _ in range(3):
        comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.sockets = sockets
    assert len(comfyui.to(BROWSER)) == 3
    assert caplog.text.count("cannot be sent on any more") == 1
    assert not comfyui.state()["features"]["events"]


def test_a_second_copy_stands_back(comfyui: ComfyUI, extension: Any, caplog: pytest.LogCaptureFixture) -> None:
    load(comfyui, comfyui.utils, comfyui.management, comfyui.execution)
    monitor = comfyui.monitor()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert len(monitor.got) == 1
    assert "is there twice" in caplog.text


def test_without_an_executor_only_prompts_with_a_client_are_told_of(comfyui: ComfyUI) -> None:
    load(comfyui, comfyui.utils, comfyui.management)
    monitor = comfyui.monitor()
    comfyui.send_sync("executing", EXECUTING, BROWSER)
    comfyui.settle()
    assert monitor.events() == [("executing", EXECUTING)]


@pytest.mark.parametrize("missing", ["send_sync", "sockets", "loop"])
def test_a_comfyui_that_is_quite_another_starts_all_the_same(missing: str, caplog: pytest.LogCaptureFixture) -> None:
    parts = {"routes": Routes(), "send_sync": lambda *values: None, "sockets": {}, "loop": None}
    del parts[missing]
    module = load(SimpleNamespace(**parts))
    assert module.NODE_CLASS_MAPPINGS == {}
    assert caplog.text.count("stands aside") == 1
