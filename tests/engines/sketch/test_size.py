"""The grid, the estimate of memory against what is really allocated, and the refusal."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from echodeck.engines.sketch import Sketch
from echodeck.engines.sketch.models import MODELS
from echodeck.engines.sketch.size import BUDGET_BYTES, MEMORY_VARIABLE, check_memory, free_bytes, grid_of, needed_bytes
from echodeck.errors import OutOfMemory
from echodeck.model.job import JobSpec

from .conftest import Recorder

Make = Callable[..., JobSpec]


@pytest.mark.parametrize(("width", "height", "frames", "grid"), [
    (64, 64, 1, (64, 64, 1)), (256, 256, 1, (128, 128, 2)), (512, 512, 1, (128, 128, 4)), (512, 64, 1, (16, 128, 4)),
    (136, 72, 1, (36, 68, 2)), (256, 128, 8, (32, 64, 4)), (512, 512, 8, (128, 128, 4)),
])
def test_the_grid_keeps_the_aspect(
    spec: Make, width: int, height: int, frames: int, grid: tuple[int, int, int]
) -> None:
    found = grid_of(spec(width=width, height=height, frames=frames))
    assert (found.rows, found.columns, found.factor) == grid


@pytest.mark.parametrize("given", [
    {}, {"width": 256, "height": 256}, {"batch": 8}, {"frames": 12, "sampler": "heun"}, {"model": "sketch-m"},
    {"width": 256, "height": 128, "frames": 6, "prompt": "portrait"},
])
def test_the_estimate_covers_what_is_allocated_and_not_much_more(tmp_path: Path, spec: Make, given: dict) -> None:
    job = spec(steps=1, **given)
    sketch = Sketch(tmp_path)
    tracemalloc.start()
    try:
        sketch.run("job", job, Recorder())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < needed_bytes(job) < 3 * peak + (16 << 20)


def test_what_does_not_fit_is_refused_before_anything_is_done(tmp_path: Path, spec: Make) -> None:
    control = Recorder()
    with pytest.raises(OutOfMemory) as caught:
        Sketch(tmp_path, memory_limit_bytes=8 << 20).run("job", spec(width=512, height=512), control)
    error = caught.value
    assert error.free_bytes == 8 << 20
    assert error.needed_bytes > error.free_bytes
    assert error.code == "out_of_memory"
    assert not error.retryable
    assert f"would need {error.needed_bytes / 2**20:,.0f} MiB" in str(error)
    assert "8 MiB are free" in str(error)
    assert control.planned
    assert not control.stages
    assert not list(tmp_path.iterdir())


def test_the_largest_job_is_too_big_for_the_usual_budget_and_any_single_picture_fits(spec: Make) -> None:
    huge = spec(width=512, height=512, batch=8, frames=48)
    with pytest.raises(OutOfMemory, match="8 × 48 pictures of 512×512"):
        check_memory(huge, BUDGET_BYTES)
    for model in MODELS:
        check_memory(spec(width=512, height=512, model=model), BUDGET_BYTES)
    check_memory(spec(width=256, height=256, frames=48), BUDGET_BYTES)


def test_the_limit_comes_from_the_engine_then_the_environment_then_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "12345")
    assert free_bytes(99) == 99
    assert free_bytes(None) == 12345
    monkeypatch.setenv(MEMORY_VARIABLE, "plenty")
    assert 0 < free_bytes(None) <= BUDGET_BYTES
    monkeypatch.delenv(MEMORY_VARIABLE)
    assert 0 < free_bytes(None) <= BUDGET_BYTES


def test_running_out_after_all_is_said_as_such(tmp_path: Path, spec: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError("Unable to allocate 3.0 GiB")

    monkeypatch.setattr("echodeck.engines.sketch.painter.decode", exhausted)
    with pytest.raises(OutOfMemory, match="Unable to allocate"):
        Sketch(tmp_path).run("job", spec(steps=1), Recorder())
