"""Answers over REST: every call that was recorded, and bodies that are odd or of another program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.comfyui.past import (
    Outcome,
    parse_cancelled,
    parse_history,
)
from echodeck.engines.comfyui.rest import (
    Accepted,
    Device,
    Refused,
    parse_object_info,
    parse_prompt_answer,
    parse_queue,
    parse_system_stats,
)
from echodeck.errors import EngineError
from echodeck.model import workflow

Recorded = Callable[[str], list[dict[str, Any]]]
RECORDED = sorted(path.stem for path in (Path(__file__).parent / "recordings").glob("*.rest.jsonl"))


def calls(recorded: Recorded, *, path: str, method: str = "GET", status: int = 200) -> list[dict[str, Any]]:
    """All recorded calls of one route; `path` without what follows an id or a question mark."""
    return [line for name in RECORDED for line in recorded(name)
            if line["method"] == method and line["status"] == status and line["path"].startswith(path)]


def test_every_submission_was_accepted_or_refused(recorded: Recorded) -> None:
    accepted = calls(recorded, path="/prompt", method="POST")
    assert len(accepted) == 83
    for call in accepted:
        answer = parse_prompt_answer(call["body"], call["request"]["prompt"])
        assert answer == Accepted(call["body"]["prompt_id"], call["body"]["number"])


def test_refusals_name_the_node_and_the_input(recorded: Recorded) -> None:
    refused = [parse_prompt_answer(line["body"], line["request"].get("prompt", {}))
               for line in recorded("invalid.rest")]
    assert refused == [
        Refused("prompt_outputs_failed_validation",
                "Probe Sampler (node 1), input steps: Value -5 smaller than min of 1", ("1",)),
        Refused("missing_node_type",
                "Node 'Nope' not found. The custom node may not be installed: Node ID '#1'", ("1",)),
        Refused("no_prompt", "No prompt provided"),
        Refused("invalid_prompt_id", "prompt_id must be a valid UUID: prompt_id must be a UUID string in canonical "
                                     "lowercase hyphenated form; omit it to let the server generate one"),
    ]


def test_several_problems_are_counted_and_others_are_warnings() -> None:
    errors = {"3": {"class_type": "KSampler", "errors": [{"message": "Too big", "details": "cfg: 900"}, {}]}}
    refused = parse_prompt_answer({"error": {"type": "x", "message": "y"}, "node_errors": errors}, {})
    assert refused == Refused("x", "KSampler (node 3): Too big (cfg: 900) (and 1 more)", ("3",))
    accepted = parse_prompt_answer({"prompt_id": "p", "number": 4, "node_errors": errors}, {})
    assert isinstance(accepted, Accepted)
    assert accepted.warnings[0] == "KSampler (node 3): Too big (cfg: 900)"
    old = parse_prompt_answer({"error": "invalid prompt", "node_errors": []}, {})
    assert old == Refused("refused", "invalid prompt")


def test_every_recorded_queue_is_in_the_order_of_running(recorded: Recorded) -> None:
    found = [parse_queue(call["body"]) for path in ("/queue", "/api/queue") for call in calls(recorded, path=path)]
    assert len(found) == 20
    assert max(len(queue.pending) for queue in found) >= 3
    for queue in found:
        assert [item.number for item in queue.pending] == sorted(item.number for item in queue.pending)
        for item in (*queue.running, *queue.pending):
            assert item.graph["1"]["class_type"] == "ProbeSampler"
            assert item.ends == ("3",)
            assert item.created_s is not None
            assert item.client_id == item.extra.get("client_id", "")
            assert not item.had_secrets


def test_secrets_in_a_queue_are_not_kept() -> None:
    extra = {"client_id": "c", "api_key_comfy_org": "k", "echodeck": {"job": "j1"}}
    body = {"queue_running": [], "queue_pending": [[2, "b", {}, extra, ["9"], "more"], [-1.5, "a", {}], "odd", [1]]}
    first, second = parse_queue(body).pending
    assert (first.prompt_id, first.number, second.prompt_id) == ("a", -1.5, "b")
    assert second.extra == {"client_id": "c", "echodeck": {"job": "j1"}}
    assert (second.had_secrets, second.mark, second.client_id) == (True, {"job": "j1"}, "c")
    assert (first.had_secrets, first.mark, first.extra) == (False, None, {})


def test_every_recorded_ending_is_told_as_it_was(recorded: Recorded) -> None:
    bodies = [call["body"] for call in calls(recorded, path="/history")]
    assert len(bodies) == 31
    past = {prompt_id: entry for body in bodies for prompt_id, entry in parse_history(body).items()}
    outcomes = Counter(entry.outcome for entry in past.values())
    assert outcomes == {Outcome.SUCCESS: 30, Outcome.INTERRUPTED: 4, Outcome.ERROR: 2, Outcome.OUT_OF_MEMORY: 1}
    for prompt_id, entry in past.items():
        assert entry.item.prompt_id == prompt_id
        assert entry.started_s is not None
        assert entry.ended_s is not None
        assert 0 <= entry.ended_s - entry.started_s < 30
        saves = not any(node["class_type"] == "SaveImageWebsocket" for node in entry.item.graph.values())
        assert bool(entry.files) is (entry.outcome is Outcome.SUCCESS and saves)
        assert (entry.failure is not None) is (entry.outcome in (Outcome.ERROR, Outcome.OUT_OF_MEMORY))


def test_a_history_has_the_files_and_what_was_cached(recorded: Recorded) -> None:
    call = next(line for line in recorded("cached.rest") if line["path"].startswith("/history/"))
    [past] = parse_history(call["body"]).values()
    assert past.cached == ("1", "3")
    [file] = past.files
    assert (file.node, file.filename, file.media, file.mime) == ("3", "probe_00002_.png", "images", "image/png")


def test_a_history_that_says_little_is_read_too() -> None:
    files = {"9": {"images": [{"filename": "a.png"}], "text": ["x"], "animated": [True]}}
    found = parse_history({
        "old": {"prompt": [1, "old", {}, {}, []], "outputs": files, "status": None},
        "bad": {"prompt": "?", "outputs": {}, "status": {"status_str": "error", "messages": [[], ["x"], 5]}},
        "plain": {"status": {"status_str": "success", "completed": True}}, "none": None,
    })
    assert {name: past.outcome for name, past in found.items()} == {
        "old": Outcome.SUCCESS, "bad": Outcome.ERROR, "plain": Outcome.SUCCESS}
    assert found["bad"].failure is not None
    assert "does not say why" in found["bad"].failure.message
    assert len(found["old"].files) == 1


def test_a_cancel_says_whether_it_found_its_job(recorded: Recorded) -> None:
    answers = [call["body"] for call in calls(recorded, path="/api/jobs/", method="POST")]
    assert [parse_cancelled(body) for body in answers] == [body["cancelled"] for body in answers]
    assert len(answers) == 3
    assert not parse_cancelled(None)


def test_the_server_says_what_it_is(recorded: Recorded) -> None:
    [call] = calls(recorded, path="/system_stats")
    stats = parse_system_stats(call["body"])
    assert (stats.version, stats.os, stats.torch) == ("0.33.0", "linux", "2.13.0+cpu")
    assert stats.devices == (Device("cpu", "cpu", None, 25276063744, 23319568384),)
    assert "main.py" not in str(stats)


def test_node_classes_say_whether_they_put_out_and_cost(recorded: Recorded) -> None:
    found = {name: node for call in calls(recorded, path="/object_info")
             for name, node in parse_object_info(call["body"]).items()}
    assert set(found) == {"ProbeSampler", "SaveImage", "KSampler"}
    assert [name for name, node in found.items() if node.output] == ["SaveImage"]
    assert found["SaveImage"].title == "Save Image"
    paid = parse_object_info({"A": {"api_node": True}, "B": {"python_module": "comfy_api_nodes.nodes_bfl"},
                              "C": {"category": "api node/image/BFL"}, "D": {"category": "api"}, "E": None})
    assert [name for name, node in paid.items() if node.partner] == ["A", "B", "C"]


def test_the_recorded_server_ran_the_nodes_in_the_order_we_expect(recorded: Recorded) -> None:
    [call] = [line for line in recorded("ksampler.rest") if line["method"] == "POST"]
    ran = [line["data"]["data"]["node"] for line in recorded("ksampler.submitter")
           if line["kind"] == "text" and line["data"]["type"] == "executing"]
    graph = workflow.tolerant(call["request"]["prompt"])
    assert [*[node.id for node in workflow.stages(graph)], None] == ran


PARSERS: list[Callable[[Any], Any]] = [parse_queue, parse_history, parse_system_stats, parse_object_info,
                                       lambda body: parse_prompt_answer(body, {})]


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("body", [None, 5, "<html>", []])
def test_the_body_of_another_program_is_refused(parse: Callable[[Any], Any], body: Any) -> None:
    with pytest.raises(EngineError, match="ComfyUI's answer to") as caught:
        parse(body)
    assert caught.value.code == "bad_answer"
    assert caught.value.retryable


KEYS = ["queue_running", "queue_pending", "jobs", "id", "prompt", "outputs", "status", "messages", "system", "devices",
        "error", "node_errors", "errors", "message", "prompt_id", "number", "pagination", "workflow", "extra_data",
        "images", "filename", "execution_error", "traceback", "exec_info", "queue_remaining", "1"]
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=5)
                    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5), max_leaves=15)


@pytest.mark.parametrize("parse", PARSERS)
@given(body=JSON)
def test_any_body_is_read_or_refused(parse: Callable[[Any], Any], body: Any) -> None:
    body = json.loads(json.dumps(body))
    try:
        parse(body)
    except EngineError as error:
        refused = error.code
    else:
        refused = "bad_answer"
    assert refused == "bad_answer"
