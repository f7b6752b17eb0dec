"""The history as frames: what is asked of the hub, and what becomes of the answer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from echodeck import History
from echodeck.client import Live
from echodeck.errors import HubUnreachable

STEP = {"job_id": "j", "attempt": 1, "stage": 1, "step": 2, "at_s": 10.0, "duration_s": 0.5}


class Answers(Live):
    """A connection that answers from a list and remembers what it was asked."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.asked, self.closed = list(rows), [], False
        self.broken = False

    url = "http://127.0.0.1:1"

    def history(self, kind: str, **asked: Any) -> list[dict[str, Any]]:
        if self.broken:
            raise ConnectionRefusedError("nobody")
        self.asked.append((kind, asked["since_s"]))
        return self.rows

    def close(self) -> None:
        self.closed = True


def test_each_history_is_a_frame() -> None:
    live = Answers(STEP)
    history = History(live)
    assert list(history.steps()["duration_s"]) == [0.5]
    assert list(history.runs()["at"].dt.year) == list(history.estimates()["at"].dt.year) == [1970]
    assert len(history.jobs()) == 1
    assert live.asked == [("steps", None), ("runs", None), ("estimates", None), ("jobs", None)]


@pytest.mark.parametrize(("since", "expected"), [
    (None, None), (12.5, 12.5), (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 60.0),
])
def test_since_as_a_moment(since: Any, expected: float | None) -> None:
    live = Answers()
    History(live).jobs(since)
    assert live.asked == [("jobs", expected)]


def test_since_as_how_long_ago() -> None:
    live = Answers()
    before = time.time()
    History(live).jobs(timedelta(hours=1))
    [(_, asked)] = live.asked
    assert before - 3600 <= asked <= time.time() - 3600


def test_a_shared_connection_stays_open() -> None:
    live = Answers()
    with History(live):
        pass
    assert not live.closed


def test_a_hub_that_went_away_is_said_so() -> None:
    live = Answers()
    live.broken = True
    with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1:1"):
        History(live).jobs()


def test_no_hub_at_all() -> None:
    with pytest.raises(HubUnreachable):
        History("http://127.0.0.1:9")
