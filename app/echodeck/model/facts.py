"""The facts of a job: frozen dataclasses, each with the time it happened. `transitions.advance` applies them.

Pausing and cancelling a job that somebody has in hand are requests (`…Asked`): the state changes when the worker
confirms (`…Now`). A job that nobody has in hand obeys at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .job import Climb, JobError, JobSpec, Output, Try
from .usage import Usage
from .verdict import Verdict


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
class MoveAsked:
    """Of a job that waits in another program's queue; `Moved` tells the place it got there."""

    at_s: float
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
class Adopted:
    """Who tells of a foreign job that waits elsewhere, or is found again."""

    at_s: float
    worker_id: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A foreign job that waited elsewhere has begun there."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """What the worker was asked cannot be done; `reason` is for people."""

    at_s: float
    command: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures that the job tells of itself, by name; the latest of each counts."""

    at_s: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Planned:
    """The worker says which stages the job has: (name, steps) each.

    Said again, it replaces what has not begun: which nodes of a workflow run, and in which order, shows on the way.
    """

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
class Metered:
    """What each stage of a job that has ended took of its machine."""

    at_s: float
    usage: tuple[Usage, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is thought of the outputs of a job that has completed, of those that could be read."""

    at_s: float
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker's lease ran out, or what it drives has forgotten the job. `rank` is where it goes in the queue."""

    at_s: float
    rank: float
    reason: str = "its worker was lost"


@dataclass(frozen=True, slots=True)
class Released:
    """The worker stops in good order and gives the job back; its place in the queue is the one it had."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Rerouted:
    """It is done in another way, or later, than was begun or planned: `tried` is the attempt that failed, `climb` the
    move on the ladder, whichever was the cause. `rank` is its place in the queue."""

    at_s: float
    rank: float
    spec: JobSpec
    not_before_s: float = 0.0
    avoid: tuple[str, ...] = ()
    tried: Try | None = None
    climb: Climb | None = None


@dataclass(frozen=True, slots=True)
class Awaits:
    """Which of the jobs that it comes after have not ended; none: it may go on."""

    at_s: float
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalledOff:
    """One of the jobs that it comes after has not completed; `reason` is for people."""

    at_s: float
    reason: str


Fact = (
    PauseAsked | ResumeAsked | CancelAsked | RetryAsked | MoveAsked | Moved | Claimed | Readopted | Adopted | Started
    | Refused | Measured | Planned | StageStarted | StageDone | Stepped | PausedNow | ResumedNow | CancelledNow
    | Completed | Failed | WorkerLost | Released | Metered | Rerouted | Awaits | CalledOff
    | Judged
)
