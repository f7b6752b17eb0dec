"""What a job took, computed by hand, and that stages add up to the whole however time is cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.record import Disk, Gpu, GpuProcess, Host
from echodeck.model.usage import FIGURES, Figure, Span, Tariff, Usage, total, usage_of

GB = 1 << 30
GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=50.0, vram_used_bytes=4 * GB, power_w=100.0)


def host(at_s: float, *gpus: Any, **fields: Any) -> Host:
    return Host("studio", at_s, gpus=tuple(gpus), **fields)


def drawing(*power_w: float | None) -> list[Host]:
    """A sample a second from 0 on."""
    return [host(float(n), replace(GPU, power_w=watts)) for n, watts in enumerate(power_w)]


def one(samples: list[Host], begin_s: float, end_s: float, **options: Any) -> Usage:
    (usage,) = usage_of(samples, [Span("sample", begin_s, end_s)], **options)
    return usage


def test_energy_is_the_area_under_the_power() -> None:
    usage = one(drawing(100.0, 200.0, 200.0, 0.0), 0.0, 3.0)
    assert usage.power_w == Figure(150.0 + 200.0 + 100.0, 200.0, 3.0)
    assert usage.energy_wh == pytest.approx(450.0 / 3600.0)
    assert usage.power_w.mean == 150.0
    assert usage.cost(Tariff(0.30, "EUR")) == pytest.approx(450.0 / 3.6e6 * 0.30)
    assert usage.emission_g(Tariff(gco2_per_kwh=400.0)) == pytest.approx(450.0 / 3.6e6 * 400.0)
    assert usage.unmeasured_s == 0.0


def test_a_stage_that_begins_and_ends_between_samples_is_cut_there() -> None:
    usage = one(drawing(100.0, 200.0, 100.0), 0.5, 1.5)
    assert usage.power_w == Figure(175.0, 200.0, 1.0), "150 to 200, and back"
    tiny = one(drawing(100.0, 200.0), 0.25, 0.75)
    assert tiny.power_w == Figure(75.0, 175.0, 0.5)


def test_an_hour_at_a_kilowatt_is_a_kilowatt_hour() -> None:
    samples = [host(float(n), replace(GPU, power_w=1000.0)) for n in range(3601)]
    usage = one(samples, 0.0, 3600.0)
    assert usage.energy_wh == pytest.approx(1000.0)
    assert usage.cost(Tariff(0.25)) == pytest.approx(0.25)


def test_nothing_is_guessed_in_a_gap() -> None:
    samples = [host(at_s, GPU) for at_s in (0.0, 1.0, 2.0, 60.0, 61.0)]
    usage = one(samples, 0.0, 61.0)
    assert usage.power_w == Figure(300.0, 100.0, 3.0)
    assert usage.unmeasured_s == 58.0
    slow = [replace(one_, period_s=20.0) for one_ in samples]
    assert one(slow, 0.0, 61.0).unmeasured_s == 0.0, "a slow period is no gap"


def test_a_figure_that_is_not_given_is_not_measured() -> None:
    usage = one(drawing(100.0, None, 100.0, 100.0), 0.0, 3.0)
    assert usage.power_w == Figure(100.0, 100.0, 1.0)
    assert usage.vram_bytes == Figure(12.0 * GB, 4.0 * GB, 3.0), "the others are"
    mute = replace(GPU, power_w=None, missing={"power_w": "not supported", "throttle": "not supported"})
    none = one([host(0.0, mute), host(1.0, mute)], 0.0, 1.0)
    assert (none.power_w, none.energy_wh, none.cost(Tariff(1.0)), none.emission_g(Tariff(0.0, "", 1.0))) == (None,) * 4
    assert usage.cost(Tariff()) is None, "a price that is not known is no price of 0"
    assert none.unmeasured_s == 1.0
    assert none.throttled_s is None


def test_without_samples_nothing_is_known() -> None:
    for samples in ([], [host(0.5, GPU)], [host(5.0, GPU), host(6.0, GPU)]):
        usage = one(samples, 0.0, 1.0)
        assert [getattr(usage, name) for name in FIGURES] == [None] * len(FIGURES)
        assert usage.unmeasured_s == 1.0
    assert usage_of([], []) == []
    assert total([]).length_s == 0.0


def test_rates_are_of_the_time_before_their_sample() -> None:
    disks = [(Disk("/", 9, 5, 4, read, 2.0 * read), Disk("/data", 9, 5, 4, 1.0, 0.0)) for read in (900.0, 10.0, 30.0)]
    samples = [host(float(n), disks=two, net_sent_bytes_per_s=7.0, net_received_bytes_per_s=3.0)
               for n, two in enumerate(disks)]
    usage = one(samples, 0.0, 2.0)
    assert usage.disk_read_bytes_per_s == Figure(42.0, 31.0, 2.0), "what the first says was before"
    assert usage.disk_write_bytes_per_s == Figure(80.0, 60.0, 2.0)
    assert usage.net_sent_bytes_per_s == Figure(14.0, 7.0, 2.0)
    assert usage.net_received_bytes_per_s == Figure(6.0, 3.0, 2.0)
    half = one(samples, 0.5, 1.5)
    assert half.disk_read_bytes_per_s == Figure(0.5 * 11.0 + 0.5 * 31.0, 31.0, 1.0)


def test_several_gpus_and_those_the_job_ran_on() -> None:
    other = Gpu(1, "RX 9070 XT", "amd", util_percent=10.0, vram_used_bytes=GB, power_w=50.0)
    samples = [host(float(n), GPU, other) for n in range(3)]
    both = one(samples, 0.0, 2.0)
    assert (both.power_w, both.gpu_percent) == (Figure(300.0, 150.0, 2.0), Figure(60.0, 30.0, 2.0))
    assert both.vram_bytes == Figure(10.0 * GB, 5.0 * GB, 2.0)
    assert one(samples, 0.0, 2.0, gpus=frozenset({1})).power_w == Figure(100.0, 50.0, 2.0)
    assert one(samples, 0.0, 2.0, gpus=frozenset({7})).power_w is None


def shared(*own_gb: float | None) -> list[Host]:
    """A GPU that two processes share; ours is number 7, and None where it is not told."""
    def gpu(own: float | None) -> Gpu:
        mine = [] if own is None else [GpuProcess(7, "python", int(own * GB))]
        return replace(GPU, vram_used_bytes=10 * GB, processes=(GpuProcess(8, "blender", 3 * GB), *mine))

    return [host(float(n), gpu(own)) for n, own in enumerate(own_gb)]


def test_memory_is_the_jobs_own_where_processes_are_known() -> None:
    usage = one(shared(None, 2.0, 4.0), 0.0, 2.0, pids=frozenset({7}))
    assert usage.by_process
    assert usage.vram_bytes == Figure(4.0 * GB, 4.0 * GB, 2.0), "nothing before the process was there"


def test_memory_is_the_whole_gpus_where_they_are_not() -> None:
    for pids in (frozenset[int](), frozenset({9})):
        usage = one(shared(2.0, 2.0), 0.0, 1.0, pids=pids)
        assert not usage.by_process
        assert usage.vram_bytes == Figure(10.0 * GB, 10.0 * GB, 1.0)
    assert not one([host(0.0, GPU), host(1.0, GPU)], 0.0, 1.0, pids=frozenset({7})).by_process


def test_whose_memory_it_is_holds_for_all_stages() -> None:
    spans = [Span("load", 0.0, 1.0), Span("sample", 1.0, 3.0)]
    load, sample = usage_of(shared(None, None, 2.0, 2.0), spans, pids=frozenset({7}))
    assert load.by_process
    assert load.vram_bytes == Figure(0.0, 0.0, 1.0)
    assert sample.vram_bytes == Figure(3.0 * GB, 2.0 * GB, 2.0)
    assert total([load, sample]).by_process


def test_on_an_apu_all_its_memory_counts() -> None:
    usage = one([host(float(n), replace(GPU, unified=True, gtt_used_bytes=26 * GB)) for n in range(2)], 0.0, 1.0)
    assert usage.vram_bytes == Figure(30.0 * GB, 30.0 * GB, 1.0)


def test_throttled_time() -> None:
    reasons: list[tuple[str, ...]] = [(), (), ("power cap",), ("power cap", "hot"), ()]
    samples = [host(float(n), replace(GPU, throttle=throttle)) for n, throttle in enumerate(reasons)]
    usage = one(samples, 0.0, 4.0)
    silent = [host(float(n), replace(GPU, missing={"throttle": "not supported"})) for n in range(3)]
    assert one(silent, 0.0, 2.0).throttled_s is None
    assert usage.throttled_s == 2.0, "half a second on the way in, one, and half a second on the way out"
    assert usage.throttled == Figure(2.0, 1.0, 4.0)


watts = st.none() | st.floats(0, 1000)
tracks = st.lists(st.tuples(st.floats(0.05, 6.0), watts, st.floats(0, 1e9)), min_size=2, max_size=30)


@given(tracks, st.lists(st.floats(0, 1), min_size=0, max_size=5))
def test_stages_add_up_to_the_whole(track: list[tuple[float, float | None, float]], cuts: list[float]) -> None:
    at_s, samples = 0.0, []
    for step_s, power_w, sent in track:
        at_s += step_s
        samples.append(host(at_s, replace(GPU, power_w=power_w), net_sent_bytes_per_s=sent))
    borders = [0.0, *sorted(cut * at_s for cut in cuts), at_s + 1.0]
    spans = [Span(str(n), begin_s, end_s) for n, (begin_s, end_s) in enumerate(pairwise(borders))]
    whole, summed = one(samples, 0.0, at_s + 1.0), total(usage_of(samples, spans))
    assert summed.length_s == pytest.approx(whole.length_s)
    for name in FIGURES:
        of_whole, of_sum = getattr(whole, name), getattr(summed, name)
        assert (of_whole is None) == (of_sum is None)
        if of_whole is not None:
            assert of_sum.integral == pytest.approx(of_whole.integral, rel=1e-6, abs=1e-3)
            assert of_sum.measured_s == pytest.approx(of_whole.measured_s, abs=1e-6)
            assert of_sum.peak == pytest.approx(of_whole.peak)


@given(tracks, st.floats(0, 100), st.floats(0.1, 100))
def test_no_figure_is_out_of_its_samples(track: list[tuple[float, float | None, float]], begin_s: float,
                                         length_s: float) -> None:
    at_s, samples = 0.0, []
    for step_s, power_w, _ in track:
        at_s += step_s
        samples.append(host(at_s, replace(GPU, power_w=power_w)))
    usage = one(samples, begin_s, begin_s + length_s)
    assert 0.0 <= usage.unmeasured_s <= usage.length_s + 1e-9
    if usage.power_w is not None:
        known = [power_w for _, power_w, _ in track if power_w is not None]
        assert min(known) - 1e-6 <= usage.power_w.mean <= usage.power_w.peak + 1e-6
        assert usage.power_w.peak <= max(known) + 1e-6
        assert 0.0 < usage.power_w.measured_s <= length_s + 1e-9
