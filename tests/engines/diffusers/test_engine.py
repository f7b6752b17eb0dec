"""The engine with a real pipeline of tiny random weights: the contract of all engines, and what only it has."""

from __future__ import annotations

import socket
import time
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from echodeck.engines import diffusers as engine_room
from echodeck.engines.diffusers import Diffusers, call
from echodeck.model.engine import fit
from echodeck.model.job import JobSpec
from echodeck.wire import say

from ...pipelines import tiny
from ..contract import STEPS, EngineContract, Running

pytestmark = pytest.mark.engines

@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("dreamy", "other"):
        tiny.stable_diffusion(folder / "words" / name).save_pretrained(folder / name)
    tiny.stable_diffusion_xl(folder / "words" / "xl").save_pretrained(folder / "xl")
    tiny.flux(folder / "words" / "flux").save_pretrained(folder / "flux")
    tiny.wan().save_pretrained(folder / "film")
    tiny.without_callback().save_pretrained(folder / "first")
    return folder


class Driver:
    def __init__(self, engine: Diffusers) -> None:
        self.engine = engine
        self.problem: BaseException | None = None

    def spec(self, **fields: Any) -> JobSpec:
        given = {"model": "dreamy", "prompt": "dusk over hills", "width": 32, "height": 32, "steps": STEPS, **fields}
        return fit(self.engine.info(), given)

    def failing(self) -> JobSpec:
        return replace(self.spec(), prompt="fail")

    def hungry(self) -> JobSpec:
        return replace(self.spec(), prompt="hungry")


@pytest.fixture
def driver(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Steps last long enough to be steered between; two prompts go wrong in the middle."""
    import torch

    monkeypatch.setenv("ECHODECK_CACHE", str(tmp_path / "cache"))
    plain = call.arguments

    def arguments(pipe: Any, spec: JobSpec) -> dict[str, Any]:
        made = type(pipe.scheduler).step.__get__(pipe.scheduler)

        def step(*values: Any, **named: Any) -> Any:
            time.sleep(0.05)
            if spec.prompt == "fail":
                raise ValueError("the tensor is odd")
            if spec.prompt == "hungry":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")
            return made(*values, **named)

        pipe.scheduler.step = step
        return plain(pipe, spec)

    monkeypatch.setattr(call, "arguments", arguments)
    return Driver(Diffusers(tmp_path / "out", [models]))


class TestContract(EngineContract):
    pass


def test_the_same_seed_gives_the_same_bytes_and_a_pause_changes_nothing(driver: Driver) -> None:
    def bytes_of(job_id: str, seed: int, *, held: bool = False) -> bytes:
        job = Running(driver.engine, driver.spec(seed=seed), job_id)
        if held:
            job.stepped(2)
            job.control.pause()
            job.until("pause", lambda: "paused" in job.facts)
            job.control.resume()
        return Path(job.end().outputs[0].path).read_bytes()

    first = bytes_of("a", 5)
    assert bytes_of("b", 5) == first
    assert bytes_of("c", 5, held=True) == first
    assert bytes_of("d", 6) != first


def test_a_batch_has_a_picture_each_and_a_seed_each(driver: Driver) -> None:
    outputs = Running(driver.engine, driver.spec(seed=5, batch=2)).end().outputs
    single = Running(driver.engine, driver.spec(seed=6), "single").end().outputs
    assert len(outputs) == 2
    with Image.open(outputs[1].path) as second, Image.open(single[0].path) as alone:
        assert abs(second.resize((1, 1)).getpixel((0, 0))[0] - alone.resize((1, 1)).getpixel((0, 0))[0]) <= 2


def test_a_job_that_asks_for_tiles_is_decoded_in_tiles_and_the_next_is_not(
    driver: Driver, monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []
    plain = call.arguments

    def arguments(pipe: Any, spec: JobSpec) -> dict[str, Any]:
        seen.append(pipe.vae.use_tiling)
        return plain(pipe, spec)

    monkeypatch.setattr(call, "arguments", arguments)
    for number, tiles in enumerate((True, False)):
        Running(driver.engine, driver.spec(options={"tiles": tiles}), f"job{number}").end()
    assert seen == [True, False]


def test_the_last_model_stays_loaded_until_it_is_let_go(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    plain = engine_room.load
    monkeypatch.setattr(engine_room, "load", lambda model, base: loads.append(model.name) or plain(model, base))
    for model in ("dreamy", "dreamy", "other", "dreamy"):
        Running(driver.engine, driver.spec(model=model)).end()
    assert loads == ["dreamy", "other", "dreamy"]
    driver.engine.free()
    assert driver.engine._keeper.key is None
    Running(driver.engine, driver.spec()).end()
    assert loads[-1:] == ["dreamy"]
    assert len(loads) == 4


def test_freed_in_the_middle_it_is_let_go_at_the_end(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec())
    job.stepped()
    driver.engine.free()
    assert job.end().fact == "completed"
    assert driver.engine._keeper.key is None


@pytest.mark.parametrize(("sampler", "steps"), [("heun", 2 * STEPS - 1), ("euler_ancestral", STEPS), ("ddim", STEPS),
                                                ("dpmpp_2m", STEPS)])
def test_samplers_have_their_own_number_of_steps(driver: Driver, sampler: str, steps: int) -> None:
    job = Running(driver.engine, driver.spec(sampler=sampler))
    assert job.end().fact == "completed"
    assert max(job.steps) == steps
    assert dict([one.stages for one in job.reports if one.fact == "planned"][-1])["sample"] == steps


@pytest.mark.parametrize(("model", "more"), [
    ("xl", {"batch": 2}), ("flux", {}), ("film", {"frames": 5}), ("film", {"frames": 1}), ("first", {})])
def test_models_of_every_kind(driver: Driver, model: str, more: Any) -> None:
    end = Running(driver.engine, driver.spec(model=model, steps=3, **more)).end()
    assert end.fact == "completed", end.error
    assert len(end.outputs) == more.get("batch", 1)
    [output, *_] = end.outputs
    assert output.frames == more.get("frames", 1)
    assert output.kind == ("image/webp" if output.frames > 1 else "image/png")


@pytest.mark.parametrize(("fields", "problem"), [
    ({"frames": 5}, "single pictures"), ({"sampler": "ddim", "model": "flux"}, "follows a flow"),
    ({"sampler": "ddim", "scheduler": "karras"}, "cannot do karras"),
    ({"model": "first", "batch": 2}, "one at a time")])
def test_what_a_model_cannot_do_is_refused_in_a_sentence(driver: Driver, fields: Any, problem: str) -> None:
    end = Running(driver.engine, driver.spec(**fields)).end()
    assert end.error is not None
    assert problem in end.error.message
    assert not end.error.retryable


def test_what_a_picture_was_made_with_is_in_it(driver: Driver) -> None:
    options = {"negative_prompt": "people", "guidance": 5.0}
    outputs = Running(driver.engine, driver.spec(seed=41, batch=2, options=options)).end().outputs
    with Image.open(outputs[1].path) as image:
        lines = image.text["parameters"].splitlines()
    assert lines[:2] == ["dusk over hills", "Negative prompt: people"]
    assert "Seed: 42" in lines[2]


def test_a_failure_brings_its_traceback_and_keeps_the_model(driver: Driver) -> None:
    end = Running(driver.engine, driver.failing()).end()
    assert end.error is not None
    assert end.error.message == "ValueError: the tensor is odd"
    assert "the tensor is odd" in end.error.detail
    assert "Traceback" in end.error.detail
    assert driver.engine._keeper.key is not None


def test_out_of_memory_says_how_much_and_lets_the_model_go(driver: Driver) -> None:
    gone: list[Any] = []
    Running(driver.engine, driver.spec()).end()
    with driver.engine._keeper.use() as kept:
        gone.append(weakref.ref(kept(driver.engine._model(driver.spec())).pipe))
    end = Running(driver.engine, driver.hungry(), "hungry").end()
    assert end.error is not None
    assert "Tried to allocate 9.00 GiB" in end.error.message
    assert driver.engine._keeper.key is None
    assert gone[0]() is None, "nothing holds it any more, not even the error"


def test_a_preview_that_cannot_be_made_ends_no_job(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*told: Any) -> Any:
        raise ValueError("latents of another world")

    monkeypatch.setattr("echodeck.engines.diffusers.stages.look", look)
    job = Running(driver.engine, driver.spec())
    assert job.end().fact == "completed"
    assert max(job.steps) == STEPS
    logs = [one.message for one in job.said if isinstance(one, say.Log) and one.level == "warning"]
    assert logs == ["there are no previews: latents of another world"]


def test_a_single_file_is_loaded_with_the_configuration_of_a_folder(driver: Driver, models: Path, tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import StableDiffusionPipeline

    asked: list[Any] = []

    def from_single_file(path: str, **how: Any) -> Any:
        asked.append((Path(path).name, Path(how.pop("config")).name, how.pop("local_files_only")))
        return StableDiffusionPipeline.from_pretrained(models / "dreamy", local_files_only=True, **how)

    monkeypatch.setattr(StableDiffusionPipeline, "from_single_file", from_single_file)
    loose(tmp_path / "single" / "one.safetensors")
    engine = Diffusers(tmp_path / "out", [tmp_path / "single", models])
    end = Running(engine, replace(driver.spec(), model="one")).end()
    assert end.fact == "completed", end.error
    assert asked == [("one.safetensors", "dreamy", True)]


def loose(path: Path) -> None:
    """A single file of the family of Stable Diffusion 1, by the names of its tensors."""
    import torch
    from safetensors.torch import save_file

    path.parent.mkdir()
    save_file({"cond_stage_model.transformer.x": torch.zeros(1), "model.diffusion_model.x": torch.zeros(1)}, path)


def test_a_single_file_without_a_configuration_is_refused_and_nothing_is_fetched(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*told: Any) -> None:
        raise AssertionError("it asked a network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    loose(tmp_path / "m" / "loose.safetensors")
    engine = Diffusers(tmp_path / "out", [tmp_path / "m"])
    end = Running(engine, fit(engine.info(), {"model": "loose"})).end()
    assert end.error is not None
    assert end.error.kind == "bad_model"
    assert "a folder of Stable Diffusion 1" in end.error.message


def test_a_model_that_is_damaged_says_so(driver: Driver, models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad" / "broken").mkdir(parents=True)
    (tmp_path / "bad" / "broken" / "model_index.json").write_text('{"_class_name": "Nothing"}', encoding="utf-8")
    engine = Diffusers(tmp_path / "out", [tmp_path / "bad"])
    end = Running(engine, replace(driver.spec(), model="broken")).end()
    assert end.error is not None
    assert end.error.kind in ("bad_model", "pipeline_error")
    assert end.error.message
