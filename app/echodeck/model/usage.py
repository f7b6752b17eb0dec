"""What a job and each of its stages took of the machine: memory, power, energy, disk and network.

A figure that was sampled is taken to run in a straight line from one sample to the next, so its integral is the sum of
trapezoids, cut at the ends of the stage: two stages that follow each other add up to the whole exactly. Rates are an
exception: they are already the mean over the time since the sample before. Where samples are too far apart, or do not
give a figure, nothing is guessed: the figure counts for `measured_s` only, and who shows it can say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .metric import throttled
from .record import Gpu, Host
from .share import Parts

GAP_PERIODS = 3.5
"""Samples further apart than so many of their periods have a gap between them."""
LEAST_GAP_S = 2.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stage, or any other stretch of time that a job took."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a kilowatt-hour costs, in `currency`, and gives off; 0: not known."""

    price_per_kwh: float = 0.0
    currency: str = ""
    gco2_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over the `measured_s` in which it is known: its integral over them in unit seconds, and its peak."""

    integral: float
    peak: float
    measured_s: float

    @property
    def mean(self) -> float:
        """Never above the peak, though what is kept is rounded."""
        return min(self.peak, self.integral / self.measured_s)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was taken in `length_s`; a figure that nobody measured is None.

    VRAM is the memory that counts on the GPU, on an APU GTT too. `by_process`: it is that of the job's own
    processes; else the whole GPU's, whoever used it. `shared`: others of our jobs were on a GPU as well, and the power
    is this job's part. All other figures are the whole GPU's or machine's. `throttled` is the share of time, 0 to 1.
    `gpu_reason` is why the job has none of the GPUs' figures on a machine that has GPUs.
    """

    name: str
    length_s: float
    by_process: bool
    vram_bytes: Figure | None = None
    gpu_percent: Figure | None = None
    power_w: Figure | None = None
    throttled: Figure | None = None
    disk_read_bytes_per_s: Figure | None = None
    disk_write_bytes_per_s: Figure | None = None
    net_sent_bytes_per_s: Figure | None = None
    net_received_bytes_per_s: Figure | None = None
    shared: bool = False
    gpu_reason: str = ""

    @property
    def energy_wh(self) -> float | None:
        return self.power_w.integral / 3600.0 if self.power_w else None

    @property
    def throttled_s(self) -> float | None:
        return self.throttled.integral if self.throttled else None

    @property
    def unmeasured_s(self) -> float:
        """For how long the power was not known: the energy, and what follows from it, is of the rest only."""
        return max(0.0, self.length_s - (self.power_w.measured_s if self.power_w else 0.0))

    def cost(self, tariff: Tariff) -> float | None:
        """In the tariff's currency."""
        return self._per_kwh(tariff.price_per_kwh)

    def emission_g(self, tariff: Tariff) -> float | None:
        """Grams of CO₂."""
        return self._per_kwh(tariff.gco2_per_kwh)

    def _per_kwh(self, amount: float) -> float | None:
        return None if self.energy_wh is None or not amount else self.energy_wh / 1000.0 * amount


FIGURES = ("vram_bytes", "gpu_percent", "power_w", "throttled", "disk_read_bytes_per_s", "disk_write_bytes_per_s",
           "net_sent_bytes_per_s", "net_received_bytes_per_s")
NONE: frozenset[int] = frozenset()
NO_PARTS: Parts = {}
NOT_LISTED = "none of its processes is on a GPU, as the drivers list them"
_RATES = frozenset(name for name in FIGURES if name.endswith("_per_s"))


def usage_of(samples: Sequence[Host], spans: Iterable[Span], *, gpus: frozenset[int] | None = None,
             pids: frozenset[int] = frozenset(), parts: Parts = NO_PARTS) -> list[Usage]:
    """One a span. `samples` are one machine's in the order of time, `gpus` the numbers of those the job ran on (None:
    all), `pids` its processes, `parts` what of their power is its own. A sample before the first span and one after the
    last make the ends whole."""
    spans = list(spans)
    begin_s, end_s = min((one.begin_s for one in spans), default=0.0), max((one.end_s for one in spans), default=0.0)
    mine = any(begin_s <= host.at_s <= end_s and _own(host, gpus, pids) is not None for host in samples)
    readers = _readers(gpus, pids if mine else None, parts)
    reason = NOT_LISTED if gpus == NONE and any(not gpu.reason for host in samples for gpu in host.gpus) else ""
    found = []
    for span in spans:
        figures = {name: _figure(samples, read, span, rate=name in _RATES) for name, read in readers.items()}
        shared = any(span.begin_s <= at_s <= span.end_s for at_s, _ in parts)
        found.append(Usage(span.name, span.end_s - span.begin_s, mine, **figures, shared=shared, gpu_reason=reason))
    return found


def total(usages: Sequence[Usage], name: str = "") -> Usage:
    """All of a job's stages together; time between them does not count."""
    figures = {field: _sum([getattr(one, field) for one in usages]) for field in FIGURES}
    reasons = [one.gpu_reason for one in usages]
    return Usage(name, sum(one.length_s for one in usages), all(one.by_process for one in usages), **figures,
                 shared=any(one.shared for one in usages), gpu_reason=reasons[0] if reasons and all(reasons) else "")


def _sum(figures: Iterable[Figure | None]) -> Figure | None:
    known = [one for one in figures if one is not None]
    if not known:
        return None
    return Figure(sum(one.integral for one in known), max(one.peak for one in known),
                  sum(one.measured_s for one in known))


# --- one figure over one span ----------------------------------------------------------------------------------------

_Read = Callable[[Host], float | None]


def _figure(samples: Sequence[Host], read: _Read, span: Span, *, rate: bool) -> Figure | None:
    integral = measured_s = 0.0
    peak = None
    for before, after in pairwise(samples):
        begin_s, end_s = max(before.at_s, span.begin_s), min(after.at_s, span.end_s)
        if begin_s >= end_s or after.at_s - before.at_s > _longest_s(after):
            continue
        first, last = read(before), read(after)
        if last is None or (first is None and not rate):
            continue
        if first is None or rate:
            first = last
        at_begin, at_end = (_between(before.at_s, first, after.at_s, last, at_s) for at_s in (begin_s, end_s))
        integral += (at_begin + at_end) / 2.0 * (end_s - begin_s)
        measured_s += end_s - begin_s
        peak = max(at_begin, at_end) if peak is None else max(peak, at_begin, at_end)
    return None if peak is None else Figure(integral, peak, measured_s)


def _longest_s(host: Host) -> float:
    return max(LEAST_GAP_S, GAP_PERIODS * host.period_s)


def _between(x0: float, y0: float, x1: float, y1: float, x: float) -> float:
    share = (x - x0) / (x1 - x0)
    return y0 * (1.0 - share) + y1 * share


# --- reading a sample ------------------------------------------------------------------------------------------------


def _readers(gpus: frozenset[int] | None, pids: frozenset[int] | None, parts: Parts) -> dict[str, _Read]:
    """How each of FIGURES is read from a sample; with `pids`, VRAM is theirs."""
    def of_gpus(figure: Callable[[Gpu], float | None], join: Callable[[list[float]], float] = sum) -> _Read:
        def read(host: Host) -> float | None:
            known = [value for gpu in _chosen(host, gpus) if (value := figure(gpu)) is not None]
            return join(known) if known else None

        return read

    def power_w(host: Host) -> float | None:
        known = [gpu.power_w * parts.get((host.at_s, gpu.index), 1.0) for gpu in _chosen(host, gpus)
                 if gpu.power_w is not None]
        return sum(known) if known else None

    def of_disks(field: str) -> _Read:
        return lambda host: sum(getattr(disk, field) for disk in host.disks) if host.disks else None

    def own(host: Host) -> float | None:
        return _own(host, gpus, pids or frozenset()) or 0.0

    return {
        "vram_bytes": of_gpus(lambda gpu: gpu.memory_used_bytes) if pids is None else own,
        "gpu_percent": of_gpus(lambda gpu: gpu.util_percent, lambda known: sum(known) / len(known)),
        "power_w": power_w,
        "throttled": of_gpus(throttled, max),
        "disk_read_bytes_per_s": of_disks("read_bytes_per_s"),
        "disk_write_bytes_per_s": of_disks("write_bytes_per_s"),
        "net_sent_bytes_per_s": lambda host: host.net_sent_bytes_per_s,
        "net_received_bytes_per_s": lambda host: host.net_received_bytes_per_s,
    }


def _chosen(host: Host, gpus: frozenset[int] | None) -> Iterator[Gpu]:
    return (gpu for gpu in host.gpus if gpus is None or gpu.index in gpus)


def _own(host: Host, gpus: frozenset[int] | None, pids: frozenset[int]) -> float | None:
    """The VRAM of these processes; None where no GPU tells any of them."""
    known = [one.vram_bytes for gpu in _chosen(host, gpus) for one in gpu.processes
             if one.pid in pids and one.vram_bytes is not None]
    return float(sum(known)) if known else None
