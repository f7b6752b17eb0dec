"""What a step has to do: how often it asks the model, and over how many cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_TWICE = ("heun", "dpm2", "kdpm2", "dpmpp2s", "dpmppsde")
"""How the names of samplers begin that ask the model twice a step, once the names are written alike."""


@dataclass(frozen=True, slots=True)
class Latents:
    """The grid that steps work on, where it is no fixed part of the picture: each side over the smallest of `factors`
    that leaves the longer side at most `most` cells (`most_of_film` where there are several frames), else the last."""

    factors: tuple[int, ...]
    most: int
    most_of_film: int

    def factor(self, width: int, height: int, frames: int) -> int:
        """How many pixels wide and high a cell is."""
        most, longer = self.most if frames <= 1 else self.most_of_film, max(width, height)
        return next((factor for factor in self.factors if longer <= most * factor), self.factors[-1])


@lru_cache(maxsize=256)
def calls(sampler: str) -> int:
    """How often a sampler asks the model each step, as k-diffusion has them (Karras et al. 2022; Lu et al. 2022).

    Heun's method and DPM-Solver-2 do so twice, and so do DPM++ 2S and DPM++ SDE; whatever is not known once. The names
    are those of A1111, ComfyUI and diffusers.
    """
    name = "".join(c for c in sampler.lower().replace("+", "p") if c.isalnum())
    return 2 if name.startswith(_TWICE) else 1
