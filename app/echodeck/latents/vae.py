"""A pipeline's VAE: what its latents look like. The map of `latents` is fitted at first need, and kept on disk.

Fitting decodes a few tiny latents (16×16) and disturbs nothing: the random state is not touched, since the latents are
made without torch's generator, and what cannot be fitted gives no previews.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from . import Array, blocks, colours, fit, samples, unpacked

log = logging.getLogger(__name__)

SIDE, COUNT = 16, 4

_matrices: dict[str, Array | None] = {}


def look(pipe: Any, latents: Any, height: int, width: int) -> Any:
    """A picture H×W×3 (uint8) of what the latents of this pipeline show now. Raises ValueError if there is none."""
    vae = getattr(pipe, "vae", None)
    config = getattr(vae, "config", None)
    if vae is None or config is None:
        raise ValueError("the pipeline has no VAE")
    array = latents.detach().float().cpu().numpy()
    scale = 2 ** (len(getattr(config, "block_out_channels", (1, 1, 1, 1))) - 1)
    scale = int(getattr(pipe, "vae_scale_factor", 0) or getattr(pipe, "vae_spatial_compression_ratio", 0) or scale)
    channels = int(getattr(config, "latent_channels", 4) or 4)
    latent = unpacked(array, channels, height // scale, width // scale)
    matrix = matrix_of(vae, config, channels)
    if matrix is None:
        raise ValueError("its VAE gave no map from latents to colours")
    return colours(latent, matrix)


def matrix_of(vae: Any, config: Any, channels: int) -> Array | None:
    """The map of this VAE, fitted, or from the disk; None where it cannot be fitted."""
    key = _key(vae, config)
    if key not in _matrices:
        _matrices[key] = _from_disk(key)
        if _matrices[key] is None:
            _matrices[key] = _fitted(vae, config, channels)
            _to_disk(key, _matrices[key])
    return _matrices[key]


def _fitted(vae: Any, config: Any, channels: int) -> Array | None:
    import torch

    made = samples(channels, SIDE, COUNT)
    decode = type(vae).decode  # the VAE's own: on the instance a watch may have put its own, which counts it as a stage
    try:
        with torch.no_grad():
            first = next(vae.parameters())
            given = torch.from_numpy(made).to(first.device, first.dtype) / float(getattr(config, "scaling_factor", 1.0))
            given = given + float(getattr(config, "shift_factor", 0.0) or 0.0)
            if "3D" in type(vae).__name__ or hasattr(config, "temporal_compression_ratio"):
                shown = decode(vae, given[:, :, None], return_dict=False)[0][:, :, 0]
            else:
                shown = decode(vae, given, return_dict=False)[0]
        pictures = shown.float().cpu().numpy()
    except Exception:
        log.info("a VAE (%s) cannot be mapped to colours, so there are no previews", type(vae).__name__, exc_info=True)
        return None
    flat = np.concatenate([one.reshape(channels, -1).T for one in made])
    return fit(flat, np.concatenate([blocks(one, SIDE) for one in pictures]))


def _key(vae: Any, config: Any) -> str:
    """Which VAE it is: its make, its settings, and a few of its weights."""
    weights = [round(float(value), 6) for value in next(vae.parameters()).detach().flatten()[:8].float().cpu()]
    told = {name: value for name, value in dict(config).items() if not name.startswith("_")}
    text = json.dumps([type(vae).__name__, told, weights], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _folder() -> Path:
    from platformdirs import user_cache_path

    return Path(os.environ.get("ECHODECK_CACHE") or user_cache_path("echodeck", appauthor=False)) / "latents"


def _from_disk(key: str) -> Array | None:
    try:
        found = np.asarray(json.loads((_folder() / f"{key}.json").read_text("utf-8")), np.float32)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 2 and found.shape[1] == 3 else None


def _to_disk(key: str, matrix: Array | None) -> None:
    if matrix is None:
        return
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        part = _folder() / f"{key}.{os.getpid()}.part"
        part.write_text(json.dumps(matrix.round(6).tolist()), encoding="utf-8")
        part.replace(_folder() / f"{key}.json")
    except OSError as error:
        log.info("the map of a VAE is not kept: %s", error)
