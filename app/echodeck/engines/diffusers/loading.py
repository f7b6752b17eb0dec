"""Pipelines loaded from disk alone, onto what there is."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import Any

from ...errors import EngineError
from .memory import forgotten, free_bytes, is_out_of_memory
from .models import PIPELINES, SD1, SD2, SDXL, Model

RESERVE = 0.8
"""The share of free memory that weights may take: what is computed with them needs room too."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pipeline, the scheduler that it came with, and a word on where it runs."""

    pipe: Any
    scheduler: Any
    where: str


def load(model: Model, base: Model | None = None) -> Loaded:
    """`base` is a folder of the model's family, for a single file. Raises EngineError for what cannot be loaded, and
    what says that there is too little memory."""
    offline()
    quiet()
    where = device()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            pipe = _pipeline(model, base, dtype_of(model, where))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(f"{model.name} cannot be loaded: {first[:300]}{_hint(model, base)}", code="bad_model",
                          detail=forgotten(error)) from None
    pipe.set_progress_bar_config(disable=True)
    return Loaded(pipe, getattr(pipe, "scheduler", None), place(pipe, where))


def _pipeline(model: Model, base: Model | None, dtype: Any) -> Any:
    import diffusers

    # Newer versions call it dtype and warn; this name is known to all of them.
    how: dict[str, Any] = {"torch_dtype": dtype, "local_files_only": True}
    if not model.single:
        return diffusers.DiffusionPipeline.from_pretrained(str(model.path), **how, **_variant(model))
    if base is not None:  # without one it is looked for in Hugging Face's cache
        how["config"] = str(base.path)
    return getattr(diffusers, PIPELINES[model.family]).from_single_file(str(model.path), **how)


def _variant(model: Model) -> dict[str, Any]:
    """A folder may have its weights in half precision only."""
    weights = [path.name for path in model.path.glob("*/*model*.safetensors")]
    return {"variant": "fp16"} if weights and all(".fp16" in name for name in weights) else {}


def _hint(model: Model, base: Model | None) -> str:
    if not model.single or base is not None:
        return ""
    return (f"; a single file brings no configuration: put a folder of {model.family}, as diffusers saves it, beside "
            "it (any model of the family will do)")


def offline() -> None:
    """Nothing asks a network: `local_files_only` alone is overruled where a single file's configuration is missing."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = True  # in case it had been imported before


def quiet() -> None:
    """No progress bars in an agent's log."""
    import diffusers.utils.logging
    import transformers.utils.logging

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    mps = getattr(torch.backends, "mps", None)
    return "mps" if mps is not None and mps.is_available() else "cpu"


def dtype_of(model: Model, where: str) -> Any:
    """Full precision on a CPU. On a GPU half: the older families were trained for float16, the newer ones overflow."""
    import torch

    if where == "cpu":
        return torch.float32
    if where == "cuda" and model.family not in (SD1, SD2, SDXL) and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


def place(pipe: Any, where: str) -> str:
    """Moves it to where it runs; says so. Where the GPU cannot hold all of its models, they take turns there."""
    needed = weights_bytes(pipe)
    if where == "cuda" and needed > RESERVE * free_bytes():
        pipe.enable_model_cpu_offload()
        return f"its models take turns on the GPU: together they are {needed / 2**30:.1f} GiB"
    pipe.to(where)
    return f"on {where}, {needed / 2**30:.1f} GiB"


def weights_bytes(pipe: Any) -> int:
    parts = [part for part in pipe.components.values() if hasattr(part, "parameters")]
    return sum(int(one.numel() * one.element_size()) for part in parts for one in part.parameters())
