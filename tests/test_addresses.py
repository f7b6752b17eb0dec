"""Under which addresses others reach this machine."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from echodeck import addresses


def card(*found: str, family: Any = socket.AF_INET) -> list[Any]:
    return [SimpleNamespace(family=family, address=address) for address in found]


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    down = {"wlan1"}
    monkeypatch.setattr("psutil.net_if_addrs", lambda: cards)
    monkeypatch.setattr("psutil.net_if_stats", lambda: {name: SimpleNamespace(isup=name not in down) for name in cards})
    return cards


def test_those_of_interfaces_that_are_up_and_lead_out(cards: dict[str, Any]) -> None:
    cards |= {"lo": card("127.0.0.1"), "docker0": card("10.0.0.1"), "eth0": card("192.168.1.5", "169.254.1.1"),
              "wlan0": card("192.168.7.9"), "wlan1": card("192.168.8.8"),
              "eth1": card("fe80::1", family=socket.AF_INET6)}
    assert addresses.of_this_machine() == ["192.168.1.5", "192.168.7.9", "10.0.0.1"], "those inside come last"


def test_a_machine_without_a_network_has_none(cards: dict[str, Any]) -> None:
    cards |= {"lo": card("127.0.0.1")}
    assert addresses.of_this_machine() == []


def test_the_real_ones_are_addresses() -> None:
    for address in addresses.of_this_machine():
        assert not address.startswith("127.")
        socket.inet_aton(address)
