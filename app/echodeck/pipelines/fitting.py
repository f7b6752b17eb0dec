"""Fitting the map of a VAE: it decodes a few tiny latents, and the colours that come out are fitted.

That must not disturb the pipeline it is from, which may be at work meanwhile. So it is done with a copy of the decoder
on the CPU in full precision: the pipeline's own one is not moved (its hooks would push other models off the GPU), no
memory of the GPU is asked for, half precision cannot overflow, and no random number is drawn, as the copy is made
without initial weights and the latents without torch's generator.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .latents import Array, blocks, fit, samples
from .space import Space

SIDE, COUNT = 8, 6
"""Latent pixels to fit with: COUNT decodings of SIDE × SIDE. 384 pixels for 5 to 129 unknowns."""
UNUSED = ("encoder.", "quant_conv.")


class Abandoned(Exception):
    """It was to stop."""


def fitted(vae: Any, space: Space, stopped: Callable[[], bool]) -> Array:
    """The map (see `fit`). Raises Abandoned when `stopped` says so, which is asked between the decodings.

    Whatever the VAE's library raises comes through, and ValueError where what it decodes cannot be fitted.
    """
    import torch

    copy = own(vae)
    made = samples(space.channels, SIDE, COUNT)
    pictures = []
    for latent in space.decodable(made):
        if stopped():
            raise Abandoned
        with torch.no_grad():
            pictures.append(decoded(copy, torch.from_numpy(latent[None])))
    colours = np.concatenate([blocks(picture, SIDE) for picture in pictures])
    if not np.isfinite(colours).all():
        raise ValueError("it decodes to what is no number")
    return fit(np.concatenate([one.reshape(space.channels, -1).T for one in made]), colours)


def own(vae: Any) -> Any:
    """A copy on the CPU in full precision of the part that decodes. What encodes has no weights in it."""
    import torch

    with torch.device("meta"):  # made without memory, and without initial weights
        copy = type(vae).from_config(dict(vae.config))
    weights = {name: value.detach().to("cpu", torch.float32, copy=True) for name, value in vae.state_dict().items()
               if not name.startswith(UNUSED)}
    copy.load_state_dict(weights, strict=False, assign=True)
    return copy.eval()


def decoded(vae: Any, latents: Any) -> Array:
    """A picture 3×H×W (-1..1) of latents 1×C×H×W (a tensor), which a VAE of films takes as its only frame."""
    import torch

    takes = inspect.signature(type(vae).decode).parameters
    more: dict[str, Any] = {}
    if "num_frames" in takes:  # decodes frames as a batch of pictures
        more["num_frames"] = 1
    elif any(weights.ndim == 5 for weights in vae.parameters()):
        latents = latents[:, :, None]
    if getattr(vae.config, "timestep_conditioning", False):
        more["temb"] = torch.zeros(1)
    shown = vae.decode(latents, return_dict=False, **more)[0]
    picture = shown.reshape(3, *shown.shape[-2:]) if shown.shape[-3] != 3 else shown.reshape(-1, *shown.shape[-3:])[0]
    return np.asarray(picture.float().cpu().numpy(), np.float32)
