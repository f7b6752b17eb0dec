"""VRAM that is not given back."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from echodeck.brain.watch.leak import LeakLimits, Leaks

GB = 10**9


class Machine:
    def __init__(self, host: Any, job: Any, seed: int = 3) -> None:
        self.host, self.job, self.rng, self.leaks = host, job, random.Random(seed), Leaks(LeakLimits())
        self.number, self.left = 0, 1.0 * GB

    def go(self, jobs: int, leak: float = 0.0, model: str = "sdxl", *, idle: bool = True) -> bool:
        """Whether it is found after so many jobs of 10 GB, each of which leaves `leak` bytes. They follow each other
        at once, or with an idle sample between."""
        for _ in range(jobs):
            self.number += 1
            one = self.job(f"j{self.number}", spec=replace(self.job().spec, model=model))
            self.leaks.started(one)
            if not idle:
                self._sample(0.3)
            self._sample(10.0)
            self.left += leak * self.rng.uniform(0.8, 1.2)
            self.leaks.ended(one)
            if idle:
                self._sample(0.0)
        return bool([*self.leaks.findings()])

    def _sample(self, more_gb: float) -> None:
        used = self.left + more_gb * GB + self.rng.uniform(0.0, 0.02 * GB)
        self.leaks.sampled(self.host(float(self.number), vram_used_bytes=int(used)))


def test_a_leak_is_found_and_named(host: Any, job: Any) -> None:
    machine = Machine(host, job)
    assert machine.go(14, 0.2 * GB)
    [found] = machine.leaks.findings()
    assert (found.cause, found.host) == ("leak:studio:0", "studio")
    assert "after each job of comfyui/sdxl about 200 MB more stays in use" in found.message


def test_one_is_found_in_jobs_that_follow_each_other_at_once(host: Any, job: Any) -> None:
    assert Machine(host, job).go(16, 0.2 * GB, idle=False)


def test_what_stays_the_same_is_none(host: Any, job: Any) -> None:
    assert not Machine(host, job).go(60)


def test_models_that_are_kept_loaded_are_none(host: Any, job: Any) -> None:
    machine = Machine(host, job)
    for number in range(40):
        machine.left = (2.0 + 5.0 * (number % 3)) * GB
        assert not machine.go(1, model=f"m{number % 3}")


def test_another_program_that_comes_and_stays_is_none(host: Any, job: Any) -> None:
    machine = Machine(host, job)
    machine.go(10)
    machine.left += 3.0 * GB
    assert not any(machine.go(1) for _ in range(20))


def test_a_cache_that_fills_up_once_is_none(host: Any, job: Any) -> None:
    machine = Machine(host, job)
    assert not machine.go(5)
    machine.left += 6.0 * GB
    assert not machine.go(30)


def test_it_goes_when_the_memory_is_given_back(host: Any, job: Any) -> None:
    machine = Machine(host, job)
    assert machine.go(14, 0.3 * GB)
    machine.left = 1.0 * GB
    machine._sample(0.0)
    assert not [*machine.leaks.findings()]
