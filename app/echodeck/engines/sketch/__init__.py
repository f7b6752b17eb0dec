"""`sketch`, the embedded engine: a real diffusion sampler without weights, GPU or download.

The score is exact (see `denoiser`), its training pictures are drawn by code (see `bank`). Only NumPy and Pillow, which
are loaded with the first job: an agent that only watches does without their memory.
"""

from __future__ import annotations

from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from ...model.engine import EngineInfo, ModelInfo, Param
from ...model.job import JobSpec
from .. import Control
from .models import LATENTS, MODELS, SAMPLERS

if TYPE_CHECKING:
    from .painter import Painter

INFO = EngineInfo(
    name="sketch",
    label="Sketch (built in)",
    aside=True,
    models=tuple(
        ModelInfo(model.name, model.label, f"{model.scenes} scenes, patches within {model.window} cells")
        for model in MODELS.values()
    ),
    samplers=SAMPLERS,
    params=(
        Param("width", 64, 512, 256, multiple=8),
        Param("height", 64, 512, 256, multiple=8),
        Param("steps", 1, 150, 20),
        Param("seed", 0, 2**32 - 1, 0),
        Param("batch", 1, 8, 1),
        Param("frames", 1, 48, 1),
    ),
    latents=LATENTS,
    extras=("free",),
)


IDLE_S = 60.0
"""After so long without a job, what the last one was painted from is let go: up to some hundred MB."""


class Sketch:
    """The engine. `memory_limit_bytes` is the most a job may use; see `size.free_bytes` for what holds without it."""

    def __init__(self, output_dir: Path, memory_limit_bytes: int | None = None, idle_s: float = IDLE_S) -> None:
        self.output_dir = output_dir
        self.memory_limit_bytes = memory_limit_bytes
        self._painter: Painter | None = None
        self._idle_s = idle_s
        self._letting_go: Timer | None = None

    def info(self) -> EngineInfo:
        return INFO

    def free(self) -> None:
        """Let go of what the last job was painted from; a job in hand holds it until it has ended."""
        if self._painter is not None:
            self._painter.free()

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        """Generate. Raises OutOfMemory before anything is allocated, EngineError when a file cannot be written."""
        if self._letting_go is not None:
            self._letting_go.cancel()
        if self._painter is None:
            from .painter import Painter

            self._painter = Painter(self.output_dir)
        try:
            self._painter.run(job_id, spec, control, self.memory_limit_bytes)
        finally:
            self._letting_go = Timer(self._idle_s, self.free)
            self._letting_go.daemon = True
            self._letting_go.start()
