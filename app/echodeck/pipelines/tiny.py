"""A tiny autoencoder, where its weights are on disk: previews that are pictures.

ECHODECK_TAESD names folders as diffusers saves an AutoencoderTiny (`taesd`, `taesdxl`, `taesd3`, `taef1`), separated by
`os.pathsep`: of those whose latents have as many channels the first is used. It decodes where the latents are, shrunk,
so that neither a GPU's memory nor a CPU's time it takes are felt.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from .fitting import decoded
from .latents import Array, shrunk

log = logging.getLogger(__name__)

VARIABLE = "ECHODECK_TAESD"
SIDE, CPU_SIDE = 48, 16
"""The most latent pixels a side: 384 pixels of a picture on a GPU."""
KINDS = ("AutoencoderKL",)
"""VAEs whose latents tiny autoencoders were made for."""

_loaded: dict[tuple[str, str], Any] = {}


def folders(vae: Any) -> list[str]:
    """Where there may be one for this VAE."""
    if type(vae).__name__ not in KINDS:
        return []
    return [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


def tiny_of(vae: Any, channels: int, device: Any) -> Any:
    """The tiny autoencoder for this VAE's latents, on this device; None if there is none."""
    for path in folders(vae):
        found = _load(path, device)
        if found is not None and found.config.latent_channels == channels:
            return found
    return None


def _load(path: str, device: Any) -> Any:
    place = path, str(device)
    if place not in _loaded:
        from diffusers import AutoencoderTiny

        try:
            _loaded[place] = AutoencoderTiny.from_pretrained(Path(path).expanduser(), local_files_only=True).to(device)
        except (OSError, ValueError) as error:
            log.warning("%s=%s: no tiny autoencoder there: %s", VARIABLE, path, str(error).splitlines()[0])
            _loaded[place] = None
    return _loaded[place]


def picture(tiny: Any, latent: Array) -> Array:
    """H×W×3 (uint8) of one latent C×H×W."""
    import torch

    weights = next(tiny.parameters())
    small = shrunk(latent, CPU_SIDE if weights.device.type == "cpu" else SIDE)
    with torch.no_grad():
        shown = decoded(tiny, torch.from_numpy(small[None]).to(weights.device, weights.dtype))
    return np.asarray((np.clip(shown.transpose(1, 2, 0) / 2 + 0.5, 0.0, 1.0) * 255.0).astype(np.uint8))
