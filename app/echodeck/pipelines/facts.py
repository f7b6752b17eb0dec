"""What a call of a pipeline is: its model, size, steps, sampler, seed and prompt, from its arguments and settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

KINDS = {"model": str, "prompt": str, "sampler": str}
NAMES = {"DPMSolverMultistep": "dpmpp_2m", "DPMSolverSinglestep": "dpmpp_2s", "DPMSolverSDE": "dpmpp_sde",
         "KDPM2Discrete": "dpm_2", "KDPM2AncestralDiscrete": "dpm_2_ancestral", "UniPCMultistep": "unipc",
         "FlowMatchEulerDiscrete": "euler", "FlowMatchHeunDiscrete": "heun", "LCM": "lcm", "TCD": "tcd"}
"""Schedulers whose name in the field is not just their class's."""


def describe(pipe: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a call with these arguments; what cannot be told is left out."""
    height, width = size_of(pipe, given.get("height"), given.get("width"))
    found = {
        "model": model_of(pipe), "height": height, "width": width, "steps": given.get("num_inference_steps"),
        "frames": given.get("num_frames"), "prompt": _first(given.get("prompt")), "sampler": sampler_of(pipe),
        "batch": given.get("num_images_per_prompt") or given.get("num_videos_per_prompt"),
        "seed": _seed(_first(given.get("generator"))),
    }
    known = {name: value for name, value in found.items() if isinstance(value, KINDS.get(name, int))}
    return {name: value for name, value in known.items() if value or name == "seed"}


def size_of(pipe: Any, height: int | None, width: int | None) -> tuple[int, int]:
    """Height and width in pixels: as given, else the pipeline's usual; 0 where that cannot be told."""
    network = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    size = getattr(pipe, "default_sample_size", None) or getattr(getattr(network, "config", None), "sample_size", None)
    scale = getattr(pipe, "vae_scale_factor", 0)
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    usual = (0, 0)
    if len(sides) == 2 and all(isinstance(one, int) for one in (*sides, scale)):
        usual = sides[0] * scale, sides[1] * scale
    return height or usual[0], width or usual[1]


def sampler_of(pipe: Any) -> str:
    """In the field's terms: EulerAncestralDiscreteScheduler is euler_ancestral."""
    scheduler = getattr(pipe, "scheduler", None)
    if scheduler is None:
        return ""
    kind = type(scheduler).__name__.removesuffix("Scheduler")
    if getattr(getattr(scheduler, "config", None), "algorithm_type", "") == "sde-dpmsolver++":
        return "dpmpp_2m_sde"
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", kind.removesuffix("Discrete"))
    return NAMES.get(kind) or "_".join(words).lower()


def model_of(pipe: Any) -> str:
    """The last part of where it was loaded from, else its class."""
    config = getattr(pipe, "config", None)
    path = str(getattr(pipe, "name_or_path", "") or getattr(config, "_name_or_path", "") or "")
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or type(pipe).__name__


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list | tuple) else value


def _seed(generator: Any) -> int | None:
    return int(generator.initial_seed()) if hasattr(generator, "initial_seed") else None
