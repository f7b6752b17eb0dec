"""What a stage should take, drawn from runs of the same kind, or from the law that they grow by.

Durations are taken to be log-normal, so everything here is in natural logarithms of seconds. The centre is the median
and the spread is 1.4826 · MAD, drawn towards a prior worth PRIOR_RUNS observations, so that one odd run neither moves
the one nor widens the other, and three equal runs do not pretend to certainty. The variance handed out is that of the
*next* observation: (1 + 1/n) times the spread squared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from .profile import FLAT, Profile
from .record import StageRun
from .scaling import PRIOR_RUNS, PRIOR_VARIANCE, Law, Size

MIN_S, MAX_S = 1e-3, 1e8
"""Durations are held inside these bounds before their logarithm is taken."""
COUNT_VARIANCE = 0.1**2
"""Of the log of a step where another number of steps was asked for."""

DEFAULT_STAGE_S = 2.0
DEFAULT_STEP_S = 0.7
DEFAULT_VARIANCE = 1.2**2
DEFAULT_WARM = math.log(1.5)
DEFAULT_WARM_VARIANCE = 0.6**2

Basis = Literal["same", "scaled", "default"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a stage should take. `variance` is of the log of its duration.

    For a stage with steps also the step's median and the variance of its log, and by how much the first step (which
    warms up) is longer: `warm` is the log of first step over the others, `warm_variance` its variance. `profile` is how
    its steps differ from one another. `basis` says what it was drawn from: runs of the same size, runs of the same
    model scaled to it, or nothing but what other models take. `runs_s` are the runs of a stage without steps, brought
    to its size.
    """

    median_s: float
    variance: float
    basis: Basis
    step_s: float = 0.0
    step_variance: float = 0.0
    warm: float = 0.0
    warm_variance: float = 0.0
    profile: Profile = FLAT
    runs_s: tuple[float, ...] = ()


def log_s(duration_s: float) -> float:
    """The natural logarithm of a duration, whatever it is held to a sensible one."""
    return math.log(min(max(duration_s, MIN_S), MAX_S))


def stepped(run: StageRun) -> bool:
    return run.first_s > 0 or run.step_s > 0


def pace_of(run: StageRun) -> float:
    """The log of what a law is drawn from: the usual step, or a stage that has none."""
    return log_s((run.step_s or run.first_s) if stepped(run) else run.duration_s)


def unknown(steps: int) -> Expectation:
    """Of a stage nobody has seen."""
    if steps <= 0:
        return Expectation(DEFAULT_STAGE_S, DEFAULT_VARIANCE, "default")
    whole_s = DEFAULT_STEP_S * (steps - 1 + math.exp(DEFAULT_WARM))
    return Expectation(whole_s, DEFAULT_VARIANCE, "default", DEFAULT_STEP_S, DEFAULT_VARIANCE, DEFAULT_WARM,
                       DEFAULT_WARM_VARIANCE)


def repeated(runs: Sequence[StageRun], steps: int) -> Expectation:
    """From runs of the same size and the same number of steps."""
    middle, variance = _centre([log_s(run.duration_s) for run in runs])
    if steps <= 0:
        return Expectation(math.exp(middle), variance, "same", runs_s=tuple(math.exp(pace_of(run)) for run in runs))
    step, step_variance = _centre([pace_of(run) for run in runs])
    return Expectation(math.exp(middle), variance, "same", math.exp(step), step_variance, *_warmth(runs))


def recounted(runs: Sequence[StageRun], steps: int) -> Expectation:
    """From runs of the same size that had another number of steps."""
    step, variance = _centre([pace_of(run) for run in runs])
    return _of_steps("scaled", step, variance + COUNT_VARIANCE, runs, steps)


def scaled(law: Law, model: str, size: Size, runs: Sequence[tuple[StageRun, Size]], steps: int) -> Expectation:
    """From the law. `runs` are those of the model, or where it has none, others', each with its size."""
    basis: Basis = "scaled" if model in law.models else "default"
    middle, variance = law.at(model, size)
    if steps > 0:
        return _of_steps(basis, middle, variance, [run for run, _ in runs], steps)
    there = tuple(math.exp(pace_of(run) + law.shift(before, size)) for run, before in runs) if basis == "scaled" else ()
    return Expectation(math.exp(middle), variance, basis, runs_s=there)


def _of_steps(basis: Basis, step: float, variance: float, runs: Sequence[StageRun], steps: int) -> Expectation:
    """`step` is the log of a step. What is not in the steps (a hang, an end that belongs to them) grows with them."""
    warm, warm_variance = _warmth(runs)
    beside = median(log_s(run.duration_s) - log_s(_in_steps(run)) for run in runs)
    whole = step + math.log(steps - 1 + math.exp(warm)) + beside
    return Expectation(math.exp(whole), variance, basis, math.exp(step), variance, warm, warm_variance)


def _in_steps(run: StageRun) -> float:
    """Seconds, were all steps but the first the usual ones."""
    usual_s = run.step_s or run.first_s
    return (run.first_s or usual_s) + usual_s * max(0, run.steps - 1)


def _warmth(runs: Sequence[StageRun]) -> tuple[float, float]:
    warms = [log_s(run.first_s) - log_s(run.step_s) for run in runs if run.first_s > 0 and run.step_s > 0]
    return _centre(warms) if warms else (DEFAULT_WARM, DEFAULT_WARM_VARIANCE)


def _centre(logs: Sequence[float]) -> tuple[float, float]:
    """The median, and the variance of the next one."""
    middle, n = median(logs), len(logs)
    spread = (1.4826 * median(abs(y - middle) for y in logs)) ** 2
    return middle, (PRIOR_RUNS * PRIOR_VARIANCE + n * spread) / (PRIOR_RUNS + n) * (1.0 + 1.0 / n)
