from __future__ import annotations

import math
from dataclasses import replace

import pytest

from echodeck.model.history import KEPT_RUNS, History
from echodeck.model.job import JobSpec
from echodeck.model.record import StageRun
from echodeck.model.workload import Latents

SPEC = JobSpec(engine="sketch", model="m", width=256, height=256, steps=20)
SAMPLE = StageRun("j", 1, "sketch", "m", 256, 256, 20, 1, 1, "sample", 0.0, duration_s=12.0, first_s=2.5, step_s=0.5)
LOAD = StageRun("j", 1, "sketch", "m", 256, 256, 0, 1, 1, "load model", 0.0, duration_s=4.0)


def runs(base: StageRun, durations: list[float]) -> list[StageRun]:
    return [replace(base, job_id=str(n), at_s=float(n), duration_s=d, first_s=base.first_s and d / 5,
                    step_s=base.step_s and d / 25) for n, d in enumerate(durations)]


def test_expects_the_median_of_runs_of_the_same_size() -> None:
    found = History(runs(SAMPLE, [9.0, 10.0, 11.0, 10.0, 500.0])).expect(SPEC, "sample", 20)
    assert found.basis == "same"
    assert found.median_s == pytest.approx(10.0)
    assert found.step_s == pytest.approx(0.4)
    assert math.exp(found.warm) == pytest.approx(5.0)
    assert math.sqrt(found.variance) < 0.25, "one odd run of five must not widen the spread"


def test_few_equal_runs_do_not_pretend_to_certainty() -> None:
    once = History(runs(LOAD, [4.0])).expect(SPEC, "load model", 0)
    often = History(runs(LOAD, [4.0] * 30)).expect(SPEC, "load model", 0)
    assert once.variance > 4 * often.variance > 0


def test_another_resolution_is_scaled_and_less_certain() -> None:
    history = History([*runs(SAMPLE, [10.0] * 6), *runs(LOAD, [4.0] * 6)])
    wide = replace(SPEC, width=512, height=512)
    sample = history.expect(wide, "sample", 40)
    assert sample.basis == "scaled"
    assert sample.step_s == pytest.approx(0.4 * 4**1.1, rel=0.01), "a step does not grow with their number"
    assert sample.median_s == pytest.approx(sample.step_s * (39 + 5) * 10.0 / 9.6), "the first is 5 steps"
    assert sample.variance > history.expect(SPEC, "sample", 20).variance
    assert history.expect(wide, "load model", 0).median_s == pytest.approx(4.0 * 4**0.3, rel=0.01)


def test_the_variance_of_a_size_grows_with_its_distance() -> None:
    history = History([*runs(SAMPLE, [10.0] * 6), *runs(LOAD, [4.0] * 6)])
    for stage, steps in (("sample", 20), ("load model", 0)):
        found = [history.expect(replace(SPEC, width=side, height=side), stage, steps).variance
                 for side in (256, 320, 512, 1024, 2048)]
        assert found == sorted(found)
        assert found[-1] > 4 * found[1]


def test_another_number_of_steps_is_known_by_the_pace_of_its_size() -> None:
    other = replace(SAMPLE, width=512, height=512, step_s=40.0, first_s=40.0, duration_s=800.0)
    found = History([*runs(SAMPLE, [10.0] * 6), other]).expect(SPEC, "sample", 5)
    assert found.basis == "scaled"
    assert found.step_s == pytest.approx(0.4), "whatever other sizes take"
    assert found.median_s == pytest.approx(0.4 * (4 + 5) * 10.0 / 9.6), "and what is beside the steps grows with them"
    assert found.variance < 0.3**2


def test_a_sampler_that_asks_twice_takes_twice_as_long() -> None:
    history = History([*runs(SAMPLE, [10.0] * 6), *runs(LOAD, [4.0] * 6)])
    twice = replace(SPEC, sampler="heun")
    found = history.expect(twice, "sample", 20)
    assert (found.basis, found.step_s) == ("scaled", pytest.approx(0.8, rel=1e-3))
    assert history.expect(twice, "load model", 0).basis == "same"
    assert history.first(twice)
    history.add(replace(SAMPLE, sampler="heun", step_s=1.0))
    history.add(replace(LOAD, sampler="heun"))
    assert history.expect(twice, "sample", 20).step_s == pytest.approx(1.0)
    assert history.expect(replace(SPEC, sampler="euler"), "sample", 20).step_s == pytest.approx(0.4)
    assert not history.first(twice)


def test_steps_grow_with_the_cells_that_an_engine_says_it_works_on() -> None:
    latents = Latents((1, 2, 4), 128, 64)
    history = History([*runs(SAMPLE, [10.0] * 6), *runs(LOAD, [4.0] * 6)], lambda engine: latents)
    wide = replace(SPEC, width=512, height=512)
    assert history.expect(wide, "sample", 20).step_s == pytest.approx(0.4, rel=1e-3), "128 x 128 cells, both"
    assert history.expect(wide, "load model", 0).median_s > 5.0, "what is loaded is by the picture"


def test_what_is_kept_for_a_size_is_not_there_for_the_first_of_another() -> None:
    kept = [replace(LOAD, job_id=str(n), at_s=float(n), duration_s=4.0 if n == 0 else 0.01) for n in range(20)]
    history = History(kept)
    assert history.expect(SPEC, "load model", 0).median_s == pytest.approx(0.01)
    assert history.expect(replace(SPEC, width=264), "load model", 0).median_s == pytest.approx(4.0, rel=0.05)


def test_the_first_of_a_configuration_is_known_as_such() -> None:
    history = History()
    assert history.first(SPEC)
    for run in (LOAD, replace(SAMPLE, at_s=1.0)):
        history.add(run)
    assert not history.first(SPEC)
    for other in ({"width": 264}, {"height": 264}, {"steps": 21}, {"batch": 2}, {"frames": 8}, {"model": "other"}):
        assert history.first(replace(SPEC, **other)), other
    assert not history.first(replace(SPEC, seed=5, prompt="hills"))


def test_learns_how_a_stage_grows_with_size() -> None:
    many = [replace(run, width=side, height=side, job_id=f"{side}")
            for side in (64, 128, 512) for run in runs(LOAD, [4.0] * 5)]
    found = History(many).expect(replace(SPEC, width=1024, height=1024), "load model", 0)
    assert found.median_s < 6.0, "loading took the same at every size"


def test_batch_and_frames_are_part_of_the_size() -> None:
    history = History(runs(SAMPLE, [10.0] * 6))
    found = history.expect(replace(SPEC, batch=4, frames=2), "sample", 20)
    assert found.median_s == pytest.approx(10.0 * 4**0.9 * 2, rel=0.01)


def test_of_another_model_little_is_known_but_its_stages_and_how_it_grows() -> None:
    sides = [replace(run, width=side, height=side, job_id=f"{side}")
             for side in (64, 128, 512) for run in runs(SAMPLE, [10.0] * 5)]
    history = History([*sides, *runs(replace(LOAD, job_id="512 4", at_s=9.0), [4.0])])
    other = replace(SPEC, model="other")
    found = history.expect(other, "sample", 20)
    assert found.basis == "default"
    assert 0.3 < found.step_s < 0.7
    assert found.variance > 1.0
    assert history.plan(other) == history.plan(SPEC) != (("generate", 20),)
    assert history.models("sketch", SPEC.shape) == {"m"}, "not the other"
    assert history.models("sketch", "else") == set()
    wide = history.expect(replace(other, width=1024, height=1024), "sample", 20)
    assert wide.step_s < 2.0, "no model of this engine grew with the size, which is worth more than what is usual"
    assert history.expect(SPEC, "decode", 0).basis == "default"


def test_keeps_the_latest_runs_whatever_order_they_come_in() -> None:
    old, new = runs(LOAD, [100.0] * KEPT_RUNS), runs(LOAD, [1.0] * KEPT_RUNS)
    later = [replace(run, job_id=f"new {run.job_id}", at_s=1000.0 + run.at_s) for run in new]
    history = History(reversed([*old, *later]))
    assert history.expect(SPEC, "load model", 0).median_s == pytest.approx(1.0)


def test_learns_as_it_goes() -> None:
    history = History()
    assert history.expect(SPEC, "load model", 0).basis == "default"
    history.add(LOAD)
    assert history.expect(SPEC, "load model", 0).median_s == pytest.approx(4.0)


def test_knows_the_stages_of_a_model_it_has_seen() -> None:
    history = History([LOAD, replace(SAMPLE, at_s=1.0), replace(LOAD, stage="save", at_s=2.0)])
    assert history.plan(replace(SPEC, steps=7)) == (("load model", 0), ("sample", 7), ("save", 0))
    assert history.plan(replace(SPEC, engine="other")) == (("generate", 20),)


def test_odd_durations_do_no_harm() -> None:
    found = History(runs(LOAD, [0.0, -1.0, 1e300])).expect(replace(SPEC, width=0, height=0), "load model", 0)
    assert 0 < found.median_s < 1e9
    assert math.isfinite(found.variance)


def test_shapes_are_apart_and_a_plan_is_what_the_latest_job_went_through() -> None:
    first = [replace(LOAD, shape="ab", at_s=1.0), replace(SAMPLE, shape="ab", at_s=2.0)]
    again = [replace(SAMPLE, shape="ab", job_id="k", at_s=3.0)]
    spec = replace(SPEC, shape="ab")
    for history in (History([*first, *again]), History([*again, *reversed(first)])):
        assert history.plan(spec) == (("sample", 20),), "the server had kept what it loaded"
        assert history.plan(SPEC) == (("generate", 20),)
        assert history.expect(spec, "load model", 0).basis == "same"
        assert history.expect(SPEC, "load model", 0).basis == "default"


def test_jobs_that_ran_at_the_same_time_are_not_mixed() -> None:
    one = [replace(LOAD, at_s=1.0), replace(SAMPLE, at_s=9.0)]
    two = [replace(SAMPLE, job_id="k", at_s=4.0)]
    assert [name for name, _ in History([*one, *two]).plan(SPEC)] == ["load model", "sample"]
