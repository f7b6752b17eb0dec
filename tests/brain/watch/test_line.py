"""Queues that do not drain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from echodeck.brain.watch.line import Line, LineLimits
from echodeck.model.engine import EngineInfo
from echodeck.model.facts import PausedNow
from echodeck.model.job import Job, JobSpec, JobState

WAITING = [Job(f"w{n}", JobSpec("comfyui", "sdxl")) for n in range(12)]
LANE = frozenset({"comfyui", "sketch"})


def found(waiting: list[Job], in_hand: list[Job], lanes: list[frozenset[str]], reason: str = "",
          seconds: int = 310) -> list[str]:
    line, messages = Line(LineLimits()), list[str]()
    for at_s in range(0, seconds, 5):
        messages = [one.message for one in line.findings(waiting, in_hand, lanes, {
            "comfyui": EngineInfo("comfyui", reason=reason)}, float(at_s))]
    return messages


def test_it_says_why_nobody_works() -> None:
    assert found(WAITING, [], [LANE]) == [
        "10 or more jobs wait and none is being worked on: its workers are there, but ask for none"]
    assert found(WAITING[:1], [], []) == [
        "1 job waits and none is being worked on: no worker that drives it is online"]
    assert found(WAITING[:2], [], [LANE], "the server is full") == [
        "2 jobs wait and none is being worked on: the server is full"]
    assert found(WAITING, [], [LANE], seconds=300) == []


def test_a_queue_that_is_worked_on_drains(job: Any) -> None:
    busy = job()
    assert found(WAITING, [busy], [LANE]) == []
    other = replace(busy, spec=replace(busy.spec, engine="sketch"))
    assert found(WAITING, [other], [LANE]) == [], "the worker is busy with another engine's job"
    assert found(WAITING, [other], [LANE, frozenset({"comfyui"})]) == [], "nor can it be told on which of them"


def test_paused_jobs_wait_because_somebody_wants_it(job: Any) -> None:
    assert found([replace(one, state=JobState.PAUSED) for one in WAITING], [], [LANE]) == []
    assert found(WAITING, [job("one", 0.0, PausedNow(1.0))], [LANE]) == []
    assert found([replace(one, origin="observed") for one in WAITING], [], []) == [], "not of our queue"


def test_it_goes_as_soon_as_one_is_taken(job: Any) -> None:
    line = Line(LineLimits(after_s=10.0))
    for at_s in range(0, 15, 5):
        assert bool([*line.findings(WAITING, [], [LANE], {}, float(at_s))]) is (at_s >= 10)
    assert [*line.findings(WAITING, [job()], [LANE], {}, 15.0)] == []
