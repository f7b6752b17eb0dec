"""A job, its stages, and the one table that says what may happen to it.

Every change of a job is a *fact* (a frozen dataclass with the time it happened) given to `advance`. What a fact does
in which phase is looked up in `TRANSITIONS`; a pair that is not in the table is an `IllegalTransition`.

Pausing and cancelling a job that a worker has in hand are requests: the job's `request` says what was asked, and the
state changes when the worker confirms. A job that nobody has in hand obeys at once.

Times are seconds since the Unix epoch (`_s`), durations are seconds.

The module is over 400 lines because records, facts, table and `advance` are one thing, read and changed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..errors import IllegalTransition

MAX_ATTEMPTS = 3
"""A job whose worker was lost this many times is failed instead of queued again."""

Options = Mapping[str, str | int | float | bool]


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class StageState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What is to be generated. `options` holds what only one engine knows."""

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
    kind: str
    message: str
    retryable: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that the job produced, at `path` on the machine `host`."""

    path: str
    kind: str = "image/png"
    width: int = 0
    height: int = 0
    size_bytes: int = 0
    frames: int = 1
    host: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A generation, as everybody sees it.

    `rank` orders the pending jobs (smallest first). `request` is "pause", "resume", "cancel" or "" and is what the
    worker has been asked but has not confirmed. `paused_total_s` is the time spent paused in this attempt, `lost`
    how often a worker was lost. `removed`: it has ended and was taken off the list; only the history still has it.
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
    removed: bool = False
    seq: int = 0

    @property
    def held(self) -> bool:
        """Paused before any worker took it, so there is nobody to ask."""
        return self.state is JobState.PAUSED and not self.worker_id

    @property
    def in_hand(self) -> bool:
        """A worker has it."""
        return bool(self.worker_id) and self.state in (JobState.RUNNING, JobState.PAUSED)

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


# --- facts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PauseAsked:
    at_s: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    at_s: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class CancelAsked:
    at_s: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class RetryAsked:
    at_s: float
    rank: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    at_s: float
    rank: float
    priority: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    at_s: float
    worker_id: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Readopted:
    """The worker we had given up comes back and still has the job in hand."""

    at_s: float
    worker_id: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The worker says which stages the job has: (name, steps) each."""

    at_s: float
    stages: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class StageStarted:
    at_s: float
    index: int


@dataclass(frozen=True, slots=True)
class StageDone:
    at_s: float
    index: int
    duration_s: float
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Stepped:
    at_s: float
    index: int
    step: int


@dataclass(frozen=True, slots=True)
class PausedNow:
    at_s: float


@dataclass(frozen=True, slots=True)
class ResumedNow:
    at_s: float


@dataclass(frozen=True, slots=True)
class CancelledNow:
    at_s: float


@dataclass(frozen=True, slots=True)
class Completed:
    at_s: float
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    at_s: float
    error: JobError


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker's lease ran out. `rank` is where the job goes in the queue."""

    at_s: float
    rank: float
    reason: str = "its worker was lost"


@dataclass(frozen=True, slots=True)
class Released:
    """The worker stops in good order and gives the job back; its place in the queue is the one it had."""

    at_s: float


Fact = (
    PauseAsked | ResumeAsked | CancelAsked | RetryAsked | Moved | Claimed | Readopted | Planned | StageStarted
    | StageDone | Stepped | PausedNow | ResumedNow | CancelledNow | Completed | Failed | WorkerLost | Released
)

# --- the table -------------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """A job's state, with paused split by whether a worker has it: the rows of the table."""

    PENDING = "pending"
    HELD = "held"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_P = Phase

TRANSITIONS: dict[tuple[Phase, type], Phase] = {
    (_P.PENDING, PauseAsked): _P.HELD,
    (_P.PENDING, CancelAsked): _P.CANCELLED,
    (_P.PENDING, Moved): _P.PENDING,
    (_P.PENDING, Claimed): _P.RUNNING,
    (_P.PENDING, Readopted): _P.RUNNING,
    (_P.HELD, PauseAsked): _P.HELD,
    (_P.HELD, ResumeAsked): _P.PENDING,
    (_P.HELD, CancelAsked): _P.CANCELLED,
    (_P.HELD, Moved): _P.HELD,
    (_P.HELD, Readopted): _P.PAUSED,
    # In hand: asking only records the request.
    (_P.RUNNING, PauseAsked): _P.RUNNING,
    (_P.RUNNING, ResumeAsked): _P.RUNNING,
    (_P.RUNNING, CancelAsked): _P.RUNNING,
    (_P.PAUSED, PauseAsked): _P.PAUSED,
    (_P.PAUSED, ResumeAsked): _P.PAUSED,
    (_P.PAUSED, CancelAsked): _P.PAUSED,
    # In hand: what the worker says.
    (_P.RUNNING, Planned): _P.RUNNING,
    (_P.RUNNING, StageStarted): _P.RUNNING,
    (_P.RUNNING, StageDone): _P.RUNNING,
    (_P.RUNNING, Stepped): _P.RUNNING,
    (_P.RUNNING, PausedNow): _P.PAUSED,
    (_P.RUNNING, ResumedNow): _P.RUNNING,
    (_P.RUNNING, CancelledNow): _P.CANCELLED,
    (_P.RUNNING, Completed): _P.COMPLETED,
    (_P.RUNNING, Failed): _P.FAILED,
    # Held while its worker was away, or paused in mid-stage: the worker still tells what it has done.
    (_P.PAUSED, Planned): _P.PAUSED,
    (_P.PAUSED, StageStarted): _P.PAUSED,
    (_P.PAUSED, StageDone): _P.PAUSED,
    (_P.PAUSED, Stepped): _P.PAUSED,
    (_P.PAUSED, PausedNow): _P.PAUSED,
    (_P.PAUSED, ResumedNow): _P.RUNNING,
    (_P.PAUSED, CancelledNow): _P.CANCELLED,
    (_P.PAUSED, Completed): _P.COMPLETED,
    (_P.PAUSED, Failed): _P.FAILED,
    # The lease ran out: back to the queue, or ended if that was wanted, or failed after MAX_ATTEMPTS (see `advance`).
    (_P.RUNNING, WorkerLost): _P.PENDING,
    (_P.PAUSED, WorkerLost): _P.HELD,
    (_P.RUNNING, Released): _P.PENDING,
    (_P.PAUSED, Released): _P.HELD,
    # Trying again what did not succeed.
    (_P.FAILED, RetryAsked): _P.PENDING,
    (_P.CANCELLED, RetryAsked): _P.PENDING,
}

_STATE = {phase: JobState.PAUSED if phase is _P.HELD else JobState(phase.value) for phase in Phase}


def phase_of(job: Job) -> Phase:
    return Phase.HELD if job.held else Phase(job.state.value)


_ASKING = {PauseAsked: "pause", ResumeAsked: "resume", CancelAsked: "cancel", RetryAsked: "retry", Moved: "move"}


def advance(job: Job, fact: Fact) -> Job:
    """The job after `fact`. Raises IllegalTransition, with the job's story, when the table has no such row."""
    phase = phase_of(job)
    target = TRANSITIONS.get((phase, type(fact)))
    if target is None:
        what = _ASKING.get(type(fact), type(fact).__name__)
        raise IllegalTransition(f"command: cannot {what} a job that is {phase.value} ({_mend(phase)})", story(job))
    changed = _apply(job, fact, target)
    check(changed)
    return changed


def allowed(job: Job, fact_type: type) -> bool:
    return (phase_of(job), fact_type) in TRANSITIONS


def _mend(phase: Phase) -> str:
    return {
        Phase.PENDING: "it has not started: pause, cancel or move it",
        Phase.HELD: "resume or cancel it first",
        Phase.RUNNING: "pause or cancel it first",
        Phase.PAUSED: "resume or cancel it first",
        Phase.COMPLETED: "it is done; submit it again for another",
        Phase.FAILED: "retry it instead",
        Phase.CANCELLED: "retry it instead",
    }[phase]


def _apply(job: Job, fact: Fact, target: Phase) -> Job:
    state = _STATE[target]
    match fact:
        case PauseAsked(at_s, by):
            if target is Phase.HELD:
                return job if job.held else replace(job, state=state, paused_by=by, paused_s=at_s)
            if job.request == "cancel" or (job.state is JobState.PAUSED and job.request != "resume"):
                return job
            return replace(job, request="pause", paused_by=by)
        case ResumeAsked():
            if target is Phase.PENDING:
                return replace(job, state=state, paused_by="", paused_s=None)
            if job.request == "cancel" or (job.state is JobState.RUNNING and job.request != "pause"):
                return job
            return replace(job, request="resume")
        case CancelAsked(at_s, by):
            if target is Phase.CANCELLED:
                return replace(job, state=state, cancelled_by=by, finished_s=at_s, request="")
            return replace(job, request="cancel", cancelled_by=by)
        case RetryAsked(_, rank):
            return _fresh(replace(job, rank=rank, error=None, outputs=(), cancelled_by="", attempt=0, lost=0), state)
        case Moved(_, rank, priority, by):
            return replace(job, rank=rank, priority=priority, moved_by=by)
        case Claimed(at_s, worker_id, host):
            fresh = _fresh(job, state)
            return replace(fresh, attempt=job.attempt + 1, worker_id=worker_id, host=host, started_s=at_s)
        case Readopted(_, worker_id, host):
            return replace(job, state=state, worker_id=worker_id, host=host, finished_s=None)
        case Planned(_, stages):
            if job.stages:  # said again after a reconnect
                return job
            return replace(job, stages=tuple(Stage(name, steps=steps) for name, steps in stages), stage_index=0)
        case StageStarted() | StageDone() | Stepped():
            return _progressed(job, fact)
        case PausedNow(at_s):
            if job.state is JobState.PAUSED:  # said again: it still holds
                return replace(job, request="" if job.request == "pause" else job.request)
            return replace(job, state=state, paused_s=at_s, request="" if job.request == "pause" else job.request)
        case ResumedNow(at_s):
            if job.state is JobState.RUNNING:
                return replace(job, request="" if job.request == "resume" else job.request)
            paused = max(0.0, at_s - job.paused_s) if job.paused_s is not None else 0.0
            request = "" if job.request == "resume" else job.request
            return replace(job, state=state, paused_s=None, paused_by="", request=request,
                           paused_total_s=job.paused_total_s + paused)
        case CancelledNow(at_s):
            return _ended(job, state, at_s)
        case Completed(at_s, outputs):
            return replace(_ended(job, state, at_s), outputs=outputs, progress=100.0)
        case Failed(at_s, error):
            return replace(_ended(job, state, at_s), error=error)
        case WorkerLost(at_s, rank, reason):
            if job.request == "cancel":
                return _ended(job, JobState.CANCELLED, at_s)
            if job.lost + 1 >= MAX_ATTEMPTS:
                why = JobError("worker_lost", f"{reason} (for the {MAX_ATTEMPTS}rd time)", retryable=True)
                return replace(_ended(job, JobState.FAILED, at_s), error=why)
            return _given_up(replace(job, rank=rank, lost=job.lost + 1), at_s, hold=target is Phase.HELD)
        case Released(at_s):
            if job.request == "cancel":
                return _ended(job, JobState.CANCELLED, at_s)
            return _given_up(job, at_s, hold=target is Phase.HELD)


def _given_up(job: Job, at_s: float, *, hold: bool) -> Job:
    """Nobody has it in hand any more; what was asked of the worker holds of the queue."""
    hold = hold or job.request == "pause"
    return replace(job, state=JobState.PAUSED if hold else JobState.PENDING, worker_id="", host="", request="",
                   paused_s=at_s if hold else None)


def _fresh(job: Job, state: JobState) -> Job:
    return replace(job, state=state, request="", started_s=None, finished_s=None, worker_id="", host="", stages=(),
                   stage_index=0, progress=0.0, paused_by="", paused_s=None, paused_total_s=0.0, error=None)


def _ended(job: Job, state: JobState, at_s: float) -> Job:
    """The job ended: what ran is failed, completed or skipped with it, what had not begun is skipped."""
    last = {JobState.COMPLETED: StageState.COMPLETED, JobState.FAILED: StageState.FAILED}.get(state, StageState.SKIPPED)
    stages = []
    for stage in job.stages:
        if stage.status is StageState.RUNNING:
            took = max(0.0, at_s - stage.started_s) if stage.started_s is not None else None
            stage = replace(stage, status=last, duration_s=took)
        elif stage.status is StageState.PENDING:
            stage = replace(stage, status=StageState.SKIPPED)
        stages.append(stage)
    paused = job.paused_total_s
    if job.state is JobState.PAUSED and job.paused_s is not None:
        paused += max(0.0, at_s - job.paused_s)
    return replace(job, state=state, request="", finished_s=at_s, stages=tuple(stages), paused_total_s=paused,
                   paused_s=None)


def _progressed(job: Job, fact: StageStarted | StageDone | Stepped) -> Job:
    if not 0 <= fact.index < len(job.stages):
        raise IllegalTransition(f"index: stage {fact.index} of a job that has {len(job.stages)} stages", story(job))
    stages = list(job.stages)
    stage = stages[fact.index]
    ended = stage.status in (StageState.COMPLETED, StageState.SKIPPED)
    match fact:
        case StageStarted(at_s):
            if stage.status is not StageState.PENDING:  # said again after a reconnect
                return job
            stages[fact.index] = replace(stage, status=StageState.RUNNING, started_s=at_s)
        case StageDone(_, _, duration_s, skipped):
            if ended:
                return job
            status = StageState.SKIPPED if skipped else StageState.COMPLETED
            step = stage.step if skipped else stage.steps
            stages[fact.index] = replace(stage, status=status, duration_s=duration_s, step=step)
        case Stepped(at_s, _, step):
            if ended or step <= stage.step:
                return job
            started = stage.started_s if stage.started_s is not None else at_s
            stages[fact.index] = replace(stage, status=StageState.RUNNING, started_s=started, step=step)
    return replace(job, stages=tuple(stages), stage_index=max(job.stage_index, fact.index))


def story(job: Job) -> str:
    """How the job came to be where it is, in one line, for an error message or a log."""
    parts = [f"job {job.id}", f"state {job.state.value}"]
    if job.request:
        parts.append(f"asked to {job.request}")
    if job.worker_id:
        parts.append(f"worker {job.worker_id}, attempt {job.attempt}")
    if job.stage is not None:
        parts.append(f"stage {job.stage.name} {job.stage.step}/{job.stage.steps}")
    if job.error is not None:
        parts.append(f"error {job.error.message}")
    return ", ".join(parts)


def check(job: Job) -> None:
    """Assert what must hold of any job whatever happened to it; the tests call it after every fact."""
    assert 0.0 <= job.progress <= 100.0, story(job)
    assert (job.progress == 100.0) == (job.state is JobState.COMPLETED), story(job)
    assert job.state is not JobState.RUNNING or job.worker_id, story(job)
    assert job.state is not JobState.PENDING or not job.worker_id, story(job)
    assert not job.request or job.in_hand, story(job)
    assert (job.finished_s is not None) == (job.state in TERMINAL), story(job)
    assert job.error is None or job.state is JobState.FAILED, story(job)


