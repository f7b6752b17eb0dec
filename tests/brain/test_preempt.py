"""Which running job is held for an urgent one, if any."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.preempt import URGENT, WORTH_S, Running, preempt

RUNS = Running("r", 0, 100.0, able=True, need_bytes=6.0, vram_bytes=12.0)


@pytest.mark.parametrize(("running", "why"), [
    (replace(RUNS, able=False), "the worker of what runs cannot do it"),
    (replace(RUNS, priority=URGENT), "what runs is urgent too"),
    (replace(RUNS, cannot="the server goes on"), "what runs cannot be held: the server goes on"),
    (replace(RUNS, left_s=9.0), "what runs is nearly done"),
    (replace(RUNS, load_s=95.0), "what runs is nearly done"),
    (replace(RUNS, need_bytes=None), "it is not known whether both fit in memory"),
    (replace(RUNS, vram_bytes=10.0), "both do not fit in memory at once"),
])
def test_nobody_is_held_without_use(running: Running, why: str) -> None:
    assert preempt(URGENT, 60.0, 5.0, [RUNS]).hold == "r"
    verdict = preempt(URGENT, 60.0, 5.0, [running])
    assert (verdict.hold, verdict.reason) == ("", why)


def test_only_for_an_urgent_job_that_would_wait() -> None:
    assert preempt(URGENT - 1, 60.0, 5.0, [RUNS]).reason == "it is not urgent"
    assert preempt(URGENT, 3.0, 5.0, [RUNS]).reason == "it begins in 3.0 s anyway"
    assert preempt(URGENT, 60.0, 5.0, []).hold == ""
    assert preempt(URGENT, 60.0, None, [replace(RUNS, vram_bytes=None, need_bytes=None)]).hold == "r"


def test_the_least_important_is_held_and_of_those_the_longest() -> None:
    others = [replace(RUNS, id="long", left_s=500.0), replace(RUNS, id="high", priority=10, left_s=900.0)]
    verdict = preempt(URGENT, 60.0, 5.0, [RUNS, *others])
    assert (verdict.hold, verdict.reason) == ("long", "an urgent job would wait 60 s; this one has 8 min left")
    assert preempt(URGENT, 60.0, 5.0, [replace(RUNS, id="low", priority=-10), *others]).hold == "low"


@given(st.integers(-10, 30), st.floats(0, 1e4), st.none() | st.floats(0, 20), st.lists(st.builds(
    Running, st.text(min_size=1), st.integers(-10, 30), st.floats(0, 1e4), st.booleans(), st.floats(0, 100),
    st.none() | st.floats(0, 20), st.none() | st.floats(0, 20), st.sampled_from(["", "no"]))))
def test_whatever_is_held_may_be(priority: int, wait_s: float, need: float | None, running: list[Running]) -> None:
    verdict = preempt(priority, wait_s, need, running)
    assert verdict.reason
    if verdict.hold:
        assert priority >= URGENT
        assert wait_s >= WORTH_S
        assert any(one.id == verdict.hold and one.able and not one.cannot and one.priority < URGENT
                   and (one.vram_bytes is None or (one.need_bytes or 0.0) + (need or 0.0) <= one.vram_bytes)
                   for one in running)
