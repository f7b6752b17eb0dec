"""A job as the call of a pipeline: its arguments, and what comes out."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...errors import EngineError
from ...model.engine import Option
from ...model.job import JobSpec
from ..files import Pixels

OPTIONS = (Option("negative_prompt", "Negative prompt"),
           Option("guidance", "Guidance (0: as the model is used to)", "number", 0.0, 0.0, 50.0, 0.5),
           Option("tiles", "Decode in tiles (less memory)", "flag", False))
BATCHES = ("num_images_per_prompt", "num_videos_per_prompt")


def arguments(pipe: Any, spec: JobSpec) -> dict[str, Any]:
    """What the pipeline's call takes of what was asked for. Raises EngineError for what it cannot make."""
    known = inspect.signature(type(pipe).__call__).parameters
    _check(pipe, spec, known)
    batch = next((name for name in BATCHES if name in known), BATCHES[0])
    wanted: dict[str, Any] = {
        "prompt": spec.prompt, "width": spec.width, "height": spec.height, "num_inference_steps": spec.steps,
        "num_frames": spec.frames, "generator": generators(spec), "output_type": "pil", batch: spec.batch,
        **_options(spec)}
    return {name: value for name, value in wanted.items() if name in known}


def _check(pipe: Any, spec: JobSpec, known: Any) -> None:
    if spec.frames > 1 and "num_frames" not in known:
        raise EngineError("frames: this model makes single pictures; ask for 1", code="bad_field")
    if spec.batch > 1 and not any(name in known for name in BATCHES):
        raise EngineError("batch: this model makes one at a time; ask for 1", code="bad_field")
    needed = [name for name, one in known.items() if one.default is one.empty and name not in ("self", "prompt")
              and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if needed:
        raise EngineError(f"model: {type(pipe).__name__} needs more than a prompt: {', '.join(needed)}",
                          code="bad_model")


def _options(spec: JobSpec) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if negative := spec.options.get("negative_prompt"):
        found["negative_prompt"] = negative
    if guidance := float(spec.options.get("guidance", 0.0)):
        found["guidance_scale"] = guidance
    return found


def generators(spec: JobSpec) -> Any:
    """Random numbers of the CPU, which are the same on every machine: one for each picture of the batch."""
    import torch

    made = [torch.Generator("cpu").manual_seed((spec.seed + number) % 2**32) for number in range(spec.batch)]
    return made if spec.batch > 1 else made[0]


def pictures(result: Any) -> list[list[Pixels]]:
    """Each result as its frames, of which a picture has one."""
    films = result.frames if hasattr(result, "frames") else [[picture] for picture in result.images]
    return [[np.asarray(frame.convert("RGB")) for frame in film] for film in films]
