"""Memory of the machine and its GPU: what is free, and what it looks like when there is not enough."""

from __future__ import annotations

import gc
import re
import traceback
from typing import Any

from ...errors import OutOfMemory

_TRIED = re.compile(r"tried to allocate ([\d.]+) ?(bytes|[KMGT]iB|[KMGT]B)?", re.IGNORECASE)
_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Torch's own error, Python's, and what its allocators of other devices say."""
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def out_of_memory(error: BaseException, model: str) -> OutOfMemory:
    """With the figures, as far as they are known; `free_bytes` is what is free now."""
    needed, free = tried_bytes(str(error)), free_bytes()
    first = str(error).splitlines()[0] if str(error) else "no more is said"
    figures = f"; {free / 2**30:.1f} GiB are free" if free else ""
    return OutOfMemory(
        f"out of memory with {model}: {first[:300]}{figures}. Ask for a smaller size, batch or number of frames",
        needed_bytes=needed, free_bytes=free, detail=forgotten(error))


def tried_bytes(message: str) -> int:
    """What could not be had, of the message; 0 where it does not say."""
    found = _TRIED.search(message)
    if found is None:
        return 0
    return int(float(found[1]) * 2 ** _UNITS[(found[2] or "")[:1].lower()])


def free_bytes() -> int:
    """Of the device that pipelines run on."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def forgotten(error: BaseException) -> str:
    """The traceback as text. What the error's frames hold (tensors, models) is let go of."""
    detail = "".join(traceback.format_exception(error))
    traceback.clear_frames(error.__traceback__)
    return detail


def tile(pipe: Any, on: bool) -> bool:
    """Whether the pipeline now decodes in tiles, which takes less memory; its next job may ask for another."""
    vae = getattr(pipe, "vae", None)
    if vae is None or not hasattr(vae, "enable_tiling"):
        return False
    if on:
        vae.enable_tiling()
    else:
        vae.disable_tiling()
    return on


def give_back() -> None:
    """After a model was dropped: what the device keeps for later is given back."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
