"""The other records everybody sees. Units are in the names: `_s`, `_bytes`, `_w`, `_c`, `_percent`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("debug", "info", "success", "warning", "error")


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that uses a GPU. `vram_bytes` is what it holds of the memory that counts on that GPU (see `Gpu`)."""

    pid: int
    name: str
    vram_bytes: int | None = None
    util_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment. A figure that the device does not give is None, and `missing` says why, by field.

    `reason` is said instead when there are no figures at all: because it is `asleep`, or because something is wrong.
    `index` is its number on the host, which the hub gives it once (see `cards`); a source says its place in the list.
    `uuid` and `pci_id` stay the same from start to start. `lost_s` is since when the hub misses one that was there, by
    the host's clock; 0: it does not. `util_percent` is of the shader cores, `mem_util_percent` the share of
    time in which the memory controller was busy. `vram_reserved_bytes` is the driver's own, in neither the used nor the
    free. On a `unified` GPU (an APU) the VRAM is a carve-out, and it works in the system's memory too: in GTT.
    `energy_j` counts since the driver was loaded. `throttle` is why the clocks are held down, `mig` the instance of a
    divided card ("on" for the card itself, whose memory and load are then its instances').
    """

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
    pci_id: str = ""
    driver: str = ""
    mig: str = ""
    unified: bool = False
    mem_util_percent: float | None = None
    encoder_percent: float | None = None
    decoder_percent: float | None = None
    vram_reserved_bytes: int | None = None
    gtt_used_bytes: int | None = None
    gtt_total_bytes: int | None = None
    temp_mem_c: float | None = None
    temp_hotspot_c: float | None = None
    energy_j: float | None = None
    clock_sm_mhz: float | None = None
    clock_mem_mhz: float | None = None
    clock_sm_max_mhz: float | None = None
    clock_mem_max_mhz: float | None = None
    fan_rpm: float | None = None
    pcie_gen: int | None = None
    pcie_width: int | None = None
    pcie_tx_bytes_per_s: float | None = None
    pcie_rx_bytes_per_s: float | None = None
    throttle: tuple[str, ...] = ()
    processes: tuple[GpuProcess, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    asleep: bool = False
    lost_s: float = 0.0

    @property
    def up(self) -> bool:
        """Whether it can be worked with: a sleeping one wakes when it is needed."""
        return self.asleep or not self.reason

    @property
    def memory_used_bytes(self) -> int | None:
        """Of the memory that counts: VRAM, on a unified GPU with GTT."""
        return _sum(self.vram_used_bytes, self.gtt_used_bytes if self.unified else None)

    @property
    def memory_total_bytes(self) -> int | None:
        return _sum(self.vram_total_bytes, self.gtt_total_bytes if self.unified else None)


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


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
class Net:
    """A network interface. `speed_mbps` is 0 where the system does not tell."""

    name: str
    sent_bytes_per_s: float = 0.0
    received_bytes_per_s: float = 0.0
    is_up: bool = True
    speed_mbps: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """One of echodeck's own processes, or one that generates; `engine` is then what it is. `cpu_percent` is of a core.

    `vram_bytes` is over all GPUs, None where no driver tells this process's share. `ports` are the TCP ports that a
    server listens on, with those of its kin; empty where nobody tells.
    """

    name: str
    pid: int
    cpu_percent: float
    memory_bytes: int
    engine: str = ""
    vram_bytes: int | None = None
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """A machine at one moment, as its agent measured it.

    `cpu_percent` is of all cores together (0-100), `cores_percent` one figure a core, `load` the 1, 5 and 15 minute
    averages (empty where the system has none). Rates are bytes a second over the measured time since the last sample.
    `gpu_reason` says why there are no GPUs in the list, `gpu_reasons` why there are none of a vendor. `cores_mhz` is
    one figure a core (empty where the system has none), `temps` are °C by sensor, `processes` echodeck's own,
    `generators` those of the engines and of scripts that use a GPU or import echodeck.
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
    cores_mhz: tuple[float, ...] = ()
    temps: Mapping[str, float] = field(default_factory=dict)
    nets: tuple[Net, ...] = ()
    gpu_reasons: Mapping[str, str] = field(default_factory=dict)
    generators: tuple[Process, ...] = ()

    @property
    def memory_percent(self) -> float:
        return 100.0 * self.memory_used_bytes / self.memory_total_bytes if self.memory_total_bytes else 0.0

    def vram_percent(self, vendor: str) -> float:
        """Percent of all memory of this vendor's GPUs in use, of those that tell it; 0 where there are none."""
        gpus = [gpu for gpu in self.gpus
                if gpu.vendor == vendor and gpu.memory_total_bytes and gpu.memory_used_bytes is not None]
        total = sum(gpu.memory_total_bytes or 0 for gpu in gpus)
        return 100.0 * sum(gpu.memory_used_bytes or 0 for gpu in gpus) / total if total else 0.0


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
    """Something a person should know: what, since when, why. One a cause (`cause` is its key); `count` times so far.

    `jobs` are the latest that it is about, the last of them last; `detail` is an error as it came, of which the
    message may have less. Silenced, it goes on but calls nobody until `silenced_until_s`, also when it comes again.
    """

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
    silenced_by: str = ""
    silenced_until_s: float | None = None
    jobs: tuple[str, ...] = ()
    detail: str = ""

    def silenced(self, now_s: float) -> bool:
        return self.silenced_until_s is not None and now_s < self.silenced_until_s


@dataclass(frozen=True, slots=True)
class Decision:
    """What the hub decided by itself: which `part` of it, what, and why. `data` is what a part adds for readers."""

    id: str
    at_s: float
    part: str
    title: str
    reason: str
    job_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


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
    `step_s` the median of the others; both 0 for a stage without steps. `shape` and `sampler` are the job's (see
    `JobSpec`)."""

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
    sampler: str = ""


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
