"""What loading a model costs, and how fast each machine is: learnt from the jobs that ended. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from statistics import median

from ..model.job import Job, JobState, StageState

KEPT = 20
UNKNOWN_LOAD_S = 5.0
"""Of an engine that was never seen to load anything: enough to keep jobs of one model together."""
PRIOR_RUNS = 2.0
"""A machine's pace is drawn towards the usual one as by so many runs."""


def heavy(job: Job) -> str:
    """What has to be loaded for it: a name that jobs share if they share it."""
    return f"{job.spec.engine}/{job.spec.model}"


def load_s(job: Job) -> float:
    """Seconds that it spent loading."""
    return sum(stage.duration_s for stage in job.stages
               if stage.status is StageState.COMPLETED and stage.duration_s is not None and loads(stage.name))


def loads(stage: str) -> bool:
    name = stage.lower()
    return "load" in name and "image" not in name


class Costs:
    """`ended` is told of each job that completes, in the order of time; it learns what was loaded where from them."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._cold: dict[str, deque[float]] = {}
        self._warm: dict[str, deque[float]] = {}
        self._paces: dict[tuple[str, str], deque[float]] = {}
        self._loaded: dict[str, str] = {}
        for job in sorted(jobs, key=lambda job: job.started_s or 0.0):
            if job.started_s is not None and job.worker_id and not job.foreign:
                if job.state is JobState.COMPLETED:
                    self.ended(job, 0.0)
                self.begun(job)

    def begun(self, job: Job) -> None:
        """A worker has it in hand: its model is what will be loaded there."""
        self._loaded[job.worker_id] = heavy(job)

    def freed(self, engine: str) -> None:
        """The engine was told to let go of its models."""
        self._loaded = {worker: model for worker, model in self._loaded.items() if not model.startswith(f"{engine}/")}

    def cold(self, job: Job) -> bool:
        """Whether its worker had another model before."""
        return self._loaded.get(job.worker_id) != heavy(job)

    def ended(self, job: Job, expected_s: float, *, cold: bool | None = None) -> None:
        """`expected_s` is what it should have taken (0: not known), `cold` whether its model had to be loaded."""
        cold = self.cold(job) if cold is None else cold
        kept = self._cold if cold else self._warm
        kept.setdefault(heavy(job), deque(maxlen=KEPT)).append(load_s(job))
        took_s = job.elapsed_s(job.finished_s or 0.0)
        if expected_s > 0 and took_s > 0:
            paces = self._paces.setdefault((job.host, job.spec.engine), deque(maxlen=KEPT))
            paces.append(math.log(took_s / expected_s))

    def seen(self, model: str, *, cold: bool) -> bool:
        """Whether a job of this model has ended that found it so."""
        return model in (self._cold if cold else self._warm)

    def loaded(self, worker_id: str) -> str:
        return self._loaded.get(worker_id, "")

    def load_s(self, model: str) -> float:
        """What it takes longer when the model is not loaded yet."""
        cold = self._cold.get(model)
        if not cold:
            engine = model.split("/", 1)[0] + "/"
            known = [median(values) for name, values in self._cold.items() if name.startswith(engine)]
            return median(known) if known else UNKNOWN_LOAD_S
        return max(0.0, median(cold) - self.warm_s(model))

    def warm_s(self, model: str) -> float:
        """What its stage that loads takes when it is loaded already; 0 while that was not seen."""
        warm = self._warm.get(model)
        return median(warm) if warm else 0.0

    def pace(self, host: str, engine: str) -> float:
        """What a job takes there over what it takes on a usual machine."""
        logs = self._paces.get((host, engine), ())
        return math.exp(median(logs) * len(logs) / (len(logs) + PRIOR_RUNS)) if logs else 1.0
