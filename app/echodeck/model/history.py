"""What finished stages teach about those to come: medians and variances of log-durations.

Durations are taken to be log-normal, so everything here is in natural logarithms of seconds. The centre is the median
and the spread is 1.4826 · MAD, drawn towards a prior worth PRIOR_RUNS observations, so that one odd run neither moves
the one nor widens the other, and three equal runs do not pretend to certainty. The variance handed out is that of the
*next* observation: (1 + 1/n) times the spread squared.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal, TypeVar

from .job import JobSpec
from .profile import FLAT, Profile, Profiles
from .record import StageRun

KEPT_RUNS = 50
KEPT_KEYS = 2_000
MIN_S, MAX_S = 1e-3, 1e8
"""Durations are held inside these bounds before their logarithm is taken."""

PRIOR_RUNS = 4.0
PRIOR_VARIANCE = 0.15**2
PRIOR_SLOPE_WEIGHT = 1.0
SCALED_VARIANCE = 0.2**2
SCALED_VARIANCE_PER_LOG2 = 0.15**2

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
    model scaled to it, or nothing. `runs_s` are the runs of a stage without steps, brought to its size.
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


_Key = tuple[str, str, str, str, int, int, int, int, int]
_Near = tuple[str, str, str, str]
_Kind = tuple[str, str, str]
"""Engine, model and shape: jobs of one kind go through the same stages."""
_K = TypeVar("_K")


class History:
    """The latest runs of each kind of stage; bounded however long it learns.

    `StageRun.steps` is the number of steps of that stage; it does not matter for a stage that has none. The plan of a
    kind of job is the stages that its latest job went through: what a server has kept since is not done again.
    """

    def __init__(self, runs: Iterable[StageRun] = ()) -> None:
        self._same: dict[_Key, deque[StageRun]] = {}
        self._near: dict[_Near, deque[StageRun]] = {}
        self._plans: dict[_Kind, tuple[str, dict[str, bool]]] = {}
        self.profiles = Profiles()
        runs = list(runs)
        # The runs of a job are learnt together, as they are while it is watched.
        ended_s: dict[str, float] = {}
        for run in runs:
            ended_s[run.job_id] = max(run.at_s, ended_s.get(run.job_id, run.at_s))
        for run in sorted(runs, key=lambda run: (ended_s[run.job_id], run.job_id, run.at_s)):
            self.add(run)

    def add(self, run: StageRun) -> None:
        """Learn from one more run; it counts as the latest."""
        _remember(self._same, _key_of_run(run), run)
        _remember(self._near, (run.engine, run.model, run.shape, run.stage), run)
        job_id, stages = self._plans.get((run.engine, run.model, run.shape), (run.job_id, {}))
        stages = stages if job_id == run.job_id else {}
        self._plans[run.engine, run.model, run.shape] = run.job_id, {**stages, run.stage: _stepped(run)}

    def plan(self, spec: JobSpec) -> tuple[tuple[str, int], ...]:
        """The stages a job of this kind goes through, as (name, steps); one stage if none was ever seen."""
        _, seen = self._plans.get((spec.engine, spec.model, spec.shape), ("", {}))
        if not seen:
            return (("generate", max(0, spec.steps)),)
        return tuple((name, max(0, spec.steps) if stepped else 0) for name, stepped in seen.items())

    def expect(self, spec: JobSpec, stage: str, steps: int) -> Expectation:
        """What `stage` of a job `spec`, with that many steps (0 for none), should take."""
        found = self._expect(spec, stage, steps)
        return replace(found, profile=self.profiles.of((spec.engine, spec.model, spec.shape, stage), steps))

    def _expect(self, spec: JobSpec, stage: str, steps: int) -> Expectation:
        key = (spec.engine, spec.model, spec.shape, stage, spec.width, spec.height, max(0, steps), spec.frames,
               spec.batch)
        same = [run for run in self._same.get(key, ()) if _stepped(run) == (steps > 0)]
        if same:
            return _from_runs(same, lambda run: 0.0, steps)
        near_key = (spec.engine, spec.model, spec.shape, stage)
        near = [run for run in self._near.get(near_key, ()) if _stepped(run) == (steps > 0)]
        if near:
            size = _log_size(spec.width, spec.height, spec.frames, spec.batch)
            return _from_runs(near, lambda run: size - _log_size(run.width, run.height, run.frames, run.batch), steps,
                              scaled=True)
        if steps <= 0:
            return Expectation(DEFAULT_STAGE_S, DEFAULT_VARIANCE, "default")
        whole_s = DEFAULT_STEP_S * (steps - 1 + math.exp(DEFAULT_WARM))
        return Expectation(whole_s, DEFAULT_VARIANCE, "default", DEFAULT_STEP_S, DEFAULT_VARIANCE, DEFAULT_WARM,
                           DEFAULT_WARM_VARIANCE)


def log_s(duration_s: float) -> float:
    """The natural logarithm of a duration, whatever it is held to a sensible one."""
    return math.log(min(max(duration_s, MIN_S), MAX_S))


def _remember(kept: dict[_K, deque[StageRun]], key: _K, run: StageRun) -> None:
    runs = kept.pop(key, None) or deque(maxlen=KEPT_RUNS)
    runs.append(run)
    kept[key] = runs  # put back at the end, so that the first key is the one unused for longest
    if len(kept) > KEPT_KEYS:
        del kept[next(iter(kept))]


def _stepped(run: StageRun) -> bool:
    return run.first_s > 0 or run.step_s > 0


def _key_of_run(run: StageRun) -> _Key:
    steps = run.steps if _stepped(run) else 0
    return (run.engine, run.model, run.shape, run.stage, run.width, run.height, steps, run.frames, run.batch)


def _log_size(width: int, height: int, frames: int, batch: int) -> float:
    """ln(pixels × frames × batch); an engine that knows no sizes has 1 pixel."""
    return math.log(max(1, width) * max(1, height) * max(1, frames) * max(1, batch))


def _from_runs(runs: Sequence[StageRun], apart: Callable[[StageRun], float], steps: int, *,
               scaled: bool = False) -> Expectation:
    """`apart` is by how much larger (in log size) the wanted stage is than a run's."""
    basis: Basis = "scaled" if scaled else "same"
    sizes = [apart(run) for run in runs]
    if steps <= 0:
        # Loading a model takes no longer for a larger picture, decoding does: half-way until the runs tell.
        middle, variance = _centre([log_s(run.duration_s) for run in runs], sizes, 0.5)
        there = tuple(math.exp(log_s(run.duration_s) + 0.5 * size) for run, size in zip(runs, sizes, strict=True))
        return Expectation(math.exp(middle), variance, basis, runs_s=there)
    whole = [log_s(run.duration_s) + math.log(steps / max(1, run.steps)) for run in runs]
    middle, variance = _centre(whole, sizes, 1.0)
    rates = [(log_s(run.step_s or run.first_s), size) for run, size in zip(runs, sizes, strict=True)]
    step, step_variance = _centre([rate for rate, _ in rates], [size for _, size in rates], 1.0)
    warms = [log_s(run.first_s) - log_s(run.step_s) for run in runs if run.first_s > 0 and run.step_s > 0]
    warm, warm_variance = _centre(warms, [0.0] * len(warms), 0.0) if warms else (DEFAULT_WARM, DEFAULT_WARM_VARIANCE)
    return Expectation(math.exp(middle), variance, basis, math.exp(step), step_variance, warm, warm_variance)


def _centre(logs: Sequence[float], apart: Sequence[float], slope: float) -> tuple[float, float]:
    """The median of `logs` brought to the wanted size, and the variance of the next one.

    The power of the size that durations grow with is fitted, drawn towards `slope`; what had to be brought from far
    is less certain.
    """
    if any(apart):
        x_mean, y_mean = sum(apart) / len(apart), sum(logs) / len(logs)
        sxx = sum((x - x_mean) ** 2 for x in apart)
        # `apart` counts from the run to the wanted size, so durations fall with it.
        sxy = -sum((x - x_mean) * (y - y_mean) for x, y in zip(apart, logs, strict=True))
        slope = min(2.0, max(0.0, (PRIOR_SLOPE_WEIGHT * slope + sxy) / (PRIOR_SLOPE_WEIGHT + sxx)))
    there = [y + slope * x for x, y in zip(apart, logs, strict=True)]
    middle = median(there)
    n = len(there)
    spread = (1.4826 * median(abs(y - middle) for y in there)) ** 2
    variance = (PRIOR_RUNS * PRIOR_VARIANCE + n * spread) / (PRIOR_RUNS + n) * (1.0 + 1.0 / n)
    if any(apart):
        nearest = min(abs(x) for x in apart) / math.log(2.0)
        variance += SCALED_VARIANCE + SCALED_VARIANCE_PER_LOG2 * min(nearest, 8.0) ** 2
    return middle, variance
