"""The machine through psutil. What this system does not tell stays at its empty value; nothing here needs Linux."""

from __future__ import annotations

import logging
import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psutil

from ..model.metric import rate
from ..model.record import Disk, Gpu, Host
from . import GpuSource
from .nvidia import NvidiaSource
from .processes import Processes

log = logging.getLogger(__name__)

SELDOM_S = 5.0
"""Between two looks at what is dear to ask for: the mounted disks, the number of connections."""
NO_DISK = frozenset({"squashfs", "iso9660", "udf", "cdfs", "devfs", "autofs", "nullfs"})
ABSENT = (psutil.Error, OSError, AttributeError, RuntimeError, ValueError, LookupError)
"""What psutil raises where a system does not tell, does not let us, or tells in a way that it cannot read."""


class HostSource:
    """A `Source`. The rates and percentages of a reading are over the time since the reading before.

    Readings may come from different threads, one at a time. `clock` is monotonic, `wall` seconds since the epoch.
    """

    def __init__(self, name: str, gpus: Sequence[GpuSource] | None = None, *,
                 clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.name, self._clock, self._wall = name, clock, wall
        self._gpus: Sequence[GpuSource] = (NvidiaSource(),) if gpus is None else gpus
        self._processes = Processes()
        self._os = f"{platform.system()} {platform.release()}".strip()
        # Only the sizes of swap are wanted, so a system that does not tell its traffic is no news.
        warnings.filterwarnings("ignore", "'sin' and 'sout' swap memory stats", RuntimeWarning)
        self._at_s = clock()
        self._cpu = _cpu_times()
        self._disk_io = _disk_counters()
        self._net = _ask(psutil.net_io_counters)
        self._seldom_s = float("-inf")
        self._mounts: list[tuple[str, str]] = []
        self._connections: int | None = None

    def read(self) -> Host:
        """Takes some milliseconds, more when it is time for what is seldom asked."""
        now = self._clock()
        elapsed_s, self._at_s = now - self._at_s, now
        if now - self._seldom_s >= SELDOM_S:
            self._seldom_s, self._mounts, self._connections = now, _mounts(), _connections()
        cpu, cores = self._busy()
        memory, swap = _ask(psutil.virtual_memory), _ask(psutil.swap_memory)
        sent, received = self._network(elapsed_s)
        gpus, reason = self._read_gpus()
        total = int(memory.total) if memory else 0
        available = int(memory.available) if memory else 0
        return Host(
            name=self.name, at_s=self._wall(), period_s=elapsed_s, cpu_percent=cpu, cores_percent=cores,
            load=tuple(_ask(lambda: os.getloadavg()) or ()),
            # As psutil's own percentage has it: what could be had without swapping is not used.
            memory_used_bytes=total - available, memory_total_bytes=total, memory_available_bytes=available,
            swap_used_bytes=int(swap.used) if swap else 0, swap_total_bytes=int(swap.total) if swap else 0,
            disks=self._disks(elapsed_s), net_sent_bytes_per_s=sent, net_received_bytes_per_s=received,
            connections=self._connections, processes=self._processes.read(), gpus=gpus, gpu_reason=reason,
            uptime_s=max(0.0, time.time() - (_ask(psutil.boot_time) or time.time())), os=self._os,
        )

    def _busy(self) -> tuple[float, tuple[float, ...]]:
        """Percent of all cores and of each. psutil's own figures are kept by thread, and ours may change."""
        before, self._cpu = self._cpu, _cpu_times()
        if len(before) != len(self._cpu):  # a core was switched on or off
            return 0.0, tuple(0.0 for _ in self._cpu)
        deltas = [(max(0.0, b2 - b1), max(0.0, t2 - t1))
                  for (b1, t1), (b2, t2) in zip(before, self._cpu, strict=True)]
        cores = tuple(_percent(busy, total) for busy, total in deltas)
        return _percent(sum(busy for busy, _ in deltas), sum(total for _, total in deltas)), cores

    def _network(self, elapsed_s: float) -> tuple[float, float]:
        before, self._net = self._net, _ask(psutil.net_io_counters)
        if before is None or self._net is None:
            return 0.0, 0.0
        return (rate(before.bytes_sent, self._net.bytes_sent, elapsed_s),
                rate(before.bytes_recv, self._net.bytes_recv, elapsed_s))

    def _disks(self, elapsed_s: float) -> tuple[Disk, ...]:
        before, self._disk_io = self._disk_io, _disk_counters()
        disks = []
        for mount, device in self._mounts:
            usage = _ask(psutil.disk_usage, mount)
            if usage is None or not usage.total:
                continue
            # A device without counters of its own (an overlay, a volume group): the machine's, if it is the only disk.
            key = device if device in self._disk_io else "" if len(self._mounts) == 1 else device
            old, new = before.get(key), self._disk_io.get(key)
            read = rate(old[0], new[0], elapsed_s) if old and new else 0.0
            written = rate(old[1], new[1], elapsed_s) if old and new else 0.0
            disks.append(Disk(mount, int(usage.total), int(usage.used), int(usage.free), read, written))
        return tuple(disks)

    def _read_gpus(self) -> tuple[tuple[Gpu, ...], str]:
        gpus: list[Gpu] = []
        reasons = []
        for source in self._gpus:
            found, reason = source.read()
            gpus += found
            reasons += [reason] if reason else []
        return tuple(gpus), "" if gpus else "; ".join(reasons)


def _ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's answer, None where this system has none."""
    try:
        return function(*arguments)
    except ABSENT as error:
        log.debug("this system does not tell: %s: %s", function, error)
        return None


def _percent(part: float, whole: float) -> float:
    return min(100.0, 100.0 * part / whole) if whole > 0 else 0.0


def _cpu_times() -> list[tuple[float, float]]:
    """(busy, total) seconds since boot of each core. Time of guests is part of the user's on Linux already."""
    found = []
    for times in _ask(psutil.cpu_times, True) or []:
        fields: dict[str, float] = times._asdict()
        total = sum(fields.values()) - fields.get("guest", 0.0) - fields.get("guest_nice", 0.0)
        found.append((total - fields.get("idle", 0.0) - fields.get("iowait", 0.0), total))
    return found


def _disk_counters() -> Mapping[str, tuple[float, float]]:
    """Bytes (read, written) by device; "" is the whole machine."""
    counters = dict(_ask(psutil.disk_io_counters, True) or {})
    counters[""] = _ask(psutil.disk_io_counters)
    return {name: (one.read_bytes, one.write_bytes) for name, one in counters.items() if one is not None}


def _mounts() -> list[tuple[str, str]]:
    """(mount point, device's name in the counters) of the real file systems, each device once."""
    found: dict[str, tuple[str, str]] = {}
    parts = _ask(psutil.disk_partitions, False) or []
    for part in sorted(parts, key=lambda one: len(one.mountpoint)):
        options = part.opts.split(",")
        unreal = part.fstype in NO_DISK or not part.fstype or "cdrom" in options or not os.path.isdir(part.mountpoint)
        # macOS shows one disk as a dozen volumes; all but these are its own affair.
        if unreal or part.mountpoint.startswith("/System/Volumes/"):
            continue
        found.setdefault(part.device, (part.mountpoint, os.path.basename(os.path.realpath(part.device))))
    mounts = list(found.values())
    root = os.path.abspath(os.sep)
    if os.name != "nt" and root not in [mount for mount, _ in mounts]:  # a container's root is on no device of its own
        mounts.insert(0, (root, ""))
    return mounts


def _connections() -> int | None:
    found = _ask(psutil.net_connections, "inet")
    return None if found is None else sum(one.status == psutil.CONN_ESTABLISHED for one in found)
