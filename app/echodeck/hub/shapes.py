"""What REST answers that no WebSocket message is: the old dashboard's own shapes, and ours."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ..model.record import Host
from ..wire.show import AgentView, Communication, InitialState, JobView, LogView, QueueItem, Show
from ..wire.took import UsageView


class Health(Struct):
    """`status` is "healthy", "degraded" (it works with a fault) or "unhealthy" (no job is accepted, or none can run);
    `reasons` say why. The rest is the coordinator's state in its own words."""

    status: str
    consciousness: str
    working_memory: str
    active_thoughts: int
    emotional_state: str
    agents: int
    reasons: list[str]
    service: str
    version: str
    protocol: int
    seq: int
    accepting: bool


class SystemFigures(Struct):
    """GB are 2^30 bytes; 0 where there is no such GPU."""

    status: str
    service: str
    cpu_percent: float
    memory_percent: float
    vram_used_gb: float
    nvidia_vram_total_gb: float


class VramHealth(Show):
    used: int = 0
    total: int = 0
    percentage: float = 0.0
    gpu_name: str = ""


class CpuHealth(Show):
    percentage: float
    cores: int
    load_average: list[float]


class MemoryHealth(Show):
    used: int = 0
    total: int = 0
    available: int = 0
    percentage: float = 0.0


class DiskHealth(Show):
    used: int = 0
    total: int = 0
    free: int = 0
    percentage: float = 0.0


class SystemHealth(Show):
    """The newest sample of a machine; sizes in bytes, all 0 before any agent has measured one."""

    status: str
    vram: VramHealth
    cpu: CpuHealth
    memory: MemoryHealth
    disk: DiskHealth
    host: str
    reasons: list[str]


class StageLine(Show):
    """`duration` in seconds; of a stage that runs, how long it has run."""

    name: str
    status: str
    duration: float


class Active(Show):
    """The job in hand. Seconds, always numbers."""

    id: str
    title: str
    type: str
    paused: bool
    current_step: int
    total_steps: int
    percentage: float
    eta: float
    elapsed: float
    stages: list[StageLine]


class QueueCounts(Show):
    pending: int
    running: int
    completed: int
    paused: int
    failed: int
    cancelled: int


class Queue(Show):
    items: list[QueueItem]
    stats: QueueCounts
    active: Active | None
    order: list[str]
    reason: str


class Tally(Show):
    """Figures of a span of time; trends ("up", "down", "neutral") and changes (%) against the span before it."""

    timeframe: str
    generations_per_hour: float
    avg_generation_time: float
    success_rate: float
    error_rate: float
    generation_trend: str
    time_trend: str
    success_trend: str
    error_trend: str
    generation_change: float
    time_change: float
    success_change: float
    error_change: float


class Logs(Struct):
    logs: list[LogView]


class Told(Struct):
    """A message as a WebSocket would have brought it."""

    type: str
    payload: dict[str, Any]
    timestamp: str
    seq: int | None = None


class Recent(Struct):
    """Samples by machine, oldest first."""

    hosts: dict[str, list[Host]]


class Rows(Struct):
    """One figure of one machine in [since_s, until_s): rows of [when it begins, least, mean, greatest]; times in
    seconds since the epoch. A row that begins just before `since_s` has it within it."""

    host: str
    metric: str
    label: str
    unit: str
    since_s: float
    until_s: float
    rows: list[tuple[float, float, float, float]]


class Names(Struct):
    """The figures that are kept, by machine."""

    hosts: dict[str, list[str]]


class Events(Struct):
    """`seq` is the last event of `events`, or `after` (or the
    newest there is, if that is less) when there are none: ask with it for the next ones."""

    events: list[Told]
    seq: int


class State(Struct, omit_defaults=True):
    """Either `initial`, or `messages` to be applied in order; then ask again with `after=seq`."""

    seq: int
    messages: list[Told] | None = None
    initial: InitialState | None = None


class Submitted(Show):
    job_ids: list[str]
    jobs: list[JobView]


class Jobs(Struct):
    jobs: list[JobView]


class Trail(Show):
    """One attempt so far: steps of its present stage as [step, seconds], estimates as [time, eta, low, high]."""

    job_id: str
    attempt: int
    steps: list[tuple[int, float]]
    estimates: list[tuple[str, float, float, float]]


class Used(Show):
    """What a job took of its machine: each stage that began, and `total`, null where nobody measured it."""

    job_id: str
    total: UsageView | None
    stages: list[UsageView]


class Found(Struct):
    """The answer to a question; what is in it depends on `what`. `text` has its reasons as sentences."""

    what: str
    answer: dict[str, Any]


class Message(Communication):
    """A message, with the number of its event."""

    seq: int = 0


class Whom(Struct):
    """Messages, oldest first; `seq` is that of the last one: ask with it as `after` for later ones."""

    messages: list[Message]
    seq: int


class Sent(Show):
    """`delivered` is to how many agents a message was brought; `held`: it waits for one that is away. `names` are some
    of those there are, when it was to a name that nobody has."""

    id: str
    delivered: int
    held: bool
    names: list[str]


class Who(Struct):
    agents: list[AgentView]


class Cleared(Show):
    cleared: int


class Said(Struct):
    """A client's message, as it would be sent over a WebSocket; `payload` depends on `type`."""

    type: str
    payload: dict[str, Any]
    id: str | None


class Answer(Struct, omit_defaults=True):
    """An `ack` or `error` as a WebSocket would bring it; `messages` are others that the request called for."""

    type: str
    payload: dict[str, Any]
    timestamp: str
    messages: list[Told] = []


class ErrorBody(Struct):
    """`code` for programs, `message` for people, `field` the one at fault."""

    code: str
    message: str
    field: str | None = None


class Refusal(Struct):
    error: ErrorBody
