"""VRAM that is not given back: what is left in use after a job, growing from one job of a model to the next.

Only jobs of the same model are compared, as engines keep models loaded: which one it was says more of what is left
than anything else. What counts is the least that was in use between the job and the next one; when that is of the same
model, up to that one's end, as jobs in a row leave no moment between them that would be measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...model.job import Job
from ...model.record import Host
from .finding import Finding
from .quantity import size
from .trend import certainty, steady

KEPT = 20
RESTARTED = 0.5
"""Falls by so much of what it grew: it was given back."""


@dataclass(frozen=True, slots=True)
class LeakLimits:
    """It is one after `jobs` of a model, when it grew by `percent` of the VRAM in all, by more than chance (`sure`)."""

    jobs: float = 10.0
    percent: float = 4.0
    sure: float = 3.3
    level: str = "warning"


@dataclass(slots=True)
class _Rest:
    """The VRAM in use after the last jobs of one model on one GPU, in bytes, oldest first."""

    total_bytes: float
    lows: list[float] = field(default_factory=list)
    open: bool = False

    @property
    def a_job_bytes(self) -> float:
        return steady(list(enumerate(self.lows)))

    def add(self, low_bytes: float, limits: LeakLimits) -> None:
        self.check(low_bytes, limits)
        self.lows = [*self.lows[1 - KEPT :], low_bytes]
        if len(self.lows) >= limits.jobs:
            grown_bytes = self.a_job_bytes * (len(self.lows) - 1)
            surely = certainty(list(enumerate(self.lows))) >= limits.sure
            self.open = surely and grown_bytes >= limits.percent / 100 * self.total_bytes

    def check(self, used_bytes: float, limits: LeakLimits) -> None:
        """Begins anew when so little is in use that it was given back."""
        if self.lows:
            most, least = max(self.lows), min(self.lows)
            if used_bytes < most - max(RESTARTED * (most - least), limits.percent / 200 * self.total_bytes):
                self.lows, self.open = [], False


@dataclass(slots=True)
class _Machine:
    """The jobs in hand, and what is being measured after the last one: the least in use, and all there is, by GPU."""

    jobs: set[str] = field(default_factory=set)
    after: str = ""
    least: dict[int, tuple[float, float]] = field(default_factory=dict)


class Leaks:
    """`started` and `ended` are told of each job in hand, `sampled` of each sample of a machine."""

    def __init__(self, limits: LeakLimits) -> None:
        self._limits = limits
        self._machines: dict[str, _Machine] = {}
        self._rests: dict[tuple[str, int, str], _Rest] = {}
        """By machine, GPU and model."""

    def started(self, job: Job) -> None:
        machine = self._machines.setdefault(job.host, _Machine())
        machine.jobs.add(job.id)
        if machine.after != _model(job):
            self._close(job.host, machine)

    def ended(self, job: Job) -> None:
        """It is not in hand any more; `job` as it was before."""
        machine = self._machines.setdefault(job.host, _Machine())
        machine.jobs.discard(job.id)
        self._close(job.host, machine)
        if not machine.jobs:  # with another still at work nobody can tell whose memory it is
            machine.after = _model(job)

    def _close(self, host: str, machine: _Machine) -> None:
        for index, (low_bytes, total_bytes) in machine.least.items():
            key = (host, index, machine.after)
            self._rests.setdefault(key, _Rest(total_bytes)).add(low_bytes, self._limits)
        machine.after, machine.least = "", {}

    def sampled(self, host: Host) -> None:
        machine = self._machines.get(host.name)
        if machine is None or not machine.after:
            return
        for gpu in host.gpus:
            used_bytes, total_bytes = gpu.memory_used_bytes, gpu.memory_total_bytes
            if used_bytes is None or not total_bytes:
                continue
            low_bytes = min(used_bytes, machine.least.get(gpu.index, (used_bytes, 0))[0])
            machine.least[gpu.index] = (low_bytes, total_bytes)
            rest = self._rests.get((host.name, gpu.index, machine.after))
            if rest is not None and not machine.jobs:
                rest.check(used_bytes, self._limits)

    def findings(self) -> Iterator[Finding]:
        worst: dict[tuple[str, int], tuple[float, str]] = {}
        for (host, index, model), rest in self._rests.items():
            if rest.open:
                worst[host, index] = max(worst.get((host, index), (0.0, "")), (rest.a_job_bytes, model))
        for (host, index), (a_job_bytes, model) in worst.items():
            rest = self._rests[host, index, model]
            # Told in steps of a tenth of the memory: a leak grows with every job, and that is no news.
            left = f"{10 * round(10 * rest.lows[-1] / rest.total_bytes)} % of {size(rest.total_bytes)}"
            yield Finding(f"leak:{host}:{index}", self._limits.level, f"VRAM is not given back (GPU {index} of {host})",
                          f"after each job of {model} about {size(float(f'{a_job_bytes:.1g}'))} more stays in use; "
                          f"about {left} is taken after a job now", host)


def _model(job: Job) -> str:
    return f"{job.spec.engine}/{job.spec.model}"
