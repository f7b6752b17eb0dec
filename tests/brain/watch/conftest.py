"""Machines and jobs as the watching parts see them, made in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck.model.facts import Claimed, Completed, Fact, Planned, StageStarted, Stepped
from echodeck.model.job import Job, JobSpec
from echodeck.model.record import Disk, Gpu, Host
from echodeck.model.transitions import advance

GB = 1_000_000_000
SPEC = JobSpec("comfyui", "sdxl", "dusk", width=1024, height=1024, steps=20)
STAGES = (("load model", 0), ("sample", 20), ("decode", 0))


def a_host(at_s: float, name: str = "studio", *, free_bytes: float = 500 * GB, period_s: float = 1.0,
           gpus: int = 1, **gpu: Any) -> Host:
    figures: dict[str, Any] = {"temp_c": 60.0, "vram_used_bytes": 8 * GB, "vram_total_bytes": 24 * GB, **gpu}
    cards = tuple(Gpu(index, "card", "nvidia", **figures) for index in range(gpus))
    disk = Disk("/", 1000 * GB, int(1000 * GB - free_bytes), int(free_bytes))
    return Host(name, at_s, period_s, cpu_percent=20.0, memory_used_bytes=16 * GB, memory_total_bytes=64 * GB,
                disks=(disk,), gpus=cards)


def a_job(name: str = "one", at_s: float = 0.0, *facts: Fact, spec: JobSpec = SPEC, stage: int = 1) -> Job:
    """In hand on `studio` since `at_s`, in the given stage, after these facts."""
    job = Job(name, spec, created_s=at_s)
    begin = (Claimed(at_s, "w", "studio"), Planned(at_s, STAGES), StageStarted(at_s, stage))
    for fact in (*begin, *facts):
        job = advance(job, fact)
    return job


@pytest.fixture
def host() -> Callable[..., Host]:
    return a_host


@pytest.fixture
def job() -> Callable[..., Job]:
    return a_job


@pytest.fixture
def run() -> Callable[..., Job]:
    """A whole run told to `stepped` and `seen` of a watch of paces; returns the job as it was in hand."""

    def told(paces: Any, name: str, at_s: float, step_s: float | Callable[[int], float], conditions: Any = None,
             *, steps: int = 20, tick: Callable[[float], None] = lambda now_s: None) -> Job:
        job = a_job(name, at_s, spec=replace(SPEC, steps=steps))
        for step in range(1, steps + 1):
            took_s = step_s(step) if callable(step_s) else step_s
            at_s += took_s
            job = advance(job, Stepped(at_s, 1, step))
            paces.stepped(job, 1, step, took_s, at_s)
            if conditions is not None:
                paces.seen(job, conditions)
            tick(at_s)
        paces.ended(advance(job, Completed(at_s)))
        return job

    return told
