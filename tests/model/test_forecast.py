"""The plan of a whole queue: by the slots, as the brain has it, and with jobs that come after others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echodeck.model.forecast import Forecast, forecast
from echodeck.model.job import Job, JobSpec
from echodeck.model.span import Total

LANE = frozenset({"sketch"})
TEN = Total(10.0, 8.0, 13.0)


def job(name: str, *waits: str) -> Job:
    return Job(id=name, spec=JobSpec("sketch", "m"), waits=waits)


def test_without_the_brain_each_takes_the_slot_that_is_free_first() -> None:
    found = forecast([(job("a"), TEN), (job("b"), TEN)], [(job("r"), TEN)], [LANE, LANE], 100.0)
    assert (found.start_s("a"), found.start_s("b")) == (100.0, 110.0)
    last = found.plan["b"].end
    assert found.clear == (20.0, pytest.approx(last.low_s), pytest.approx(last.high_s))


def test_the_brain_s_turns_hold_and_what_never_runs_is_left_out() -> None:
    turns = {"a": (5.0, 15.0, "one"), "b": None}
    found = forecast([(job("a"), TEN), (job("b"), TEN)], [], [LANE], 100.0, turns)
    assert (found.start_s("a"), found.start_s("b")) == (105.0, None)


def test_what_comes_after_another_begins_when_that_has_ended() -> None:
    found = forecast([(job("a"), TEN), (job("b", "a"), TEN), (job("c", "nobody"), TEN)], [], [LANE, LANE], 0.0)
    assert (found.start_s("b"), found.start_s("c")) == (10.0, None)


def test_nobody_can_say_when_all_is_done_without_a_worker_or_a_job() -> None:
    assert forecast([(job("a"), TEN)], [], [], 0.0) == Forecast(0.0, {}, None)
    assert forecast([], [], [LANE], 0.0).clear is None


def test_a_job_of_another_program_is_no_work_of_ours() -> None:
    theirs = replace(job("r"), origin="comfyui")
    waiting = [(job("a"), TEN), (job("b", "a"), TEN)]
    ours, other = (forecast(waiting, [(one, Total(90.0, 90.0, 90.0))], [LANE, LANE], 0.0) for one in (job("r"), theirs))
    assert ours.clear is not None
    assert other.clear is not None
    assert ours.clear[0] >= other.clear[0]
