"""Real diffusers pipelines with tiny random weights, told to a real hub."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck.errors import Cancelled
from echodeck.pipelines import look

from ..pipelines.tiny import stable_diffusion

pytestmark = pytest.mark.engines


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHODECK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pipe(tmp_path: Path) -> Any:
    made = stable_diffusion(tmp_path / "model")
    look.prepare(made)
    return made


def make(pipe: Any, steps: int = 4, **more: Any) -> Any:
    import torch

    generator = torch.Generator().manual_seed(7)
    return pipe("dusk over hills", num_inference_steps=steps, generator=generator, output_type="np", **more).images


def view(seen: Any, job_id: str) -> dict[str, Any]:
    return seen.board.get("jobs", job_id) or {}


def slowly(pipe: Any, seconds: float = 0.1) -> Any:
    """Steps that last long enough to be steered between."""
    inner = pipe.scheduler.step

    def step(*values: Any, **named: Any) -> Any:
        time.sleep(seconds)
        return inner(*values, **named)

    pipe.scheduler.step = step
    return pipe


def test_a_watched_call_tells_all_that_can_be_found_out(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    plain = make(pipe)
    kind = type(pipe)
    with echodeck.watch_pipeline(pipe, "hero") as job:
        watched = make(slowly(pipe))
    assert (watched == plain).all(), "watching changes nothing of the picture"
    assert type(pipe) is kind
    assert "encode_prompt" not in vars(pipe)
    done = until("its end", lambda: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
    assert (done["title"], done["model"], done["resolution"], done["steps"], done["seed"], done["prompt"],
            done["sampler"]) == ("hero", "StableDiffusionPipeline", "32×32", 4, 7, "dusk over hills", "euler")
    assert [(one["name"], one["status"], one["step"], one["steps"]) for one in done["stages"]] == [
        ("encode", "completed", 0, 0), ("sample", "completed", 4, 4), ("decode", "completed", 0, 0)]
    assert seen.board.get("previews", job.id)["image"].startswith("data:image/jpeg")


@pytest.mark.parametrize(("scheduler", "calls"), [("HeunDiscreteScheduler", 7), ("PNDMScheduler", None)])
def test_schedulers_that_call_back_more_often_have_that_many_steps(told: Any, seen: Any, until: Any, tmp_path: Path,
                                                                   scheduler: str, calls: int | None) -> None:
    pipe = stable_diffusion(tmp_path / "model", scheduler)
    with echodeck.watch_pipeline(pipe) as job:
        make(pipe)
    done = until("its end", lambda: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
    sample = next(one for one in done["stages"] if one["name"] == "sample")
    assert sample["step"] == sample["steps"] == (calls or pipe.num_timesteps)


def test_a_pause_holds_in_the_callback_and_the_picture_is_the_same(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    plain = make(pipe, 8)
    made: list[Any] = []
    job = echodeck.track("held", total=8)

    def work() -> None:
        with job:
            made.append(make(slowly(pipe), 8, callback_on_step_end=echodeck.diffusers(job)))

    thread = threading.Thread(target=work)
    thread.start()
    until("steps", lambda: view(seen, job.id).get("currentStep", 0) >= 2)
    seen.pause(job.id)
    until("pause", lambda: view(seen, job.id)["status"] == "paused")
    assert made == []
    seen.resume(job.id)
    thread.join(30)
    assert (made[0] == plain).all()


def test_cancelling_ends_it_and_the_pipeline_can_be_used_again(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    plain, raised = make(pipe), list[BaseException]()
    watching = echodeck.watch_pipeline(slowly(pipe), "long")

    def work() -> None:
        try:
            with watching:
                make(pipe, 200)
        except Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    job_id = until("it", lambda: next((key for key, one in seen.board.all("jobs").items()
                                       if one["currentStep"] >= 2), None))
    seen.cancel(job_id)
    thread.join(30)
    until("its end", lambda: view(seen, job_id)["status"] == "cancelled")
    assert len(raised) == 1
    assert (make(pipe) == plain).all()


def test_a_callback_of_ones_own_goes_on(alone: None, pipe: Any) -> None:
    from diffusers.callbacks import SDCFGCutoffCallback

    seen_steps: list[int] = []

    def mine(pipe_: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        seen_steps.append(index)
        return {"latents": values["latents"] * 0}

    with echodeck.watch_pipeline(pipe):
        make(pipe, callback_on_step_end=mine)
        make(pipe, callback_on_step_end=SDCFGCutoffCallback(cutoff_step_ratio=None, cutoff_step_index=1))
    assert seen_steps == [0, 1, 2, 3]


def test_a_failing_call_fails_the_job_and_undoes_the_watch(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    kind = type(pipe)
    watching = echodeck.watch_pipeline(pipe, "bad")

    def work() -> None:
        with watching:
            pipe(None)

    with pytest.raises(ValueError, match="prompt"):
        work()
    assert type(pipe) is kind
    until("its end", lambda: [one["status"] for one in seen.board.all("jobs").values()] == ["failed"])


def test_several_calls_are_rounds_of_one_job(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    with echodeck.watch_pipeline(pipe, "two") as job:
        make(pipe, 3)
        make(pipe, 2)
    done = until("its end", lambda: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
    assert [(one["name"], one["step"], one["steps"]) for one in done["stages"]] == [
        ("encode", 0, 0), ("sample", 3, 3), ("decode", 0, 0),
        ("encode (2)", 0, 0), ("sample (2)", 2, 2), ("decode (2)", 0, 0)]


def test_watched_twice_it_is_told_of_twice(told: Any, seen: Any, until: Any, pipe: Any) -> None:
    kind = type(pipe)
    with echodeck.watch_pipeline(pipe, "outer") as outer, echodeck.watch_pipeline(pipe, "inner") as inner:
        make(pipe)
    assert type(pipe) is kind
    for job in (outer, inner):
        done = until("its end", lambda job=job: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
        assert [(one["name"], one["step"]) for one in done["stages"]] == [("encode", 0), ("sample", 4), ("decode", 0)]


def test_another_pipeline_of_the_kind_is_not_watched(alone: None, pipe: Any, tmp_path: Path) -> None:
    other = stable_diffusion(tmp_path / "other")
    with echodeck.watch_pipeline(pipe) as job:
        make(other)
        assert isinstance(pipe, type(other))
    assert [event[2] for event in job.events if isinstance(event, tuple) and event[0] == "stage"] == []


def test_a_callback_may_be_given_by_its_place(alone: None, pipe: Any) -> None:
    import inspect

    names = list(inspect.signature(type(pipe).__call__).parameters)[1:]
    steps: list[int] = []
    values = [param.default for param in inspect.signature(type(pipe).__call__).parameters.values()][1:]
    given = dict(zip(names, values, strict=True)) | {
        "prompt": "dusk", "num_inference_steps": 2, "kwargs": None,
        "callback_on_step_end": lambda pipe, index, timestep, values: steps.append(index) or values}
    before = names[: names.index("callback_on_step_end") + 1]
    with echodeck.watch_pipeline(pipe):
        pipe(*(given[name] for name in before))
    assert steps == [0, 1]


def test_wrong_arguments_are_the_calls_own_error(alone: None, pipe: Any) -> None:
    with pytest.raises(TypeError, match="multiple values"), echodeck.watch_pipeline(pipe):
        pipe("dusk", prompt="dawn")
