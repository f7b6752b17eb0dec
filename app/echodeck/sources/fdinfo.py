"""Who uses a GPU, from what its driver writes about every open file of it: /proc/PID/fdinfo/FD.

The keys are those of the kernel's Documentation/gpu/drm-usage-stats.rst. Without being root only one's own processes
can be seen. One look is shared by all vendors, and the search for open files, which is dear, is made seldom.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..model.record import GpuProcess
from .processes import Names

SEARCH_S = 10.0
"""Between two searches of all processes for open files of a GPU."""
LOOK_S = 2.0
"""Between two readings of those found."""
UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
LOCAL, SYSTEM = ("vram", "local"), ("gtt", "system")
"""How the names of memory regions begin: amdgpu vram, xe vram0, i915 local0; amdgpu and xe gtt, i915 system0."""


@dataclass(frozen=True, slots=True)
class Client:
    """One user of one GPU. `busy` counts by engine: (used, passed); `passed` is 0 where the measure is time, in ns.

    `vram_bytes` lie on the card, `gtt_bytes` in the system's memory.
    """

    pci_id: str
    id: str
    vram_bytes: int = 0
    gtt_bytes: int = 0
    busy: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def parse(text: str) -> Client | None:
    """A fdinfo file's client; None when the file is of no GPU. Keys that are not known are left alone."""
    keys = {key.strip(): value.split() for key, _, value in (line.partition(":") for line in text.splitlines())}
    if not keys.get("drm-pdev") or not keys.get("drm-client-id"):
        return None
    busy: dict[str, tuple[float, float]] = {}
    for key, value in keys.items():
        capacity = _number(keys.get(f"drm-engine-capacity-{key.rpartition('-')[2]}")) or 1.0
        if key.startswith("drm-engine-") and not key.startswith("drm-engine-capacity-"):
            busy[key.removeprefix("drm-engine-")] = (_number(value) / capacity, 0.0)
        elif key.startswith("drm-cycles-"):
            engine = key.removeprefix("drm-cycles-")
            busy[engine] = (_number(value) / capacity, _number(keys.get(f"drm-total-cycles-{engine}")))
    return Client(keys["drm-pdev"][0], keys["drm-client-id"][0], _held(keys, LOCAL), _held(keys, SYSTEM), busy)


def _held(keys: Mapping[str, list[str]], regions: tuple[str, ...]) -> int:
    """Bytes in the regions: what is resident; older drivers call the same `memory`."""
    held: dict[str, int] = {}
    for prefix in ("drm-memory-", "drm-resident-"):
        for key, value in keys.items():
            if key.startswith(prefix) and key.removeprefix(prefix).startswith(regions):
                held[key.removeprefix(prefix)] = int(_number(value)) * UNITS.get(value[1] if value[1:] else "", 1)
    return sum(held.values())


def _number(value: list[str] | None) -> float:
    return float(value[0]) if value and value[0].isdigit() else 0.0


def percent(before: Client, after: Client, elapsed_s: float) -> dict[str, float]:
    """How busy the client kept each engine: over the cycles that passed, or over the measured time."""
    found = {}
    for engine, (used, passed) in after.busy.items():
        used_before, passed_before = before.busy.get(engine, (used, passed))
        whole = passed - passed_before if passed else elapsed_s * 1e9
        found[engine] = min(100.0, max(0.0, 100.0 * (used - used_before) / whole)) if whole > 0 else 0.0
    return found


class Clients:
    """The users of all GPUs. `root` is "/" but in tests."""

    def __init__(self, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._proc, self._clock = root / "proc", clock
        self._names = Names()
        self._searched_s = self._looked_s = float("-inf")
        self._files: list[tuple[int, str]] = []
        self._found: dict[tuple[str, str], tuple[int, Client]] = {}
        self._busy: dict[tuple[str, str], dict[str, float]] = {}

    def processes(self, pci_id: str, *, unified: bool = False) -> tuple[GpuProcess, ...]:
        """Those on this card; the busiest engine counts. On a unified GPU their memory is that in GTT too."""
        self._look()
        held: dict[int, int] = {}
        busy: dict[int, float] = {}
        for key, (pid, client) in self._found.items():
            if client.pci_id == pci_id:
                held[pid] = held.get(pid, 0) + client.vram_bytes + (client.gtt_bytes if unified else 0)
                busy[pid] = max(busy.get(pid, 0.0), *self._busy.get(key, {}).values(), 0.0)
        found = tuple(GpuProcess(pid, self._names(pid), held[pid], round(busy[pid], 1)) for pid in sorted(held))
        return found

    def busy_percent(self, pci_id: str) -> float | None:
        """The busiest engine of the card, by all clients that we may see; None where we see none."""
        self._look()
        engines: dict[str, float] = {}
        seen = False
        for key, (_, client) in self._found.items():
            if client.pci_id == pci_id:
                seen = True
                for engine, share in self._busy.get(key, {}).items():
                    engines[engine] = engines.get(engine, 0.0) + share
        return round(min(100.0, max(engines.values(), default=0.0)), 1) if seen else None

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_s < LOOK_S:
            return
        if now - self._searched_s >= SEARCH_S:
            self._searched_s, self._files = now, open_files(self._proc)
            self._names.forget()
        elapsed_s, self._looked_s = now - self._looked_s, now
        before, self._found = self._found, self._read()
        self._busy = {key: percent(before[key][1], client, elapsed_s)
                      for key, (_, client) in self._found.items() if key in before}

    def _read(self) -> dict[tuple[str, str], tuple[int, Client]]:
        """By (card, client): a file that was inherited or opened twice is of one client."""
        found: dict[tuple[str, str], tuple[int, Client]] = {}
        for pid, descriptor in self._files:
            try:
                client = parse((self._proc / str(pid) / "fdinfo" / descriptor).read_text(errors="replace"))
            except OSError:  # closed, or its process has ended
                continue
            if client is not None:
                found.setdefault((client.pci_id, client.id), (pid, client))
        return found


def open_files(proc: Path) -> list[tuple[int, str]]:
    """(pid, descriptor) of every open file of a GPU among the processes that we may look into."""
    found = []
    for pid in _numbers(proc):
        folder = proc / pid / "fd"
        for descriptor in _numbers(folder):
            try:
                if os.readlink(folder / descriptor).startswith("/dev/dri/"):
                    found.append((int(pid), descriptor))
            except OSError:  # closed meanwhile
                continue
    return sorted(found)


def _numbers(folder: Path) -> Iterable[str]:
    try:
        return [name for name in os.listdir(folder) if name.isdigit()]
    except OSError:  # another user's process, or it has ended
        return []
