"""One figure of a machine, of each thing that has it: only what is asked for is read."""

from __future__ import annotations

import math
from typing import Any

from ...model.metric import METRICS, throttled
from ...model.record import Gpu, Host

_WITH_SHARED = {"vram_used_bytes": "memory_used_bytes", "vram_total_bytes": "memory_total_bytes"}


def readings(host: Host, name: str) -> dict[str, float]:
    """The values of the metric `name` by GPU, disk, …; "" for the machine's only one. Only finite numbers.

    A unified GPU's VRAM is taken with its share of the system's memory: the carve-out alone is always nearly full.
    """
    return {which: float(value) for which, value in _raw(host, name) if value is not None and math.isfinite(value)}


def _raw(host: Host, name: str) -> list[tuple[str, Any]]:
    metric = METRICS[name]
    scope, _, figure = name.partition(".")
    if name == "cpu.load_1m":
        return [("", load) for load in host.load[:1]]
    if metric.field:
        return [("", getattr(host, metric.field))]
    match scope:
        case "gpu":
            return [(str(gpu.index), _of_gpu(gpu, figure)) for gpu in host.gpus]
        case "disk":
            return [(disk.mount, getattr(disk, figure)) for disk in host.disks]
        case "net":
            return [(net.name, getattr(net, figure)) for net in host.nets]
        case "temp":
            return [*host.temps.items()]
        case _:
            cores = host.cores_percent if figure == "percent" else host.cores_mhz
            return [(str(index), value) for index, value in enumerate(cores)]


def _of_gpu(gpu: Gpu, figure: str) -> Any:
    if figure == "throttled":
        return throttled(gpu)
    return getattr(gpu, _WITH_SHARED.get(figure, figure) if gpu.unified else figure)
