"""How much can be done: slots that are free, when the next one is, and how many jobs of each kind an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .words import many, span


@dataclass(frozen=True, slots=True)
class Kind:
    """Jobs of one kind: what one takes, and in how many slots at once. A job makes `batch` pictures, or a video of
    `frames` (more than 1)."""

    engine: str
    model: str
    resolution: str
    steps: int
    batch: int
    frames: int
    took_s: float
    lanes: int

    @property
    def per_hour(self) -> float:
        return 3600.0 * self.lanes / self.took_s if self.took_s > 0 else 0.0

    @property
    def name(self) -> str:
        parts = [self.model or self.engine, self.resolution, many(self.steps, "step") if self.steps else "",
                 f"{self.frames} frames" if self.frames > 1 else "", f"batch of {self.batch}" if self.batch > 1 else ""]
        return ", ".join(part for part in parts if part)


def sentences(slots: int, taken: int, next_free_s: float | None, clear_s: float | None,
              kinds: Sequence[Kind]) -> list[str]:
    """`next_free_s` is when the first slot is free, `clear_s` when all that waits is done; None: nobody can say."""
    if not slots:
        return ["no agent that generates is online"]
    free = max(0, slots - taken)
    said = [f"{free} of {many(slots, 'slot')} {'is' if slots == 1 else 'are'} free"]
    if not free and next_free_s is not None:
        said.append(f"the next one is free in about {span(next_free_s)}")
    if clear_s:
        said.append(f"all that waits is done in about {span(clear_s)}")
    return [*said, *(f"{kind.name}: about {_rate(kind.per_hour)}, {span(kind.took_s)} each" for kind in kinds)]


def _rate(per_hour: float) -> str:
    return f"{per_hour:.0f} an hour" if per_hour >= 1.0 else f"{24.0 * per_hour:.0f} a day"
