"""Stalls: of jobs that really stall, and of no others."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.brain.watch.stall import StallLimits, Stalls
from echodeck.model.facts import PausedNow, ResumedNow, StageStarted, Stepped, WorkerLost
from echodeck.model.history import History
from echodeck.model.job import Job
from echodeck.model.record import StageRun
from echodeck.model.transitions import advance


def history(step_s: float = 1.0, decode_s: float = 30.0, load_s: float = 20.0) -> History:
    runs = []
    for number in range(8):
        for stage, steps, took_s in (("load model", 0, load_s), ("sample", 20, 20 * step_s), ("decode", 0, decode_s)):
            runs.append(StageRun(f"p{number}", 1, "comfyui", "sdxl", 1024, 1024, steps, 1, 1, stage,
                                 100.0 * number + len(runs), took_s, 1.5 * step_s if steps else 0.0,
                                 step_s if steps else 0.0))
    return History(runs)


class Watched:
    def __init__(self, job: Job, past: History, at_s: float = 0.0) -> None:
        self.stalls, self.past, self.job = Stalls(StallLimits()), past, job
        self.stalls.heard(job, at_s)

    def tell(self, fact: Any) -> None:
        self.job = advance(self.job, fact)
        self.stalls.heard(self.job, fact.at_s)

    def found(self, now_s: float) -> list[str]:
        return [one.message for one in self.stalls.findings([self.job], self.past, now_s)]


def test_a_job_that_hangs_between_steps_is_found_and_goes_on(job: Any) -> None:
    watched = Watched(job(), history())
    for step in range(1, 6):
        watched.tell(Stepped(float(step), 1, step))
        watched.stalls.stepped("one", 1, step, 1.0)
    assert watched.found(60.0) == []
    assert watched.found(66.0) == ["no step of sample for 61 s; one normally takes 1.0 s"]
    watched.tell(Stepped(70.0, 1, 6))
    assert watched.found(71.0) == []


def test_slow_steps_are_no_stall(job: Any) -> None:
    watched = Watched(job(), history(step_s=60.0))
    watched.tell(Stepped(60.0, 1, 1))
    assert watched.found(60.0 + 200.0) == []
    assert watched.found(60.0 + 600.0) != []


def test_what_the_job_itself_takes_counts_for_more_than_the_past(job: Any) -> None:
    watched = Watched(job(), history(step_s=1.0))
    for step in range(1, 6):
        watched.tell(Stepped(100.0 * step, 1, step))
        watched.stalls.stepped("one", 1, step, 100.0)
    assert watched.found(500.0 + 380.0) == []


def test_a_silent_stage_is_none_until_far_beyond_its_own_bound(job: Any) -> None:
    watched = Watched(job(stage=0), history(load_s=100.0))
    assert watched.found(500.0) == []
    [message] = watched.found(2000.0)
    assert message == "load model goes on for 33 min; it normally takes 100 s"


@pytest.mark.parametrize("stage", [0, 1])
def test_of_what_was_never_seen_nothing_is_said_for_an_hour(job: Any, stage: int) -> None:
    watched = Watched(job(stage=stage), History())
    assert watched.found(3500.0) == []
    [message] = watched.found(4000.0)
    assert "not known yet" in message


def test_paused_is_no_stall_and_paused_time_does_not_count(job: Any) -> None:
    watched = Watched(job(), history())
    watched.tell(Stepped(1.0, 1, 1))
    watched.tell(PausedNow(2.0))
    assert watched.found(7200.0) == []
    watched.tell(ResumedNow(7200.0))
    assert watched.found(7250.0) == []
    assert watched.found(7270.0) != []


def test_a_hub_that_stood_still_accuses_nobody(job: Any) -> None:
    watched = Watched(job(), history())
    watched.tell(Stepped(1.0, 1, 1))
    watched.stalls.forgive(3600.0)
    assert watched.found(3620.0) == []


def test_the_end_of_the_last_step_may_be_silent_for_long(job: Any) -> None:
    watched = Watched(job(), history())
    for step in range(1, 21):
        watched.tell(Stepped(float(step), 1, step))
        watched.stalls.stepped("one", 1, step, 1.0)
    assert watched.found(20.0 + 200.0) == []
    assert watched.found(20.0 + 400.0) != []


def test_a_new_stage_or_attempt_begins_anew(job: Any) -> None:
    watched = Watched(job(), history())
    watched.tell(StageStarted(100.0, 2))
    assert watched.found(150.0) == []
    watched.tell(WorkerLost(200.0, 0.0))
    assert watched.found(9000.0) == [], "nobody has it in hand"


def test_a_job_first_seen_in_hand_counts_from_then(job: Any) -> None:
    stalls, past = Stalls(StallLimits()), history()
    assert [*stalls.findings([job()], past, 5000.0)] == []
    assert [*stalls.findings([job()], past, 5050.0)] == []
    assert [*stalls.findings([job()], past, 5070.0)] != []
