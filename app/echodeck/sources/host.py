"""The machine through psutil. What this system does not tell stays at its empty value; nothing here needs Linux."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

import psutil

from ..model.record import Host
from . import GpuSource
from .cpu import Cpu, mhz
from .disks import Disks
from .gpus import Gpus, held, sources
from .network import Network, connections
from .processes import Processes
from .system import ask
from .thermal import temperatures

SELDOM_S = 5.0
"""Between two looks at what is dear to ask for: mounted disks, connections, interfaces, clocks, temperatures."""


class HostSource:
    """A `Source`. The rates and percentages of a reading are over the time since the reading before.

    Readings may come from different threads, one at a time. `clock` is monotonic, `wall` seconds since the epoch.
    """

    def __init__(self, name: str, gpus: Sequence[GpuSource] | None = None, *,
                 clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.name, self._clock, self._wall = name, clock, wall
        self._gpus = Gpus(sources() if gpus is None else gpus)
        self._processes = Processes()
        self._os = f"{platform.system()} {platform.release()}".strip()
        # Only the sizes of swap are wanted, so a system that does not tell its traffic is no news.
        warnings.filterwarnings("ignore", "'sin' and 'sout' swap memory stats", RuntimeWarning)
        self._at_s, self._seldom_s = clock(), float("-inf")
        self._cpu, self._disks, self._network = Cpu(), Disks(), Network()
        self._connections: int | None = None
        self._cores_mhz: tuple[float, ...] = ()
        self._temps: Mapping[str, float] = {}

    def read(self) -> Host:
        """Takes some milliseconds, more when it is time for what is seldom asked."""
        now = self._clock()
        elapsed_s, self._at_s = now - self._at_s, now
        if now - self._seldom_s >= SELDOM_S:
            self._seldom_s = now
            self._look()
        cpu, cores = self._cpu.busy()
        memory, swap = ask(psutil.virtual_memory), ask(psutil.swap_memory)
        sent, received, nets = self._network.read(elapsed_s)
        gpus, reasons = self._gpus.read()
        processes, generators = self._processes.read(held(gpus))
        total = int(memory.total) if memory else 0
        available = int(memory.available) if memory else 0
        return Host(
            name=self.name, at_s=self._wall(), period_s=elapsed_s, cpu_percent=cpu, cores_percent=cores,
            load=tuple(ask(lambda: os.getloadavg()) or ()),
            # As psutil's own percentage has it: what could be had without swapping is not used.
            memory_used_bytes=total - available, memory_total_bytes=total, memory_available_bytes=available,
            swap_used_bytes=int(swap.used) if swap else 0, swap_total_bytes=int(swap.total) if swap else 0,
            disks=self._disks.read(elapsed_s), net_sent_bytes_per_s=sent, net_received_bytes_per_s=received,
            connections=self._connections, processes=processes, gpus=gpus,
            gpu_reason="" if gpus else "; ".join(reasons.values()), gpu_reasons=reasons,
            uptime_s=max(0.0, time.time() - (ask(psutil.boot_time) or time.time())), os=self._os,
            cores_mhz=self._cores_mhz, temps=self._temps, nets=nets, generators=generators,
        )

    def _look(self) -> None:
        """What changes seldom or slowly."""
        self._disks.search()
        self._network.search()
        self._connections, self._cores_mhz, self._temps = connections(), mhz(), temperatures()
