"""Jobs that are the first of their size, batch, film, number of steps or model, on machines that nobody has described.

Each life is another machine: how fast it is and how a step, a decode and a save grow with pixels, batch and frames is
drawn at random, each size is a little off that law, and models cost what they like. A life goes on from one
configuration to the next; of each the first job is judged, the others are only learnt from. The first configuration of
all is not judged.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from _jobs import SPEC, Machine, Made, Scenario

from echodeck.model.job import JobSpec

LIVES, CONFIGURATIONS, MOST_REPEATS = 4, 7, 4
SIDES = (256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 2048)
BATCHES, FILMS, COUNTS = (1, 2, 3, 4, 6, 8), (8, 12, 16, 24, 32, 48), (6, 8, 12, 20, 25, 30, 40, 50, 80)
MODELS = ("a", "b", "c", "d", "e", "f", "g")
Choose = Callable[[random.Random], JobSpec]


@dataclass(frozen=True)
class World:
    """How one machine's durations grow: exponents of a step, and how far a size is off by itself (deviation)."""

    pixels: float
    batch: float
    frames: float
    pictures: float
    off: float
    speed: float
    """How many times as long everything takes."""
    noise: float
    """Deviation of the log of each step, and of each job's pace: a machine alone, or one that others use."""
    day: float
    seed: int

    @classmethod
    def drawn(cls, rng: random.Random) -> World:
        return cls(rng.uniform(0.85, 1.5), rng.uniform(0.6, 1.05), rng.uniform(0.75, 1.2), rng.uniform(0.8, 1.05),
                   rng.uniform(0.0, 0.2), rng.lognormvariate(0.0, 1.0), rng.uniform(0.02, 0.2), rng.uniform(0.02, 0.2),
                   rng.getrandbits(32))

    def machine(self, spec: JobSpec) -> Machine:
        """The same for the same configuration, always."""
        area = spec.width * spec.height / 1024**2
        pictures = self.speed * area * (spec.batch * spec.frames) ** self.pictures
        cost = self.speed * random.Random(f"{self.seed} {spec.model}").lognormvariate(0.0, 0.7)
        off = random.Random(f"{self.seed} {spec.model} {spec.width} {spec.height} {spec.batch} {spec.frames}")
        step_s = area**self.pixels * spec.batch**self.batch * spec.frames**self.frames
        step_s *= cost * off.lognormvariate(0.0, self.off)
        return Machine(load_s=4.0 * cost, step_s=step_s, decode_s=3.0 * pictures * off.lognormvariate(0.0, self.off),
                       save_s=0.5 * pictures, noise=self.noise, day=self.day, spec=spec)


def first(name: str, choose: Choose) -> Scenario:
    """Configurations one after the other, as they are chosen; a new machine every life."""

    def jobs(rng: random.Random) -> Iterator[Made]:
        world, made = World.drawn(rng), list[JobSpec]()
        while len(made) < CONFIGURATIONS:
            spec = choose(rng)
            if spec in made:
                continue
            made.append(spec)
            machine = world.machine(spec)
            yield from (machine.make(rng) for _ in range(rng.randint(1, MOST_REPEATS)))

    return Scenario(f"first of its {name}", jobs, count=CONFIGURATIONS * MOST_REPEATS, firsts=True)


def _sized(rng: random.Random) -> JobSpec:
    return replace(SPEC, width=rng.choice(SIDES), height=rng.choice(SIDES))


def _batched(rng: random.Random) -> JobSpec:
    return replace(SPEC, width=512, height=512, batch=rng.choice(BATCHES)) if rng.random() < 0.7 else replace(
        SPEC, width=rng.choice(SIDES[:4]), height=512)


def _filmed(rng: random.Random) -> JobSpec:
    return replace(SPEC, width=rng.choice(SIDES[:3]), height=256, frames=rng.choice((1, *FILMS)))


def _counted(rng: random.Random) -> JobSpec:
    return replace(SPEC, width=rng.choice(SIDES[4:7]), height=1024, steps=rng.choice(COUNTS))


def _modelled(rng: random.Random) -> JobSpec:
    return replace(SPEC, width=rng.choice(SIDES[4:7]), height=1024, model=rng.choice(MODELS))


FIRSTS = (first("size", _sized), first("batch", _batched), first("film", _filmed), first("number of steps", _counted),
          first("model", _modelled))
