"""What the servers answer. The bodies are shaped as the servers' sources have them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.a1111 import made, offer, parse
from echodeck.engines.web import Refusal
from echodeck.errors import EngineError, OutOfMemory

STATE = {"skipped": False, "interrupted": False, "stopping_generation": False, "job": "scripts_txt2img",
         "job_count": 2, "job_timestamp": "20260101120000", "job_no": 1, "sampling_step": 7, "sampling_steps": 20}
OOM = ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 512.00 MiB is "
       "free.")


def progress(**state: Any) -> parse.Progress:
    return parse.parse_progress({"progress": 0.3, "state": {**STATE, **state}})


def test_progress_is_read_whole() -> None:
    found = parse.parse_progress({"progress": 0.68, "eta_relative": 3.0, "state": STATE, "current_image": "aGk=",
                                  "textinfo": "Upscaling"})
    assert (found.jobs, found.job, found.step, found.steps) == (2, 1, 7, 20)
    assert (found.key, found.name, found.image, found.idle) == ("20260101120000", "scripts_txt2img", "aGk=", False)


def test_idle_and_just_begun() -> None:
    assert progress(job="", job_count=0).idle
    begun = progress(job_count=-1)
    assert (begun.jobs, begun.idle) == (-1, False)
    assert not progress(job="API TXT", job_count=0).idle, "SD.Next counts its passes when they begin"
    assert progress(job="Load", job_count=0).loading


def test_what_an_idle_sdnext_really_answers() -> None:
    """Of commit 431bcc36, just started: the time stamp is that of its own preparations."""
    found = parse.parse_progress(json.loads(
        '{"progress":0.0,"eta_relative":0.0,"state":{"skipped":false,"interrupted":false,"job":"","job_count":0,'
        '"job_timestamp":"20261124134109","job_no":0,"sampling_step":0,"sampling_steps":0},"current_image":null,'
        '"textinfo":null}'))
    assert found == parse.Progress(stamp="20261124134109")
    assert found.idle


def test_both_ways_to_interrupt_are_known() -> None:
    assert not progress().interrupted
    assert progress(interrupted=True).interrupted
    assert progress(stopping_generation=True).interrupted


@pytest.mark.parametrize("field", ["id", "current_task"])
def test_an_id_tells_requests_of_one_second_apart(field: str) -> None:
    one, two = (parse.parse_progress({field: task, "state": STATE}).key for task in ("task(a)", "task(b)"))
    assert one != two


def test_tasks_and_holding() -> None:
    assert parse.parse_task({"active": True, "queued": False, "completed": False}) == parse.Task(active=True)
    assert not parse.parse_task({"active": False, "textinfo": "Waiting..."}).known
    assert parse.parse_paused({"status": "paused"})
    assert not parse.parse_paused({"status": "running", "task": "Text"})


def test_models_keep_their_names_when_they_gain_a_hash() -> None:
    plain, hashed = ({"title": title, "model_name": "dreamy"} for title in ("dreamy.ckpt", "dreamy.ckpt [abc]"))
    assert offer.parse_models([plain]).keys() == offer.parse_models([hashed]).keys() == {"dreamy"}
    twins = [{"title": f"{folder}/dreamy.ckpt", "model_name": "dreamy"} for folder in "ab"]
    assert offer.parse_models([*twins, {"title": "x"}, 5, {}]) == {
        "a/dreamy.ckpt": "a/dreamy.ckpt", "b/dreamy.ckpt": "b/dreamy.ckpt", "x": "x"}
    known = offer.Offer(models={"dreamy": "dreamy.ckpt [abc]"})
    assert [known.name_of(title) for title in ("dreamy.ckpt [abc]", "new")] == ["dreamy", "new"]


def test_names_version_and_memory() -> None:
    listed = [{"name": "karras", "label": "Karras"}, {"name": "x"}, {"label": "Karras"}, None]
    assert offer.parse_names(listed, "label") == ("Karras",)
    assert offer.parse_checkpoint({"sd_model_checkpoint": None}) == ""
    assert offer.parse_version({"app": "sd.next", "updated": "2025-03-02", "hash": "431bcc36"}) == "2025-03-02 431bcc36"
    body = {"ram": {}, "cuda": {"system": {"free": 3, "used": 5, "total": 8}, "events": {"retries": 1, "oom": 2}}}
    assert offer.parse_memory(body) == offer.Memory(5, 8, 2)
    assert offer.parse_memory({"cuda": {"error": "unavailable"}}) == offer.Memory()


PICTURES = [base64.b64encode(bytes([number])).decode() for number in range(4)]


def info(**facts: Any) -> str:
    return json.dumps(facts)


def test_grids_and_extras_are_no_pictures() -> None:
    body = {"images": PICTURES, "info": info(index_of_first_image=1, all_seeds=[5, 6], version="v1.10.1")}
    assert made.parse_made(body) == made.Made((b"\1", b"\2"), "v1.10.1")
    assert len(made.parse_made({"images": PICTURES, "info": "no JSON"}).pictures) == 4
    assert made.decoded(f"data:image/png;base64,{PICTURES[1]}") == b"\1"
    with pytest.raises(EngineError, match="base64"):
        made.parse_made({"images": ["§"]})


@pytest.mark.parametrize(("facts", "version"), [
    ({"infotexts": ["dusk\nSteps: 20, Seed: 5, Version: f2.0.1v1.10.1"]}, "f2.0.1v1.10.1"),
    ({"infotexts": ["dusk\nSteps: 20, App: SD.Next, Version: 0eb4a98, Operations: txt2img"]}, "0eb4a98"),
    ({"infotexts": [7]}, ""), ({}, "")])
def test_the_version_is_in_the_parameters_of_a_picture(facts: dict[str, Any], version: str) -> None:
    assert made.parse_made({"images": [], "info": info(**facts)}).version == version


def test_a_picture_that_was_skipped_is_left_out_wherever_it_is() -> None:
    pictures = (b"0", b"1", b"2")
    assert made.kept(pictures, 3, {1}) == (b"0", b"2"), "A1111 hands it out half made"
    assert made.kept(pictures[:2], 3, {1}) == (b"0", b"1"), "SD.Next does not"
    assert made.kept((*pictures, b"grid"), 3, set()) == pictures


@pytest.mark.parametrize(("body", "said"), [
    ({"detail": [{"loc": ["body", "steps"], "msg": "not an integer"}, 5]}, "steps: not an integer"),
    ({"error": "RuntimeError", "detail": "", "body": "", "errors": "the tensor is odd"},
     "RuntimeError: the tensor is odd"),
    ({"error": "HTTPException", "detail": "Sampler not found", "errors": ""}, "HTTPException: Sampler not found"),
    ("a TypeError, as SD.Next says it", "a TypeError, as SD.Next says it"), ({"detail": "Not authenticated"},
                                                                            "Not authenticated"), (None, "")])
def test_errors_are_one_line(body: Any, said: str) -> None:
    assert made.parse_error(body) == said


def test_errors_say_whether_trying_again_can_help() -> None:
    wrong, odd = (made.error_of(Refusal("it answered", status, {"detail": "so"})) for status in (422, 500))
    assert (wrong.code, wrong.retryable, odd.code, odd.retryable) == ("refused", False, "server_error", True)
    assert made.error_of(Refusal("it answered 502", 502)).message == "it answered 502"
    assert "password" in made.error_of(Refusal("it answered 401", 401)).message


def test_out_of_memory_is_known_with_its_sizes() -> None:
    error = made.error_of(Refusal("it answered 500", 500, {"error": "OutOfMemoryError", "errors": OOM}))
    assert isinstance(error, OutOfMemory)
    assert (error.needed_bytes, error.free_bytes) == (2 << 30, 512 << 20)
    bare = made.error_of(Refusal("it answered 500", 500, {"errors": "CUDA error: out of memory"}))
    assert isinstance(bare, OutOfMemory)
    assert (bare.needed_bytes, bare.free_bytes) == (0, 0)


NAMES = [*STATE, "state", "progress", "id", "images", "info", "detail", "loc", "msg", "cuda", "system", "used",
         "events", "oom", "title", "name", "model_name", "status", "infotexts", "all_seeds", "index_of_first_image"]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(NAMES), inner)))
def test_nothing_that_a_server_sends_raises_but_one_error(body: Any) -> None:
    for read in (parse.parse_progress, parse.parse_task, parse.parse_paused, offer.parse_models,
                 offer.parse_checkpoint, offer.parse_version, offer.parse_memory, made.parse_made, made.parse_error,
                 lambda it: offer.parse_names(it, "name")):
        try:
            read(body)
        except EngineError as error:
            assert error.code == "bad_answer"  # noqa: PT017 - not every body is refused


@given(st.dictionaries(st.sampled_from(NAMES), st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3))))
def test_nothing_in_the_state_or_the_facts_raises(facts: dict[str, Any]) -> None:
    assert parse.parse_progress({"state": facts}).jobs >= -1
    assert made.parse_made({"images": [], "info": json.dumps(facts)}).pictures == ()
