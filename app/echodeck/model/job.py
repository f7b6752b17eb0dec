"""A job and its stages: the records everybody sees.

What may happen to a job are the facts of `facts`; the one table that says what each does is in `transitions`.
Times are seconds since the Unix epoch (`_s`), durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .usage import Usage
from .verdict import Verdict

Options = Mapping[str, str | int | float | bool]


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


BRAIN = "brain"
"""As `Job.paused_by`: no person asked for it, so the brain may let the job go on by itself."""
TERMINAL = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class StageState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What is to be generated.

    `options` holds what only one engine knows. `shape` names the kind of work where the model alone does not: jobs of
    one shape go through the same stages, and the history of their times is kept by it (see `workflow.shape`).
    """

    engine: str
    model: str
    title: str = ""
    type: str = "image"
    prompt: str = ""
    width: int = 0
    height: int = 0
    steps: int = 0
    seed: int = 0
    batch: int = 1
    frames: int = 1
    sampler: str = ""
    scheduler: str = ""
    shape: str = ""
    options: Options = field(default_factory=dict)

    @property
    def resolution(self) -> str:
        return f"{self.width}×{self.height}" if self.width and self.height else ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a job. `steps` is 0 where the stage has none; `expected_s` is the estimate for the whole stage."""

    name: str
    status: StageState = StageState.PENDING
    step: int = 0
    steps: int = 0
    started_s: float | None = None
    duration_s: float | None = None
    expected_s: float | None = None


@dataclass(frozen=True, slots=True)
class JobError:
    """`needed_bytes` and `free_bytes` are of memory that was lacking, 0 where the engine does not say."""

    kind: str
    message: str
    retryable: bool = False
    detail: str = ""
    needed_bytes: int = 0
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """A file that the job produced, at `path` on the machine `host`.

    `link` is the address of the original where another program keeps it; `path` is then a small picture of it, or ""
    if there is none.
    """

    path: str
    kind: str = "image/png"
    width: int = 0
    height: int = 0
    size_bytes: int = 0
    frames: int = 1
    host: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a job is to reach, where its model is left to the brain (`auto`), and by when.

    `quality` is "draft", "standard", "final", or "" for any. `allow` names what may be made smaller so that it fits in
    memory ("batch", "tiles", "resolution"), and "steps" if there may be more of them than were asked for. `ladder` is
    the ladder that its model stands on ("": its engine's own), `keep` are the fields of the spec that somebody set on
    purpose, which no rung changes.
    """

    auto: bool = False
    quality: str = ""
    deadline_s: float | None = None
    allow: tuple[str, ...] = ()
    ladder: str = ""
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt that failed and was followed by another: what went wrong where, and what was done about it.

    `cure` is "again", "free", "batch", "tiles", "resolution", "worker", or "ladder".
    """

    at_s: float
    attempt: int
    host: str
    error: JobError
    cure: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Climb:
    """A move on a ladder of models, from one rung to another (their names; "" before the first choice).

    `cause` is "choice", "verdict", "failure", "memory", "deadline", or "steps": the same rung once more, with more of
    them. `expects` says in words what is hoped for.
    """

    at_s: float
    start: str
    to: str
    cause: str
    reason: str
    expects: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A generation, as everybody sees it.

    `origin` is "echodeck" for jobs of our own queue, "observed" for those that another client gave to a server we
    watch, "script" for those that a program tells of. The last two are `foreign`: they live elsewhere, `worker_id` is
    who tells of them from the beginning on, and the queue never gives them out.

    `rank` orders the pending jobs (smallest first). `request` is a command ("pause", "resume", "cancel", "move") that
    the worker has been asked and has not confirmed. `cannot` says of commands why they are impossible, `metrics` has
    the latest figures that the job told of itself. `paused_total_s` is the time spent paused in this attempt, `lost`
    how often a worker was lost. `usage` is what each stage of this attempt took of its machine, in their order; known
    some seconds after the end, empty where nothing was measured. `verdicts` are on the outputs that could be judged;
    they come a little after the end. `removed`: it has ended and was taken off the list; only the history still has it.

    `not_before_s` is until when it waits before it is tried again, `avoid` the hosts it does not fit on, `tries` what
    went wrong before, `climbs` its moves on the ladder of models. `asked` is the spec as it was asked for, if something
    was changed since. `follows` is the job whose picture was not good enough, so that this one was queued.

    `after` are the jobs that it comes after, `waits` those of them that have not ended: while there are any, it is not
    given out. When one of them does not complete it is called off, and `called_off` says why; with `on_failure`
    "continue" it goes on all the same.
    """

    id: str
    spec: JobSpec
    state: JobState = JobState.PENDING
    request: str = ""
    priority: int = 0
    rank: float = 0.0
    user: str = ""
    origin: str = "echodeck"
    created_s: float = 0.0
    started_s: float | None = None
    finished_s: float | None = None
    attempt: int = 0
    lost: int = 0
    worker_id: str = ""
    host: str = ""
    stages: tuple[Stage, ...] = ()
    stage_index: int = 0
    progress: float = 0.0
    error: JobError | None = None
    outputs: tuple[Output, ...] = ()
    paused_by: str = ""
    paused_s: float | None = None
    paused_total_s: float = 0.0
    cancelled_by: str = ""
    moved_by: str = ""
    after: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    on_failure: str = "cancel"
    called_off: str = ""
    cannot: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    usage: tuple[Usage, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    removed: bool = False
    seq: int = 0
    wish: Wish = Wish()
    not_before_s: float = 0.0
    avoid: tuple[str, ...] = ()
    tries: tuple[Try, ...] = ()
    climbs: tuple[Climb, ...] = ()
    asked: JobSpec | None = None
    follows: str = ""

    @property
    def held(self) -> bool:
        """Paused before any worker took it, so there is nobody to ask."""
        return self.state is JobState.PAUSED and not self.worker_id

    @property
    def in_hand(self) -> bool:
        """A worker has it."""
        return bool(self.worker_id) and self.state in (JobState.RUNNING, JobState.PAUSED)

    @property
    def foreign(self) -> bool:
        """It lives in another program's queue, or in a script."""
        return self.origin != "echodeck"

    @property
    def kept(self) -> bool:
        """Somebody answers for it: the worker that has it in hand, or who tells of it while it waits elsewhere."""
        return bool(self.worker_id) and self.state not in TERMINAL

    def spent(self, attempt: int) -> bool:
        """That attempt has failed, and another follows it."""
        return any(one.attempt == attempt for one in self.tries)

    @property
    def stage(self) -> Stage | None:
        return self.stages[self.stage_index] if self.stage_index < len(self.stages) else None

    def elapsed_s(self, now_s: float) -> float:
        """Seconds of work in this attempt: time paused does not count."""
        if self.started_s is None:
            return 0.0
        end = self.finished_s if self.finished_s is not None else now_s
        paused = self.paused_total_s
        if self.paused_s is not None and self.state is JobState.PAUSED:
            paused += max(0.0, end - self.paused_s)
        return max(0.0, end - self.started_s - paused)
