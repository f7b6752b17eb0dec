"""Engines: what generates. Each module has a class with the `Engine` protocol; `ENGINES` finds them by name.

`run` is called in a worker thread, blocks until the job has ended, and tells what happens through the `Control` it was
given. Control may be called from that thread only. An engine raises OutOfMemory or EngineError when the job fails, and
lets Cancelled (raised by `Control.step` and `Control.checkpoint`) pass through.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..model.engine import EngineInfo
from ..model.job import JobSpec, Output

PreviewMaker = Callable[[], tuple[str, bytes]]
"""Makes (mime type, encoded image) when somebody wants it; called at once, in the engine's thread, or not at all."""


class Control(Protocol):
    """What a running job may say and must heed."""

    def plan(self, stages: list[tuple[str, int]]) -> None:
        """Say once, first of all, which stages there are: (name, steps) each, steps 0 where a stage has none."""

    def stage(self, name: str) -> None:
        """The named stage begins; the one before has ended. Heeds pause and cancel like `checkpoint`."""

    def step(self, step: int, preview: PreviewMaker | None = None) -> None:
        """Step number `step` (from 1) of the current stage has ended. Blocks while paused, raises Cancelled."""

    def checkpoint(self) -> None:
        """Blocks while the job is paused; raises Cancelled when it is to stop."""

    def log(self, level: str, message: str) -> None:
        """A line for the log, level debug, info, warning or error."""

    def output(self, output: Output) -> None:
        """A file is finished and on disk."""


class Engine(Protocol):
    """One way to generate. Made once per slot of an agent with the directory for outputs; runs one job at a time."""

    def __init__(self, output_dir: Path) -> None: ...

    def info(self) -> EngineInfo:
        """What it can do now: models found, bounds, or the reason why it cannot."""

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        """Generate. Files go to `output_dir / job_id /`. Raises EngineError, OutOfMemory, Cancelled."""


def find(name: str) -> type[Engine]:
    """The engine's class by name, imported when asked for. Raises ConfigError with the names there are."""
    from importlib import import_module

    from ..errors import ConfigError

    if name not in ENGINES:
        raise ConfigError(f"engine: unknown engine {name!r}; use one of {', '.join(sorted(ENGINES))}")
    module, _, attribute = ENGINES[name].partition(":")
    found: type[Engine] = getattr(import_module(module, __package__), attribute)
    return found


ENGINES: dict[str, str] = {"sketch": ".sketch:Sketch"}
"""Where each engine lives, as module:class."""
