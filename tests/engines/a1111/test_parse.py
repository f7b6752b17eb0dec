"""What the servers answer, and their passes as stages."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.a1111 import parse
from echodeck.engines.a1111.passes import Passes, names
from echodeck.errors import EngineError

STATE = {"skipped": False, "interrupted": False, "job": "txt2img", "job_count": 2, "job_timestamp": "20260101120000",
         "job_no": 1, "sampling_step": 7, "sampling_steps": 20}


def test_progress_is_read_whole() -> None:
    found = parse.parse_progress({"progress": 0.68, "eta_relative": 3.0, "state": STATE, "current_image": "aGk=",
                                  "textinfo": "Upscaling"})
    assert (found.share, found.jobs, found.job, found.step, found.steps) == (0.68, 2, 1, 7, 20)
    assert (found.stamp, found.name, found.image, found.text, found.idle) == (
        "20260101120000", "txt2img", "aGk=", "Upscaling", False)


def test_idle_and_just_begun() -> None:
    idle = parse.parse_progress({"progress": 0.0, "state": {**STATE, "job": "", "job_count": 0}})
    assert idle.idle
    begun = parse.parse_progress({"progress": 0.0, "state": {**STATE, "job_count": -1}})
    assert (begun.jobs, begun.idle) == (-1, False)


def test_sdnext_has_an_id_of_its_own() -> None:
    assert parse.parse_progress({"id": "task-7", "state": STATE}).stamp == "task-7"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from([*STATE, "state", "progress", "id", "images", "info"]), inner)))
def test_nothing_that_a_server_sends_raises_but_one_error(body: Any) -> None:
    for read in (parse.parse_progress, parse.parse_task, parse.parse_options, parse.parse_made, parse.parse_error,
                 lambda it: parse.parse_names(it, "name")):
        try:
            read(body)
        except EngineError as error:
            assert error.code == "bad_answer"  # noqa: PT017 - not every body is refused


def test_pictures_with_and_without_a_head() -> None:
    data = b"\x89PNG\r\n"
    plain = base64.b64encode(data).decode()
    made = parse.parse_made({"images": [plain, f"data:image/png;base64,{plain}"], "info": '{"all_seeds": [5, 6]}'})
    assert (made.pictures, made.seeds) == ((data, data), (5, 6))
    assert [parse.mime_of(one) for one in (data, b"\xff\xd8\xff", b"RIFF....WEBP")] == [
        "image/png", "image/jpeg", "image/webp"]
    with pytest.raises(EngineError, match="base64"):
        parse.parse_made({"images": ["§"]})


@pytest.mark.parametrize(("body", "said"), [
    ({"detail": [{"loc": ["body", "steps"], "msg": "not an integer"}]}, "steps: not an integer"),
    ({"error": "RuntimeError", "detail": "", "errors": "CUDA out of memory"}, "RuntimeError: CUDA out of memory"),
    ({"detail": "Not authenticated"}, "Not authenticated"), (None, ""),
])
def test_errors_are_one_line(body: Any, said: str) -> None:
    assert parse.parse_error(body) == said
    assert parse.out_of_memory(said) == ("memory" in said)


@pytest.mark.parametrize(("passes", "hires", "wanted"), [
    (1, False, ["sample"]), (2, False, ["sample 1/2", "sample 2/2"]), (2, True, ["sample", "hires fix"]),
    (4, True, ["sample 1/2", "hires fix 1/2", "sample 2/2", "hires fix 2/2"])])
def test_passes_have_names(passes: int, hires: bool, wanted: list[str]) -> None:
    assert names(passes, hires=hires) == wanted


class Heard:
    """Checks what it hears as a teller would."""

    def __init__(self) -> None:
        self.plans: list[list[tuple[str, int]]] = []
        self.stages: list[str] = []
        self.steps: list[tuple[str, int]] = []
        self._at = -1

    def plan(self, stages: list[tuple[str, int]]) -> None:
        if self.plans:
            assert [name for name, _ in stages[: self._at + 1]] == [name for name, _ in self.plans[-1][: self._at + 1]]
        assert len({name for name, _ in stages}) == len(stages)
        self.plans.append(stages)

    def enter(self, name: str) -> None:
        place = [one for one, _ in self.plans[-1]].index(name)
        assert place > self._at
        self._at = place
        self.stages.append(name)

    def step(self, step: int) -> None:
        last = next((n for name, n in reversed(self.steps) if name == self.stages[-1]), 0)
        assert last < step <= self.plans[-1][self._at][1]
        self.steps.append((self.stages[-1], step))


def follow(*said: parse.Progress, **known: Any) -> Heard:
    heard = Heard()
    passes = Passes(heard.plan, heard.enter, heard.step, **known)
    for one in said:
        passes.take(one)
    return heard


def at(job: int, step: int, steps: int = 4, jobs: int = 2) -> parse.Progress:
    return parse.Progress(0.1, jobs, job, step, steps, "s", "txt2img")


def test_two_pictures_are_two_stages() -> None:
    heard = follow(at(0, 1), at(0, 4), at(1, 2), at(1, 4), steps=4, passes=2)
    assert heard.stages == ["sample 1/2", "sample 2/2"]
    assert heard.steps == [("sample 1/2", 1), ("sample 1/2", 4), ("sample 2/2", 2), ("sample 2/2", 4)]


def test_what_is_left_of_the_last_request_is_no_step_back() -> None:
    heard = follow(at(0, 3, jobs=-1), at(0, 0, 0, jobs=0), at(0, 2), at(0, 1), at(1, 1), at(0, 4), steps=4, passes=2)
    assert heard.steps == [("sample 1/2", 2), ("sample 2/2", 1)]


def test_the_hires_pass_has_its_own_number_of_steps() -> None:
    heard = follow(at(0, 4), at(1, 5, 9), steps=4, passes=2, hires=True)
    assert heard.stages == ["sample", "hires fix"]
    assert heard.plans[-1] == [("sample", 4), ("hires fix", 9)]


def test_more_pictures_than_were_known_of() -> None:
    heard = follow(at(0, 1, jobs=1), at(2, 1, jobs=3), steps=4, passes=1)
    assert heard.stages[0] == "sample"
    assert len(heard.plans[-1]) == 3


def test_what_was_too_quick_to_be_asked_for_is_done_with_the_end() -> None:
    heard = Heard()
    passes = Passes(heard.plan, heard.enter, heard.step, steps=4, passes=2)
    passes.take(at(0, 3))
    passes.finish()
    assert heard.steps == [("sample 1/2", 3), ("sample 1/2", 4), ("sample 2/2", 4)]


samples = st.builds(at, st.integers(-1, 6), st.integers(0, 12), st.integers(0, 12), st.integers(-1, 6))


@given(st.lists(samples, max_size=40), st.booleans(), st.integers(1, 4))
def test_stages_never_go_backwards(said: list[parse.Progress], hires: bool, passes: int) -> None:
    follow(*said, hires=hires, passes=passes, steps=4)
