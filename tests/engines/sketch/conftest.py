"""A control that records what an engine says, and can pause and cancel it at a step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echodeck.engines import PreviewMaker
from echodeck.engines.sketch import Sketch
from echodeck.errors import Cancelled
from echodeck.model.engine import fit
from echodeck.model.job import JobSpec, Output


class Recorder:
    """Keeps everything. `cancel_at` and `pause_at` name a step; `resume` lets a paused engine go on."""

    def __init__(self, cancel_at: int = 0, pause_at: int = 0, want_previews: bool = False) -> None:
        self.cancel_at, self.pause_at, self.want_previews = cancel_at, pause_at, want_previews
        self.planned: list[tuple[str, int]] = []
        self.stages: list[str] = []
        self.steps: list[int] = []
        self.previews: list[tuple[str, bytes]] = []
        self.logs: list[str] = []
        self.outputs: list[Output] = []
        self.cancelled, self.paused, self.resume = threading.Event(), threading.Event(), threading.Event()

    def plan(self, stages: list[tuple[str, int]]) -> None:
        assert not self.planned
        self.planned = stages

    def stage(self, name: str) -> None:
        self.checkpoint()
        self.stages.append(name)

    def step(self, step: int, preview: PreviewMaker | None = None) -> None:
        self.steps.append(step)
        if preview is not None and self.want_previews:
            self.previews.append(preview())
        if step == self.cancel_at:
            self.cancelled.set()
        if step == self.pause_at:
            self.paused.set()
            assert self.resume.wait(30)
        self.checkpoint()

    def checkpoint(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled

    def log(self, level: str, message: str) -> None:
        self.logs.append(f"{level} {message}")

    def output(self, output: Output) -> None:
        assert Path(output.path).is_file()
        self.outputs.append(output)


@pytest.fixture
def sketch(tmp_path: Path) -> Sketch:
    return Sketch(tmp_path / "outputs")


@pytest.fixture(scope="session")
def spec() -> Callable[..., JobSpec]:
    """A small job's spec: 64 × 64 in 3 steps unless said otherwise."""

    def make(**given: Any) -> JobSpec:
        return fit(Sketch(Path()).info(), {"width": 64, "height": 64, "steps": 3, "prompt": "dusk hills", **given})

    return make
