"""What is said to a job of a script reaches it: once, and only what is for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import echodeck
from echodeck.tracking.mail import Mail, Sorter, mail

JOBS = {"a": None, "b": None}


@pytest.mark.parametrize(("to", "job_id", "expected"), [
    ("", "", ["a", "b"]), ("studio", "", ["a", "b"]), ("studio-7", "", ["a", "b"]), ("other", "", []),
    ("", "a", ["a"]), ("", "c", []), ("studio", "b", ["b"]), ("other", "a", []),
])
def test_whom_it_is_for(to: str, job_id: str, expected: list[str]) -> None:
    payload = {"id": "m1", "to": to, "jobId": job_id, "message": "hello"}
    assert Sorter("studio", "studio-7").take(payload, JOBS) == expected


def test_what_comes_again_is_taken_once() -> None:
    sorter = Sorter("studio")
    assert sorter.take({"id": "m1"}, JOBS) == ["a", "b"]
    assert sorter.take({"id": "m1"}, JOBS) == []


@given(st.dictionaries(st.sampled_from(["id", "to", "jobId", "message", "level", "source", "at"]),
                       st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)))
def test_whatever_a_hub_sends_is_mail_or_nothing(payload: dict[str, Any]) -> None:
    assert set(Sorter("x").take(payload, JOBS)) <= set(JOBS)
    assert all(isinstance(part, str) for part in mail(payload))


@pytest.mark.slow
def test_a_script_hears_what_is_said_to_its_job(told: Any, seen: Any, until: Any) -> None:
    with echodeck.track("hero shot") as job, echodeck.track("other") as other:
        until("its jobs", lambda: {job.id, other.id} <= set(seen.board.all("jobs")))
        seen.communicate("brighter, please", "warning", job_id=job.id)
        first: list[Mail] = until("its mail", job.messages)
        assert [(one.message, one.level) for one in first] == [("brighter, please", "warning")]
        assert job.messages() == [], "each is given once"
        assert other.messages() == []
        seen.communicate("lunch")
        assert [one.message for one in until("mail to all", other.messages)] == ["lunch"]
