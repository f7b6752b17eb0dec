from __future__ import annotations

import importlib.util
import math
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.eta import History, JobEstimator, Reading, StepFilter, expected_total
from echodeck.model.job import JobSpec
from echodeck.model.record import StageRun

SPEC = JobSpec(engine="sketch", model="m", width=256, height=256, steps=20)
PLAN = (("load model", 0), ("sample", 20), ("save", 0))


def run(stage: str, n: int, duration_s: float, first_s: float = 0.0, step_s: float = 0.0) -> StageRun:
    return StageRun(f"j{n}", 1, "sketch", "m", 256, 256, 20, 1, 1, stage, float(n), duration_s, first_s, step_s)


@pytest.fixture(scope="module")
def history() -> History:
    """Ten jobs: loading 4 s, first step 3 s, others 1 s, saving 2 s; each give or take a little."""
    spread = [0.9, 0.95, 0.97, 0.99, 1.0, 1.0, 1.01, 1.03, 1.05, 1.1]
    return History(
        made for n, f in enumerate(spread)
        for made in (run("load model", n, 4 * f), run("sample", n, 22 * f, 3 * f, f), run("save", n, 2 * f))
    )


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_eta", Path(__file__).parents[1] / "bench" / "eta.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def stepping(history: History, steps: list[float]) -> tuple[JobEstimator, float]:
    """A job whose first steps took so long, and the moment the last of them ended (loading took 4 s)."""
    job, now_s = JobEstimator.start(SPEC, PLAN, history, 100.0), 104.0
    job.stage_started(0, 100.0)
    job.stage_done(0, 104.0, 4.0)
    job.stage_started(1, 104.0)
    for step, duration_s in enumerate(steps, 1):
        now_s += duration_s
        job.step(1, step, now_s, duration_s)
    return job, now_s


def test_before_anything_happened_it_is_history(history: History) -> None:
    reading = JobEstimator.start(SPEC, PLAN, history, 100.0).at(100.0)
    assert reading.eta_s == pytest.approx(28.0, rel=0.02)
    assert reading.low_s < reading.eta_s < reading.high_s
    assert reading.progress == 0
    assert reading.speed == 0
    assert reading.expected_s == pytest.approx((4.0, 22.0, 2.0), rel=0.02)


def test_the_first_step_is_warm_up(history: History) -> None:
    """A first step of 3 s, as always, does not make the other 19 look slow."""
    job, now_s = stepping(history, [3.0])
    assert job.at(now_s).eta_s == pytest.approx(19 + 2, rel=0.05)
    assert job.at(now_s).speed == pytest.approx(1.0, rel=0.05)


def test_warm_up_of_an_unknown_model_is_forgotten_after_a_few_steps() -> None:
    job, now_s = stepping(History(), [6.0, 1.0, 1.0, 1.0])
    left_s = job.at(now_s).expected_s[1] - 9.0
    assert left_s == pytest.approx(16.0, rel=0.15)


def test_steps_move_the_estimate_to_what_is_measured(history: History) -> None:
    job, now_s = stepping(history, [4.0] + [1.5] * 9)
    assert job.at(now_s).eta_s == pytest.approx(10 * 1.5 + 2, rel=0.08)
    assert job.at(now_s).speed == pytest.approx(1 / 1.5, rel=0.08)


def test_one_odd_step_is_skipped(history: History) -> None:
    plain, at_s = stepping(history, [3.0] + [1.0] * 9)
    odd, odd_at_s = stepping(history, [3.0] + [1.0] * 8 + [8.0])
    assert odd.at(odd_at_s).eta_s == pytest.approx(plain.at(at_s).eta_s, rel=0.03)


def test_two_odd_steps_are_a_new_pace(history: History) -> None:
    """Throttled to half the speed in mid-job: followed from the second slow step on."""
    job, now_s = stepping(history, [3.0] + [1.0] * 7 + [2.0] * 3)
    assert job.at(now_s).eta_s == pytest.approx(9 * 2.0 + 2, rel=0.12)
    faster, now_s = stepping(history, [3.0] + [1.0] * 7 + [0.4] * 3)
    assert faster.at(now_s).eta_s == pytest.approx(9 * 0.4 + 2, rel=0.15)


def test_two_odd_steps_on_opposite_sides_are_not_a_new_pace() -> None:
    rate = StepFilter(0.0, 0.001, 0.0, 0.1)
    for duration_s in (1.0, 1.0, 1.0, 5.0, 0.2):
        rate.observe(duration_s)
    assert math.exp(rate.mu) == pytest.approx(1.0, rel=0.02)


def test_within_a_step_the_time_runs_down_to_a_tenth_and_waits(history: History) -> None:
    job, now_s = stepping(history, [3.0] + [1.0] * 18)
    whole = job.at(now_s).eta_s
    assert job.at(now_s + 0.5).eta_s == pytest.approx(whole - 0.5, rel=0.01)
    assert job.at(now_s + 5).eta_s == pytest.approx(0.1 + 2, rel=0.05)
    assert job.at(now_s + 50).eta_s == job.at(now_s + 5).eta_s


def test_a_silent_stage_that_overruns_is_expected_to_last(history: History) -> None:
    """Median left given that it is not over: it falls at first, and late it does not go to 0."""
    job = JobEstimator.start(SPEC, (("load model", 0),), history, 0.0)
    assert job.at(0.0).eta_s == pytest.approx(4.0, rel=0.02)
    assert job.at(2.0).eta_s == pytest.approx(2.0, rel=0.05)
    assert 0 < job.at(4.0).eta_s < 1.0
    assert job.at(400.0).eta_s > job.at(8.0).eta_s > 0


def test_steps_reported_at_once_after_a_gap(history: History) -> None:
    steps = [3.0] + [1.4] * 6
    job, now_s = stepping(history, steps)
    late, _ = stepping(history, steps[:2])
    for step in range(3, 8):
        late.step(1, step, now_s, 1.4)
    assert late.at(now_s) == job.at(now_s)


def test_steps_that_were_never_reported(history: History) -> None:
    """Only step 12 of 20 arrives; without its duration, the time since the last one is shared among them."""
    told, _ = stepping(history, [3.0, 1.0])
    told.step(1, 12, 120.0, 1.2)
    untold, _ = stepping(history, [3.0, 1.0])
    untold.step(1, 12, 120.0, 0.0)
    assert 8 * 1.0 + 2 < told.at(120.0).eta_s < 8 * 1.2 + 2.2
    assert untold.at(120.0).eta_s == pytest.approx(told.at(120.0).eta_s), "12 s over 10 steps is 1.2 s each"


def test_old_and_repeated_reports_change_nothing(history: History) -> None:
    job, now_s = stepping(history, [3.0] + [1.0] * 5)
    before = job.at(now_s)
    job.step(1, 3, now_s, 9.0)
    job.step(1, 99, now_s, 9.0)
    job.step(0, 1, now_s, 9.0)
    job.stage_started(1, now_s)
    job.stage_done(0, now_s, 77.0)
    job.stage_done(7, now_s, 77.0)
    assert job.at(now_s) == before


def test_paused_time_does_not_count(history: History) -> None:
    job, now_s = stepping(history, [3.0] + [1.0] * 5)
    job.paused(now_s + 0.4)
    before = job.at(now_s + 0.4)
    assert job.at(now_s + 500.0) == before
    job.resumed(now_s + 1000.4)
    assert job.at(now_s + 1000.4).eta_s == pytest.approx(before.eta_s)
    assert job.at(now_s + 1000.4).progress == pytest.approx(before.progress)
    job.step(1, 7, now_s + 1001.0, 1.0)
    assert job.at(now_s + 1001.0).eta_s < before.eta_s
    assert job.at(now_s + 1001.0).progress == pytest.approx(100 * 13 / (13 + 15), rel=0.03)


def test_a_stage_that_was_skipped_is_over(history: History) -> None:
    job = JobEstimator.start(SPEC, PLAN, history, 0.0)
    job.stage_started(2, 1.0)
    assert job.at(1.0).eta_s == pytest.approx(2.0, rel=0.02)
    job.stage_done(2, 3.0, 2.0)
    done = job.at(3.0)
    assert (done.eta_s, done.progress) == (0.0, 99.9)
    assert done.expected_s[2] == 2.0


def test_stages_to_come_may_turn_out_to_be_others(history: History) -> None:
    job, now_s = stepping(history, [3.0, 1.0, 1.0])
    before = job.at(now_s)
    job.replan(SPEC, (("load model", 0), ("sample", 40), ("save", 0), ("save", 0)), history, begun=2)
    after = job.at(now_s)
    assert after.eta_s == pytest.approx(before.eta_s + 20.0 + 2.0, rel=0.05), "20 more steps, and one more to save"
    assert after.expected_s[0] == before.expected_s[0]
    assert len(after.expected_s) == 4
    job.replan(SPEC, (("load model", 0),), history, begun=2)
    assert len(job.at(now_s).expected_s) == 4, "what has begun cannot be planned away"


def test_a_stage_that_turns_out_to_be_another_began_when_the_one_before_ended(history: History) -> None:
    job = JobEstimator.start(SPEC, (("load model", 0), ("encode", 0)), history, 100.0)
    job.stage_started(0, 100.0)
    job.stage_done(0, 104.0, 4.0)
    job.replan(SPEC, PLAN, history, begun=1)
    job.stage_started(1, 104.0)
    job.step(1, 1, 107.0, 0.0)
    assert job.at(107.0).eta_s == pytest.approx(19.0 + 2.0, rel=0.05)


def test_progress_never_falls_when_the_pace_does(history: History) -> None:
    job, now_s = stepping(history, [3.0] + [1.0] * 9)
    before = job.at(now_s)
    for step in (11, 12, 13):
        now_s += 6.0
        job.step(1, step, now_s, 6.0)
    after = job.at(now_s)
    assert after.eta_s > before.eta_s
    assert after.progress >= before.progress


def test_progress_and_time_left_through_a_whole_job(simulation: ModuleType) -> None:
    ours, life = simulation.Ours(), simulation.SIMULATED[-1].life(random.Random(5))
    for _ in range(5):
        ours.told(next(life))
    job, last = next(life), 0.0
    estimator = JobEstimator.start(job.spec, job.plan, ours.history, 0.0)
    events = job.events()
    for tick in range(200):
        now_s = job.total_s * tick / 200
        while events and events[0][0] <= now_s:
            at_s, stage, step, duration_s = events.pop(0)
            if step:
                estimator.step(stage, step, at_s, duration_s)
            else:
                estimator.stage_done(stage, at_s, duration_s)
        reading = estimator.at(now_s)
        assert last <= reading.progress < 100
        assert reading.progress == pytest.approx(tick / 2, abs=15), "a share of the whole job's time"
        last = reading.progress


@pytest.fixture(scope="module")
def found(simulation: ModuleType) -> dict[str, Any]:
    results: dict[str, Any] = simulation.results(7, 0.0, [*simulation.SIMULATED, *simulation.recorded()])
    return results


def test_it_is_a_third_of_the_moving_average_s_error_at_most(found: dict[str, Any]) -> None:
    for peer in ("tqdm", "rich", "elapsed"):
        ours, theirs = (sum(one.mean(who) for one in found.values()) for who in ("ours", peer))
        assert ours < theirs / 3
    for name, one in found.items():
        assert one.mean("ours") < 0.75 * one.mean("tqdm"), name


def test_steady_configurations_are_foreseen_within_a_twentieth(simulation: ModuleType, found: dict[str, Any]) -> None:
    steady = [found[scenario.name] for scenario in simulation.SIMULATED if scenario.steady]
    assert len(steady) > 3
    for one in steady:
        assert one.mean("ours", 1) < 5.5, "a single round's chance"
    assert sum(one.mean("ours", 1) for one in steady) / len(steady) < 4.0


def test_calibrated_intervals_hold_about_four_truths_of_five(found: dict[str, Any]) -> None:
    held = [one for result in found.values() for one in result.held]
    plain = [one for result in found.values() for one in result.held_plain]
    assert 0.75 < sum(held) / len(held) < 0.85
    assert abs(sum(held) / len(held) - 0.8) < abs(sum(plain) / len(plain) - 0.8) + 0.03


def test_starts_in_a_queue_are_held_about_four_times_of_five(found: dict[str, Any]) -> None:
    held = [one for result in found.values() for one in result.starts]
    assert 0.65 < sum(held) / len(held) < 0.95, "one queue a scenario: whole queues are late or early together"


def test_history_matters_most(simulation: ModuleType) -> None:
    known, unknown, ours = 0.0, 0.0, simulation.Ours()
    for number, job in enumerate(simulation.SIMULATED[-1].life(random.Random(3))):
        if number > 10:
            truth_s = 0.9 * job.total_s
            known += abs(ours.readings(job)[0].eta_s - truth_s) / truth_s
            unknown += abs(simulation.Ours().readings(job)[0].eta_s - truth_s) / truth_s
        ours.told(job)
    assert known < 0.5 * unknown


def test_bench_reports_ours_beside_the_peer(simulation: ModuleType) -> None:
    found = simulation.bench(1, 0.0)
    (key,) = found["ours"]
    assert found["ratio"][key] == found["ours"][key] / found["peer"][key] < 1 / 3
    assert simulation.bench(1, 0.0) == found, "seeded"


def test_a_pending_job_is_the_sum_of_its_stages(history: History) -> None:
    total = expected_total(SPEC, PLAN, history)
    assert total.median_s == pytest.approx(28.0, rel=0.02)
    assert 20 < total.low_s < total.median_s < total.high_s < 40
    assert expected_total(SPEC, (), history).high_s == 0.0


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12) | st.sampled_from(
    [0.0, -1.0, 1e-300, math.inf])
finite = st.floats(min_value=-1e9, max_value=1e9)
indexes, steps = st.integers(-2, 4), st.integers(-2, 25)
calls = st.one_of(
    st.tuples(st.just("stage_started"), indexes, finite),
    st.tuples(st.just("step"), indexes, steps, finite, numbers),
    st.tuples(st.just("stage_done"), indexes, finite, numbers),
    st.tuples(st.just("paused"), finite),
    st.tuples(st.just("resumed"), finite),
    st.tuples(st.just("at"), finite),
)


@given(st.lists(calls, max_size=40), st.booleans(), finite)
@settings(max_examples=200, deadline=None)
def test_any_order_of_calls_gives_sensible_numbers(told: list[tuple[object, ...]], seen: bool, start_s: float) -> None:
    past = History([run("load model", 1, 4.0), run("sample", 1, 22.0, 3.0, 1.0)] if seen else [])
    job, last = JobEstimator.start(SPEC, PLAN, past, start_s), 0.0
    for name, *arguments in [*told, ("at", 1e9)]:
        reading = getattr(job, str(name))(*arguments)
        if isinstance(reading, Reading):
            values = (reading.eta_s, reading.low_s, reading.high_s, reading.speed, *reading.expected_s)
            assert all(math.isfinite(value) and value >= 0 for value in values), reading
            assert reading.low_s <= reading.eta_s <= reading.high_s
            assert last <= reading.progress <= 99.9
            assert len(reading.expected_s) == len(PLAN)
            last = reading.progress
