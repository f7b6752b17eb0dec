"""The network: what leads nowhere does not count, and no byte counts twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from echodeck.sources.network import Network, outward


@pytest.mark.parametrize(("names", "devices", "total"), [
    (["lo", "eth0"], [], {"eth0"}),
    (["lo", "eth0", "wlan0", "docker0", "br-12ab", "veth3f", "wg0"], ["eth0", "wlan0"], {"eth0", "wlan0"}),
    (["lo", "eno1", "eno2", "bond0", "bond0.7", "vmbr0"], ["eno1", "eno2"], {"eno1", "eno2"}),
    (["lo", "eth0", "tailscale0"], [], {"eth0"}),
    (["lo0", "en0", "bridge0", "utun3"], [], {"en0"}),
    (["Loopback Pseudo-Interface 1", "Ethernet", "vEthernet (WSL)"], [], {"Ethernet"}),
    (["lo", "wg0"], [], {"wg0"}),
    (["lo"], [], set()),
], ids=["container", "docker", "bond", "container with a tunnel", "mac", "windows", "only a tunnel", "none"])
def test_whose_traffic_is_the_machines(tmp_path: Path, names: list[str], devices: list[str], total: set[str]) -> None:
    for name in devices:
        (tmp_path / name / "device").mkdir(parents=True)
    assert outward(names, tmp_path) == total


def test_the_loopback_is_nobodys_traffic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent = {"lo": 0, "eth0": 0}

    def counters(pernic: bool = False) -> Any:
        return {name: SimpleNamespace(bytes_sent=count, bytes_recv=count) for name, count in sent.items()}

    monkeypatch.setattr(psutil, "net_io_counters", counters)
    monkeypatch.setattr(psutil, "net_if_stats", dict)
    network = Network(tmp_path)
    sent.update(lo=5_000_000, eth0=300)
    assert network.read(1.0)[:2] == (300.0, 300.0)
    sent.update(lo=9_000_000)
    up, down, each = network.read(1.0)
    assert (up, down, [net.name for net in each]) == (0.0, 0.0, ["eth0"])
    sent["eth1"] = 7_000
    network.read(1.0)
    network.search()
    sent["eth1"] = 9_000
    assert network.read(1.0)[:2] == (2000.0, 2000.0), "one that was plugged in counts from there on"
