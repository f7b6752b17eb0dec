"""Which GPUs a job can be on, and which part of a GPU's power is its own when several of our jobs are on it at once.

A driver that lists a GPU's processes says who is on it. But an empty list beside a busy GPU says nothing (in a
container nobody is shown), nor do processes that only another container knows, which have no name here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .record import Gpu, Host

Parts = Mapping[tuple[float, int], float]
"""A job's part of a GPU's power, by the moment of the sample and the GPU's number; all of it where nothing is said."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Another job in hand on the same machine, from when to when, and its processes (empty: nobody knows)."""

    begin_s: float
    end_s: float
    pids: frozenset[int] = frozenset()


def seen_on(samples: Iterable[Host], pids: frozenset[int]) -> frozenset[int]:
    """The GPUs that any of these processes was listed on."""
    return frozenset(gpu.index for host in samples for gpu in host.gpus if _listed(gpu, pids))


def can_be_on(samples: Iterable[Host], pids: frozenset[int]) -> frozenset[int]:
    """The GPUs that processes which were seen on none can have been on: all but those whose driver tells."""
    told: dict[int, list[Gpu]] = {}
    for host in samples:
        for gpu in host.gpus:
            if not gpu.reason:
                told.setdefault(gpu.index, []).append(gpu)
    return frozenset(index for index, gpus in told.items() if not (pids and _tells(gpus)))


def parts_of(samples: Iterable[Host], gpus: frozenset[int], pids: frozenset[int], others: Sequence[Stay]) -> Parts:
    """The job's part of each of its GPUs at each moment in which others were on it as well: by the load of each one's
    processes where the driver tells it, else equal parts."""
    found = {}
    for host in samples:
        present = [stay.pids for stay in others if stay.begin_s <= host.at_s <= stay.end_s]
        for gpu in host.gpus if present else ():
            if gpu.index in gpus:
                loads, told = {one.pid: one.util_percent or 0.0 for one in gpu.processes}, _tells([gpu])
                rivals = [one for one in present if not (one and told and one.isdisjoint(loads))]
                if rivals:
                    found[host.at_s, gpu.index] = _part(loads, [pids, *rivals])
    return found


def _part(loads: Mapping[int, float], jobs: Sequence[frozenset[int]]) -> float:
    """That of the first, by the loads of those that are listed. One server's for several jobs is theirs in equal
    parts."""
    if not any(pids.isdisjoint(loads) for pids in jobs):
        times = Counter(pid for pids in jobs for pid in pids)
        each = [sum(loads.get(pid, 0.0) / times[pid] for pid in pids) for pids in jobs]
        if sum(each) > 0.0:
            return each[0] / sum(each)
    return 1.0 / len(jobs)


def _listed(gpu: Gpu, pids: frozenset[int]) -> bool:
    return any(one.pid in pids for one in gpu.processes)


def _tells(gpus: Sequence[Gpu]) -> bool:
    """Whether the driver says who is on this GPU, by its samples."""
    if any(one.name for gpu in gpus for one in gpu.processes):
        return True
    return all("processes" not in gpu.missing and not gpu.processes and gpu.util_percent == 0.0 for gpu in gpus)
