"""What the latents of a pipeline show now."""

from __future__ import annotations

from typing import Any

from . import tiny
from .latents import Array, calmed, colours, unpacked
from .maps import MAPS
from .space import space_of


def ready(pipe: Any) -> bool:
    """Whether `look` has something to show. If not yet, it is seen to in a thread."""
    vae = getattr(pipe, "vae", None)
    if vae is None:
        return False
    if not MAPS.known(vae):
        MAPS.begin(vae)
        return bool(tiny.folders(vae))
    return MAPS.get(vae) is not None


def prepare(pipe: Any) -> None:
    """So that it is ready, at once if it can be."""
    if (vae := getattr(pipe, "vae", None)) is not None:
        MAPS.learn(vae)


def look(pipe: Any, latents: Any, height: int, width: int) -> Array:
    """A picture H×W×3 (uint8) of the latents (a tensor) of a pipeline that is `ready`; `height` and `width` of what it
    makes, in pixels. Raises ValueError if there is none."""
    space = space_of(pipe.vae)
    array = latents.detach().float().cpu().numpy()
    latent = calmed(unpacked(array, space.channels, height // space.scale, width // space.scale))
    small = tiny.tiny_of(pipe.vae, space.channels, latents.device)
    if small is not None:
        return tiny.picture(small, latent)
    matrix = MAPS.get(pipe.vae)
    if matrix is None:
        raise ValueError("the VAE gave no map from latents to colours")
    return colours(latent, matrix)
