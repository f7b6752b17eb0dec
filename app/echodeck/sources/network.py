"""The network: what each interface and the whole machine send and receive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil

from ..model.metric import rate
from ..model.record import Net
from .system import ask

MOST = 32
"""Interfaces in a reading: a machine with containers may have hundreds."""
INSIDE = ("lo", "veth", "Loopback")
"""How the names begin of interfaces that lead nowhere outside: the loopback, and one end of each container's."""


class Network:
    """The rates of a reading are over the time since the one before; `search` finds which interfaces are up."""

    def __init__(self) -> None:
        self._total, self._each = ask(psutil.net_io_counters), ask(psutil.net_io_counters, True) or {}
        self._states: dict[str, tuple[bool, int]] = {}

    def search(self) -> None:
        found = ask(psutil.net_if_stats) or {}
        self._states = {name: (one.isup, one.speed) for name, one in found.items()}

    def read(self, elapsed_s: float) -> tuple[float, float, tuple[Net, ...]]:
        """(bytes a second sent, received, each interface's): the first two of the whole machine."""
        total, self._total = self._total, ask(psutil.net_io_counters)
        each, self._each = self._each, ask(psutil.net_io_counters, True) or {}
        nets = []
        for name in sorted(name for name in self._each if not name.startswith(INSIDE))[:MOST]:
            is_up, speed = self._states.get(name, (True, 0))
            nets.append(Net(name, *_rates(each.get(name), self._each[name], elapsed_s), is_up, speed))
        return (*_rates(total, self._total, elapsed_s), tuple(nets))


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
