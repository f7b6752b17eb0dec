"""`diffusers`: jobs of the queue, done in this process with models that lie on disk. Never asks a network for anything.

The last model stays loaded, so that the next job with it begins at once; `free` lets it go. Needs the extra
`echodeck[diffusers]`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import Cancelled, EngineError
from ...model.engine import EngineInfo, ModelInfo, Param
from ...model.job import JobSpec, Output
from ...pipelines.look import prepare
from ...pipelines.phases import HOOK, heard, parameters
from .. import Control, files
from . import call, memory
from .keeper import Keeper
from .loading import Loaded, load
from .models import Model, base_of, find
from .samplers import SAMPLERS, SCHEDULERS, choose
from .stages import LOAD, SAVE, Stages

LOOK_S = 30.0
"""Between two looks which models there are."""
FILM_MS = 62
"""A frame of a film: what most models of films were made for, 16 a second."""
NEEDS = ("torch", "diffusers", "transformers")
PARAMS = (Param("width", 16, 4096, 512, 8), Param("height", 16, 4096, 512, 8), Param("steps", 1, 500, 30),
          Param("seed", 0, 2**32 - 1, 0), Param("batch", 1, 16, 1), Param("frames", 1, 512, 1))


class Diffusers:
    """The engine. `models` are folders that are looked through."""

    def __init__(self, output_dir: Path, models: Iterable[Path] = ()) -> None:
        self.output_dir, self._folders = output_dir, [Path(folder).expanduser() for folder in models]
        self._models: dict[str, Model] = {}
        self._looked_s = -LOOK_S
        self._keeper = Keeper(self._load, memory.give_back)

    def info(self) -> EngineInfo:
        missing = [name for name in NEEDS if find_spec(name) is None]
        if not missing and time.monotonic() - self._looked_s >= LOOK_S:
            self._models, self._looked_s = {model.name: model for model in find(self._folders)}, time.monotonic()
        return EngineInfo(
            name="diffusers", label="diffusers", kind="diffusers",
            models=tuple(ModelInfo(one.name, one.name, one.kind) for one in self._models.values()),
            samplers=tuple(SAMPLERS), schedulers=SCHEDULERS, params=PARAMS, options=call.OPTIONS, extras=("free",),
            aside=True, reason=self._reason(missing))

    def free(self) -> None:
        """Let go of the model, now or when the job in hand has ended."""
        self._keeper.free()

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        """Generate. Raises OutOfMemory, and EngineError for whatever else a pipeline raises."""
        stages = Stages(spec, control)
        with self._keeper.use() as kept:
            try:
                stages.stage(LOAD)
                result = _made(kept(self._model(spec)), spec, stages, control)
            except (Cancelled, EngineError):
                raise
            except Exception as error:  # noqa: BLE001 - pipelines raise anything; it is told as the job's failure
                if not memory.is_out_of_memory(error):
                    raise _failed(error) from None
                self._keeper.free()
                raise memory.out_of_memory(error, spec.model) from None
        stages.stage(SAVE)
        self._save(job_id, call.pictures(result), spec, control)

    # --- inside ---

    def _reason(self, missing: list[str]) -> str:
        if missing:
            return f"{', '.join(missing)} not installed: pip install 'echodeck[diffusers]'"
        if not self._folders:
            return "no folder with models was named: start the agent with --models DIR"
        if not self._models:
            return f"there is no model in {', '.join(map(str, self._folders))}"
        return ""

    def _model(self, spec: JobSpec) -> Model:
        self.info()
        model = self._models.get(spec.model)
        if model is None:
            raise EngineError(f"model: {spec.model} is not there any more", code="bad_model")
        return model

    def _load(self, model: Model) -> Loaded:
        loaded = load(model, base_of(model, self._models.values()) if model.single else None)
        prepare(loaded.pipe)
        return loaded

    def _save(self, job_id: str, made: list[list[files.Pixels]], spec: JobSpec, control: Control) -> None:
        for number, frames in enumerate(made):
            control.checkpoint()
            facts = files.parameters(spec, number)
            film = len(frames) > 1
            data = files.webp(frames, facts, FILM_MS) if film else files.png(frames[0], facts)
            path = files.path_of(self.output_dir, job_id, f"{number:02}.{'webp' if film else 'png'}")
            files.write(path, data)
            height, width = frames[0].shape[:2]
            control.output(Output(str(path), "image/webp" if film else "image/png", width, height, len(data),
                                  len(frames)))


def _made(loaded: Loaded, spec: JobSpec, stages: Stages, control: Control) -> Any:
    """What the pipeline returns."""
    pipe = loaded.pipe
    control.log("debug", f"{spec.model}: {loaded.where}")
    choose(pipe, loaded.scheduler, spec.sampler, spec.scheduler)
    wanted = bool(spec.options.get("tiles"))
    if memory.tile(pipe, wanted) is not wanted:
        control.log("warning", f"{spec.model} cannot decode in tiles")
    given = call.arguments(pipe, spec)
    with heard(pipe, stages) as callback_with:
        if HOOK in parameters(type(pipe).__call__):
            given[HOOK] = callback_with(None)
        return pipe(**given)


def _failed(error: Exception) -> EngineError:
    """Whatever a pipeline raised, as it is told."""
    first = str(error).splitlines()[0] if str(error) else "no more is said"
    return EngineError(f"{type(error).__name__}: {first[:500]}", code="pipeline_error", detail=memory.forgotten(error))
