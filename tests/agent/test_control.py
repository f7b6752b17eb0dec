"""What a running job says and heeds, with a clock of the test's own and a real thread for holding."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from echodeck.agent.control import JobControl
from echodeck.client.teller import MAX_PREVIEW_BYTES, Hand
from echodeck.errors import Cancelled, EngineError
from echodeck.model.job import Output
from echodeck.wire import say


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[Any]:
    return []


@pytest.fixture
def control(clock: Clock, said: list[Any]) -> JobControl:
    made = JobControl(Hand("j", 2, "h/e/1", "h"), said.append, epoch_s=1000.0, clock=clock)
    made.plan([("load", 0), ("sample", 3), ("upscale", 2), ("save", 0)])
    return made


def facts(said: list[Any]) -> list[str]:
    return [one.fact for one in said if isinstance(one, say.JobReport)]


def wait_for(what: str, condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def holding(control: JobControl, said: list[Any]) -> tuple[threading.Thread, list[BaseException]]:
    """A thread that holds at a checkpoint, and what it raises."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            control.checkpoint()
        except Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for("it does not hold", lambda: "paused" in facts(said))
    return thread, raised


def test_stages_and_steps_are_timed_and_told(control: JobControl, clock: Clock, said: list[Any]) -> None:
    control.stage("load")
    clock.now = 2.0
    control.stage("sample")
    for step, at in ((1, 5.0), (2, 6.0)):
        clock.now = at
        control.step(step)
    control.stage("save")
    control.output(Output("/p.png"))
    clock.now = 6.5
    control.completed()
    assert facts(said) == ["planned", "stage_started", "stage_done", "stage_started", "stage_done", "stage_done",
                           "stage_started", "stage_done", "completed"]
    done = [(one.index, one.duration_s, one.skipped) for one in said
            if isinstance(one, say.JobReport) and one.fact == "stage_done"]
    assert done == [(0, 2.0, False), (1, 4.0, False), (2, 0.0, True), (3, 0.5, False)]
    samples = [sample for one in said if isinstance(one, say.JobProgress) for sample in one.samples]
    assert samples == [(1, 1, 1005.0, 3.0), (1, 2, 1006.0, 1.0)]
    assert said[-1].outputs == [Output("/p.png", host="h")]
    assert (said[-1].job_id, said[-1].attempt, said[-1].worker_id, said[-1].at_s) == ("j", 2, "h/e/1", 1006.5)


def test_time_paused_counts_for_nothing(control: JobControl, clock: Clock, said: list[Any]) -> None:
    control.stage("sample")
    clock.now = 1.0
    control.pause()
    thread, raised = holding(control, said)
    clock.now = 101.0
    control.resume()
    thread.join(10)
    clock.now = 102.0
    control.step(1)
    assert raised == []
    assert said[-1].samples == [(1, 1, 1102.0, 2.0)]
    paused, resumed = (one.at_s for one in said if getattr(one, "fact", "") in ("paused", "resumed"))
    assert (paused, resumed) == (1001.0, 1101.0)


def test_one_that_does_not_hold_says_at_once_that_it_runs(control: JobControl, said: list[Any]) -> None:
    control.pause()
    control.resume()
    assert facts(said) == ["planned", "resumed"]
    control.checkpoint()


def test_one_that_holds_says_so_again_when_asked_again(control: JobControl, said: list[Any]) -> None:
    control.pause()
    thread, _ = holding(control, said)
    control.pause()
    assert facts(said) == ["planned", "paused", "paused"]
    control.resume()
    thread.join(10)
    assert facts(said)[-1] == "resumed"


def test_a_pause_right_after_a_resume_is_told_as_both(control: JobControl, said: list[Any]) -> None:
    control.pause()
    thread, _ = holding(control, said)
    control.resume()
    control.pause()
    wait_for("both facts", lambda: facts(said)[-2:] == ["resumed", "paused"])
    control.end("cancel")
    thread.join(10)


def test_cancel_ends_one_that_holds(control: JobControl, said: list[Any]) -> None:
    control.pause()
    thread, raised = holding(control, said)
    control.end("cancel")
    thread.join(10)
    assert len(raised) == 1
    control.stopped()
    assert facts(said)[-1] == "cancelled"
    assert "resumed" not in facts(said)


@pytest.mark.parametrize(("why", "last"), [("abandon", "planned"), ("stop", "released")])
def test_what_is_given_up_says_no_more_than_that(why: Any, last: str, control: JobControl, said: list[Any]) -> None:
    control.end(why)
    with pytest.raises(Cancelled):
        control.step(1) if control.stage("load") else None
    control.stopped()
    assert facts(said)[-1] == last
    assert len(facts(said)) <= 2


def test_the_first_reason_to_end_counts_but_abandoning_always_does(control: JobControl) -> None:
    control.end("cancel")
    control.end("stop")
    assert control.ending == "cancel"
    control.end("abandon")
    assert control.ending == "abandon"


def test_an_engine_that_stops_unasked_has_failed(control: JobControl, said: list[Any]) -> None:
    control.stopped()
    assert said[-1].fact == "failed"
    assert said[-1].error.retryable


def test_an_engine_that_breaks_its_plan_is_told(control: JobControl) -> None:
    with pytest.raises(EngineError, match="before it began"):
        control.step(1)
    control.stage("sample")
    for name in ("load", "sample", "nonsense"):
        with pytest.raises(EngineError, match=name):
            control.stage(name)


def test_previews_are_made_only_when_due(control: JobControl, clock: Clock, said: list[Any]) -> None:
    made: list[float] = []

    def preview() -> tuple[str, bytes]:
        made.append(clock.now)
        return "image/png", b"picture"

    control.stage("sample")
    for step in range(1, 21):
        clock.now = step * 0.1
        control.step(step, preview)
    assert made == pytest.approx([0.1, 0.6, 1.1, 1.6])
    shown = [one for one in said if isinstance(one, say.JobPreview)]
    assert shown[0].image == "data:image/png;base64,cGljdHVyZQ=="
    assert [one.step for one in shown] == [1, 6, 11, 16]


def test_a_preview_that_is_too_big_is_not_sent(control: JobControl, said: list[Any]) -> None:
    control.stage("sample")
    control.step(1, lambda: ("image/png", bytes(MAX_PREVIEW_BYTES + 1)))
    assert not [one for one in said if isinstance(one, say.JobPreview)]
    assert isinstance(said[-1], say.Log)


def test_log_lines_have_a_level_that_the_wire_knows(control: JobControl, said: list[Any]) -> None:
    control.log("error", "e" * 5000)
    control.log("shout", "x")
    assert [(one.level, len(one.message), one.job_id) for one in said[-2:]] == [("error", 4000, "j"), ("info", 1, "j")]
