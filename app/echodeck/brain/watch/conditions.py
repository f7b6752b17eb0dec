"""How the machine was while a job ran, and which difference to before may be why it is slower now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any

from ...model.metric import throttled
from ...model.record import Gpu, GpuProcess, Host
from .quantity import size

VRAM_FULL = 0.97
OTHERS_BYTES, OTHERS_PERCENT = 512e6, 10.0
THROTTLED_MORE, CLOCK_LESS, CPU_BUSY, CPU_MORE = 0.2, 0.9, 90.0, 20.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """Means over a run, None where nobody measured. `throttled`, `vram` and `clock` are shares; `others_bytes` and
    `others_percent` are what processes that do not generate take of the GPUs, and `other` is the largest of them."""

    throttled: float | None = None
    clock: float | None = None
    vram: float | None = None
    others_bytes: float | None = None
    others_percent: float | None = None
    cpu_percent: float | None = None
    temp_c: float | None = None
    other: str = ""
    throttle: str = ""


_FIGURES = tuple(item.name for item in fields(Conditions) if item.name not in ("other", "throttle"))


def conditions_of(host: Host) -> Conditions:
    """One sample."""
    own = {one.pid for one in (*host.generators, *host.processes)}
    gpus = [gpu for gpu in host.gpus if not gpu.reason]
    others = [one for gpu in gpus for one in gpu.processes if one.pid not in own]
    largest = max(others, key=lambda one: (one.util_percent or 0.0, one.vram_bytes or 0), default=None)
    seen = bool(gpus)
    return Conditions(
        throttled=_most(throttled(gpu) for gpu in gpus), clock=_least(map(_clock, gpus)),
        vram=_most(map(_vram, gpus)),
        others_bytes=float(sum(one.vram_bytes or 0 for one in others)) if seen else None,
        others_percent=_used(others) if seen else None,
        cpu_percent=host.cpu_percent, temp_c=_most(gpu.temp_c for gpu in gpus),
        other=largest.name if largest is not None else "",
        throttle=", ".join(sorted({reason for gpu in gpus for reason in gpu.throttle})))


def mean_of(samples: Sequence[Conditions]) -> Conditions:
    """Of the figures the means, of the names the latest."""
    found: dict[str, Any] = {}
    for name in _FIGURES:
        known = [value for one in samples if (value := getattr(one, name)) is not None]
        found[name] = sum(known) / len(known) if known else None
    for name in ("other", "throttle"):
        found[name] = next((getattr(one, name) for one in reversed(samples) if getattr(one, name)), "")
    return Conditions(**found)


def typical_of(runs: Sequence[Conditions]) -> Conditions:
    """What is normal: the medians over several runs."""
    figures: dict[str, Any] = {}
    for name in _FIGURES:
        known = [value for one in runs if (value := getattr(one, name)) is not None]
        figures[name] = median(known) if known else None
    return Conditions(**figures)


def likely_cause(before: Conditions, after: Conditions) -> str:
    """The gravest difference in a clause, with both figures; "" when nothing that was measured differs."""
    if _more(before.others_percent, after.others_percent, OTHERS_PERCENT) \
            or _more(before.others_bytes, after.others_bytes, OTHERS_BYTES):
        held = f" (others hold {size(after.others_bytes or 0.0)} of VRAM, before {size(before.others_bytes or 0.0)})"
        return f"{after.other or 'another process'} uses the GPU as well{held}"
    if (after.vram or 0.0) >= VRAM_FULL and before.vram is not None and before.vram < VRAM_FULL:
        return f"VRAM is {_percent(after.vram)} full, before {_percent(before.vram)}, so that it spills into memory"
    if _more(before.throttled, after.throttled, THROTTLED_MORE):
        why = f" ({after.throttle})" if after.throttle else ""
        hot = "" if after.temp_c is None else f" at {after.temp_c:.0f} °C"
        share = f"{_percent(after.throttled)} of the time, before {_percent(before.throttled)}"
        return f"the GPU is throttled{why}{hot} {share}"
    if after.clock is not None and before.clock and after.clock < CLOCK_LESS * before.clock:
        return f"the GPU's clock is at {_percent(after.clock)} of its most, before {_percent(before.clock)}"
    if (after.cpu_percent or 0.0) >= CPU_BUSY and _more(before.cpu_percent, after.cpu_percent, CPU_MORE):
        return f"the CPU is busy ({after.cpu_percent:.0f} %, before {before.cpu_percent or 0.0:.0f} %)"
    return ""


def _more(before: float | None, after: float | None, by: float) -> bool:
    return before is not None and after is not None and after - before >= by


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def _clock(gpu: Gpu) -> float | None:
    return gpu.clock_sm_mhz / gpu.clock_sm_max_mhz if gpu.clock_sm_mhz and gpu.clock_sm_max_mhz else None


def _vram(gpu: Gpu) -> float | None:
    return gpu.memory_used_bytes / gpu.memory_total_bytes if gpu.memory_used_bytes and gpu.memory_total_bytes else None


def _used(processes: Iterable[GpuProcess]) -> float:
    return sum(one.util_percent or 0.0 for one in processes)


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
