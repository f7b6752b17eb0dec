"""The engine with a real pipeline of tiny random weights: the contract of all engines, and what only it has."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck.engines.diffusers import Diffusers
from echodeck.engines.diffusers import pipe as pipes
from echodeck.model.engine import fit
from echodeck.model.job import JobSpec

from ...pipelines import tiny
from ..contract import STEPS, EngineContract, Running

pytestmark = pytest.mark.engines

@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("dreamy", "other"):
        tiny.stable_diffusion(folder / "words" / name).save_pretrained(folder / name)
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
    plain = pipes.arguments

    def arguments(pipe: Any, spec: JobSpec) -> dict[str, Any]:
        made = type(pipe.scheduler).step.__get__(pipe.scheduler)

        def step(*values: Any, **named: Any) -> Any:
            time.sleep(0.05)
            if spec.prompt == "fail":
                raise ValueError("the tensor is odd")
            if spec.prompt == "hungry":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GB")
            return made(*values, **named)

        pipe.scheduler.step = step
        return plain(pipe, spec)

    monkeypatch.setattr(pipes, "arguments", arguments)
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
    from PIL import Image

    with Image.open(outputs[1].path) as second, Image.open(single[0].path) as alone:
        assert abs(second.resize((1, 1)).getpixel((0, 0))[0] - alone.resize((1, 1)).getpixel((0, 0))[0]) <= 2


def test_the_last_model_stays_loaded_until_it_is_let_go(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    plain = pipes.load
    monkeypatch.setattr(pipes, "load", lambda model: loads.append(model.name) or plain(model))
    for model in ("dreamy", "dreamy", "other", "dreamy"):
        Running(driver.engine, driver.spec(model=model)).end()
    assert loads == ["dreamy", "other", "dreamy"]
    driver.engine.free()
    assert driver.engine._loaded is None
    Running(driver.engine, driver.spec()).end()
    assert loads[-1:] == ["dreamy"]
    assert len(loads) == 4


def test_freed_in_the_middle_it_is_let_go_at_the_end(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec())
    job.stepped()
    driver.engine.free()
    assert job.end().fact == "completed"
    assert driver.engine._loaded is None


@pytest.mark.parametrize(("sampler", "steps"), [("heun", 2 * STEPS - 1), ("euler_ancestral", STEPS), ("ddim", STEPS),
                                                ("dpmpp_2m", STEPS)])
def test_samplers_have_their_own_number_of_steps(driver: Driver, sampler: str, steps: int) -> None:
    job = Running(driver.engine, driver.spec(sampler=sampler))
    assert job.end().fact == "completed"
    assert max(job.steps) == steps
    assert dict([one.stages for one in job.reports if one.fact == "planned"][-1])["sample"] == steps


def test_a_model_that_is_damaged_says_so(driver: Driver, models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad" / "broken").mkdir(parents=True)
    (tmp_path / "bad" / "broken" / "model_index.json").write_text('{"_class_name": "Nothing"}', encoding="utf-8")
    engine = Diffusers(tmp_path / "out", [tmp_path / "bad"])
    end = Running(engine, replace(driver.spec(), model="broken")).end()
    assert end.error is not None
    assert end.error.kind in ("bad_model", "pipeline_error")
    assert end.error.message
