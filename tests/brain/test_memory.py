"""VRAM foretold from earlier jobs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.memory import GIB, LEAST_RUNS, Memory, fit, peak_bytes
from echodeck.model.job import Job, JobSpec
from echodeck.model.usage import Figure, Usage

SIZES = [(512, 512), (768, 768), (1024, 1024), (1216, 832)]


def spec(width: int = 1024, height: int = 1024, batch: int = 1, frames: int = 1, model: str = "m") -> JobSpec:
    return JobSpec("sim", model, width=width, height=height, batch=batch, frames=frames)


def took(rng: random.Random, one: JobSpec, noise: float) -> float:
    pixels = one.width * one.height / 1e6
    return GIB * (5.0 + 1.5 * pixels + 1.0 * pixels * (one.batch - 1) + 0.2 * pixels * (one.frames - 1)
                  + rng.gauss(0.0, noise))


def runs(rng: random.Random, count: int, noise: float) -> list[tuple[JobSpec, float]]:
    specs = [spec(*rng.choice(SIZES), rng.randint(1, 4), rng.choice([1, 1, 16])) for _ in range(count)]
    return [(one, took(rng, one, noise)) for one in specs]


def test_it_finds_what_each_part_takes() -> None:
    need = fit(runs(random.Random(1), 32, 0.0))
    for one in (spec(), spec(2048, 1024), spec(batch=8), spec(frames=48)):
        assert need.of(one) == pytest.approx(took(random.Random(), one, 0.0), rel=0.05)


def test_nine_of_ten_jobs_take_no_more() -> None:
    rng = random.Random(2)
    inside = total = 0
    for _ in range(40):
        need = fit(runs(rng, 32, 0.5))
        new = runs(rng, 20, 0.5)
        inside += sum(peak <= need.of(one) for one, peak in new)
        total += len(new)
    assert 0.8 <= inside / total <= 0.97


@given(st.lists(st.tuples(st.sampled_from(SIZES), st.integers(1, 8), st.integers(1, 100), st.floats(0.01, 80.0)),
                min_size=1, max_size=32))
def test_a_larger_job_never_needs_less(drawn: list[tuple[tuple[int, int], int, int, float]]) -> None:
    need = fit((spec(*size, batch, frames), peak * GIB) for size, batch, frames, peak in drawn)
    assert need.of(spec()) <= need.of(spec(2048)) <= need.of(spec(2048, batch=2)) <= need.of(spec(2048, 2048, 2, 9))


def test_little_known_is_not_known() -> None:
    memory = Memory()
    assert memory.need_bytes(spec()) is None
    for n in range(LEAST_RUNS):
        assert memory.need_bytes(spec()) is None, n
        memory.learn(spec(), 8 * GIB)
    memory.learn(spec(), 0.0)
    assert memory.need_bytes(spec()) == pytest.approx(8 * GIB, rel=0.02)
    assert memory.need_bytes(spec(model="other")) is None


def test_the_peak_is_the_largest_of_the_stages_and_only_the_jobs_own() -> None:
    def usage(peak: float, *, own: bool) -> Usage:
        return Usage("s", 1.0, own, vram_bytes=Figure(peak, peak, 1.0))

    job = Job("a", spec())
    assert peak_bytes(job) == 0.0
    assert peak_bytes(Job("a", spec(), usage=(usage(3.0, own=True), usage(7.0, own=True)))) == 7.0
    assert peak_bytes(Job("a", spec(), usage=(usage(3.0, own=False),))) == 0.0
