"""How big things get: the models, the latent grid of a job, and the memory it needs."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from ...errors import OutOfMemory
from ...model.job import JobSpec
from .denoiser import BLOCK_FLOATS
from .models import LATENTS, MODELS

BUDGET_BYTES = 512 << 20
"""What a job may use unless told otherwise, so that generating never drives the watching machine into swap."""
MEMORY_VARIABLE = "ECHODECK_SKETCH_MEMORY"
FLOAT, CHANNELS = 4, 3


@dataclass(frozen=True, slots=True)
class Grid:
    """The latent grid: `rows` × `columns` cells, each decoded to `factor` × `factor` pixels."""

    rows: int
    columns: int
    factor: int

    @property
    def scale(self) -> float:
        """How much finer than 48 × 48, the grid for which noise levels and patch sides are stated."""
        return float((self.rows * self.columns) ** 0.5 / 48)


def grid_of(spec: JobSpec) -> Grid:
    """The finest grid that is not too big. The sizes are multiples of 8, so the aspect ratio is kept exactly."""
    factor = LATENTS.factor(spec.width, spec.height, spec.frames)
    return Grid(spec.height // factor, spec.width // factor, factor)


def needed_bytes(spec: JobSpec) -> int:
    """About what a job allocates at its peak, in bytes, a little on the safe side."""
    model, grid = MODELS[spec.model], grid_of(spec)
    cells, pixels = grid.rows * grid.columns, spec.width * spec.height
    pictures = spec.batch * spec.frames
    padded = (grid.rows + 2 * model.window) * (grid.columns + 2 * model.window)
    bank = model.scenes * CHANNELS * FLOAT * (cells + padded)
    details = model.drawn * pixels * CHANNELS if grid.factor > 1 else 0
    blocks = 10 * FLOAT * max(BLOCK_FLOATS, 4 * cells)
    sampling = 8 * pictures * CHANNELS * FLOAT * cells + blocks
    drawing = 25 * CHANNELS * FLOAT * pixels
    decoding = pictures * CHANNELS * (FLOAT * cells + pixels) + drawing + blocks
    saving = pictures * CHANNELS * pixels + 3 * spec.frames * 4 * pixels
    return int(bank + details + max(sampling, decoding, saving, drawing))


def check_memory(spec: JobSpec, limit_bytes: int | None) -> None:
    """Raise OutOfMemory if the job would not fit. Without a limit: the environment's, or else what is free, but no
    more than BUDGET_BYTES."""
    needed, free = needed_bytes(spec), free_bytes(limit_bytes)
    if needed > free:
        what = f"{spec.batch} × {spec.frames} pictures of {spec.resolution}" if spec.batch * spec.frames > 1 else (
            f"a picture of {spec.resolution}")
        raise OutOfMemory(
            f"out of memory: {what} with {spec.model} would need {_mebibytes(needed)}, {_mebibytes(free)} are free for "
            f"it; ask for a smaller size, batch or number of frames, or allow more with {MEMORY_VARIABLE} (bytes)",
            needed_bytes=needed,
            free_bytes=free,
        )


def free_bytes(limit_bytes: int | None) -> int:
    """The bytes a job may use: the limit, else the environment's, else the smaller of the budget and what is free."""
    if limit_bytes is not None:
        return limit_bytes
    setting = os.environ.get(MEMORY_VARIABLE, "").strip()
    if setting.isdecimal():
        return int(setting)
    return min(BUDGET_BYTES, int(psutil.virtual_memory().available))


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"
