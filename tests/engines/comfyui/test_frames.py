"""Websocket frames: every line that was recorded, the sequences they come in, and whatever else may be sent."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.comfyui import frames
from echodeck.engines.comfyui.frames import (
    Cached,
    Executed,
    Executing,
    Failed,
    FeatureFlags,
    Frame,
    Held,
    Interrupted,
    Logs,
    NodeProgress,
    NodeText,
    Preview,
    Progress,
    ProgressState,
    Started,
    Status,
    Succeeded,
    Unknown,
    parse_binary,
    parse_event,
    parse_text,
)

FramesOf = Callable[[str], list[Frame]]
RECORDED = sorted(path.stem for path in (Path(__file__).parent / "recordings").glob("*.jsonl")
                  if not path.stem.endswith(".rest"))
KINDS = {"status": Status, "feature_flags": FeatureFlags, "execution_start": Started, "execution_cached": Cached,
         "executing": Executing, "progress": Progress, "progress_state": ProgressState, "executed": Executed,
         "execution_success": Succeeded, "execution_error": Failed, "execution_interrupted": Interrupted}


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_line_is_what_it_says(name: str, recorded: Callable[[str], list[dict[str, Any]]],
                                             frames_of: FramesOf) -> None:
    lines = [line for line in recorded(name) if line["kind"] != "closed"]
    for line, frame in zip(lines, frames_of(name), strict=True):
        if line["kind"] == "binary":
            assert isinstance(frame, Preview)
            assert frame.image.startswith(b"\xff\xd8" if frame.mime == "image/jpeg" else b"\x89PNG")
            assert bool(frame.node) is (line["event"] == 4)
        else:
            assert type(frame) is KINDS[line["data"]["type"]]
            data = line["data"]["data"]
            assert getattr(frame, "prompt_id", "") == data.get("prompt_id", "")


def test_no_kind_of_frame_is_missing_in_the_recordings(frames_of: FramesOf) -> None:
    counts = Counter(type(frame) for name in RECORDED for frame in frames_of(name))
    assert counts == {Status: 397, Started: 35, Cached: 35, ProgressState: 341, Executing: 104, Progress: 193,
                      Preview: 185, Executed: 27, Succeeded: 28, Interrupted: 6, Failed: 2, FeatureFlags: 3}


def story(found: list[Frame]) -> list[str]:
    """The kinds in their order, repetitions once; the end of a prompt is `Ended`."""
    names = ["Ended" if isinstance(frame, Executing) and frame.node is None else type(frame).__name__
             for frame in found]
    return [name for name, _ in groupby(names)]


STEP = ["ProgressState", "Progress", "Preview"]
BEGIN = ["Status", "Started", "Cached"]
NODE = ["ProgressState", "Executing"]


def test_success_as_the_submitter_sees_it(frames_of: FramesOf) -> None:
    found = story(frames_of("success.submitter"))
    assert found[:5] == [*BEGIN, *NODE]
    assert found[5:20] == STEP * 5
    assert found[-5:] == ["Executed", "ProgressState", "Succeeded", "Status", "Ended"]


def test_previews_with_metadata_come_before_the_progress(frames_of: FramesOf) -> None:
    found = frames_of("success_metadata_flag.submitter")
    told = story(found)
    assert told[:22] == ["Status", "FeatureFlags", *BEGIN, *NODE, *["ProgressState", "Preview", "Progress"] * 5]
    preview = next(frame for frame in found if isinstance(frame, Preview))
    started = next(frame for frame in found if isinstance(frame, Started))
    assert (preview.prompt_id, preview.node, preview.display_node) == (started.prompt_id, "1", "1")


def test_a_cached_prompt_has_no_progress(frames_of: FramesOf) -> None:
    found = frames_of("cached.submitter")
    second = max(index for index, frame in enumerate(found) if isinstance(frame, Started))
    assert story(found[second:]) == ["Started", "Cached", "Executed", "ProgressState", "Succeeded", "Status", "Ended"]
    cached = found[second + 1]
    assert isinstance(cached, Cached)
    assert cached.nodes == ("1", "3")
    state = next(frame for frame in found[second:] if isinstance(frame, ProgressState))
    assert state.nodes == (NodeProgress("3", "3", "finished", 1.0, 1.0),)  # of the cached nodes only those that show


@pytest.mark.parametrize(("name", "kind"), [("error", "ValueError"), ("oom", "torch.OutOfMemoryError")])
def test_a_failure_says_where_and_why(frames_of: FramesOf, name: str, kind: str) -> None:
    found = frames_of(f"{name}.submitter")
    assert story(found)[-3:] == ["Failed", "Status", "Ended"]
    failed = next(frame for frame in found if isinstance(frame, Failed))
    assert (failed.failure.node, failed.failure.class_type, failed.failure.kind) == ("2", "ProbeFail", kind)
    assert failed.failure.out_of_memory is (name == "oom")
    assert failed.failure.traceback.count("\n") == 5
    assert not failed.failure.message.endswith("\n")


def test_an_interruption_ends_the_prompt(frames_of: FramesOf) -> None:
    found = frames_of("interrupted.submitter")
    ends = [index for index, frame in enumerate(found) if isinstance(frame, Interrupted)]
    assert story(found[ends[0]:])[:3] == ["Interrupted", "Status", "Ended"]
    assert isinstance(first := found[ends[0]], Interrupted)
    assert first.node == "1"


@pytest.mark.parametrize("name", ["success", "ksampler", "cached", "error", "oom", "interrupted", "mirror", "reorder"])
def test_a_client_with_another_id_hears_of_the_queue_only(frames_of: FramesOf, name: str) -> None:
    assert story(frames_of(f"{name}.passive")) == ["Status"]


def test_without_a_client_id_everybody_hears_of_steps_but_not_of_the_end(frames_of: FramesOf) -> None:
    kinds = set(story(frames_of("no_client_id.passive1")))
    assert {"Status", "ProgressState", "Progress", "Preview"} <= kinds
    assert not kinds & {"Started", "Cached", "Executing", "Executed", "Succeeded", "Failed", "Ended"}


def test_only_the_first_message_has_our_id(frames_of: FramesOf) -> None:
    for name in RECORDED:
        first, *others = [frame for frame in frames_of(name) if isinstance(frame, Status)]
        assert first.sid
        assert not any(frame.sid for frame in others)


def test_who_comes_back_is_told_the_node_without_the_prompt(frames_of: FramesOf) -> None:
    executing = [frame for frame in frames_of("submitter_reconnect.reconnected") if isinstance(frame, Executing)]
    assert executing[0] == Executing("", "1", "1")


def test_a_monitor_gets_the_events_under_their_own_names(frames_of: FramesOf) -> None:
    submitter = [frame for frame in frames_of("mirror.submitter") if not isinstance(frame, Status | Preview)]
    monitor = [frame for frame in frames_of("mirror.monitor") if not isinstance(frame, Status)]
    assert monitor == submitter[-len(monitor):]
    assert story(monitor)[0] == "Started"


def test_a_state_is_read_whole() -> None:
    nodes = {"7:3": {"value": 2, "max": 4, "state": "running", "display_node_id": "7", "activity": "loading"},
             "8": None}
    assert parse_event("progress_state", {"prompt_id": "p", "nodes": nodes}) == ProgressState("p", (
        NodeProgress("7:3", "7", "running", 2.0, 4.0, "loading"), NodeProgress("8", "8", "", 0.0, 0.0)))


def test_logs_are_lines() -> None:
    assert parse_event("logs", {"entries": [{"t": "x", "m": " 60%"}, 5], "size": None}) == Logs((" 60%", ""))


@pytest.mark.parametrize(("kind", "data"), [
    ("execution_start", {}), ("executing", {"node": None}), ("executing", {"node": [], "prompt_id": "p"}),
    ("progress", {"value": "1", "max": 2}), ("progress", {"value": 1}), ("status", {}), ("progress_state", []),
    ("executed", {"prompt_id": ""}), ("crystools.monitor", {"cpu": 1}), ("", None), ("execution_error", None),
])
def test_what_lacks_what_it_must_have_is_unknown(kind: str, data: Any) -> None:
    assert parse_event(kind, data) == Unknown(kind)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"data": 1}', "[" * 100_000, b"\xff\xfe"])
def test_odd_text_is_unknown(text: str | bytes) -> None:
    assert isinstance(parse_text(text), Unknown)


def test_a_frame_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 10)
    assert parse_text('{"type": "status"}') == Unknown("too large")


def head(kind: int, text: bytes) -> bytes:
    return struct.pack(">II", kind, len(text)) + text


@pytest.mark.parametrize(("data", "frame"), [
    (struct.pack(">II", 1, 1) + b"jpeg", Preview("image/jpeg", b"jpeg")),
    (struct.pack(">II", 1, 2) + b"png", Preview("image/png", b"png")),
    (struct.pack(">II", 1, 9) + b"png", Unknown("1")),
    (struct.pack(">II", 1, 1), Unknown("1")),
    (head(3, b"12:3") + "größer".encode(), NodeText("12:3", "größer")),
    (head(3, b"12")[:-1], Unknown("3")),
    (head(4, b'{"node_id": "5", "prompt_id": "p", "image_type": "image/png"}') + b"x",
     Preview("image/png", b"x", "p", "5", "5")),
    (head(4, b"{") + b"x", Unknown("4")),
    (head(4, b"{}"), Unknown("4")),
    (struct.pack(">II", 4, 1 << 31) + b"{}", Unknown("4")),
    (struct.pack(">I", 77), Unknown("77")),
    (b"", Unknown("0")),
])
def test_binary_frames_are_cut_as_their_type_says(data: bytes, frame: Frame) -> None:
    assert parse_binary(data) == frame


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["prompt_id", "node", "nodes", "output", "images", "status", "exec_info",
                                         "queue_remaining", "value", "max", "timestamp", "traceback", "entries", "m",
                                         "filename", "1"]), inner, max_size=4), max_leaves=12)


@given(st.sampled_from([*KINDS, "logs", "strange"]), JSON)
def test_any_data_of_any_event_is_a_frame(kind: str, data: Any) -> None:
    frame = parse_text(json.dumps({"type": kind, "data": data}))
    assert isinstance(frame, (*KINDS.values(), Logs, Unknown))


@given(st.integers(0, 6), st.binary(max_size=60))
def test_any_bytes_are_a_frame(kind: int, data: bytes) -> None:
    assert isinstance(parse_binary(struct.pack(">I", kind) + data), Preview | NodeText | Unknown)
    assert isinstance(parse_binary(data), Preview | NodeText | Unknown)


def test_what_the_extension_sends_is_the_others_event_or_a_hold() -> None:
    event = {"event": "executing", "data": {"prompt_id": "p", "node": "3"}}
    assert parse_text(json.dumps({"type": "echodeck.event", "data": event})) == Executing("p", "3", "3")
    assert parse_text(json.dumps({"type": "echodeck.held", "data": {"prompt_id": "p"}})) == Held("p", on=True)
    assert parse_text(json.dumps({"type": "echodeck.released", "data": {"prompt_id": "p"}})) == Held("p", on=False)
    nested = {"event": "echodeck.event", "data": event}
    assert parse_text(json.dumps({"type": "echodeck.event", "data": nested})) == Unknown("echodeck.event")
