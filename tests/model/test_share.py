"""Who can be on a GPU, and whose its power is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.record import Gpu, GpuProcess, Host
from echodeck.model.share import Stay, can_be_on, parts_of, seen_on

GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=50.0, power_w=100.0)
EVER = (0.0, float("inf"))
DESKTOP = GpuProcess(1, "Xorg", 1)


def pids(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def hosts(*gpus: Gpu) -> list[Host]:
    return [Host("studio", 5.0, gpus=gpus)]


def test_a_job_is_where_its_processes_are_listed() -> None:
    used = replace(GPU, processes=(DESKTOP, GpuProcess(7, "python", 2)))
    assert seen_on(hosts(used, replace(GPU, index=1)), pids(7)) == {0}
    assert seen_on(hosts(used), pids(8)) == frozenset()


@pytest.mark.parametrize(("gpu", "possible"), [
    ({"processes": (DESKTOP,)}, False),
    ({"processes": (), "util_percent": 0.0}, False),
    ({"processes": (), "util_percent": 50.0}, True),
    ({"processes": (), "util_percent": None}, True),
    ({"processes": (GpuProcess(4242, "", 1),)}, True),
    ({"processes": (), "util_percent": 0.0, "missing": {"processes": "not supported"}}, True),
    ({"processes": (), "util_percent": None, "reason": "asleep", "asleep": True}, False),
])
def test_it_is_ruled_out_only_where_the_driver_tells(gpu: dict[str, Any], possible: bool) -> None:
    samples = hosts(replace(GPU, **gpu))
    assert (can_be_on(samples, pids(7)) == {0}) is possible
    assert can_be_on(samples, pids()) == ({0} if not samples[0].gpus[0].reason else set()), "nobody knows its processes"


def test_a_list_that_is_empty_only_while_the_gpu_idles_tells_nothing() -> None:
    idle, busy = (replace(GPU, util_percent=percent) for percent in (0.0, 90.0))
    assert can_be_on([*hosts(idle), *hosts(busy)], pids(7)) == {0}


def part(gpu: Gpu, own: frozenset[int], *others: Stay) -> float:
    return parts_of(hosts(gpu), frozenset({0}), own, others).get((5.0, 0), 1.0)


def test_alone_all_of_it_is_the_jobs() -> None:
    assert part(GPU, pids(7)) == 1.0
    assert part(GPU, pids(7), Stay(6.0, 9.0), Stay(1.0, 4.0)) == 1.0
    assert parts_of(hosts(GPU), frozenset({1}), pids(7), [Stay(*EVER)]) == {}


def test_equal_parts_where_loads_are_not_told() -> None:
    assert part(GPU, pids(7), Stay(*EVER, pids(8)), Stay(*EVER)) == pytest.approx(1 / 3)
    mute = replace(GPU, processes=(GpuProcess(7, "a", 1), GpuProcess(8, "b", 1)))
    assert part(mute, pids(7), Stay(*EVER, pids(8))) == 0.5
    known = replace(GPU, processes=(GpuProcess(7, "a", 1, 90.0),))
    assert part(known, pids(7), Stay(*EVER)) == 0.5, "of the other nobody knows the processes"


def test_by_load_where_it_is_told() -> None:
    used = replace(GPU, processes=(DESKTOP, GpuProcess(7, "a", 1, 30.0), GpuProcess(8, "b", 1, 10.0)))
    assert part(used, pids(7), Stay(*EVER, pids(8))) == 0.75
    assert part(used, pids(8), Stay(*EVER, pids(7))) == 0.25
    assert part(used, pids(7), Stay(*EVER, pids(9))) == 1.0, "the other is not on this GPU"
    assert part(used, pids(7), Stay(*EVER, pids(7))) == 0.5, "one server works on both"
    assert part(used, pids(7), Stay(*EVER, pids(7)), Stay(*EVER, pids(8))) == 0.375


@given(st.lists(st.tuples(st.integers(1, 4), st.none() | st.floats(0.0, 100.0)), min_size=1, max_size=5))
def test_the_parts_of_all_jobs_are_the_whole(jobs: list[tuple[int, float | None]]) -> None:
    loads = dict(jobs)
    used = replace(GPU, processes=tuple(GpuProcess(pid, "python", 1, load) for pid, load in loads.items()))
    parts = []
    for place, (pid, _) in enumerate(jobs):
        others = [Stay(*EVER, pids(one)) for number, (one, _) in enumerate(jobs) if number != place]
        parts.append(part(used, pids(pid), *others))
    assert sum(parts) == pytest.approx(1.0)
