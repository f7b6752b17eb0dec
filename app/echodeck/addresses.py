"""The addresses under which other machines reach this one."""

from __future__ import annotations

import ipaddress
import socket

import psutil

ANYWHERE = frozenset({"0.0.0.0", "::"})
"""To listen at one of these is to listen at all addresses."""
_OURS_ALONE = ("docker", "br-", "veth", "virbr", "cni", "podman", "lxc")
"""Networks between this machine and what runs inside it."""


def of_this_machine() -> list[str]:
    """IPv4, none of loopback or link-local; those that others are likely to reach come first.

    Read from the interfaces: the machine's own name often stands for loopback only (Debian's 127.0.1.1).
    """
    stats = psutil.net_if_stats()
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        if name in stats and stats[name].isup:
            inside = name.startswith(_OURS_ALONE)
            found += [(inside, one.address) for one in addresses if one.family == socket.AF_INET and _far(one.address)]
    return [address for _, address in sorted(found)]


def _far(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not parsed.is_loopback and not parsed.is_link_local
