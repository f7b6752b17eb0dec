"""Seats and how often each was overtaken."""

from __future__ import annotations

from echodeck.brain.order import Choice, Waiting
from echodeck.brain.turns import Turns
from echodeck.model.job import Job, JobSpec, JobState

SPEC = JobSpec("sim", "m")


def job(id_: str, created_s: float, **fields: object) -> Job:
    return Job(id_, SPEC, created_s=created_s, **fields)  # type: ignore[arg-type]


def test_seats_are_kept_and_who_comes_back_sits_behind() -> None:
    turns = Turns()
    a, b, c = job("a", 1.0), job("b", 2.0), job("c", 1.0, rank=-1.0)
    assert turns.seat([b, a, c]) == {"c": 0, "a": 1, "b": 2}
    assert turns.seat([b, c]) == {"c": 0, "b": 2}
    assert turns.seat([a, b, c]) == {"c": 0, "b": 2, "a": 3}


def test_those_that_were_passed_are_counted_until_they_go() -> None:
    turns = Turns()
    turns.seat([job("a", 1.0), job("b", 2.0)])
    turns.given(Choice(Waiting("b", "sim", "m", 1), "first", ("a",)))
    turns.given(Choice(Waiting("c", "sim", "m", 2), "first", ("a",)))
    assert turns.overtaken == {"a": 2}
    turns.seat([])
    assert turns.overtaken == {}


def test_after_a_restart_what_came_later_and_has_begun_is_counted() -> None:
    turns = Turns()
    begun = [job(f"d{n}", 5.0 + n, started_s=50.0, worker_id="w", state=JobState.RUNNING, attempt=1)
             for n in range(30)]
    turns.recall([job("a", 1.0), job("b", 32.5), job("c", 99.0), *begun], 24)
    assert turns.overtaken == {"a": 24, "b": 2}
