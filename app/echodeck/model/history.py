"""What finished stages teach about those to come: the latest runs of each kind, and the laws that they grow by."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from .expect import Expectation, pace_of, recounted, repeated, scaled, stepped, unknown
from .job import JobSpec
from .profile import Profiles
from .record import StageRun
from .scaling import Law, Seen, Size, law_of, prior_of
from .workload import Latents, calls

KEPT_RUNS = 50
KEPT_KEYS = 2_000
KEPT_LAWS = 500
KEPT_MODELS = 8
OTHER_RUNS = 16

_Near = tuple[str, str, str, str]
"""Engine, model, shape and stage."""
_Exact = tuple[int, int, int, int, int]
"""Width, height, batch, frames, and how often a step asks the model."""
_Key = tuple[_Near, _Exact, int]
"""And the number of steps."""
_Kind = tuple[str, str, str]
"""Engine, model and shape: jobs of one kind go through the same stages."""
_K = TypeVar("_K")


class History:
    """The latest runs of each kind of stage; bounded however long it learns.

    `StageRun.steps` is the number of steps of that stage; it does not matter for a stage that has none. The plan of a
    kind of job is the stages that its latest job went through: what a server has kept since is not done again.
    """

    def __init__(self, runs: Iterable[StageRun] = (),
                 latents: Callable[[str], Latents | None] = lambda engine: None) -> None:
        self._latents = latents
        """What an engine says of the grid that its steps work on."""
        self._same: dict[_Key, deque[StageRun]] = {}
        self._near: dict[_Near, deque[StageRun]] = {}
        self._plans: dict[_Kind, tuple[str, dict[str, bool]]] = {}
        self._models: dict[tuple[str, str], dict[str, None]] = {}
        """The models of each engine and shape, the latest last."""
        self._laws: dict[tuple[_Near, bool, Latents | None], Law | None] = {}
        """Made when they are asked for, until another run is learnt."""
        self._in_hand: dict[str, StageRun] = {}
        """Of each job in hand, the steps of its latest stage so far."""
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
        near = _near(run, run.stage)
        _remember(self._same, (near, _exact(run, run.steps), run.steps if stepped(run) else 0), run)
        _remember(self._near, near, run)
        models = self._models.setdefault((run.engine, run.shape), {})
        models.pop(run.model, None)
        models[run.model] = None
        if len(models) > KEPT_MODELS:
            del models[next(iter(models))]
        self._laws.clear()
        job_id, stages = self._plans.get((run.engine, run.model, run.shape), (run.job_id, {}))
        stages = stages if job_id == run.job_id else {}
        self._plans[run.engine, run.model, run.shape] = run.job_id, {**stages, run.stage: stepped(run)}

    def glimpse(self, run: StageRun) -> None:
        """Steps that a stage of a job in hand has done: what waits and is like it needs not wait for its end."""
        self._in_hand[run.job_id] = run
        self._laws.clear()

    def forget(self, job_id: str) -> bool:
        """The job is in hand no more; if it completed, its runs are learnt. Returns whether anything was known."""
        known = self._in_hand.pop(job_id, None) is not None
        if known:
            self._laws.clear()
        return known

    def models(self, engine: str, shape: str) -> set[str]:
        """The models of which a job of this shape was seen."""
        return {model for kind, model, seen in self._plans if (kind, seen) == (engine, shape)}

    def plan(self, spec: JobSpec) -> tuple[tuple[str, int], ...]:
        """The stages a job of this kind goes through, as (name, steps); those of another model where this one was never
        seen, and one stage where none was."""
        models = [spec.model, *reversed(self._models.get((spec.engine, spec.shape), ()))]
        plans = (self._plans.get((spec.engine, model, spec.shape)) for model in models)
        _, seen = next((plan for plan in plans if plan is not None), ("", {}))
        if not seen:
            return (("generate", max(0, spec.steps)),)
        return tuple((name, max(0, spec.steps) if stepped else 0) for name, stepped in seen.items())

    def first(self, spec: JobSpec) -> bool:
        """Whether nothing of its size and number of steps was made before."""
        return any((_near(spec, stage), _exact(spec, steps), steps) not in self._same
                   for stage, steps in self.plan(spec))

    def expect(self, spec: JobSpec, stage: str, steps: int) -> Expectation:
        """What `stage` of a job `spec`, with that many steps (0 for none), should take."""
        found = self._expect(spec, stage, steps)
        return replace(found, profile=self.profiles.of((spec.engine, spec.model, spec.shape, stage), steps))

    def _expect(self, spec: JobSpec, stage: str, steps: int) -> Expectation:
        near, exact = _near(spec, stage), _exact(spec, steps)
        if same := _like(self._same.get((near, exact, max(0, steps)), ()), steps):
            return repeated(same, steps)
        own = self._runs(near, steps)
        if steps > 0 and (alike := [run for run in own if _exact(run, steps) == exact]):
            return recounted(alike, steps)
        law = self._law(near, steps)
        if law is None:
            return unknown(steps)
        runs = own or [run for runs in self._others(near, steps) for run in runs]
        return scaled(law, spec.model, self._size(spec, steps), [(run, self._size(run, steps)) for run in runs], steps)

    def _size(self, work: JobSpec | StageRun, steps: int) -> Size:
        latents = self._latents(work.engine) if steps > 0 else None
        factor = 1 if latents is None else latents.factor(work.width, work.height, work.frames)
        cells = max(1, work.width // factor) * max(1, work.height // factor)
        return Size(cells, max(1, work.batch), max(1, work.frames), calls(work.sampler) if steps > 0 else 1)

    def _law(self, near: _Near, steps: int) -> Law | None:
        """How a stage grows with its size, as far as is known just now."""
        key = (near, steps > 0, self._latents(near[0]))
        if key not in self._laws:
            if len(self._laws) >= KEPT_LAWS:
                self._laws.clear()
            own = self._runs(near, steps)
            seen = [one for runs in (*self._others(near, steps), own) for one in self._seen(runs, steps)]
            self._laws[key] = law_of(prior_of(near[3], stepped=steps > 0), near[1], seen)
        return self._laws[key]

    def _seen(self, runs: list[StageRun], steps: int) -> Iterator[Seen]:
        """The sizes of a model, the latest last.

        Of a stage without steps those runs tell that came after another size: what is loaded or prepared once for a
        size is found ready by the next of the same, but not by the first of a new one.
        """
        sizes: dict[Size, list[float]] = {}
        before: Size | None = None
        for run in runs:
            size = self._size(run, steps)
            if steps > 0 or size != before:
                sizes[size] = [*sizes.pop(size, []), pace_of(run)]
            before = size
        for size, logs in sizes.items():
            yield Seen(runs[0].model, size, logs)

    def _others(self, near: _Near, steps: int) -> list[list[StageRun]]:
        """The latest runs of the same stage with other models."""
        engine, model, shape, stage = near
        keys = [(engine, other, shape, stage) for other in self._models.get((engine, shape), ()) if other != model]
        return [runs[-OTHER_RUNS:] for key in keys if (runs := self._runs(key, steps))]

    def _runs(self, near: _Near, steps: int) -> list[StageRun]:
        """Of the stage with this model, those in hand last."""
        in_hand = (run for run in self._in_hand.values() if _near(run, run.stage) == near)
        return _like((*self._near.get(near, ()), *in_hand), steps)


def _remember(kept: dict[_K, deque[StageRun]], key: _K, run: StageRun) -> None:
    runs = kept.pop(key, None) or deque(maxlen=KEPT_RUNS)
    runs.append(run)
    kept[key] = runs  # put back at the end, so that the first key is the one unused for longest
    if len(kept) > KEPT_KEYS:
        del kept[next(iter(kept))]


def _near(work: JobSpec | StageRun, stage: str) -> _Near:
    return work.engine, work.model, work.shape, stage


def _exact(work: JobSpec | StageRun, steps: int) -> _Exact:
    return (work.width, work.height, max(1, work.batch), max(1, work.frames),
            calls(work.sampler) if steps > 0 else 1)


def _like(runs: Iterable[StageRun], steps: int) -> list[StageRun]:
    """Those that have steps, or those that have none."""
    return [run for run in runs if stepped(run) == (steps > 0)]
