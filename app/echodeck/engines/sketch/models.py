"""The models and samplers there are, by name: known without loading what draws."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.workload import Latents

SAMPLERS = ("euler_ancestral", "euler", "heun")
"""The first is the default; `sampler` has them."""

LATENTS = Latents(factors=(1, 2, 4), most=128, most_of_film=64)
"""A film has a coarser grid, as it has many pictures."""


@dataclass(frozen=True, slots=True)
class Model:
    """`drawn` training scenes (each used mirrored too), matched within `window` cells of their place."""

    name: str
    label: str
    drawn: int
    window: int

    @property
    def scenes(self) -> int:
        return 2 * self.drawn


MODELS = {
    model.name: model
    for model in (
        Model("sketch-s", "Sketch S", 64, 1),
        Model("sketch-m", "Sketch M", 128, 2),
        Model("sketch-l", "Sketch L", 224, 2),
    )
}
