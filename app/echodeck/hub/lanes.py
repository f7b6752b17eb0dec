"""The workers' slots as the brain sees them: when each is free, what is loaded there, what memory a job can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..brain.costs import Costs, heavy
from ..brain.memory import Memory
from ..brain.order import Lane
from ..model.job import BRAIN, Job, JobState
from ..model.record import Gpu, Host
from .desk import Desk
from .workers import Worker

GUEST = "+"
"""Ends the name of the slot that a worker opens beside a job that is held: see `preempting`."""


def is_guest(job: Job) -> bool:
    """Whether it is done beside a worker's own job, and so takes none of the slots."""
    return job.worker_id.endswith(GUEST)


def lanes(desk: Desk, costs: Costs, memory: Memory, now_s: float) -> list[Lane]:
    """One for each slot of the agents that are here, but for those that hold a paused job: nobody knows how long."""
    in_hand: dict[str, list[Job]] = {}
    for job in desk.queue.in_hand():
        in_hand.setdefault(job.worker_id.removesuffix(GUEST), []).append(job)
    return list(_lanes(desk, costs, memory, in_hand, now_s))


def _lanes(desk: Desk, costs: Costs, memory: Memory, in_hand: dict[str, list[Job]], now_s: float) -> Iterator[Lane]:
    for worker in desk.workers.online():
        if not worker.engines:
            continue
        host = worker.agent.host
        near = [job for slot in worker.slots for job in in_hand.get(slot, ())]
        for slot, engines in zip(worker.slots, worker.lanes, strict=True):
            here = in_hand.get(slot, [])
            # What the brain holds goes on by itself.
            going = [job for job in here if job.state is JobState.RUNNING or job.paused_by == BRAIN]
            own = [job for job in here if not is_guest(job)]
            if any(job not in going for job in own):
                continue
            # A guest delays only the job that it runs beside: where there is none, the slot is free.
            before = going if own else []
            beside = [job for job in near if job not in before]
            yield Lane(slot, engines, heavy(own[-1]) if own else costs.loaded(slot),
                       now_s + sum(_left_s(desk, job, now_s) for job in before),
                       costs.pace(host, min(engines, default="")), _vram(desk, memory, worker, beside))


def _left_s(desk: Desk, job: Job, now_s: float) -> float:
    reading = desk.outlooks.read(job.id, now_s)
    return desk.outlooks.total(job).median_s if reading is None else reading.eta_s


def _vram(desk: Desk, memory: Memory, worker: Worker, beside: Iterable[Job]) -> float | None:
    """What a job can have there, less what its neighbours on the same GPU need; None where there is no GPU."""
    sizes = _sizes(desk, worker)
    if not sizes:
        return None
    taken = sum(memory.need_bytes(job.spec) or 0.0 for job in beside) if len(sizes) == 1 else 0.0
    return max(0.0, max(sizes) - taken)


def vram_bytes(desk: Desk, worker: Worker) -> float | None:
    """All that a worker's jobs can have together on its largest GPU; None where there is none."""
    return max(_sizes(desk, worker), default=None)


def _sizes(desk: Desk, worker: Worker) -> list[float]:
    host: Host | None = desk.board.get("hosts", worker.agent.host)
    if host is None:
        return []
    own = {worker.agent.pid, *(one.pid for one in host.generators)}
    return [size for gpu in host.gpus if (size := available_bytes(gpu, own)) is not None]


def available_bytes(gpu: Gpu, own: Iterable[int]) -> float | None:
    """All of a GPU's memory that no others' processes have; None when its size is not known."""
    ours, size = set(own), gpu.memory_total_bytes
    others = sum(one.vram_bytes or 0.0 for one in gpu.processes if one.pid not in ours)
    return max(0.0, size - others) if size else None
