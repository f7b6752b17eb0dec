"""The machine's figures against psutil's own, and on systems that tell less."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pytest

from echodeck.model.record import Gpu, Host, Net
from echodeck.sources.disks import mounts as found_mounts
from echodeck.sources.host import HostSource
from echodeck.sources.network import connections


class Gpus:
    def __init__(self, *gpus: Gpu, reason: str = "", vendor: str = "nvidia") -> None:
        self.gpus, self.reason, self.vendor = gpus, reason, vendor

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        return self.gpus, self.reason


def test_it_agrees_with_psutil() -> None:
    source = HostSource("here")
    sum(range(200_000))
    found = source.read()
    memory = psutil.virtual_memory()
    assert found.name == "here"
    assert len(found.cores_percent) == psutil.cpu_count()
    assert 0 <= found.cpu_percent <= 100
    assert all(0 <= core <= 100 for core in found.cores_percent)
    assert found.memory_total_bytes == memory.total
    assert found.memory_percent == pytest.approx(memory.percent, abs=10)
    assert found.swap_total_bytes == psutil.swap_memory().total
    assert found.uptime_s > 0
    assert found.period_s > 0
    assert len(found.load) == (3 if hasattr(os, "getloadavg") else 0)


def test_the_root_disk_is_there_once() -> None:
    disks = HostSource("here", ()).read().disks
    mounts = [disk.mount for disk in disks]
    assert len(set(mounts)) == len(mounts)
    root = next(disk for disk in disks if disk.mount == os.path.abspath(os.sep))
    assert root.total_bytes == psutil.disk_usage(root.mount).total
    assert 0 < root.used_bytes <= root.total_bytes


def test_it_goes_over_the_wire_and_back() -> None:
    found = HostSource("here").read()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Host) == found


NO_TIMES = psutil.cpu_times()._replace(**dict.fromkeys(psutil.cpu_times()._fields, 0.0))


def cores(*pairs: tuple[float, float]) -> list[Any]:
    return [NO_TIMES._replace(user=busy, idle=idle) for busy, idle in pairs]


def test_rates_and_percentages_are_over_the_measured_time(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    now = {"cpu": cores((10, 90), (50, 50)), "net": (1000, 5000), "disk": (0, 0)}
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: now["cpu"])

    def network(pernic: bool = False) -> Any:
        one = SimpleNamespace(bytes_sent=now["net"][0], bytes_recv=now["net"][1])
        return {"eth0": one, "lo": one, "veth1": one} if pernic else one

    def disk(perdisk: bool = False) -> Any:
        one = SimpleNamespace(read_bytes=now["disk"][0], write_bytes=now["disk"][1])
        return {"sda1": one} if perdisk else one

    part = SimpleNamespace(device="/dev/sda1", mountpoint=os.path.abspath(os.sep), fstype="ext4", opts="rw")
    monkeypatch.setattr(psutil, "net_io_counters", network)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {"eth0": SimpleNamespace(isup=True, speed=2500)})
    monkeypatch.setattr(psutil, "disk_io_counters", disk)
    monkeypatch.setattr(psutil, "disk_partitions", lambda every: [part, part])
    monkeypatch.setattr(os.path, "realpath", lambda path: path)
    source = HostSource("here", (), clock=clock, wall=lambda: 7.0)
    clock.now += 2.0
    now.update(cpu=cores((11, 91), (50, 52)), net=(3000, 4000), disk=(100, 600))
    found = source.read()
    assert (found.at_s, found.period_s) == (7.0, 2.0)
    assert found.cores_percent == (50.0, 0.0)
    assert found.cpu_percent == 25.0
    assert (found.net_sent_bytes_per_s, found.net_received_bytes_per_s) == (1000.0, 0.0)  # the second was reset
    assert found.nets == (Net("eth0", 1000.0, 0.0, True, 2500),)
    assert [(disk.read_bytes_per_s, disk.write_bytes_per_s) for disk in found.disks] == [(50.0, 300.0)]
    now["cpu"] = cores((11, 91))
    assert source.read().cores_percent == (0.0,)  # a core was switched off: begin anew


def test_what_is_not_a_disk_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def part(mount: str, device: str = "/dev/x", kind: str = "ext4", opts: str = "rw") -> Any:
        return SimpleNamespace(device=device, mountpoint=mount, fstype=kind, opts=opts)

    file = tmp_path / "hosts"
    file.touch()
    deep = tmp_path / "deep"
    deep.mkdir()
    monkeypatch.setattr(psutil, "disk_partitions", lambda every: [
        part(str(deep)), part(str(tmp_path)), part(str(file), "/dev/y"), part("/snap/a", "/dev/z", "squashfs"),
        part(str(tmp_path), "D:", "", "cdrom"), part("/System/Volumes/VM", "/dev/disk3s6", "apfs"),
    ])
    assert [mount.path for mount in found_mounts()] == [os.path.abspath(os.sep), str(tmp_path)]


@pytest.mark.parametrize("error", [AttributeError("absent"), psutil.AccessDenied(), OSError(5, "no"), RuntimeError()])
def test_a_system_that_tells_nothing_gives_empty_figures(error: Exception, monkeypatch: pytest.MonkeyPatch,
                                                         tmp_path: Path) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    for name in ("cpu_times", "virtual_memory", "swap_memory", "disk_io_counters", "disk_partitions", "disk_usage",
                 "net_io_counters", "net_if_stats", "net_connections", "boot_time", "cpu_freq"):
        monkeypatch.setattr(psutil, name, refuse)
    monkeypatch.setattr(os, "getloadavg", refuse)
    monkeypatch.setattr("echodeck.sources.host.connections", lambda: connections(tmp_path))
    found = HostSource("here", ()).read()
    assert (found.cpu_percent, found.cores_percent, found.load, found.disks) == (0.0, (), (), ())
    assert (found.cores_mhz, found.nets) == ((), ())
    assert (found.memory_total_bytes, found.memory_percent, found.connections) == (0, 0.0, None)
    assert os.getpid() in [process.pid for process in found.processes]


def test_gpus_of_all_vendors_are_listed_and_a_reason_given_only_without_any() -> None:
    none, more = Gpus(reason="no A"), Gpus(reason="no B", vendor="amd")
    found = HostSource("here", (none, more)).read()
    assert (found.gpu_reason, found.gpu_reasons) == ("no A; no B", {"nvidia": "no A", "amd": "no B"})
    found = HostSource("here", (none, Gpus(Gpu(0, "one", "amd"), vendor="amd"))).read()
    assert ([gpu.name for gpu in found.gpus], found.gpu_reason, found.gpu_reasons) == (["one"], "", {"nvidia": "no A"})


def test_slow_questions_are_asked_seldom(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    asked = []
    monkeypatch.setattr("echodeck.sources.host.temperatures", lambda: asked.append(clock.now) or {"chip": 40.0})
    monkeypatch.setattr("echodeck.sources.host.mhz", lambda: (1000.0, 2000.0))
    source = HostSource("here", (), clock=clock)
    for _ in range(7):
        found = source.read()
        assert (found.temps, found.cores_mhz) == ({"chip": 40.0}, (1000.0, 2000.0))
        clock.now += 1.0
    assert asked == [1000.0, 1005.0]


def test_established_connections_are_counted_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_connections", lambda kind: [
        SimpleNamespace(status=psutil.CONN_ESTABLISHED), SimpleNamespace(status=psutil.CONN_LISTEN)])
    assert connections(tmp_path) == 1
    (tmp_path / "net").mkdir()
    (tmp_path / "net/snmp").write_text("Ip: Forwarding\nIp: 1\nTcp: MaxConn CurrEstab InSegs\nTcp: -1 7 32\n")
    assert connections(tmp_path) == 7
    (tmp_path / "net/snmp").write_text("Tcp: MaxConn\nTcp: -1\n")
    assert connections(tmp_path) == 1
