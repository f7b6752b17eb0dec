"""`diffusers`: jobs of the queue, done in this process with models that lie on disk. Never asks a network for anything.

The last model stays loaded, so that the next job with it begins at once; `free` lets it go. Needs the extra
`echodeck[diffusers]`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import Cancelled, EngineError
from ...model.engine import EngineInfo, ModelInfo, Option, Param
from ...model.job import JobSpec, Output
from ...pipelines.look import prepare
from .. import Control
from . import pipe as pipes
from .models import Model, find

LOOK_S = 30.0
"""Between two looks which models there are."""
LOAD, ENCODE, SAMPLE, DECODE, SAVE = "load", "encode", "sample", "decode", "save"
NEEDS = ("torch", "diffusers", "transformers")
PARAMS = (Param("width", 16, 4096, 512, 8), Param("height", 16, 4096, 512, 8), Param("steps", 1, 500, 30),
          Param("seed", 0, 2**32 - 1, 0), Param("batch", 1, 16, 1), Param("frames", 1, 512, 1))
OPTIONS = (Option("negative_prompt", "Negative prompt"),
           Option("guidance", "Guidance", "number", 7.0, 0.0, 50.0, 0.5))


class Diffusers:
    """The engine. `models` are folders that are looked through."""

    def __init__(self, output_dir: Path, models: Iterable[Path] = ()) -> None:
        self.output_dir, self._folders = output_dir, [Path(folder).expanduser() for folder in models]
        self._models: dict[str, Model] = {}
        self._looked_s = -LOOK_S
        self._loaded: tuple[Model, Any, Any] | None = None
        """The model, its pipeline, and the scheduler that it came with."""
        self._running = threading.Lock()
        self._freeing = False

    def info(self) -> EngineInfo:
        missing = [name for name in NEEDS if find_spec(name) is None]
        if not missing and time.monotonic() - self._looked_s >= LOOK_S:
            self._models, self._looked_s = {model.name: model for model in find(self._folders)}, time.monotonic()
        return EngineInfo(
            name="diffusers", label="diffusers", kind="diffusers",
            models=tuple(ModelInfo(one.name, one.name, one.kind) for one in self._models.values()),
            samplers=tuple(pipes.SAMPLERS), schedulers=pipes.SCHEDULERS, params=PARAMS, options=OPTIONS,
            extras=("free",), reason=self._reason(missing))

    def _reason(self, missing: list[str]) -> str:
        if missing:
            return f"{', '.join(missing)} not installed: pip install 'echodeck[diffusers]'"
        if not self._folders:
            return "no folder with models was named: start the agent with --models DIR"
        if not self._models:
            return f"there is no model in {', '.join(map(str, self._folders))}"
        return ""

    def free(self) -> None:
        """Now, or when the job in hand has ended."""
        self._freeing = True
        if self._running.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._running.release()

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        with self._running:
            try:
                self._run(job_id, spec, control)
            except (Cancelled, EngineError):
                raise
            except Exception as error:
                if not pipes.out_of_memory(error):
                    first = str(error).splitlines()[0] if str(error) else "no message"
                    raise EngineError(f"{type(error).__name__}: {first[:500]}", code="pipeline_error") from error
                self._freeing = True
                raise pipes.memory_error(error, spec.model) from error
            finally:
                if self._freeing:
                    self._let_go()

    # --- inside ---

    def _run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        control.plan([(LOAD, 0), (ENCODE, 0), (SAMPLE, spec.steps), (DECODE, 0), (SAVE, 0)])
        control.stage(LOAD)
        pipe = self._load(spec)
        given = pipes.arguments(pipe, spec)
        control.stage(ENCODE)
        encode = pipe.encode_prompt if hasattr(pipe, "encode_prompt") else None
        if encode is not None:
            pipe.encode_prompt = partial(_then_sample, encode, control)
        else:
            control.stage(SAMPLE)
        try:
            result = pipe(**given, callback_on_step_end=partial(_stepped, spec, control))
        finally:
            if encode is not None:
                del pipe.encode_prompt
            if hasattr(pipe, "maybe_free_model_hooks"):
                pipe.maybe_free_model_hooks()
        control.stage(SAVE)
        for number, pictures in enumerate(_pictures(result)):
            control.checkpoint()
            control.output(self._save(job_id, number, pictures, spec))

    def _load(self, spec: JobSpec) -> Any:
        self.info()
        model = self._models.get(spec.model)
        if model is None:
            raise EngineError(f"model: {spec.model} is not there any more", code="bad_field")
        if self._loaded is None or self._loaded[0] != model:
            self._let_go()  # the old one first: both at once may not fit
            pipe = pipes.load(model)
            prepare(pipe)
            self._loaded = model, pipe, pipe.scheduler
        _, pipe, usual = self._loaded
        pipes.choose(pipe, usual, spec.sampler, spec.scheduler)
        return pipe

    def _let_go(self) -> None:
        self._freeing = False
        if self._loaded is not None:
            self._loaded = None
            pipes.let_go()

    def _save(self, job_id: str, number: int, pictures: list[Any], spec: JobSpec) -> Output:
        from PIL.PngImagePlugin import PngInfo

        if job_id in ("", ".", "..") or Path(job_id).name != job_id:
            raise EngineError(f"job id {job_id[:80]!r} cannot name a directory")
        film = len(pictures) > 1
        path = self.output_dir / job_id / f"{number:02}.{'webp' if film else 'png'}"
        part = path.with_suffix(".part")
        facts = PngInfo()
        facts.add_itxt("parameters", f"{spec.prompt}\nSteps: {spec.steps}, Sampler: {spec.sampler}, Seed: "
                       f"{(spec.seed + number) % 2**32}, Size: {spec.width}x{spec.height}, Model: {spec.model}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if film:
                pictures[0].save(part, "WEBP", save_all=True, append_images=pictures[1:], duration=83, loop=0)
            else:
                pictures[0].save(part, "PNG", pnginfo=facts)
            part.replace(path)
        except OSError as error:
            raise EngineError(f"{path} cannot be written: {error.strerror or error}", code="cannot_write") from error
        return Output(str(path), "image/webp" if film else "image/png", pictures[0].width, pictures[0].height,
                      path.stat().st_size, len(pictures))


def _then_sample(encode: Any, control: Control, *values: Any, **named: Any) -> Any:
    result = encode(*values, **named)
    control.stage(SAMPLE)
    return result


def _stepped(spec: JobSpec, control: Control, pipe: Any, index: int, timestep: Any,
             values: dict[str, Any]) -> dict[str, Any]:
    """The pipeline's callback: where the job is paused and cancelled."""
    total = int(getattr(pipe, "num_timesteps", 0) or spec.steps)
    if index == 0 and total != spec.steps:  # a sampler of the second order has more
        control.plan([(LOAD, 0), (ENCODE, 0), (SAMPLE, total), (DECODE, 0), (SAVE, 0)])
    latents = values.get("latents")
    control.step(index + 1, None if latents is None else partial(_preview, pipe, latents, spec, control))
    if index + 1 == total:
        control.stage(DECODE)
    return values


def _preview(pipe: Any, latents: Any, spec: JobSpec, control: Control) -> tuple[str, bytes]:
    import io

    from PIL import Image

    from ...pipelines.look import look

    data = io.BytesIO()
    Image.fromarray(look(pipe, latents, spec.height, spec.width)).save(data, "PNG")
    return "image/png", data.getvalue()


def _pictures(result: Any) -> list[list[Any]]:
    """Each result as its frames."""
    if hasattr(result, "frames"):
        return [list(film) for film in result.frames]
    return [[picture] for picture in result.images]
