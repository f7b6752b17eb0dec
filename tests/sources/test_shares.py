"""File systems on other machines: asked in a thread, and a dead server keeps nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from echodeck.sources.disks import Disks, Mount, mounts
from echodeck.sources.shares import EVERY_S, LOST_S, Shares


class Later:
    """What was to be done in a thread, done when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.work.append(work)

    def answer(self) -> None:
        self.work.pop(0)()


@pytest.fixture
def usage(monkeypatch: pytest.MonkeyPatch) -> Any:
    told = SimpleNamespace(total=100, used=60, free=40)
    monkeypatch.setattr(psutil, "disk_usage", lambda path: told)
    return told


def test_the_last_answer_is_told_and_asked_for_now_and_then(usage: Any, clock: Any, tmp_path: Path) -> None:
    later = Later()
    shares = Shares(later, clock)
    assert shares.usage(str(tmp_path)) is None, "it has not answered yet"
    later.answer()
    assert shares.usage(str(tmp_path)) is usage
    clock.now += EVERY_S / 2
    shares.usage(str(tmp_path))
    assert later.work == []
    clock.now += EVERY_S / 2
    assert shares.usage(str(tmp_path)) is usage
    assert len(later.work) == 1


def test_one_that_hangs_is_asked_once_and_left_out(usage: Any, clock: Any, tmp_path: Path) -> None:
    later = Later()
    shares = Shares(later, clock)
    shares.usage(str(tmp_path))
    later.answer()
    clock.now += EVERY_S
    assert shares.usage(str(tmp_path)) is usage
    for _ in range(10):
        clock.now += LOST_S
        assert shares.usage(str(tmp_path)) is None
    assert len(later.work) == 1
    later.answer()
    assert shares.usage(str(tmp_path)) is usage, "its server is back"


def test_what_is_no_folder_is_no_disk(usage: Any, clock: Any, tmp_path: Path) -> None:
    (tmp_path / "hosts").touch()
    later = Later()
    shares = Shares(later, clock)
    for path in (tmp_path / "hosts", tmp_path / "gone"):
        shares.usage(str(path))
        later.answer()
        assert shares.usage(str(path)) is None


def test_a_reading_does_not_wait_for_a_dead_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In real threads: the server answers when the test is over."""
    dead, asked = threading.Event(), threading.Event()
    local = SimpleNamespace(total=10, used=5, free=5)

    def usage(path: str) -> Any:
        if path == str(tmp_path):
            asked.set()
            dead.wait(20)
        return local

    monkeypatch.setattr(psutil, "disk_usage", usage)
    monkeypatch.setattr("echodeck.sources.disks.mounts", lambda: [Mount("/", ""), Mount(str(tmp_path), "nas:/x", True)])
    disks = Disks()
    disks.search()
    try:
        for _ in range(3):
            assert [disk.mount for disk in disks.read(1.0)] == ["/"]
        assert asked.wait(20)
    finally:
        dead.set()


def part(mount: str, device: str, kind: str, opts: str = "rw") -> Any:
    return SimpleNamespace(device=device, mountpoint=mount, fstype=kind, opts=opts)


def test_which_file_systems_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [part("/", "/dev/x", "ext4")]
    every = [*real, part("/proc", "proc", "proc"), part("/run", "tmpfs", "tmpfs"), part("/models", "nas:/m", "nfs4"),
             part("/home/ann/models", "nas:/m", "nfs4"), part("/mnt/share", "//nas/s", "cifs"),
             part("/host", "tag", "virtiofs"), part("/var/lib/docker/overlay2/x", "overlay", "overlay"),
             part("/net", "auto", "autofs"), part("/mnt/x", "me@far:", "fuse.sshfs"),
             part("/snap/a", "/dev/loop0", "squashfs"), part("/sys/fs/cgroup", "cgroup2", "cgroup2"),
             part("Z:\\", "Z:\\", "NTFS", "rw,remote")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all_: every if all_ else real)
    found = mounts()
    assert [(one.path, one.remote) for one in found] == [
        ("/", False), ("Z:\\", True), ("/host", True), ("/mnt/x", True), ("/models", True), ("/mnt/share", True)]


def test_a_containers_root_has_the_machines_counters_beside_a_share(monkeypatch: pytest.MonkeyPatch,
                                                                    usage: Any) -> None:
    counts = [SimpleNamespace(read_bytes=0, write_bytes=0), SimpleNamespace(read_bytes=50, write_bytes=100)]
    monkeypatch.setattr(psutil, "disk_io_counters", lambda perdisk=False: {} if perdisk else counts[0])
    monkeypatch.setattr("echodeck.sources.disks.mounts", lambda: [Mount("/", ""), Mount("/models", "nas:/m", True)])
    disks = Disks()
    disks.search()
    counts.reverse()
    [root] = [disk for disk in disks.read(1.0) if disk.mount == "/"]
    assert (root.read_bytes_per_s, root.write_bytes_per_s) == (50.0, 100.0)
