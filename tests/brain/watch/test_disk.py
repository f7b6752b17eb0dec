"""Disks that fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from echodeck.brain.watch.disk import STALE_S, DiskLimits, Disks

GB, HOUR_S = 1e9, 3600.0


def feed(disks: Disks, host: Any, begin_h: float, end_h: float, free: Callable[[float], float]) -> list[Any]:
    at_s = begin_h * HOUR_S
    while at_s < end_h * HOUR_S:
        disks.sampled(host(at_s, free_bytes=free(at_s / HOUR_S)))
        at_s += 60.0
    return [*disks.findings(at_s)]


def test_a_disk_that_fills_is_told_of_with_the_time_left(host: Any) -> None:
    disks = Disks(DiskLimits())
    assert feed(disks, host, 0, 1, lambda hour: (500 - 50 * hour) * GB) == [], "not known yet"
    [found] = feed(disks, host, 1, 3, lambda hour: (500 - 50 * hour) * GB)
    assert (found.cause, found.level, found.title) == ("disk:studio:/", "warning", "Disk / of studio is filling")
    assert found.message == "350 GB of 1.0 TB is free, enough for about 7 h as it has been filling"


def test_a_burst_is_no_trend(host: Any) -> None:
    disks = Disks(DiskLimits())
    assert feed(disks, host, 0, 3, lambda hour: (500 if hour < 1.5 else 380) * GB) == []
    assert feed(disks, host, 3, 9, lambda hour: 380 * GB - 1e8 * hour) == [], "it lasts for months"


def test_nearly_full_is_said_at_once_and_goes_when_there_is_room(host: Any) -> None:
    disks = Disks(DiskLimits())
    [found] = feed(disks, host, 0, 0.1, lambda hour: 4 * GB)
    assert (found.level, found.title) == ("error", "Disk / of studio is nearly full")
    assert feed(disks, host, 0.1, 0.2, lambda hour: 7 * GB) != []
    assert feed(disks, host, 0.2, 0.3, lambda hour: 12 * GB) == []


def test_it_goes_when_it_does_not_fill_any_more(host: Any) -> None:
    disks = Disks(DiskLimits())
    assert feed(disks, host, 0, 3, lambda hour: (500 - 50 * hour) * GB) != []
    assert feed(disks, host, 3, 7, lambda hour: 350 * GB) == []


def test_of_a_disk_that_was_taken_away_nothing_is_said(host: Any) -> None:
    disks = Disks(DiskLimits())
    assert feed(disks, host, 0, 0.1, lambda hour: 4 * GB) != []
    assert [*disks.findings(0.1 * HOUR_S + STALE_S + 1.0)] == []
