"""Slow-downs and their likely cause."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.conditions import Conditions, conditions_of, likely_cause
from echodeck.brain.watch.drift import Drift, evidence
from echodeck.brain.watch.finding import Finding
from echodeck.brain.watch.pace import NEW_NORMAL_RUNS, STALE_S, PaceLimits, Paces
from echodeck.model.record import Gpu, GpuProcess, Host

WELL = Conditions(throttled=0.0, clock=0.95, vram=0.6, others_bytes=3e8, others_percent=1.0, cpu_percent=30.0)


class Machine:
    """Runs one after the other, asked after each step as the hub does, and what was found at the end of each."""

    def __init__(self, run: Any, seed: int = 1) -> None:
        self.run, self.rng, self.paces = run, random.Random(seed), Paces(PaceLimits())
        self.at_s, self.number, self.found = 0.0, 0, list[Finding]()

    def go(self, runs: int, factor: float = 1.0, conditions: Conditions = WELL, late: float = 1.0) -> list[bool]:
        """Whether it was found, run by run. Steps take 4 s; `late`: the last fifth of them so many times as long."""
        said = []
        for _ in range(runs):
            pace = 4.0 * factor * self.rng.lognormvariate(0.0, 0.02)
            self.number, self.found = self.number + 1, []
            self.run(self.paces, f"j{self.number}", self.at_s, lambda step, pace=pace: pace * (
                late if step > 16 else 1.0) * self.rng.lognormvariate(0.0, 0.03), conditions, tick=self._ask)
            self.at_s += 100.0
            said.append(bool(self.found))
        return said

    def _ask(self, now_s: float) -> None:
        self.at_s = now_s
        self.found = [*self.paces.findings(now_s)]


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_at_its_usual_pace_is_not_accused(run: Any, seed: int) -> None:
    assert not any(Machine(run, seed).go(80))


@pytest.mark.parametrize("factor", [1.25, 1.6])
def test_a_slow_down_is_found_soon_and_goes_by_itself(run: Any, factor: float) -> None:
    machine = Machine(run)
    machine.go(10)
    assert machine.go(3, factor)[-1]
    assert not machine.go(3)[-1]


def test_it_says_what_differs(run: Any) -> None:
    machine = Machine(run)
    machine.go(10)
    machine.go(2, 1.5, Conditions(throttled=0.9, clock=0.6, vram=0.6, others_bytes=3e8, others_percent=1.0,
                                  cpu_percent=30.0, temp_c=91.0, throttle="thermal"))
    [found] = machine.found
    assert found.title == "sdxl at 1024×1024 (sample) has become slower"
    assert found.message == ("it takes about 45 % longer than it did on studio; likely cause: the GPU is throttled "
                             "(thermal) at 91 °C 90 % of the time, before 0 %")
    assert found.cause == "slow:studio/comfyui/sdxl//1024×1024/1/1/sample/20"


def test_later_steps_that_always_take_longer_are_no_slow_down(run: Any) -> None:
    assert not any(Machine(run).go(30, late=1.7))


def test_a_new_pace_becomes_the_usual_one(run: Any) -> None:
    machine = Machine(run)
    machine.go(10)
    assert machine.go(3, 1.4)[-1]
    assert not machine.go(NEW_NORMAL_RUNS + 5, 1.4)[-1]
    assert machine.go(3, 1.4 * 1.4)[-1]


def test_of_what_does_not_run_any_more_nothing_is_said(run: Any) -> None:
    machine = Machine(run)
    machine.go(10)
    machine.go(3, 1.5)
    [*machine.paces.findings(machine.at_s + STALE_S)]
    assert [*machine.paces.findings(machine.at_s + STALE_S + 100.0)] == []


def test_few_past_runs_prove_nothing(run: Any) -> None:
    machine = Machine(run)
    machine.go(4)
    assert not any(machine.go(1, 2.0))


@given(st.lists(st.tuples(st.sampled_from(["look", "keep"]), st.floats(-1e6, 1e6)), max_size=60))
def test_the_test_changes_its_mind_only_on_enough_evidence(runs: list[tuple[str, float]]) -> None:
    drift = Drift(9.0, 4.5, 18.0)
    for what, ratio in runs:
        was_slow = drift.slow
        getattr(drift, what)(ratio)
        assert 0.0 <= drift.score <= (4.5 if drift.slow else 9.0)
        if drift.slow is not was_slow:
            assert drift.score == 0.0
            assert (ratio > 0) is drift.slow


def test_more_steps_of_one_run_do_not_outweigh_the_run() -> None:
    ratios = [evidence(0.2, 0.18, 0.05**2, 0.05**2, steps) for steps in (1, 4, 16, 1000, 10**9)]
    assert ratios == sorted(ratios)
    assert ratios[-1] == pytest.approx((0.2 * 0.18 - 0.18**2 / 2) / 0.05**2)
    assert evidence(0.05, 0.18, 0.05**2, 0.05**2, 1000) < 0


@pytest.mark.parametrize(("after", "said"), [
    (Conditions(others_bytes=4e9, others_percent=40.0, other="game"), "game uses the GPU as well"),
    (Conditions(vram=0.99), "VRAM is 99 % full, before 60 %"),
    (Conditions(throttled=0.5, throttle="thermal"), "the GPU is throttled (thermal) 50 % of the time"),
    (Conditions(clock=0.5), "the GPU's clock is at 50 % of its most, before 95 %"),
    (Conditions(cpu_percent=99.0), "the CPU is busy (99 %, before 30 %)"),
    (WELL, ""), (Conditions(), ""),
])
def test_the_likely_cause(after: Conditions, said: str) -> None:
    assert likely_cause(WELL, after).startswith(said)
    assert bool(likely_cause(WELL, after)) is bool(said)
    assert likely_cause(Conditions(), Conditions()) == ""


def test_conditions_of_a_sample() -> None:
    others = (GpuProcess(7, "game", 2 * 10**9, 30.0), GpuProcess(8, "Xorg", 10**8, 1.0))
    gpu = Gpu(0, "card", "nvidia", vram_used_bytes=12, vram_total_bytes=24, clock_sm_mhz=1000.0,
              clock_sm_max_mhz=2000.0, throttle=("thermal",), temp_c=90.0, processes=others)
    found = conditions_of(Host("studio", 1.0, cpu_percent=50.0, gpus=(gpu, Gpu(1, "x", "amd", reason="no driver"))))
    assert found == Conditions(1.0, 0.5, 0.5, 2.1e9, 31.0, 50.0, 90.0, "game", "thermal")
    assert conditions_of(Host("studio", 1.0)) == Conditions(cpu_percent=0.0)
