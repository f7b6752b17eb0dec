"""What a script says, as stages and steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.client.teller import Hand, JobTeller
from echodeck.model.facts import (
    Completed,
    Fact,
    Failed,
    PausedNow,
    Planned,
    ResumedNow,
    StageDone,
    StageStarted,
    Stepped,
)
from echodeck.model.job import Job, JobError, JobSpec, JobState
from echodeck.model.transitions import advance
from echodeck.tracking.story import Clock, Ending, Event, Story
from echodeck.wire import say

DONE = Ending("completed")


def tell(*events: tuple[Any, ...], total: int = 0) -> list[say.Say]:
    said: list[say.Say] = []
    clock = Clock(0.0)
    story = Story(JobTeller(Hand("j", 1, "h/s/1", "h"), said.append, epoch_s=0.0, clock=clock), clock, total)
    for at_s, (kind, *values) in enumerate(events, 1):
        event: Event = (kind, float(at_s), *([*values, None, None][:2]))  # type: ignore[assignment]
        story.take(event)
    return said


def replayed(said: list[say.Say]) -> Job:
    """The job as a hub has it then: every fact must be allowed."""
    job = Job("j", JobSpec("python", "m"), JobState.RUNNING, origin="script", worker_id="h/s/1", started_s=0.0)
    for one in said:
        fact: Fact | None = None
        match one:
            case say.JobReport(fact="planned", stages=stages, at_s=at_s):
                fact = Planned(at_s, tuple(stages))
            case say.JobReport(fact="stage_started", index=index, at_s=at_s):
                fact = StageStarted(at_s, index)
            case say.JobReport(fact="stage_done", index=index, duration_s=took, at_s=at_s, skipped=skipped):
                fact = StageDone(at_s, index, took, skipped)
            case say.JobReport(fact="paused", at_s=at_s):
                fact = PausedNow(at_s)
            case say.JobReport(fact="resumed", at_s=at_s):
                fact = ResumedNow(at_s)
            case say.JobReport(fact="completed", at_s=at_s):
                fact = Completed(at_s)
            case say.JobReport(fact="failed", at_s=at_s):
                fact = Failed(at_s, JobError("e", "m"))
            case say.JobProgress(index=index, step=step, at_s=at_s) if step:
                fact = Stepped(at_s, index, step)
        job = job if fact is None else advance(job, fact)
    return job


def stages(said: list[say.Say]) -> list[tuple[str, str, int, int]]:
    return [(one.name, one.status.value, one.step, one.steps) for one in replayed(said).stages]


def test_steps_without_a_stage_are_those_of_one_called_run() -> None:
    said = tell(("step", 1), ("step", 1), total=4)
    assert stages(said) == [("run", "running", 2, 4)]


def test_the_first_step_began_with_the_job() -> None:
    said = tell(("log", "info"), ("step", 1), ("step", 1), total=4)
    assert [one.samples[0][3] for one in said if isinstance(one, say.JobProgress)] == [2.0, 1.0]


def test_the_total_belongs_to_the_stage_in_which_steps_are_made() -> None:
    said = tell(("stage", "load"), ("stage", "sample"), ("step", 1), ("stage", "decode"), ("end", DONE), total=30)
    plans = [one.stages for one in said if isinstance(one, say.JobReport) and one.fact == "planned"]
    assert plans[0] == [("run", 30)]
    assert plans[1] == [("load", 0), ("run", 30)]
    assert stages(said) == [("load", "completed", 0, 0), ("sample", "completed", 30, 30),
                            ("decode", "completed", 0, 0)]


def test_a_stage_may_have_a_total_of_its_own_and_names_may_repeat() -> None:
    said = tell(("stage", "pass", 2), ("step", 2), ("stage", "pass", 3), ("step", 1))
    assert stages(said) == [("pass", "completed", 2, 2), ("pass (2)", "running", 1, 3)]


def test_more_steps_than_were_said_make_the_total_larger() -> None:
    assert stages(tell(("step", 3), ("step", 2), total=4)) == [("run", "running", 5, 5)]


def test_a_total_may_be_told_later() -> None:
    assert stages(tell(("step", 1), ("total", 9))) == [("run", "running", 1, 9)]


def test_without_a_total_steps_count_on() -> None:
    assert stages(tell(("step", 1), ("step", 1), ("end", DONE))) == [("run", "completed", 2, 0)]


def test_one_that_says_nothing_took_its_time() -> None:
    assert stages(tell(("end", DONE), total=5)) == [("run", "completed", 5, 5)]


def test_nothing_is_told_after_the_end() -> None:
    assert len(tell(("end", DONE))) == len(tell(("end", DONE), ("step", 1), ("stage", "x")))


@pytest.mark.parametrize("ending", [Ending("failed", "ValueError", "no", "trace"), Ending("cancelled")])
def test_an_end_is_told_as_it_is(ending: Ending) -> None:
    last = tell(("step", 1), ("end", ending))[-1]
    assert isinstance(last, say.JobReport)
    assert last.fact == ending.fact


names = st.sampled_from(["load", "run", "sample"])
events = st.lists(st.one_of(
    st.tuples(st.just("step"), st.integers(-1, 5)), st.tuples(st.just("stage"), names, st.integers(-1, 9)),
    st.tuples(st.just("total"), st.integers(-1, 9)), st.just(("metrics", {"loss": 1.0})), st.just(("paused",)),
    st.just(("resumed",)), st.just(("end", DONE)), st.just(("nonsense",)),
), max_size=40)


@given(events, st.integers(0, 9))
def test_whatever_a_script_says_the_hub_can_take_it(said: list[tuple[Any, ...]], total: int) -> None:
    replayed(tell(*said, total=total))
