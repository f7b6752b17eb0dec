"""The mounted disks: how full each is, and what its device reads and writes."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psutil

from ..model.metric import rate
from ..model.record import Disk
from .system import ask

NO_DISK = frozenset({"squashfs", "iso9660", "udf", "cdfs", "devfs", "autofs", "nullfs"})


class Disks:
    """The rates of a reading are over the time since the one before; `search` finds what is mounted."""

    def __init__(self) -> None:
        self._counters = _counters()
        self._mounts: list[tuple[str, str]] = []

    def search(self) -> None:
        self._mounts = mounts()

    def read(self, elapsed_s: float) -> tuple[Disk, ...]:
        before, self._counters = self._counters, _counters()
        disks = []
        for mount, device in self._mounts:
            usage = ask(psutil.disk_usage, mount)
            if usage is None or not usage.total:
                continue
            # A device without counters of its own (an overlay, a volume group): the machine's, if it is the only disk.
            key = device if device in self._counters else "" if len(self._mounts) == 1 else device
            old, new = before.get(key), self._counters.get(key)
            read = rate(old[0], new[0], elapsed_s) if old and new else 0.0
            written = rate(old[1], new[1], elapsed_s) if old and new else 0.0
            disks.append(Disk(mount, int(usage.total), int(usage.used), int(usage.free), read, written))
        return tuple(disks)


def mounts() -> list[tuple[str, str]]:
    """(mount point, device's name in the counters) of the real file systems, each device once."""
    found: dict[str, tuple[str, str]] = {}
    parts = ask(psutil.disk_partitions, False) or []
    for part in sorted(parts, key=lambda one: len(one.mountpoint)):
        options = part.opts.split(",")
        unreal = part.fstype in NO_DISK or not part.fstype or "cdrom" in options or not os.path.isdir(part.mountpoint)
        # macOS shows one disk as a dozen volumes; all but these are its own affair.
        if unreal or part.mountpoint.startswith("/System/Volumes/"):
            continue
        found.setdefault(part.device, (part.mountpoint, os.path.basename(os.path.realpath(part.device))))
    paths = list(found.values())
    root = os.path.abspath(os.sep)
    if os.name != "nt" and root not in [mount for mount, _ in paths]:  # a container's root is on no device of its own
        paths.insert(0, (root, ""))
    return paths


def _counters() -> Mapping[str, tuple[float, float]]:
    """Bytes (read, written) by device; "" is the whole machine."""
    counters = dict(ask(psutil.disk_io_counters, True) or {})
    counters[""] = ask(psutil.disk_io_counters)
    return {name: (one.read_bytes, one.write_bytes) for name, one in counters.items() if one is not None}
