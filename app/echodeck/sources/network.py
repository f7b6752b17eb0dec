"""The network: what each interface and the whole machine send and receive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from ..model.metric import rate
from ..model.record import Net
from .system import ask

MOST = 32
"""Interfaces in a reading: a machine with containers may have hundreds."""
INSIDE = ("lo", "veth", "Loopback", "ifb")
"""How the names begin of interfaces that lead nowhere outside: the loopback, and one end of each container's."""
OVER_OTHERS = ("docker", "br-", "bridge", "virbr", "vmnet", "vboxnet", "vEthernet", "cni", "flannel", "bond", "team",
               "tun", "utun", "tap", "wg", "tailscale", "zt")
"""How the names begin of bridges, bundles and tunnels: what goes over them goes over another interface too."""
DEVICES = Path("/sys/class/net")


class Network:
    """The rates of a reading are over the time since the one before; `search` finds which interfaces are up."""

    def __init__(self, devices: Path = DEVICES) -> None:
        self._devices = devices
        self._each = ask(psutil.net_io_counters, True) or {}
        self._outward = outward(self._each, devices)
        self._states: dict[str, tuple[bool, int]] = {}

    def search(self) -> None:
        found = ask(psutil.net_if_stats) or {}
        self._states = {name: (one.isup, one.speed) for name, one in found.items()}
        self._outward = outward(self._each, self._devices)

    def read(self, elapsed_s: float) -> tuple[float, float, tuple[Net, ...]]:
        """(bytes a second sent, received, each interface's): the first two of the whole machine, to and from others."""
        each, self._each = self._each, ask(psutil.net_io_counters, True) or {}
        rates = {name: _rates(each.get(name), now, elapsed_s) for name, now in self._each.items()}
        nets = []
        for name in sorted(name for name in rates if not name.startswith(INSIDE))[:MOST]:
            is_up, speed = self._states.get(name, (True, 0))
            nets.append(Net(name, *rates[name], is_up, speed))
        sent, received = (sum((rates[name][way] for name in self._outward if name in rates), 0.0) for way in (0, 1))
        return sent, received, tuple(nets)


def outward(names: Iterable[str], devices: Path = DEVICES) -> frozenset[str]:
    """The interfaces whose traffic is the machine's, each byte once: those with a device of their own where the system
    tells, else those that are not known to lie over others, else all that lead outside."""
    kept = {name for name in names if not name.startswith(INSIDE)}
    real = {name for name in kept if (devices / name / "device").exists()}
    return frozenset(real or {name for name in kept if not name.startswith(OVER_OTHERS)} or kept)


def connections(proc: Path = Path("/proc")) -> int | None:
    """Established TCP connections, None where the system does not tell. psutil would look through the open files of
    every process to say whose each is, so on Linux the kernel's own count is read (RFC 1213's tcpCurrEstab)."""
    try:
        names, values = [line.split() for line in (proc / "net/snmp").read_text().splitlines()
                         if line.startswith("Tcp:")]
        return int(dict(zip(names, values, strict=True))["CurrEstab"])
    except (OSError, ValueError, LookupError):  # not Linux, or not as we know it
        found = ask(psutil.net_connections, "inet")
    return None if found is None else sum(one.status == psutil.CONN_ESTABLISHED for one in found)


def _rates(before: Any, now: Any, elapsed_s: float) -> tuple[float, float]:
    if before is None or now is None:
        return 0.0, 0.0
    return (rate(before.bytes_sent, now.bytes_sent, elapsed_s), rate(before.bytes_recv, now.bytes_recv, elapsed_s))
