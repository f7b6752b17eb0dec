"""A machine's figures by name: what each is, in which unit, and whether it is kept.

A figure's key is its metric's name, with the thing it is of in between where a machine has several: `cpu.percent`,
`gpu.0.power_w`, `disk./home.used_bytes`. The first and the last dot part the key, so the middle may be any text.
A metric is one line of METRICS; `field` is where the record has it. What a record does not have is no sample.

Rates are computed where their counters are read, and divided by measured time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any, Literal, TypeVar

from .record import Disk, Gpu, Host

Kind = Literal["gauge", "counter"]
_T = TypeVar("_T", Gpu, Disk)


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is "scope.figure". `low` and `high` bound its values where they are bounded; a counter only grows.

    Figures that are not kept are shown live only: there are too many of them, or others tell the same.
    """

    name: str
    label: str
    unit: str
    field: str = ""
    low: float | None = 0.0
    high: float | None = None
    kind: Kind = "gauge"
    kept: bool = True

    @property
    def scope(self) -> str:
        return self.name.partition(".")[0]

    def key(self, which: str = "") -> str:
        """The key of this figure of the thing `which`; "" for the machine's only one."""
        scope, _, figure = self.name.partition(".")
        return f"{scope}.{which}.{figure}" if which else self.name


_ALL = (
    Metric("cpu.percent", "CPU", "%", "cpu_percent", high=100.0),
    Metric("cpu.load_1m", "load", "", "load_1m"),
    Metric("core.percent", "CPU core", "%", high=100.0, kept=False),
    Metric("core.mhz", "CPU core clock", "MHz", kept=False),
    Metric("memory.used_bytes", "memory", "B", "memory_used_bytes"),
    Metric("memory.total_bytes", "memory in all", "B", "memory_total_bytes"),
    Metric("memory.available_bytes", "memory available", "B", "memory_available_bytes", kept=False),
    Metric("swap.used_bytes", "swap", "B", "swap_used_bytes"),
    Metric("swap.total_bytes", "swap in all", "B", "swap_total_bytes", kept=False),
    Metric("disk.used_bytes", "disk", "B"),
    Metric("disk.total_bytes", "disk in all", "B"),
    Metric("disk.read_bytes_per_s", "disk read", "B/s"),
    Metric("disk.write_bytes_per_s", "disk write", "B/s"),
    Metric("network.sent_bytes_per_s", "network sent", "B/s", "net_sent_bytes_per_s"),
    Metric("network.received_bytes_per_s", "network received", "B/s", "net_received_bytes_per_s"),
    Metric("net.sent_bytes_per_s", "interface sent", "B/s"),
    Metric("net.received_bytes_per_s", "interface received", "B/s"),
    Metric("temp.c", "temperature", "°C", low=None),
    Metric("gpu.util_percent", "GPU", "%", high=100.0),
    Metric("gpu.mem_util_percent", "GPU memory controller", "%", high=100.0),
    Metric("gpu.encoder_percent", "GPU encoder", "%", high=100.0),
    Metric("gpu.decoder_percent", "GPU decoder", "%", high=100.0),
    Metric("gpu.vram_used_bytes", "VRAM", "B"),
    Metric("gpu.vram_total_bytes", "VRAM in all", "B"),
    Metric("gpu.vram_reserved_bytes", "VRAM reserved", "B", kept=False),
    Metric("gpu.gtt_used_bytes", "GPU's share of memory", "B"),
    Metric("gpu.gtt_total_bytes", "GPU's share of memory in all", "B", kept=False),
    Metric("gpu.temp_c", "GPU temperature", "°C", low=None),
    Metric("gpu.temp_mem_c", "GPU memory temperature", "°C", low=None),
    Metric("gpu.temp_hotspot_c", "GPU hot spot", "°C", low=None),
    Metric("gpu.power_w", "GPU power", "W"),
    Metric("gpu.power_limit_w", "GPU power limit", "W"),
    Metric("gpu.energy_j", "GPU energy", "J", kind="counter", kept=False),
    Metric("gpu.clock_sm_mhz", "GPU clock", "MHz"),
    Metric("gpu.clock_mem_mhz", "GPU memory clock", "MHz"),
    Metric("gpu.clock_sm_max_mhz", "GPU clock at most", "MHz", kept=False),
    Metric("gpu.clock_mem_max_mhz", "GPU memory clock at most", "MHz", kept=False),
    Metric("gpu.fan_percent", "GPU fan", "%", high=100.0),
    Metric("gpu.fan_rpm", "GPU fan", "rpm"),
    Metric("gpu.pcie_gen", "PCIe generation", "", kept=False),
    Metric("gpu.pcie_width", "PCIe lanes", "", kept=False),
    Metric("gpu.pcie_tx_bytes_per_s", "PCIe sent", "B/s"),
    Metric("gpu.pcie_rx_bytes_per_s", "PCIe received", "B/s"),
    Metric("gpu.throttled", "GPU throttled", "", high=1.0),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
_SINGLE = tuple(metric for metric in _ALL if metric.field)
_FIGURES = {scope: [(metric, metric.name.partition(".")[2]) for metric in _ALL if metric.scope == scope]
            for scope in {metric.scope for metric in _ALL if not metric.field}}


def metric_of(key: str) -> Metric | None:
    """The metric that a figure's key is of."""
    scope, _, rest = key.partition(".")
    return METRICS.get(f"{scope}.{rest.rpartition('.')[2]}")


def samples_of(host: Host, *, kept: bool = False) -> list[tuple[str, float]]:
    """Every figure of a machine that is a finite number, by its key; with `kept` only those that are kept."""
    found = [(metric.name, value) for metric in _SINGLE if metric.kept or not kept
             if (value := _number(_of_host(host, metric.field))) is not None]
    for scope, which, record in _things(host):
        for metric, field in _FIGURES[scope]:
            if metric.kept or not kept:
                value = _number(record.get(field) if isinstance(record, Mapping) else getattr(record, field, None))
                if value is not None:
                    found.append((metric.key(which), value))
    return found


def with_figures(host: Host, at_s: float, figures: Mapping[str, float]) -> Host:
    """The machine as it was at another moment, by its kept figures then: the reverse of `samples_of`. What is kept of
    no figure is as the machine has it now."""
    fields = {metric.field: figures[metric.name] for metric in _SINGLE if metric.name in figures}
    fields.pop("load_1m", None)
    return replace(host, at_s=at_s, **_typed(fields),
                   gpus=tuple(_with(gpu, "gpu", str(gpu.index), figures) for gpu in host.gpus),
                   disks=tuple(_with(disk, "disk", disk.mount, figures) for disk in host.disks))


def _with(record: _T, scope: str, which: str, figures: Mapping[str, float]) -> _T:
    known = {one.name for one in dataclass_fields(record)}
    found = {field: figures[metric.key(which)] for metric, field in _FIGURES[scope]
             if field in known and metric.key(which) in figures}
    return replace(record, **_typed(found))


def _typed(fields: Mapping[str, float]) -> dict[str, Any]:
    """Sizes are whole numbers of bytes."""
    return {field: round(value) if field.endswith("_bytes") else value for field, value in fields.items()}


def throttled(gpu: Gpu) -> float | None:
    """1 while anything holds its clocks down, 0 while nothing does, None where the device does not tell."""
    return None if "throttle" in gpu.missing or gpu.reason else float(bool(gpu.throttle))


def rate(before: float, after: float, elapsed_s: float) -> float:
    """Units a second from two readings of a counter. A counter that was reset (or no time passed) gives 0."""
    if elapsed_s <= 0 or after < before:
        return 0.0
    return (after - before) / elapsed_s


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _of_host(host: Host, field: str) -> Any:
    if field == "load_1m":
        return host.load[0] if host.load else None
    return getattr(host, field, None)


def _things(host: Host) -> Iterator[tuple[str, str, Any]]:
    """Whatever a machine has several of, as (scope, which, record); a mapping where there is no record."""
    for gpu in host.gpus:
        yield "gpu", str(gpu.index), gpu
        yield "gpu", str(gpu.index), {"throttled": throttled(gpu)}
    for disk in host.disks:
        yield "disk", disk.mount, disk
    for net in host.nets:
        yield "net", net.name, net
    for sensor, temp_c in host.temps.items():
        yield "temp", sensor, {"c": temp_c}
    for index, percent in enumerate(host.cores_percent):
        yield "core", str(index), {"percent": percent}
    for index, mhz in enumerate(host.cores_mhz):
        yield "core", str(index), {"mhz": mhz}
