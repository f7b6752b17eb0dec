"""What the hub shows: one class of payload a message type, and the functions that make them from records.

Every message about a record carries all a viewer shows of it, so the latest one is enough. Keys are camelCase for
jobs, as the existing clients read them; hosts and agents keep their snake_case names with units. Times are ISO 8601 in
UTC; durations are seconds, `progress` is percent.

The module is over 400 lines because it is a catalogue: one class a message type.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ..model.engine import EngineInfo
from ..model.job import Job, JobState
from ..model.record import Agent, Alert, Host, LogLine
from ..model.usage import Tariff, total
from ..model.verdict import Verdict
from .base import Show as Show
from .base import iso as iso
from .took import UsageView, usage_view
from .wishes import ClimbView, TryView, WishView, asked, climb_view, try_view, wish_view


class StageView(Show):
    name: str
    status: str
    duration: float | None = None
    step: int = 0
    steps: int = 0
    expected: float | None = None
    started_at: str | None = None


class OutputView(Show):
    url: str
    path: str
    kind: str
    width: int
    height: int
    size_bytes: int
    frames: int
    host: str
    link: str


class JobView(Show):
    """A generation, whole. `eta`, `etaLow`, `etaHigh` (an 80 % interval) count from `etaAt`; null when unknown.

    `origin` is "echodeck", or for jobs that live elsewhere "observed" or "script". `cannot` says of commands why they
    are impossible, `extras` which further ones there are ("skip"). `errorDetail` is what was tried and a traceback, as
    far as there are any, or null. `usage` is what all its stages took of the machine together; null until some seconds
    after the end, or if nobody measured it. `verdicts` are on its outputs, each by its place (`output`); empty until
    they come. One without a score could not be judged, and says why.

    `notBefore` is until when it waits to be tried again, `avoid` the hosts it did not fit on, `tries` what went wrong
    before, `climbs` its moves on a ladder of models. `asked` has what was asked for where it is another now, `follows`
    is the job whose picture was not good enough. `why` says why a waiting job is at its place in the queue, or why
    nobody takes it. `after` are the jobs that it comes after, `waits` those of them that have not ended; `calledOff`
    says why it was cancelled with one of them.
    """

    job_id: str
    id: str
    title: str
    type: str
    engine: str
    model: str
    prompt: str
    width: int
    height: int
    resolution: str
    steps: int
    seed: int
    batch: int
    frames: int
    sampler: str
    scheduler: str
    status: str
    request: str
    cannot: dict[str, str]
    extras: list[str]
    metrics: dict[str, float]
    progress_state: str
    progress: float
    current_step: int
    total_steps: int
    eta: float | None
    eta_low: float | None
    eta_high: float | None
    eta_at: str | None
    elapsed: float
    speed: float
    stage: str
    stage_index: int
    stage_count: int
    stages: list[StageView]
    priority: int
    position: int | None
    expected_start: str | None
    expected_start_low: str | None
    expected_start_high: str | None
    expected_end: str | None
    expected_end_low: str | None
    expected_end_high: str | None
    expected_duration: float | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    worker_id: str
    host: str
    user: str
    origin: str
    attempt: int
    error: str | None
    error_kind: str | None
    error_detail: str | None
    retryable: bool
    outputs: list[OutputView]
    paused_by: str
    paused_at: str | None
    cancelled_by: str
    moved_by: str
    usage: UsageView | None
    verdicts: list[Verdict]
    wish: WishView | None
    not_before: str | None
    avoid: list[str]
    tries: list[TryView]
    climbs: list[ClimbView]
    asked: dict[str, Any]
    follows: str
    why: str
    after: list[str]
    waits: list[str]
    called_off: str


class Outlook(Struct):
    """What is known of a job besides its record: its estimate, its place in the queue, when it should start.

    Durations in seconds; `at_s` is when the estimate was made; `start_s` and `end_s` are moments, with the bounds of
    their 80 % intervals. `expected_s` is one figure a stage. `why` is a reason for its place.
    """

    at_s: float
    eta_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    speed: float = 0.0
    position: int | None = None
    start_s: float | None = None
    duration_s: float | None = None
    expected_s: tuple[float, ...] = ()
    why: str = ""
    start_bounds_s: tuple[float | None, float | None] = (None, None)
    end_s: float | None = None
    end_bounds_s: tuple[float | None, float | None] = (None, None)


_NO_ENGINE = EngineInfo("")
_NO_TARIFF = Tariff()
_PROGRESS_STATE = {JobState.RUNNING: "running", JobState.PAUSED: "paused", JobState.FAILED: "error"}


def job_view(job: Job, outlook: Outlook, engine: EngineInfo = _NO_ENGINE, tariff: Tariff = _NO_TARIFF) -> JobView:
    """`engine` is what the job's engine says of itself now."""
    spec, stage = job.spec, job.stage
    ended = job.finished_s is not None
    stages = []
    for index, item in enumerate(job.stages):
        expected = outlook.expected_s[index] if index < len(outlook.expected_s) else item.expected_s
        stages.append(StageView(name=item.name, status=item.status.value, duration=item.duration_s, step=item.step,
                                steps=item.steps, expected=expected, started_at=iso(item.started_s)))
    outputs = [
        OutputView(url=f"/api/generations/{job.id}/outputs/{number}", path=out.path, kind=out.kind, width=out.width,
                   height=out.height, size_bytes=out.size_bytes, frames=out.frames, host=out.host, link=out.link)
        for number, out in enumerate(job.outputs)
    ]
    return JobView(
        job_id=job.id, id=job.id, title=spec.title, type=spec.type, engine=spec.engine, model=spec.model,
        prompt=spec.prompt, width=spec.width, height=spec.height, resolution=spec.resolution, steps=spec.steps,
        seed=spec.seed, batch=spec.batch, frames=spec.frames, sampler=spec.sampler, scheduler=spec.scheduler,
        status=job.state.value, request=job.request, cannot=_cannot(job, engine),
        extras=[name for name in engine.extras if name == "skip"] if job.in_hand else [], metrics=dict(job.metrics),
        progress_state=_PROGRESS_STATE.get(job.state, ""),
        progress=job.progress,
        current_step=stage.step if stage and not ended else 0, total_steps=stage.steps if stage and not ended else 0,
        eta=None if ended else outlook.eta_s, eta_low=None if ended else outlook.low_s,
        eta_high=None if ended else outlook.high_s, eta_at=iso(outlook.at_s),
        elapsed=round(job.elapsed_s(outlook.at_s), 3), speed=outlook.speed,
        stage=stage.name if stage else "", stage_index=job.stage_index, stage_count=len(job.stages), stages=stages,
        priority=job.priority, position=outlook.position, expected_start=iso(outlook.start_s),
        expected_start_low=iso(outlook.start_bounds_s[0]), expected_start_high=iso(outlook.start_bounds_s[1]),
        expected_end=iso(outlook.end_s), expected_end_low=iso(outlook.end_bounds_s[0]),
        expected_end_high=iso(outlook.end_bounds_s[1]), expected_duration=outlook.duration_s,
        created_at=iso(job.created_s), started_at=iso(job.started_s), finished_at=iso(job.finished_s),
        worker_id=job.worker_id, host=job.host, user=job.user, origin=job.origin, attempt=job.attempt,
        error=job.error.message if job.error else None,
        error_kind=job.error.kind if job.error else None,
        error_detail=job.error.detail or None if job.error else None, retryable=bool(job.error and job.error.retryable),
        outputs=outputs, paused_by=job.paused_by, paused_at=iso(job.paused_s), cancelled_by=job.cancelled_by,
        moved_by=job.moved_by, why=outlook.why, usage=usage_view(total(job.usage), tariff) if job.usage else None,
        verdicts=list(job.verdicts), wish=wish_view(job), not_before=iso(job.not_before_s or None),
        avoid=list(job.avoid),
        tries=[try_view(one) for one in job.tries], climbs=[climb_view(one) for one in job.climbs], asked=asked(job),
        follows=job.follows,
        after=list(job.after), waits=list(job.waits), called_off=job.called_off,
    )


def _cannot(job: Job, engine: EngineInfo) -> dict[str, str]:
    """Why commands are impossible: what the engine cannot do holds of jobs that it has, or that wait in its queue."""
    if job.kept:
        return {**engine.cannot, **job.cannot}
    return {name: why for name, why in job.cannot.items() if name == "retry"}


class PreviewView(Show):
    """`image` is a data URL."""

    job_id: str
    attempt: int
    step: int
    at: str
    image: str


class HostForgotten(Show):
    """A machine that was taken away for good."""

    name: str


class QueueItem(Show):
    """One line of the fixed protocol's queue."""

    id: str
    title: str
    type: str
    status: str
    priority: int
    created_at: str | None


class QueueStats(Show):
    pending: int = 0
    running: int = 0
    paused: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


class QueueUpdate(Show):
    """The order of everything not ended, what runs first, and the counts. `clearAt`: when all of it should be done."""

    order: list[str]
    items: list[QueueItem]
    stats: QueueStats
    clear_at: str | None = None
    clear_low: str | None = None
    clear_high: str | None = None
    reason: str = ""
    """Why nothing can be accepted just now; "" when it can."""


class Vram(Struct, frozen=True):
    nvidia: float = 0.0
    amd: float = 0.0


class Metrics(Show):
    """Percent, always numbers: existing clients call `.toFixed` on them."""

    cpu: float = 0.0
    memory: float = 0.0
    vram: Vram = Vram()
    generations_per_hour: float = 0.0
    avg_generation_time: float = 0.0
    success_rate: float = 0.0
    error_rate: float = 0.0


class MetricsUpdate(Struct):
    metrics: Metrics


class SystemStats(Struct):
    """The coordinator's state in the fixed protocol's words. `health` is "healthy" (and only then is `healthy` true),
    "degraded" (it works with a fault) or "unhealthy" (no job is accepted, or none can run); `reasons` say why."""

    healthy: bool = True
    consciousness: str = "idle"
    working_memory: str = "0/1"
    active_thoughts: int = 0
    emotional_state: str = "calm"
    agents: int = 0
    metrics: int = 0
    reasons: list[str] = []
    health: str = "healthy"


class SystemStatus(Struct):
    cpu: float
    memory: float
    vram: float
    stats: SystemStats


class InitialStatus(Struct):
    """`initial_state.system_status`: here `vram` is split by vendor and the stats lie beside it."""

    cpu: float
    memory: float
    vram: Vram
    healthy: bool
    consciousness: str
    working_memory: str
    active_thoughts: int
    emotional_state: str
    reasons: list[str] = []
    health: str = "healthy"


class AgentView(Struct):
    """An agent; `metadata` has host, kind, pid, version, engines, slots, jobs, since, seen."""

    id: str
    agent_id: str
    status: str
    progress: float
    metadata: dict[str, Any]


def agent_view(agent: Agent) -> AgentView:
    metadata = {
        "host": agent.host, "kind": agent.kind, "pid": agent.pid, "version": agent.version,
        "engines": list(agent.engines), "slots": agent.slots, "jobs": list(agent.jobs), "since": iso(agent.since_s),
        "seen": iso(agent.seen_s),
    }
    return AgentView(agent.id, agent.id, agent.status, agent.progress, metadata)


class AlertView(Show):
    id: str
    level: str
    title: str
    message: str
    at: str | None
    count: int
    cause: str
    job_id: str
    host: str
    acknowledged_by: str
    acknowledged_at: str | None
    resolved_at: str | None
    silenced_by: str = ""
    silenced_until: str | None = None
    jobs: tuple[str, ...] = ()
    """The latest jobs that it is about, the last of them last."""
    detail: str = ""
    """An error as it came, of which the message may have less."""


def alert_view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id, level=alert.level, title=alert.title, message=alert.message, at=iso(alert.at_s), count=alert.count,
        cause=alert.cause, job_id=alert.job_id, host=alert.host, acknowledged_by=alert.acknowledged_by,
        acknowledged_at=iso(alert.acknowledged_s), resolved_at=iso(alert.resolved_s), silenced_by=alert.silenced_by,
        silenced_until=iso(alert.silenced_until_s), jobs=alert.jobs, detail=alert.detail,
    )


class LogView(Show):
    id: str
    timestamp: str | None
    level: str
    source: str
    message: str
    job_id: str


def log_view(line: LogLine) -> LogView:
    return LogView(id=line.id, timestamp=iso(line.at_s), level=line.level, source=line.source, message=line.message,
                   job_id=line.job_id)


class Communication(Show):
    source: str
    message: str
    level: str
    id: str = ""
    to: str = ""
    job_id: str = ""
    at: str | None = None


class TaskCompletion(Struct):
    agent_id: str
    task_name: str
    job_id: str = ""


class UserView(Show):
    id: str
    name: str
    since: str | None
    connections: int


class Presence(Show):
    users: list[UserView]
    watching: int


class UserAction(Show):
    """Who did what to which job."""

    user: str
    action: str
    job_id: str
    title: str
    detail: str
    at: str | None


class Result(Show):
    """A `query_result` or `workflow_result`: `id` is the request's, `what` the question, `answer` depends on it."""

    id: str | None
    what: str
    answer: dict[str, Any]


class Ack(Struct):
    """`id` is the request's. `result` depends on the request: a submit has `jobIds`, a claim has `job`."""

    id: str | None
    result: dict[str, Any] = {}


class ErrorView(Struct):
    id: str | None
    code: str
    message: str
    field: str | None = None


class Pong(Show):
    """`now` is the hub's clock; `id` the request's."""

    id: str | None
    now: str | None


class JobCommand(Show, omit_defaults=True):
    """To the agent that has the job in hand. `before` and `after` name the neighbour that a move is to."""

    job_id: str
    attempt: int
    command: str
    before: str = ""
    after: str = ""


class EngineOrder(Show):
    """To the agents that have the engine."""

    engine: str
    command: str


class InitialState(Show):
    """Everything there is, on every new connection. The first four keys are the fixed protocol's own spelling."""

    system_status: InitialStatus = msgspec.field(name="system_status")
    agents: list[AgentView]
    alerts: list[AlertView]
    logs: list[LogView]
    jobs: list[JobView]
    queue: QueueUpdate
    queue_stats: QueueStats
    hosts: list[Host]
    engines: list[dict[str, Any]]
    users: list[UserView]
    watching: int
    metrics: Metrics
    parts: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    messages: list[Communication]
    channels: list[dict[str, Any]]
    estimates: list[dict[str, Any]]
    previews: list[PreviewView]
    seq: int
    protocol: int
    hub: str
    """The id of the hub's log, the same over restarts. Who resumes says it (`?after=SEQ&hub=ID`), so that `seq` of
    another log is not taken for one of this."""
    now: str
    version: str


def initial_status(status: SystemStatus, vram: Vram) -> InitialStatus:
    stats = status.stats
    return InitialStatus(status.cpu, status.memory, vram, stats.healthy, stats.consciousness, stats.working_memory,
                         stats.active_thoughts, stats.emotional_state, stats.reasons, stats.health)


def queue_item(job: Job) -> QueueItem:
    return QueueItem(id=job.id, title=job.spec.title, type=job.spec.type, status=job.state.value,
                     priority=job.priority, created_at=iso(job.created_s))

