"""How people say a moment at the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from echodeck.cli.moment import moment
from echodeck.errors import BadField

NOW = datetime(2026, 5, 4, 17, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(("said", "meant"), [
    ("18:30", "2026-05-04T18:30:00+02:00"),
    ("9:05", "2026-05-05T09:05:00+02:00"), (" 16:30", "2026-05-05T16:30:00+02:00"),
    ("2026-05-04T18:30:00Z", "2026-05-04T20:30:00+02:00"),
])
def test_a_deadline_as_people_say_it(said: str, meant: str) -> None:
    assert datetime.fromisoformat(moment(said, "--deadline", NOW) or "") == datetime.fromisoformat(meant)


def test_without_a_zone_it_is_this_machines() -> None:
    local = datetime(2026, 5, 4, 18, 30).astimezone()
    assert datetime.fromisoformat(moment("2026-05-04T18:30", "--deadline", NOW) or "") == local.astimezone(UTC)


@pytest.mark.parametrize("said", ["soon", "25:00", "12:61", "2026-13-01", "0001-01-01"])
def test_what_is_no_moment_is_refused(said: str) -> None:
    with pytest.raises(BadField, match="--deadline"):
        moment(said, "--deadline", NOW)


@pytest.mark.parametrize("said", [None, ""])
def test_none_is_none(said: str | None) -> None:
    assert moment(said, "--by") is None
