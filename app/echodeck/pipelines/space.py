"""What the latents of a VAE are: read from its configuration, without any of its libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .latents import Array


@dataclass(frozen=True, slots=True)
class Space:
    """`channels` of a latent pixel, which stands for `scale` × `scale` pixels.

    Pipelines work on latents of about spread 1; times `spread` plus `centre` (one number a channel each) they are what
    the VAE decodes.
    """

    channels: int
    scale: int
    spread: Array
    centre: Array

    def decodable(self, latents: Array) -> Array:
        """What the VAE decodes, of a pipeline's latents N×C×H×W."""
        return np.asarray(latents * self.spread[:, None, None] + self.centre[:, None, None], np.float32)


def space_of(vae: Any) -> Space:
    """Raises ValueError where there is no VAE of pictures."""
    config = getattr(vae, "config", None)
    channels = getattr(config, "latent_channels", None) or getattr(config, "z_dim", None)
    if not isinstance(channels, int):
        raise ValueError("the pipeline has no VAE whose latents could be shown")
    factor = float(getattr(config, "scaling_factor", None) or 1.0)
    shift = float(getattr(config, "shift_factor", None) or 0.0)
    spread, centre = _statistic(vae, "latents_std", channels, 1.0), _statistic(vae, "latents_mean", channels, 0.0)
    return Space(channels, _scale(vae, config), spread / np.float32(factor), centre + np.float32(shift))


def _statistic(vae: Any, name: str, channels: int, otherwise: float) -> Array:
    """One number a channel: some VAEs have it as a tensor of theirs, others in their configuration."""
    found: Any = getattr(vae.config, name, None)
    own = getattr(vae, "_buffers", {}).get(name)
    if found is None and own is not None:
        found = own.detach().float().cpu().numpy()
    if found is None or len(found) != channels:
        return np.full(channels, otherwise, np.float32)
    return np.asarray(found, np.float32)


def _scale(vae: Any, config: Any) -> int:
    """Pixels a latent pixel, along one side."""
    for owner, name in ((vae, "spatial_compression_ratio"), (config, "scale_factor_spatial")):
        if isinstance(found := getattr(owner, name, None), int) and found > 0:
            return found
    widths: Sequence[int] = getattr(config, "block_out_channels", None) or (1, 1, 1, 1)
    return int(2 ** (len(widths) - 1))
