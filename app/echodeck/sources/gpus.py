"""All GPUs of a machine: the vendors joined, each failing by itself."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..model.record import Gpu
from . import GpuSource
from .amd import AmdSource
from .apple import AppleSource
from .fdinfo import Clients
from .intel import IntelSource
from .nvidia import NvidiaSource

log = logging.getLogger(__name__)


def sources(platform: str = sys.platform) -> tuple[GpuSource, ...]:
    """Those of the vendors that this system can have, and those that only say why not."""
    if platform == "darwin":
        return (AppleSource(platform=platform),)
    if platform.startswith("linux"):
        clients = Clients()
        return NvidiaSource(), AmdSource(clients=clients), IntelSource(clients=clients)
    return NvidiaSource(), Untold("amd", "AMD"), Untold("intel", "Intel")


class Untold:
    """A `GpuSource` of a vendor whose GPUs this system does not let us measure."""

    def __init__(self, vendor: str, name: str) -> None:
        self.vendor, self._reason = vendor, f"{name}'s GPUs are measured on Linux only"

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        return (), self._reason


class Gpus:
    """The sources of all vendors, read one after another."""

    def __init__(self, sources: Sequence[GpuSource]) -> None:
        self._sources = sources
        self._failed: set[str] = set()

    def read(self) -> tuple[tuple[Gpu, ...], dict[str, str]]:
        """(all GPUs with their places in the list as index, why there are none by vendor)."""
        gpus: list[Gpu] = []
        reasons = {}
        for source in self._sources:
            found, reason = self._read(source)
            gpus += found
            if reason:
                reasons[source.vendor] = reason
        return tuple(replace(gpu, index=index) for index, gpu in enumerate(gpus)), reasons

    def _read(self, source: GpuSource) -> tuple[tuple[Gpu, ...], str]:
        try:
            return source.read()
        except Exception as error:  # one vendor's fault must not cost the machine's other figures
            if source.vendor not in self._failed:
                self._failed.add(source.vendor)
                log.exception("the GPUs of %s cannot be measured", source.vendor)
            return (), f"measuring failed: {error}"


def held(gpus: Sequence[Gpu]) -> dict[int, int | None]:
    """Bytes of all GPUs' memory by pid; None where no driver tells it."""
    found: dict[int, int | None] = {}
    for process in (one for gpu in gpus for one in gpu.processes):
        before = found.get(process.pid)
        found[process.pid] = before if process.vram_bytes is None else (before or 0) + process.vram_bytes
    return found
