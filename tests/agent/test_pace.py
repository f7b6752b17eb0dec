"""When a machine is measured next."""

from __future__ import annotations

import time
from typing import Any

import pytest

from echodeck.agent.pace import Pace
from echodeck.model.record import Host


class Busy:
    """A source that takes CPU time."""

    def __init__(self, cost_s: float) -> None:
        self.cost_s = cost_s

    def read(self) -> Host:
        until = time.thread_time() + self.cost_s
        while time.thread_time() < until:
            pass
        return Host("here", at_s=0.0)


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


def pace(clock: list[float], fixed_s: float = 0.0) -> Any:
    return Pace(fixed_s, lambda: clock[0])


def test_fast_while_somebody_watches_a_job_and_slower_when_nobody_does(clock: list[float]) -> None:
    made = pace(clock)
    assert made.wait_s(running=True) == pytest.approx(0.2)
    made.watched = False
    assert made.wait_s(running=True) == pytest.approx(1.0)
    made.wait_s(running=False)
    clock[0] += 50.0
    assert made.wait_s(running=False) == pytest.approx(5.0 - 50.0)
    made.watched = True
    assert made.wait_s(running=False) == pytest.approx(1.0 - 50.0)


def test_a_period_that_is_set_holds(clock: list[float]) -> None:
    made = pace(clock, 3.0)
    made.watched = False
    assert made.wait_s(running=True) == pytest.approx(3.0)


def test_what_is_dear_is_done_seldom(clock: list[float]) -> None:
    made = pace(clock)
    made.read(Busy(0.02))
    assert made.wait_s(running=True) > 1.5
