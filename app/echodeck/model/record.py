"""The other records everybody sees. Units are in the names: `_s`, `_bytes`, `_w`, `_c`, `_percent`."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("debug", "info", "success", "warning", "error")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment. A figure the device does not give is None; `reason` says why if all are missing."""

    index: int
    name: str
    vendor: str
    uuid: str = ""
    util_percent: float | None = None
    vram_used_bytes: int | None = None
    vram_total_bytes: int | None = None
    temp_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    fan_percent: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system; the two rates are of the device it lies on."""

    mount: str
    total_bytes: int
    used_bytes: int
    free_bytes: int
    read_bytes_per_s: float = 0.0
    write_bytes_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Process:
    """One of echodeck's own processes."""

    name: str
    pid: int
    cpu_percent: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Host:
    """A machine at one moment, as its agent measured it.

    `cpu_percent` is of all cores together (0-100), `cores_percent` one figure a core, `load` the 1, 5 and 15 minute
    averages (empty where the system has none). Rates are bytes a second over the measured time since the last sample.
    `gpu_reason` says why there are no GPUs in the list.
    """

    name: str
    at_s: float
    period_s: float = 1.0
    cpu_percent: float = 0.0
    cores_percent: tuple[float, ...] = ()
    load: tuple[float, ...] = ()
    memory_used_bytes: int = 0
    memory_total_bytes: int = 0
    memory_available_bytes: int = 0
    swap_used_bytes: int = 0
    swap_total_bytes: int = 0
    disks: tuple[Disk, ...] = ()
    net_sent_bytes_per_s: float = 0.0
    net_received_bytes_per_s: float = 0.0
    connections: int | None = None
    processes: tuple[Process, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    gpu_reason: str = ""
    uptime_s: float = 0.0
    os: str = ""

    @property
    def memory_percent(self) -> float:
        return 100.0 * self.memory_used_bytes / self.memory_total_bytes if self.memory_total_bytes else 0.0

    def vram_percent(self, vendor: str) -> float:
        """Percent of all VRAM of this vendor's GPUs in use; 0 where there are none."""
        gpus = [gpu for gpu in self.gpus if gpu.vendor == vendor and gpu.vram_total_bytes]
        total = sum(gpu.vram_total_bytes or 0 for gpu in gpus)
        return 100.0 * sum(gpu.vram_used_bytes or 0 for gpu in gpus) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Agent:
    """Whoever works for the hub: a host's metric source with its workers. `status` is online, busy or offline."""

    id: str
    status: str = "online"
    progress: float = 0.0
    host: str = ""
    kind: str = "worker"
    pid: int = 0
    version: str = ""
    engines: tuple[str, ...] = ()
    slots: int = 1
    jobs: tuple[str, ...] = ()
    since_s: float = 0.0
    seen_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should know: what, since when, why. One a cause (`cause` is its key); `count` times so far."""

    id: str
    cause: str
    level: str
    title: str
    message: str
    at_s: float
    count: int = 1
    job_id: str = ""
    host: str = ""
    acknowledged_by: str = ""
    acknowledged_s: float | None = None
    resolved_s: float | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    id: str
    at_s: float
    level: str
    source: str
    message: str
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class StepSample:
    """One sampler step as measured. `step` counts from 1 in its stage; `at_s` is when it ended."""

    job_id: str
    attempt: int
    stage: int
    step: int
    at_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class StageRun:
    """One finished stage of one job: what the estimator learns from. `first_s` is the first step's duration, and
    `step_s` the median of the others; both 0 for a stage without steps. `shape` is the job's (see `JobSpec`)."""

    job_id: str
    attempt: int
    engine: str
    model: str
    width: int
    height: int
    steps: int
    frames: int
    batch: int
    stage: str
    at_s: float
    duration_s: float
    first_s: float = 0.0
    step_s: float = 0.0
    shape: str = ""


@dataclass(frozen=True, slots=True)
class EstimateSample:
    """What the estimator said at some moment, kept to be compared with the truth. Durations from `at_s` on."""

    job_id: str
    attempt: int
    at_s: float
    progress: float
    eta_s: float
    low_s: float
    high_s: float
