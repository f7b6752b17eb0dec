"""A pipeline as the engine uses it: loaded from disk alone, with the sampler that was asked for, on what there is."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from ...errors import EngineError, OutOfMemory
from ...model.job import JobSpec
from .models import Model

SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "ddim": ("DDIMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
}
SCHEDULERS = ("default", "karras")


def device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    mps = getattr(torch.backends, "mps", None)
    return "mps" if mps is not None and mps.is_available() else "cpu"


def load(model: Model) -> Any:
    """The pipeline. Raises EngineError for what cannot be loaded without a network."""
    import torch
    from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline

    where = device()
    # Newer versions call it dtype and warn; this name is known to all of them.
    how: dict[str, Any] = {"torch_dtype": torch.float32 if where == "cpu" else torch.float16, "local_files_only": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            if not model.single:
                pipe = DiffusionPipeline.from_pretrained(str(model.path), **how)
            else:
                kind = StableDiffusionXLPipeline if "XL" in model.kind else StableDiffusionPipeline
                pipe = kind.from_single_file(str(model.path), **how)
        pipe = pipe.to(where)
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = "; a single file needs the configuration of its base model in Hugging Face's cache: convert it to a " \
               "folder, or load it there once" if model.single else ""
        raise EngineError(f"{model.name} cannot be loaded: {first[:300]}{hint}", code="bad_model") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def choose(pipe: Any, usual: Any, sampler: str, scheduler: str) -> None:
    """Gives the pipeline the sampler; `usual` is the scheduler that it came with. Raises EngineError."""
    import diffusers

    name, more = SAMPLERS[sampler or "default"]
    more = {**more, **({"use_karras_sigmas": True} if scheduler == "karras" else {})}
    if not name and not more:
        pipe.scheduler = usual
        return
    kind = getattr(diffusers, name) if name else type(usual)
    known = inspect.signature(kind.__init__).parameters
    flow = "FlowMatch" in type(usual).__name__
    if flow or not set(more) <= set(known):
        problem = "follows a flow, and has its own sampler" if flow else f"{sampler} cannot do {scheduler}"
        raise EngineError(f"sampler: this model {problem}; use default", code="bad_field")
    pipe.scheduler = kind.from_config(usual.config, **more)


def arguments(pipe: Any, spec: JobSpec) -> dict[str, Any]:
    """What the pipeline's call takes of what was asked for."""
    import torch

    generators = [torch.Generator("cpu").manual_seed((spec.seed + n) % 2**63) for n in range(spec.batch)]
    wanted: dict[str, Any] = {
        "prompt": spec.prompt, "negative_prompt": spec.options.get("negative_prompt") or None,
        "width": spec.width, "height": spec.height, "num_inference_steps": spec.steps,
        "guidance_scale": float(spec.options.get("guidance", 7.0)), "num_images_per_prompt": spec.batch,
        "generator": generators if spec.batch > 1 else generators[0], "output_type": "pil",
    }
    if spec.frames > 1:
        wanted["num_frames"] = spec.frames
    known = inspect.signature(type(pipe).__call__).parameters
    if spec.frames > 1 and "num_frames" not in known:
        raise EngineError("frames: this model makes single pictures", code="bad_field")
    return {name: value for name, value in wanted.items() if name in known}


def out_of_memory(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def memory_error(error: BaseException, model: str) -> OutOfMemory:
    import torch

    free, total = torch.cuda.mem_get_info() if torch.cuda.is_available() else (0, 0)
    first = str(error).splitlines()[0] if str(error) else "out of memory"
    most = f" ({(total - free) / 2**30:.1f} of {total / 2**30:.1f} GB were in use)" if total else ""
    return OutOfMemory(f"out of memory with {model}: {first[:300]}{most}", free_bytes=free)


def let_go() -> None:
    """After a pipeline was dropped: what the device keeps for later is given back."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
