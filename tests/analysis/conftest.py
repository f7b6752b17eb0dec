"""A made-up day, as the hub's history would tell it: rows through the wire, so that they are what frames really get."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from echodeck import wire
from echodeck.model.job import Job, JobError, JobSpec, JobState, Output, Stage
from echodeck.model.record import EstimateSample, Gpu, Host, StageRun, StepSample
from echodeck.wire import show

ZONE = timezone(timedelta(hours=2))
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=ZONE)
NASTY = "</script><img src=x onerror=\"document.title='run'\">"
STAGES = (("load model", 0.6), ("sample", 0.0), ("decode", 0.8), ("save", 0.1))


@dataclass
class Day:
    """The rows of one day, and the day itself; `add` makes a job with all that belongs to it."""

    made_at: datetime = NOON
    jobs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    estimates: list[dict[str, Any]] = field(default_factory=list)
    hosts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, id_: str, created: datetime, state: JobState = JobState.COMPLETED, *, model: str = "sketch-s",
            title: str = "", step_s: float = 0.2, steps: int = 20, output: Path | None = None, engine: str = "sketch",
            paused_s: float = 0.0, off: float = 1.1, error: str = "it broke") -> Job:
        spec = JobSpec(engine, model, title or id_, prompt="hills", width=256, height=192, steps=steps, seed=2**64 - 1)
        job = Job(id_, spec, user="Mika", created_s=created.timestamp())
        if state is JobState.PENDING:
            self._show(job)
            return job
        start_s = created.timestamp() + 5
        end_s = self._work(job, start_s, step_s, state, off) + paused_s
        job = replace(
            job, state=state, stages=tuple(Stage(name) for name, _ in STAGES),
            attempt=1, started_s=start_s, finished_s=end_s, host="atelier", paused_total_s=paused_s,
            error=JobError("engine_error", error) if state is JobState.FAILED else None,
            outputs=(Output(str(output), width=256, height=192),) if output else ())
        self._show(job)
        return job

    def _show(self, job: Job) -> None:
        self.jobs.append(wire.plain(show.job_view(job, show.Outlook((job.created_s or 0) + 1))))

    def _work(self, job: Job, at_s: float, step_s: float, state: JobState, off: float) -> float:
        spec, start_s = job.spec, at_s
        durations = [step_s * (2.0 if step == 0 else 1.0) for step in range(spec.steps)]
        total_s = sum(seconds for _, seconds in STAGES) + sum(durations)
        for stage, (name, seconds) in enumerate(STAGES):
            took = seconds
            if name == "sample":
                took = sum(durations)
                for number, duration in enumerate(durations, 1):
                    at_s += duration
                    self.steps.append(wire.plain(StepSample(job.id, 1, stage, number, at_s, duration)))
                    left = start_s + total_s - at_s
                    self.estimates.append(wire.plain(EstimateSample(
                        job.id, 1, at_s, 100 * (at_s - start_s) / total_s, left * off, left * 0.9, left * 1.2)))
                if state is not JobState.COMPLETED:
                    return at_s
            else:
                at_s += seconds
            self.runs.append(wire.plain(StageRun(
                job.id, 1, spec.engine, spec.model, spec.width, spec.height, spec.steps, 1, 1, name, at_s, took,
                durations[0] if name == "sample" else 0.0, step_s if name == "sample" else 0.0)))
        return at_s

    def rows(self) -> dict[str, Any]:
        return {"jobs": self.jobs, "steps": self.steps, "runs": self.runs, "estimates": self.estimates,
                "hosts": self.hosts, "made_at": self.made_at}


@pytest.fixture
def day() -> Day:
    return Day()


def picture(path: Path, seed: int) -> Path:
    wave = random.Random(seed).uniform(1, 4)
    image = Image.new("RGB", (256, 192))
    image.putdata([(int(90 + y / 2), int(60 + 50 * math.sin(wave * x / 40)), 150 - y // 2)
                   for y in range(192) for x in range(256)])
    image.save(path)
    return path


@pytest.fixture
def busy_day(day: Day, tmp_path: Path) -> Day:
    """Forty-odd jobs with every end, titles of HTML, pictures, a machine with and one without GPUs."""
    dice = random.Random(7)
    at = NOON.replace(hour=8)
    ends = [JobState.COMPLETED] * 8 + [JobState.FAILED, JobState.CANCELLED]
    pictures = [picture(tmp_path / f"{number}.png", number) for number in range(3)]
    titles = ("hero shot, dusk over the valley", "forest clearing, four variations", "night pan", NASTY)
    for number in range(40):
        model = dice.choice(["sketch-s", "sketch-m", "sketch-l"])
        day.add(f"j{number:02}", at + timedelta(minutes=5.5 * number), dice.choice(ends), model=model,
                title=titles[number % 4], step_s={"s": 0.2, "m": 0.5, "l": 1.1}[model[-1]] * dice.uniform(0.9, 1.2),
                output=pictures[number % 3], off=dice.uniform(0.75, 1.3), error=f"out of memory: {NASTY}")
    day.add("html", NOON - timedelta(hours=3), model=NASTY, output=tmp_path / "gone.png")
    day.add("waits", NOON, JobState.PENDING)
    card = Gpu(0, "RTX 3060", "nvidia", vram_total_bytes=12_884_901_888)
    day.hosts = [wire.plain(Host("atelier", 0.0, cores_percent=(1.0,) * 16, memory_total_bytes=34_359_738_368,
                                 gpus=(card,), os="Debian 13")),
                 wire.plain(Host("laptop", 0.0, cores_percent=(1.0,) * 4, memory_total_bytes=8_589_934_592,
                                 gpu_reason="no NVIDIA driver", os=NASTY))]
    day.made_at = NOON.astimezone(UTC).astimezone(ZONE)
    return day
