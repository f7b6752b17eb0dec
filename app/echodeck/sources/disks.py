"""The mounted file systems: how full each is, and what the device of a local one reads and writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import psutil

from ..model.metric import rate
from ..model.record import Disk
from .shares import Shares
from .system import ask

NO_DISK = frozenset({"squashfs", "iso9660", "udf", "cdfs", "devfs", "autofs", "nullfs"})
ELSEWHERE = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "9p", "virtiofs", "vboxsf", "prl_fs", "ceph", "lustre",
    "glusterfs", "beegfs", "gpfs", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.s3fs", "fuse.juicefs",
    "fuse.mergerfs", "fuse.vmhgfs-fuse",
})
"""File systems that lie on another machine, or with the host of a virtual one: asking them may take for ever."""


class Mount(NamedTuple):
    """`device` is its name in the counters; `remote`, that it lies elsewhere."""

    path: str
    device: str
    remote: bool = False


class Disks:
    """The rates of a reading are over the time since the one before; `search` finds what is mounted."""

    def __init__(self) -> None:
        self._counters = _counters()
        self._mounts: list[Mount] = []
        self._shares = Shares()

    def search(self) -> None:
        self._mounts = mounts()

    def read(self, elapsed_s: float) -> tuple[Disk, ...]:
        before, self._counters = self._counters, _counters()
        disks = []
        local = sum(not mount.remote for mount in self._mounts)
        for mount, device, remote in self._mounts:
            usage = self._shares.usage(mount) if remote else ask(psutil.disk_usage, mount)
            if usage is None or not usage.total:
                continue
            # A device without counters of its own (an overlay, a volume group): the machine's, if it is the only disk.
            key = device if device in self._counters or remote or local > 1 else ""
            old, new = before.get(key), self._counters.get(key)
            read = rate(old[0], new[0], elapsed_s) if old and new else 0.0
            written = rate(old[1], new[1], elapsed_s) if old and new else 0.0
            disks.append(Disk(mount, int(usage.total), int(usage.used), int(usage.free), read, written))
        return tuple(disks)


def mounts() -> list[Mount]:
    """The real file systems, each device once."""
    found: dict[str, Mount] = {}
    parts = [part for part in ask(psutil.disk_partitions, False) or [] if not _is_remote(part)]
    parts += [part for part in ask(psutil.disk_partitions, True) or [] if _is_remote(part)]
    for part in sorted(parts, key=lambda one: len(one.mountpoint)):
        if _is_remote(part):
            found.setdefault(part.device, Mount(part.mountpoint, part.device, remote=True))
        elif _is_real(part):
            found.setdefault(part.device, Mount(part.mountpoint, os.path.basename(os.path.realpath(part.device))))
    paths = list(found.values())
    root = os.path.abspath(os.sep)
    if os.name != "nt" and root not in [mount.path for mount in paths]:  # a container's root is on no device of its own
        paths.insert(0, Mount(root, ""))
    return paths


def _is_remote(part: Any) -> bool:
    return part.fstype in ELSEWHERE or "remote" in part.opts.split(",")  # Windows says it among the options


def _is_real(part: Any) -> bool:
    if part.fstype in NO_DISK or not part.fstype or "cdrom" in part.opts.split(","):
        return False
    # macOS shows one disk as a dozen volumes; all but these are its own affair.
    return not part.mountpoint.startswith("/System/Volumes/") and os.path.isdir(part.mountpoint)


def _counters() -> Mapping[str, tuple[float, float]]:
    """Bytes (read, written) by device; "" is the whole machine."""
    counters = dict(ask(psutil.disk_io_counters, True) or {})
    counters[""] = ask(psutil.disk_io_counters)
    return {name: (one.read_bytes, one.write_bytes) for name, one in counters.items() if one is not None}
