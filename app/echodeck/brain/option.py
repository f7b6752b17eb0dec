"""One way to do a job: an engine with a model, and what is known of its time, its pictures and its memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .words import between, many, size, span

Basis = Literal["same", "scaled", "default"]


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds: the middle and the ends of an 80 % interval."""

    middle_s: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Marks:
    """How good pictures are: their mean score (0 to 100), from how many verdicts (they fade, so there are parts of
    one), and with what numbers of steps ("": any)."""

    score: float
    verdicts: float
    steps: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """`took` is what one job should take. `basis` says what that was drawn from: runs of the same size, runs of the
    same model scaled to it, or nothing. The first job can begin in `start`, and `lanes` of them go on at once.
    `marks` are its pictures' and `vram_bytes` is a peak; None where nobody has measured it."""

    engine: str
    model: str
    took: Span
    basis: Basis = "same"
    pictures: int = 1
    start: Span = Span(0.0, 0.0, 0.0)
    lanes: int = 1
    marks: Marks | None = None
    vram_bytes: float | None = None
    label: str = ""

    @property
    def quality(self) -> float | None:
        return None if self.marks is None else self.marks.score

    @property
    def name(self) -> str:
        return self.label or self.model or self.engine

    def done(self, count: int) -> Span:
        """When `count` jobs of it are done, from now. Errors of different jobs are independent: their squares add."""
        rounds = math.ceil(count / max(1, self.lanes))
        middle = self.start.middle_s + rounds * self.took.middle_s
        below = math.hypot(self.start.middle_s - self.start.low_s,
                           math.sqrt(rounds) * (self.took.middle_s - self.took.low_s))
        above = math.hypot(self.start.high_s - self.start.middle_s,
                           math.sqrt(rounds) * (self.took.high_s - self.took.middle_s))
        return Span(middle, max(0.0, middle - below), middle + above)

    def cost_s(self, count: int) -> float:
        """Seconds of a worker's time."""
        return count * self.took.middle_s

    @property
    def picture_s(self) -> float:
        return self.took.middle_s / max(1, self.pictures)


def guess(option: Option) -> str:
    """How sure its time is; "" when such jobs have been run."""
    return {"same": "", "scaled": "other sizes of it have been run", "default": "it has not been run here yet"}[
        option.basis]


def grounds(marks: Marks) -> str:
    """What a score is drawn from."""
    count = max(1, round(marks.verdicts))
    return f"(from {many(count, 'verdict')}{f' with {marks.steps}' if marks.steps else ''})"


def described(option: Option) -> str:
    """One sentence: time, a picture, memory, quality, and how sure that is."""
    took = option.took
    parts = [f"{option.name} takes about {span(took.middle_s)} ({between(took.low_s, took.high_s)})"]
    if option.pictures > 1:
        parts.append(f"{span(option.picture_s)} for each of {many(option.pictures, 'picture')}")
    if option.vram_bytes:
        parts.append(f"at most {size(option.vram_bytes)} of VRAM so far")
    if option.marks is not None:
        parts.append(f"its pictures score {option.marks.score:.0f} of 100 {grounds(option.marks)}")
    return ", ".join(parts) + (f" ({guess(option)})" if guess(option) else "")
