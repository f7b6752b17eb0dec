"""Engines: what generates. Each module has a class with the `Engine` protocol; `ENGINES` finds them by name.

`run` is called in a worker thread, blocks until the job has ended, and tells what happens through the `Control` it was
given. Control may be called from that thread only. An engine raises OutOfMemory or EngineError when the job fails,
JobLost when its server has forgotten it, and lets Cancelled (raised by `Control.stage`, `step` and `checkpoint`) pass
through. One that drives a server which others use too is also `Watching`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from ..model.engine import EngineInfo
from ..model.job import JobSpec, Output

PreviewMaker = Callable[[], tuple[str, bytes]]
"""Makes (mime type, encoded image) when somebody wants it; called at once, in the engine's thread, or not at all."""


class Control(Protocol):
    """What a running job may say and must heed."""

    def plan(self, stages: list[tuple[str, int]]) -> None:
        """Say first of all which stages there are: (name, steps) each, steps 0 where a stage has none.

        Said again, it replaces the stages after the current one; those that have begun keep their places.
        """

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

    def metrics(self, values: Mapping[str, float]) -> None:
        """Figures of the job's own, by name: the latest of each is shown. Needs a plan."""

    # For engines that drive a server: they cannot block while paused, and tell what the server says.

    @property
    def told(self) -> Told:
        """Says what happens without heeding anything: nothing of it blocks or raises Cancelled."""

    @property
    def wanted(self) -> Literal["run", "pause", "cancel", "abandon", "stop"]:
        """What the job is to do now. Other than "run" and "pause", `checkpoint` raises Cancelled with it as `why`."""

    def skipping(self) -> bool:
        """Whether the picture in hand is to be left out; true once for each time that was asked."""

    def preview(self, step: int, preview: PreviewMaker) -> None:
        """A picture of how far it is, outside a step; made only when one is due."""

    def paused(self) -> None:
        """It holds now. Time paused is not counted in stages and steps."""

    def resumed(self) -> None:
        """It goes on."""

    def refused(self, command: str, reason: str) -> None:
        """What was asked cannot be done just now, and why: people are told, and the job goes on."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job that another client gave to the server: what is known of it now.

    `place` orders those that wait there, smallest first; moments are seconds since the epoch by this machine's clock.
    `cannot` says of commands why they are impossible, `workflow` is what it was made from, free of secrets.
    """

    job_id: str
    spec: JobSpec
    running: bool = False
    created_s: float = 0.0
    started_s: float | None = None
    place: float = 0.0
    user: str = ""
    cannot: Mapping[str, str] = field(default_factory=dict)
    workflow: Mapping[str, Any] | None = None


class Told(Protocol):
    """How a sighted job is told of: the verbs of Control that say something, and how it ended. Nothing here blocks."""

    def plan(self, stages: list[tuple[str, int]]) -> None: ...
    def stage(self, name: str) -> None: ...
    def step(self, step: int, preview: PreviewMaker | None = None) -> None: ...
    def preview(self, step: int, preview: PreviewMaker) -> None: ...
    def log(self, level: str, message: str) -> None: ...
    def output(self, output: Output) -> None: ...
    def paused(self) -> None: ...
    def resumed(self) -> None: ...
    def refused(self, command: str, reason: str) -> None: ...
    def completed(self) -> None: ...
    def cancelled(self) -> None: ...
    def failed(self, kind: str, message: str, *, retryable: bool = False, detail: str = "") -> None: ...


class Sights(Protocol):
    """Where a watching engine reports to. Used from its watching thread only."""

    @property
    def ended(self) -> threading.Event:
        """Set when the watching is to end."""

    def sight(self, sighting: Sighting) -> Told:
        """There is such a job, or this is known of it now; the same `Told` each time until it has ended."""

    def known(self) -> dict[str, Sighting]:
        """The jobs sighted and not ended, by id, as last sighted: also those of an earlier connection."""


@runtime_checkable
class Watching(Protocol):
    """An engine whose server others use too: it tells of their jobs, and steers them."""

    def watch(self, sights: Sights) -> None:
        """Watches until `sights.ended`, through whatever the server does. Called once, in a thread of its own."""

    def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        """Does what a person wants of a sighted job: pause, resume, cancel, skip, or move before or after another.

        Called in a thread of its own; what comes of it is told by the watching. Raises EngineError with the reason
        when it cannot be done.
        """

    def close(self) -> None:
        """Lets go of the server. Called once, last of all."""


@runtime_checkable
class Freeing(Protocol):
    """An engine that keeps models loaded."""

    def free(self) -> None:
        """Let go of them, now or when the job in hand has ended. Called from another thread. Raises EngineError."""


class Engine(Protocol):
    """One way to generate. Made once per slot of an agent with the directory for outputs; runs one job at a time."""

    def __init__(self, output_dir: Path) -> None: ...

    def info(self) -> EngineInfo:
        """What it can do now: models found, bounds, or the reason why it cannot. Cheap: it is asked every second."""

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


ENGINES: dict[str, str] = {
    "sketch": ".sketch:Sketch", "comfyui": ".comfyui:ComfyUI", "a1111": ".a1111:A1111",
    "diffusers": ".diffusers:Diffusers",
}
"""Where each engine lives, as module:class."""
