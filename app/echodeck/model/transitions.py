"""The one table that says what may happen to a job, and `advance`, which applies it.

What a fact does in which phase is looked up in `TRANSITIONS`; a pair that is not in the table is an
`IllegalTransition`.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from ..errors import IllegalTransition
from .facts import (
    Adopted,
    Awaits,
    CalledOff,
    CancelAsked,
    CancelledNow,
    Claimed,
    Completed,
    Fact,
    Failed,
    Judged,
    Measured,
    Metered,
    MoveAsked,
    Moved,
    PauseAsked,
    PausedNow,
    Planned,
    Readopted,
    Refused,
    Released,
    Rerouted,
    ResumeAsked,
    ResumedNow,
    RetryAsked,
    StageDone,
    StageStarted,
    Started,
    Stepped,
    WorkerLost,
)
from .job import BRAIN, TERMINAL, Job, JobError, JobState, StageState
from .stages import closed, planned, reopened

MAX_ATTEMPTS = 3
"""A job whose worker was lost this many times is failed instead of queued again."""
LOST = "lost"
"""The kind of error of a foreign job that nobody tells of any more; who finds it again may take it up."""
MOST_METRICS = 32
"""Figures of its own that a job may have; further names are passed over."""


class Phase(StrEnum):
    """A job's state, split by who has it: the rows of the table. A foreign job waits ELSEWHERE, and can be LOST."""

    PENDING = "pending"
    ELSEWHERE = "waiting elsewhere"
    HELD = "held"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"
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
    # Of jobs that come after others: they wait for those, and are called off with them.
    (_P.PENDING, Awaits): _P.PENDING,
    (_P.PENDING, CalledOff): _P.CANCELLED,
    (_P.HELD, Awaits): _P.HELD,
    (_P.HELD, CalledOff): _P.CANCELLED,
    # In another program's queue: asking only records the request, and what happens there is told.
    (_P.ELSEWHERE, CancelAsked): _P.ELSEWHERE,
    (_P.ELSEWHERE, MoveAsked): _P.ELSEWHERE,
    (_P.ELSEWHERE, Moved): _P.ELSEWHERE,
    (_P.ELSEWHERE, Adopted): _P.ELSEWHERE,
    (_P.ELSEWHERE, Refused): _P.ELSEWHERE,
    (_P.ELSEWHERE, Started): _P.RUNNING,
    (_P.ELSEWHERE, CancelledNow): _P.CANCELLED,
    (_P.ELSEWHERE, Completed): _P.COMPLETED,
    (_P.ELSEWHERE, Failed): _P.FAILED,
    (_P.ELSEWHERE, WorkerLost): _P.LOST,
    (_P.LOST, Adopted): _P.ELSEWHERE,
    (_P.LOST, Readopted): _P.RUNNING,
    (_P.LOST, RetryAsked): _P.PENDING,
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
    (_P.RUNNING, Started): _P.RUNNING,
    (_P.RUNNING, Refused): _P.RUNNING,
    (_P.RUNNING, Measured): _P.RUNNING,
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
    (_P.PAUSED, Refused): _P.PAUSED,
    (_P.PAUSED, Measured): _P.PAUSED,
    (_P.PAUSED, PausedNow): _P.PAUSED,
    (_P.PAUSED, ResumedNow): _P.RUNNING,
    (_P.PAUSED, CancelledNow): _P.CANCELLED,
    (_P.PAUSED, Completed): _P.COMPLETED,
    (_P.PAUSED, Failed): _P.FAILED,
    # The lease ran out: back to the queue, or ended if that was wanted, or failed after MAX_ATTEMPTS or because it is
    # foreign, and there is no queue of ours to go back to (see `advance`).
    (_P.RUNNING, WorkerLost): _P.PENDING,
    (_P.PAUSED, WorkerLost): _P.HELD,
    (_P.RUNNING, Released): _P.PENDING,
    (_P.PAUSED, Released): _P.HELD,
    # Done in another way, or later: after a failure that can be put right, or because its wish asks for it.
    (_P.RUNNING, Rerouted): _P.PENDING,
    (_P.PAUSED, Rerouted): _P.HELD,
    (_P.PENDING, Rerouted): _P.PENDING,
    (_P.HELD, Rerouted): _P.HELD,
    # Ended: what it took is known a little later.
    **{(phase, Metered): phase for phase in (_P.COMPLETED, _P.FAILED, _P.LOST, _P.CANCELLED)},
    (_P.COMPLETED, Judged): _P.COMPLETED,
    # Trying again what did not succeed.
    (_P.FAILED, RetryAsked): _P.PENDING,
    (_P.CANCELLED, RetryAsked): _P.PENDING,
}

_SPLIT = {_P.HELD: JobState.PAUSED, _P.ELSEWHERE: JobState.PENDING, _P.LOST: JobState.FAILED}
_STATE = {phase: _SPLIT[phase] if phase in _SPLIT else JobState(phase.value) for phase in Phase}


def phase_of(job: Job) -> Phase:
    if job.held:
        return Phase.HELD
    if job.foreign and job.state is JobState.PENDING:
        return Phase.ELSEWHERE
    if job.foreign and job.error is not None and job.error.kind == LOST:
        return Phase.LOST
    return Phase(job.state.value)


_ASKING = {PauseAsked: "pause", ResumeAsked: "resume", CancelAsked: "cancel", RetryAsked: "retry", Moved: "move",
           MoveAsked: "move"}


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
        Phase.ELSEWHERE: "it waits in another program's queue: cancel or move it",
        Phase.HELD: "resume or cancel it first",
        Phase.RUNNING: "pause or cancel it first",
        Phase.PAUSED: "resume or cancel it first",
        Phase.COMPLETED: "it is done; submit it again for another",
        Phase.FAILED: "retry it instead",
        Phase.LOST: "retry it instead",
        Phase.CANCELLED: "retry it instead",
    }[phase]


def _apply(job: Job, fact: Fact, target: Phase) -> Job:
    state = _STATE[target]
    match fact:
        case PauseAsked(at_s, by):
            if target is Phase.HELD:
                if job.held and job.paused_by != BRAIN:
                    return job
                return replace(job, state=state, paused_by=by, paused_s=at_s)
            if job.request == "cancel":
                return job
            if job.state is JobState.PAUSED and job.request != "resume":
                # What the brain holds, a person may keep.
                return replace(job, paused_by=by) if job.paused_by == BRAIN else job
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
        case RetryAsked(_, rank, by):
            # What was another's becomes ours: it is done again from our own queue.
            again = replace(job, rank=rank, error=None, outputs=(), cancelled_by="", moved_by="", attempt=0, lost=0,
                            origin="echodeck", cannot={}, user=job.user or by, not_before_s=0.0, avoid=(), tries=(),
                            waits=(), called_off="")
            if not job.wish.auto:  # where the model is left open, the rung that it stands on is kept
                again = replace(again, spec=job.asked or job.spec, asked=None)
            return _fresh(again, state)
        case MoveAsked(_, by):
            return job if job.request else replace(job, request="move", moved_by=by)
        case Moved(_, rank, priority, by):
            request = "" if job.request == "move" else job.request
            # Who moves a job that waits to be tried again wants it now.
            return replace(job, rank=rank, priority=priority, moved_by=by or job.moved_by, request=request,
                           not_before_s=0.0)
        case Claimed(at_s, worker_id, host):
            fresh = _fresh(job, state)
            return replace(fresh, attempt=job.attempt + 1, worker_id=worker_id, host=host, started_s=at_s)
        case Readopted(_, worker_id, host):
            return replace(reopened(job), state=state, worker_id=worker_id, host=host)
        case Adopted(_, worker_id, host):
            return replace(reopened(job), state=state, worker_id=worker_id, host=host)
        case Started(at_s):
            return job if job.state is JobState.RUNNING else replace(job, state=state, started_s=at_s, request=(
                "" if job.request == "move" else job.request))
        case Refused(_, command):
            return _refused(job, command) if job.request == command else job
        case Measured(_, values):
            known = {**job.metrics, **values}
            return replace(job, metrics=dict(list(known.items())[:MOST_METRICS]))
        case Planned(_, stages):
            return planned(job, stages)
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
            if job.request == "cancel" and job.in_hand:
                return _ended(job, JobState.CANCELLED, at_s)
            if job.foreign:
                return replace(_ended(job, JobState.FAILED, at_s), error=JobError(LOST, reason))
            if job.lost + 1 >= MAX_ATTEMPTS:
                why = JobError("worker_lost", f"{reason} (for the {MAX_ATTEMPTS}rd time)", retryable=True)
                return replace(_ended(job, JobState.FAILED, at_s), error=why)
            return _given_up(replace(job, rank=rank, lost=job.lost + 1), at_s, hold=target is Phase.HELD)
        case Metered(_, usage):
            return replace(job, usage=usage)
        case Judged(_, verdicts):
            return replace(job, verdicts=verdicts)
        case Awaits(_, jobs):
            return job if jobs == job.waits else replace(job, waits=jobs)
        case CalledOff(at_s, reason):
            return replace(_ended(job, state, at_s), called_off=reason)
        case Released(at_s):
            if job.request == "cancel":
                return _ended(job, JobState.CANCELLED, at_s)
            if job.foreign:
                return replace(_ended(job, JobState.FAILED, at_s), error=JobError(LOST, "who told of it has stopped"))
            return _given_up(job, at_s, hold=target is Phase.HELD)
        case Rerouted():
            return _rerouted(job, fact)


def _rerouted(job: Job, fact: Rerouted) -> Job:
    if job.foreign:
        raise IllegalTransition("command: what lives elsewhere is not done in another way from here", story(job))
    asked = job.asked if fact.spec == job.spec else job.asked or job.spec
    again = replace(
        job, spec=fact.spec, asked=None if asked == fact.spec else asked, rank=fact.rank,
        not_before_s=fact.not_before_s, avoid=fact.avoid, tries=(*job.tries, fact.tried) if fact.tried else job.tries,
        climbs=(*job.climbs, fact.climb) if fact.climb else job.climbs)
    if not job.in_hand:
        return again
    if job.request == "cancel":
        return _ended(again, JobState.CANCELLED, fact.at_s)
    return _given_up(again, fact.at_s, hold=job.state is JobState.PAUSED)


def _refused(job: Job, command: str) -> Job:
    """Nothing came of what was asked, and nobody is named as having done it."""
    return replace(
        job, request="", paused_by="" if command == "pause" else job.paused_by,
        cancelled_by="" if command == "cancel" else job.cancelled_by,
        moved_by="" if command == "move" else job.moved_by)


def _given_up(job: Job, at_s: float, *, hold: bool) -> Job:
    """Nobody has it in hand any more; what was asked of the worker holds of the queue."""
    hold = hold or job.request == "pause"
    return replace(job, state=JobState.PAUSED if hold else JobState.PENDING, worker_id="", host="", request="",
                   paused_s=at_s if hold else None)


def _fresh(job: Job, state: JobState) -> Job:
    return replace(job, state=state, request="", started_s=None, finished_s=None, worker_id="", host="", stages=(),
                   stage_index=0, progress=0.0, paused_by="", paused_s=None, paused_total_s=0.0, error=None,
                   metrics={}, usage=(), verdicts=())


def _ended(job: Job, state: JobState, at_s: float) -> Job:
    """The job ended: what ran is failed, completed or skipped with it, what had not begun is skipped."""
    last = {JobState.COMPLETED: StageState.COMPLETED, JobState.FAILED: StageState.FAILED}.get(state, StageState.SKIPPED)
    paused = job.paused_total_s
    if job.state is JobState.PAUSED and job.paused_s is not None:
        paused += max(0.0, at_s - job.paused_s)
    return replace(job, state=state, request="", finished_s=at_s, stages=closed(job.stages, last, at_s),
                   paused_total_s=paused, paused_s=None)


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
            step = stage.step if skipped or not stage.steps else stage.steps
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
    assert job.state is not JobState.PENDING or bool(job.worker_id) == job.foreign, story(job)
    assert not job.request or job.kept, story(job)
    assert (job.finished_s is not None) == (job.state in TERMINAL), story(job)
    assert job.error is None or job.state is JobState.FAILED, story(job)
    assert not job.usage or job.state in TERMINAL, story(job)
    assert not job.verdicts or job.state is JobState.COMPLETED, story(job)
    assert not job.called_off or job.state is JobState.CANCELLED, story(job)

