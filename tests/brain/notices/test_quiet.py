"""Quiet hours: over midnight, and over the changes to and from summer time."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from echodeck.brain.notices.quiet import Quiet

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(time(22), time(7), zone=BERLIN)


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


@pytest.mark.parametrize(("when", "quiet"), [
    ("2026-11-24T21:59:59", False), ("2026-11-24T22:00", True), ("2026-11-25T00:00", True),
    ("2026-11-25T06:59:59", True), ("2026-11-25T07:00", False), ("2026-11-25T12:00", False),
    ("2026-03-29T03:00", True),  # an hour that begins summer time
])
def test_over_midnight(when: str, quiet: bool) -> None:
    assert NIGHT.on(at(when)) is quiet


def test_within_a_day() -> None:
    noon = Quiet(time(12), time(13, 30), zone=BERLIN)
    assert [noon.on(at(f"2026-11-24T{hour}")) for hour in ("11:59", "12:00", "13:29", "13:30")] == [
        False, True, True, False]


def test_the_hour_that_comes_twice_is_quiet_twice() -> None:
    early = Quiet(time(2), time(2, 30), zone=BERLIN)
    assert [early.on(at("2026-10-25T02:15", fold)) for fold in (0, 1)] == [True, True]
    assert not early.on(at("2026-10-25T02:45", 0))


def test_errors_may_pass() -> None:
    night = at("2026-11-24T23:00")
    assert [NIGHT.holds(level, night) for level in ("info", "warning", "error")] == [True, True, False]
    assert Quiet(time(22), time(7), False, BERLIN).holds("error", night)
    assert not NIGHT.holds("info", at("2026-11-24T12:00"))


def test_without_a_zone_it_is_the_machines_own_time() -> None:
    now_s = datetime(2026, 11, 24, 23, 0).timestamp()
    assert Quiet(time(22), time(7)).on(now_s)
    assert not Quiet(time(22), time(7)).on(now_s + 9 * 3600.0)
