"""Frames: what is read, what is refused and how, and that applying messages is only assigning."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck import wire
from echodeck.errors import BadField, BadFrame, InputError
from echodeck.model.board import Board
from echodeck.model.job import Job, JobSpec
from echodeck.wire import say, show

VIEWER, WORKER = "/api/ws", "/api/coordination/ws"


def frame(type_: Any, payload: Any = None, **more: Any) -> bytes:
    body = {"type": type_, "timestamp": "2026-01-01T00:00:00Z", **more}
    if payload is not None:
        body["payload"] = payload
    return json.dumps(body).encode()


@pytest.mark.parametrize("type_", ["ping", "request_system_status", "request_queue_status"])
def test_a_request_may_leave_its_payload_out_and_carry_extra_keys(type_: str) -> None:
    read = wire.decode_request(frame(type_, test_id=7), VIEWER)
    assert (read.type, read.id) == (type_, None)
    assert wire.decode_request(b'{"type":"ping","payload":null}', VIEWER).type == "ping"


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        (b"{", "bad_json", None),
        (b"\xff\xfe", "bad_json", None),
        (b"[]", "bad_frame", None),
        (b'{"type":5}', "bad_frame", None),
        (b"{}", "bad_frame", None),
        (frame("launch"), "unknown_type", "type"),
        (frame("claim", {}), "unknown_type", "type"),
        (frame("submit", {"width": "wide"}), "bad_field", "width"),
        (frame("submit", {"count": -1}), "bad_field", "count"),
        (frame("generation_command", {"jobId": "a"}), "bad_field", "command"),
        (frame("generation_command", {"jobId": "a", "command": "explode"}), "bad_field", "command"),
        (frame("generation_command", {"jobId": "", "command": "pause"}), "bad_field", "jobId"),
        (frame("submit", []), "bad_field", "payload"),
        (b'{"type":"submit","payload":"' + b"x" * wire.MAX_FRAME_BYTES + b'"}', "too_large", None),
    ],
)
def test_bad_input_gets_one_clear_error(raw: bytes, code: str, field: str | None) -> None:
    with pytest.raises(InputError) as caught:
        wire.decode_request(raw, VIEWER)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_error_knows_which_request_it_answers() -> None:
    with pytest.raises(BadField) as caught:
        wire.decode_request(frame("submit", {"width": []}, id="r7"), VIEWER)
    assert caught.value.request_id == "r7"  # type: ignore[attr-defined]


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(raw: bytes) -> None:
    with contextlib.suppress(BadFrame, BadField):
        wire.decode_request(raw, WORKER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2**40, 2**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.one_of(st.none(), st.integers(1, 2**40)))
def test_frames_survive_the_journey(payload: dict[str, Any], seq: int | None) -> None:
    one = wire.encode("log", payload, 1.5, seq)
    assert wire.decode(one) == [wire.Message("log", payload, "1970-01-01T00:00:01.500Z", seq)]
    assert wire.decode(wire.batch([one, one])) == wire.decode(one) * 2


@given(st.sampled_from(sorted(say.WORKER)), st.dictionaries(st.text(max_size=12), json_values, max_size=5))
def test_any_payload_is_read_or_refused_by_field(type_: str, payload: dict[str, Any]) -> None:
    try:
        read = wire.decode_request(frame(type_, payload), WORKER)
    except BadField as error:
        named = error.field
    else:
        named = "nothing is wrong"
        assert wire.decode_request(wire.request(type_, read.payload), WORKER).payload == read.payload
    assert named


def job_message(job_id: str, title: str, seq: int) -> wire.Message:
    view = show.job_view(Job(job_id, JobSpec("sketch", "sketch-s", title)), show.Outlook(at_s=0.0))
    return wire.decode(wire.encode("generation_queued", view, 0.0, seq))[0]


def test_applying_is_assigning_whole_values() -> None:
    board = Board()
    for message in (job_message("a", "one", 1), job_message("b", "two", 2), job_message("a", "three", 3)):
        wire.apply(board, message)
    assert [job["title"] for job in board.all("jobs").values()] == ["two", "three"]
    assert board.seq == 3
    wire.apply(board, wire.Message(wire.REMOVED, {"jobId": "a"}, seq=4))
    assert list(board.all("jobs")) == ["b"]
    wire.apply(board, wire.Message("host_metrics", {"name": "studio", "at_s": 1.0}))
    wire.apply(board, wire.Message(wire.FORGOTTEN, {"name": "studio"}, seq=5))
    assert board.all("hosts") == {}
    assert wire.apply(board, wire.Message("from_the_future", {"x": 1})) == []


def test_an_initial_state_replaces_everything() -> None:
    board = Board()
    wire.apply(board, job_message("gone", "x", 90))
    state = {"seq": 5, "jobs": [job_message("a", "one", 1).payload], "agents": [], "queue": {"order": ["a"]}}
    wire.apply(board, wire.Message("initial_state", state))
    assert list(board.all("jobs")) == ["a"]
    assert board.get("queue") == {"order": ["a"]}
    assert board.seq == 5


def test_a_job_shows_what_the_fixed_protocol_reads() -> None:
    view = wire.plain(show.job_view(Job("a", JobSpec("sketch", "m")), show.Outlook(at_s=1.0, eta_s=2.5)))
    assert {"jobId", "progress", "currentStep", "totalSteps", "eta", "elapsed", "stage"} <= view.keys()
    assert {"speed", "etaLow", "etaHigh", "stageIndex", "stageCount", "workerId", "model", "resolution",
            "progressState"} <= view.keys()


def test_figures_existing_clients_format_are_numbers_always() -> None:
    metrics = wire.plain(show.MetricsUpdate(show.Metrics()))["metrics"]
    figures = (metrics["cpu"], metrics["memory"], metrics["vram"]["nvidia"], metrics["vram"]["amd"])
    assert all(isinstance(figure, float) for figure in figures)
    assert {"generationsPerHour", "avgGenerationTime", "successRate", "errorRate"} <= metrics.keys()


def test_the_schema_covers_every_type_and_resolves() -> None:
    schema = wire.schema()
    assert set(schema["hub"]) == set(wire.ROUTES)
    assert set(schema["client"][WORKER]) == set(say.WORKER)
    text = json.dumps(schema)
    names = {part.split('"')[0] for part in text.split('#/$defs/')[1:]}
    assert names <= set(schema["$defs"])


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"width": None}, "width: expected a whole number, got nothing"),
        ({"priority": "soon"}, "low, normal, high, urgent"),
        ({"prompt": 5}, "prompt: expected text, got a whole number"),
    ],
)
def test_what_is_wrong_is_said_for_people(payload: dict[str, Any], words: str) -> None:
    with pytest.raises(BadField) as caught:
        wire.decode_request(frame("submit", payload), VIEWER)
    assert words in str(caught.value)


def test_choices_are_listed_and_missing_fields_are_said_missing() -> None:
    with pytest.raises(BadField, match="pause, resume, cancel"):
        wire.decode_request(frame("generation_command", {"jobId": "a", "command": "stop"}), VIEWER)
    with pytest.raises(BadField, match=r"allow\[1\]: 'foo' is none of batch, tiles, resolution"):
        wire.decode_request(frame("submit", {"allow": ["tiles", "foo"]}), VIEWER)
    with pytest.raises(BadField, match="command: is missing"):
        wire.decode_request(frame("generation_command", {"jobId": "a"}), VIEWER)


@pytest.mark.parametrize(("type_", "payload", "words"), [
    ("query", {"what": "plan", "ad": []}, "ad: no such field; did you mean 'add'?"),
    ("query", {"what": "recommend", "by": "18:00"}, "by: no such field; there are what, jobId, job, add, jobs, models, "
                                                    "count, deadline, quality"),
    ("query", {"what": "plan", "add": [{}, {"stepz": 3}]}, "add[1].stepz: no such field; did you mean 'steps'?"),
    ("query", {"what": "estimate", "job": {"Width": 3}}, "job.Width: no such field; did you mean 'width'?"),
    ("query", {"what": "why", "job_id": "a"}, "job_id: no such field; did you mean 'jobId'?"),
    ("submit", {"prompt": "x", "stepz": 3}, "stepz: no such field; did you mean 'steps'?"),
    ("communicate", {"message": "x", "too": "ada"}, "too: no such field; did you mean 'to'?"),
    ("workflow", {"jobs": [{}], "onfail": "cancel"}, "onfail: no such field; did you mean 'onFailure'?"),
    ("workflow", {"jobs": [{}, {"befter": [0]}]}, "jobs[1].befter: no such field; did you mean 'after'?"),
    ("submit", {"": 1}, "payload: no such field; there are engine, "),
    ("submit", {"x` - at `$.y`": 1}, "no such field; there are engine, "),
])
def test_a_misspelt_field_is_not_passed_over(type_: str, payload: dict[str, Any], words: str) -> None:
    with pytest.raises(BadField) as caught:
        wire.decode_request(frame(type_, payload), VIEWER)
    assert words in str(caught.value)


@pytest.mark.parametrize(("type_", "payload"), [
    ("ping", {}), ("subscribe_generation", {"jobId": "a"}), ("request_system_status", {}), ("request_queue_status", {}),
    ("generation_command", {"jobId": "a", "command": "pause"}), ("move", {"jobId": "a", "direction": "up"}),
])
def test_what_existing_clients_say_may_have_further_fields(type_: str, payload: dict[str, Any]) -> None:
    plain = wire.decode_request(frame(type_, payload), VIEWER).payload
    assert wire.decode_request(frame(type_, {**payload, "source": "old", "page": 3}), VIEWER).payload == plain


def test_what_only_an_engine_knows_is_said_in_options() -> None:
    read = wire.decode_request(frame("submit", {"options": {"cfg_scale": 6, "anything": True}}), VIEWER)
    assert read.payload.options == {"cfg_scale": 6, "anything": True}


def test_a_frame_that_is_too_large_still_names_its_request() -> None:
    with pytest.raises(BadFrame) as caught:
        wire.decode_request(frame("submit", {"prompt": "x" * wire.MAX_FRAME_BYTES}, id="r9"), VIEWER)
    assert caught.value.request_id == "r9"  # type: ignore[attr-defined]
