"""How good is the estimate? Simulated video jobs, our mean error beside tqdm's and elapsed-over-done.

The jobs are simulated from a seed: a model that loads, a sampler whose first step warms up, sometimes a hiccup,
sometimes a machine that throttles half-way, a decoder and a save. Everything is asked at the same moments.
"""

from __future__ import annotations

import io
import random
import time
from dataclasses import dataclass

from tqdm import tqdm

from echodeck.model.eta import History, JobEstimator, Reading
from echodeck.model.job import JobSpec
from echodeck.model.record import StageRun

SPEC = JobSpec(engine="sim", model="video", width=512, height=512, steps=30, frames=24)
STEPS = SPEC.steps
PLAN = (("load model", 0), ("sample", STEPS), ("decode", 0), ("save", 0))
MARKS = (0.10, 0.25, 0.50, 0.75)


@dataclass(frozen=True)
class Simulated:
    """A job as it really went: the duration of each stage, and of each step of the second. Seconds from its start."""

    load_s: float
    steps_s: tuple[float, ...]
    decode_s: float
    save_s: float

    @property
    def total_s(self) -> float:
        return self.load_s + sum(self.steps_s) + self.decode_s + self.save_s

    def runs(self, name: str, at_s: float) -> list[StageRun]:
        rest = sorted(self.steps_s[1:])
        took = {"load model": self.load_s, "sample": sum(self.steps_s), "decode": self.decode_s, "save": self.save_s}
        of_steps = (self.steps_s[0], rest[len(rest) // 2])
        return [
            StageRun(name, 1, SPEC.engine, SPEC.model, SPEC.width, SPEC.height, steps, SPEC.frames, SPEC.batch, stage,
                     at_s + index, took[stage], *(of_steps if steps else ()))
            for index, (stage, steps) in enumerate(PLAN)
        ]

    def events(self) -> list[tuple[float, str, int, float]]:
        """(at_s, what, step, duration_s) in order."""
        found, at_s = [(self.load_s, "load model", 0, self.load_s)], self.load_s
        for step, duration_s in enumerate(self.steps_s, 1):
            at_s += duration_s
            found.append((at_s, "step", step, duration_s))
        found.append((at_s, "sample", 0, sum(self.steps_s)))
        found.append((at_s + self.decode_s, "decode", 0, self.decode_s))
        return found


def simulate(rng: random.Random, *, throttle: float = 0.15, hiccup: float = 0.02) -> Simulated:
    """`throttle` is the chance that from some step on all take 1.6 times as long, `hiccup` that one takes 4 times."""
    pace = 2.0 * rng.lognormvariate(0.0, 0.10)
    slow_from = rng.randrange(5, STEPS) if rng.random() < throttle else STEPS
    steps = [pace * rng.lognormvariate(0.0, 0.08) for _ in range(STEPS)]
    steps[0] *= rng.lognormvariate(1.2, 0.2)
    steps = [step_s * (1.6 if i >= slow_from else 1.0) for i, step_s in enumerate(steps)]
    steps = [step_s * (4.0 if rng.random() < hiccup else 1.0) for step_s in steps]
    return Simulated(8.0 * rng.lognormvariate(0.0, 0.3), tuple(steps), 16.0 * rng.lognormvariate(0.0, 0.12),
                     3.0 * rng.lognormvariate(0.0, 0.2))


def history_of(rng: random.Random, jobs: int) -> History:
    return History(run for n in range(jobs) for run in simulate(rng).runs(f"past{n}", 1000.0 * n))


def ours(job: Simulated, history: History, at_s: float) -> Reading:
    """The estimate at `at_s`, from what was known then."""
    estimator = JobEstimator.start(SPEC, PLAN, history, 0.0)
    stages = {name: index for index, (name, _) in enumerate(PLAN)}
    estimator.stage_started(0, 0.0)
    for when_s, what, step, duration_s in job.events():
        if when_s > at_s:
            break
        if what == "step":
            estimator.step(1, step, when_s, duration_s)
        else:
            estimator.stage_done(stages[what], when_s, duration_s)
            estimator.stage_started(stages[what] + 1, when_s)
    return estimator.at(at_s)


UNITS = STEPS + len(PLAN) - 1


def units(job: Simulated, at_s: float) -> list[float]:
    """When each unit of a plain bar (a step, or a stage without steps) that is done at `at_s` was done."""
    return [when_s for when_s, what, _, _ in job.events() if when_s <= at_s and what != "sample"]


def peer_tqdm(job: Simulated, at_s: float) -> float | None:
    """tqdm's own estimate, smoothing 0.3 as is its default, on a clock that we set; None while it shows a "?"."""
    now_s = 0.0
    bar = tqdm(total=UNITS, smoothing=0.3, mininterval=0, miniters=1, file=io.StringIO())
    try:
        bar._time = lambda: now_s
        bar.start_t = bar.last_print_t = 0.0
        for now_s in units(job, at_s):  # noqa: B007 - the clock of the bar
            bar.update(1)
        rate = bar.format_dict["rate"]
        return (UNITS - bar.n) / rate if rate else None
    finally:
        bar.close()


def peer_elapsed(job: Simulated, at_s: float) -> float | None:
    """Elapsed time over the share of units done."""
    done = len(units(job, at_s))
    return at_s * (UNITS - done) / done if done else None


def errors(seed: int, jobs: int) -> dict[str, list[float]]:
    """Mean error in % of the true time left, at each of MARKS, over simulated jobs. "?" counts as 100 %."""
    rng = random.Random(seed)
    sums = {name: [0.0] * len(MARKS) for name in ("ours", "tqdm", "elapsed")}
    for _ in range(jobs):
        history, job = history_of(rng, 10), simulate(rng)
        for index, mark in enumerate(MARKS):
            at_s = mark * job.total_s
            truth_s = job.total_s - at_s
            guesses = {"ours": ours(job, history, at_s).eta_s, "tqdm": peer_tqdm(job, at_s),
                       "elapsed": peer_elapsed(job, at_s)}
            for name, guess_s in guesses.items():
                sums[name][index] += 100.0 if guess_s is None else 100.0 * abs(guess_s - truth_s) / truth_s
    return {name: [total / jobs for total in totals] for name, totals in sums.items()}


def coverage(seed: int, jobs: int) -> float:
    """The share of truths inside our 80 % interval, in %."""
    rng = random.Random(seed)
    inside = 0
    for _ in range(jobs):
        history, job = history_of(rng, 10), simulate(rng)
        for mark in MARKS:
            reading = ours(job, history, mark * job.total_s)
            inside += reading.low_s <= (1.0 - mark) * job.total_s <= reading.high_s
    return 100.0 * inside / (jobs * len(MARKS))


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Mean error of the time left at 10/25/50/75 % of simulated video jobs, in % of it; the peer is tqdm."""
    began_s, rounds = time.monotonic(), 0
    means: dict[str, list[float]] = {}
    while not rounds or time.monotonic() - began_s < seconds:
        found = errors(seed + rounds, 20)
        for name, values in found.items():
            before = means.get(name, [0.0] * len(MARKS))
            means[name] = [(b * rounds + v) / (rounds + 1) for b, v in zip(before, values, strict=True)]
        rounds += 1
    mean = {name: sum(values) / len(values) for name, values in means.items()}
    notes = "; ".join(f"{name} {'/'.join(f'{v:.0f}' for v in values)} %" for name, values in means.items())
    key = "mean_error_of_time_left_percent"
    return {"name": "eta", "ours": {key: mean["ours"]}, "peer": {key: mean["tqdm"]},
            "ratio": {key: mean["ours"] / mean["tqdm"]},
            "notes": f"peer: tqdm; at 10/25/50/75 % of {20 * rounds} "
                     f"simulated video jobs: {notes}; 80 % interval holds "
                     f"{coverage(seed, 100):.0f} %"}
