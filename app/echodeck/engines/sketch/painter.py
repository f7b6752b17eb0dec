"""One job after the other, drawn: load the model, sample, decode, save."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import OutOfMemory
from ...model.job import JobSpec, Output
from .. import Control
from ..files import parameters, path_of, png, webp, write
from .bank import Bank
from .canvas import Field
from .decoder import decode
from .models import MODELS
from .noise import Noise
from .picture import preview
from .prompt import Theme, read
from .sampler import SAMPLERS, schedule
from .size import Grid, check_memory, free_bytes, grid_of, needed_bytes

SIGMA_LOW, SIGMA_HIGH = 0.03, 12.0
"""The noise levels of the last and of the first step; the first is for a grid of 48 × 48 cells."""


class Painter:
    """Keeps the last bank, so the next job of the same kind loads at once."""

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir
        self._bank: tuple[tuple[str, Theme, Grid], Bank] | None = None

    def free(self) -> None:
        """Let go of the bank. Called from another thread."""
        self._bank = None

    def run(self, job_id: str, spec: JobSpec, control: Control, memory_limit_bytes: int | None) -> None:
        """Generate. Raises OutOfMemory before anything is allocated, EngineError when a file cannot be written."""
        control.plan([("load model", 0), ("sample", spec.steps), ("decode", 0), ("save", 0)])
        check_memory(spec, memory_limit_bytes)
        try:
            control.stage("load model")
            bank = self._load(spec, control)
            control.stage("sample")
            latents = _sample(bank, spec, control)
            control.stage("decode")
            pictures = _decode(bank, latents, control)
            control.stage("save")
            self._save(job_id, spec, pictures, control)
        except MemoryError as error:
            self._bank = None
            needed, free = needed_bytes(spec), free_bytes(memory_limit_bytes)
            raise OutOfMemory(f"out of memory: {error}", needed_bytes=needed, free_bytes=free) from error

    def _load(self, spec: JobSpec, control: Control) -> Bank:
        key = (spec.model, read(spec.prompt), grid_of(spec))
        kept = self._bank  # another thread may let it go meanwhile
        if kept is not None and kept[0] == key:
            control.log("debug", f"{spec.model} for {key[1]} was still loaded")
            return kept[1]
        self._bank = kept = None  # let the old one go before the new one is made
        control.log("info", f"drawing {MODELS[spec.model].drawn} training scenes: {key[1]}")
        bank = Bank(MODELS[spec.model], key[1], key[2], control.checkpoint)
        self._bank = (key, bank)
        return bank

    def _save(self, job_id: str, spec: JobSpec, pictures: list[NDArray[np.uint8]], control: Control) -> None:
        for index in range(spec.batch):
            control.checkpoint()
            frames = pictures[index * spec.frames : (index + 1) * spec.frames]
            facts = parameters(spec, index)
            film = spec.frames > 1
            data = webp(frames, facts) if film else png(frames[0], facts)
            path = path_of(self.output_dir, job_id, f"{index:02}.{'webp' if film else 'png'}")
            write(path, data)
            control.output(Output(str(path), "image/webp" if film else "image/png", spec.width, spec.height,
                                  len(data), spec.frames))


def _sample(bank: Bank, spec: JobSpec, control: Control) -> Field:
    """The latents (batch × frames, 3, rows, columns), −1 to 1, tells every step."""
    noise = Noise(spec.seed, spec.batch, spec.frames, bank.grid.rows, bank.grid.columns)
    sigmas = schedule(spec.steps, SIGMA_LOW, SIGMA_HIGH * bank.grid.scale)

    def denoise(noisy: Field, sigma: float) -> Field:
        found = np.empty_like(noisy)
        for i, picture in enumerate(noisy):
            control.checkpoint()
            found[i] = bank.denoise(picture, sigma)
        return found

    middle = spec.frames // 2
    latents = noise() * np.float32(sigmas[0])
    for step in SAMPLERS[spec.sampler](latents, sigmas, denoise, noise):
        latents, estimate = step.x, step.denoised[middle]
        control.step(step.number, partial(preview, estimate))
    return latents


def _decode(bank: Bank, latents: Field, control: Control) -> list[NDArray[np.uint8]]:
    pictures = []
    for latent in latents:
        control.checkpoint()
        pictures.append(decode(bank, latent))
    return pictures
