"""How people say a moment, and how urgent it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from echodeck.cli.submit import moment, urgency
from echodeck.errors import BadField

NOW = datetime(2026, 5, 4, 17, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(("said", "meant"), [
    ("18:30", "2026-05-04T18:30:00+02:00"),
    ("9:05", "2026-05-05T09:05:00+02:00"),
    ("2026-05-04T18:30:00Z", "2026-05-04T20:30:00+02:00"),
])
def test_a_deadline_as_people_say_it(said: str, meant: str) -> None:
    assert datetime.fromisoformat(moment(said, NOW)) == datetime.fromisoformat(meant)


def test_without_a_zone_it_is_this_machines() -> None:
    local = datetime(2026, 5, 4, 18, 30).astimezone()
    assert datetime.fromisoformat(moment("2026-05-04T18:30", NOW)) == local.astimezone(UTC)


@pytest.mark.parametrize("said", ["soon", "25:00", "12:61", "2026-13-01"])
def test_what_is_no_moment_is_refused(said: str) -> None:
    with pytest.raises(BadField, match="--deadline"):
        moment(said, NOW)


@pytest.mark.parametrize(("said", "meant"), [("high", "high"), ("5", 5), ("-5", -5), ("+7", 7)])
def test_a_priority_is_a_name_or_a_number(said: str, meant: int | str) -> None:
    assert urgency(said) == meant


@pytest.mark.parametrize("said", ["--5", "+-5", "", "soon", "9" * 5000])
def test_another_priority_is_refused_before_a_hub_is_asked(run: Any, said: str) -> None:
    done = run("submit", "x", f"--priority={said}", "--hub", "http://127.0.0.1:1")
    assert done.code == 2
    assert "priority: expected low, normal, high, urgent or a number" in done.err
