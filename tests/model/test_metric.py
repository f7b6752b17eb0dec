"""Keys, and that everything a machine tells comes out by its name."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from echodeck.model.metric import METRICS, metric_of, rate, samples_of, throttled, with_figures
from echodeck.model.record import Disk, Gpu, Host, Net

GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=97.0, vram_used_bytes=9 << 30, vram_total_bytes=12 << 30, temp_c=71.0,
          power_w=168.5)
HOST = Host("studio", 1000.0, cpu_percent=12.5, cores_percent=(5.0, 20.0), load=(0.5, 0.4, 0.3),
            memory_used_bytes=8 << 30, memory_total_bytes=32 << 30, disks=(Disk("/a.b/c", 100, 60, 40, 1.5, 2.5),),
            net_sent_bytes_per_s=10.0, net_received_bytes_per_s=20.0, gpus=(GPU,))


def test_every_figure_has_its_key() -> None:
    found = dict(samples_of(HOST))
    assert found["cpu.percent"] == 12.5
    assert found["cpu.load_1m"] == 0.5
    assert found["core.1.percent"] == 20.0
    assert found["memory.used_bytes"] == 8 << 30
    assert found["disk./a.b/c.write_bytes_per_s"] == 2.5
    assert found["network.received_bytes_per_s"] == 20.0
    assert found["gpu.0.power_w"] == 168.5
    assert "gpu.0.fan_percent" not in found, "what the device does not give is no sample"
    assert all(type(value) is float for value in found.values())


def test_every_key_leads_back_to_its_metric() -> None:
    for key, _ in samples_of(HOST):
        metric = metric_of(key)
        assert metric is not None, key
        assert metric.key(key.removeprefix(metric.scope + ".").rpartition(".")[0]) == key
    assert [metric_of(key) for key in ("", "cpu", "gpu.0.colour", "gpu.0.", ".")] == [None] * 5


def test_only_what_is_kept() -> None:
    kept = dict(samples_of(HOST, kept=True))
    assert kept.keys() < dict(samples_of(HOST)).keys()
    assert not any(key.startswith("core.") for key in kept)
    assert "gpu.0.vram_used_bytes" in kept


def test_a_host_that_tells_nothing_has_no_gpu_figures() -> None:
    assert not [key for key, _ in samples_of(Host("bare", 0.0)) if key.startswith(("gpu.", "disk.", "cpu.load"))]


def test_a_machine_at_another_moment_is_made_of_its_figures() -> None:
    then = replace(HOST, at_s=900.0, cpu_percent=50.0, memory_used_bytes=4 << 30, net_sent_bytes_per_s=7.0,
                   gpus=(replace(GPU, util_percent=1.0, vram_used_bytes=1 << 30),),
                   disks=(Disk("/a.b/c", 100, 60, 40, 0.0, 9.0),))
    assert with_figures(HOST, 900.0, dict(samples_of(then, kept=True))) == then
    assert with_figures(HOST, 900.0, {}) == replace(HOST, at_s=900.0)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_finite_number_is_no_sample(value: Any) -> None:
    found = dict(samples_of(Host("studio", 0.0, gpus=(Gpu(1, "g", "amd", temp_c=value, power_w=5),))))
    assert found["gpu.1.power_w"] == 5.0
    assert "gpu.1.temp_c" not in found


def test_figures_of_sensors_interfaces_and_cores() -> None:
    found = dict(samples_of(Host("studio", 0.0, cores_mhz=(3600.0,), temps={"k10.Tctl": 61},
                                 nets=(Net("eth0.5", sent_bytes_per_s=7),))))
    assert (found["core.0.mhz"], found["temp.k10.Tctl.c"], found["net.eth0.5.sent_bytes_per_s"]) == (3600.0, 61.0, 7.0)


@pytest.mark.parametrize(("gpu", "expected"), [
    (GPU, 0.0), (replace(GPU, throttle=("hot",)), 1.0), (replace(GPU, missing={"throttle": "not supported"}), None),
    (Gpu(0, "g", "nvidia", reason="no driver"), None),
])
def test_a_device_that_does_not_tell_is_not_held_to_run_freely(gpu: Gpu, expected: float | None) -> None:
    assert throttled(gpu) == expected
    assert dict(samples_of(replace(HOST, gpus=(gpu,)))).get("gpu.0.throttled") == expected


def test_every_number_of_a_gpu_and_a_disk_has_a_metric() -> None:
    known = {metric.name for metric in METRICS.values()}
    aside = {"index", "free_bytes", "throttle", "processes", "unified", "missing", "asleep", "lost_s"}
    for scope, record in (("gpu", Gpu), ("disk", Disk)):
        told = {f"{scope}.{one.name}" for one in fields(record) if one.name not in aside and one.type != "str"}
        assert told <= known


def test_units_are_those_of_the_names() -> None:
    ends = {"_percent": "%", "_bytes": "B", "_bytes_per_s": "B/s", "_w": "W", "_c": "°C", "_mhz": "MHz", "_j": "J",
            "_rpm": "rpm"}
    for metric in METRICS.values():
        figure = "_" + metric.name.rpartition(".")[2]
        end = next((end for end in sorted(ends, key=len, reverse=True) if figure.endswith(end)), None)
        assert metric.unit == (ends[end] if end else ""), metric.name
        assert metric.label


@pytest.mark.parametrize(("before", "after", "elapsed_s", "expected"), [
    (100.0, 300.0, 2.0, 100.0), (300.0, 100.0, 2.0, 0.0), (1.0, 2.0, 0.0, 0.0), (1.0, 2.0, -1.0, 0.0),
])
def test_rate_divides_by_measured_time(before: float, after: float, elapsed_s: float, expected: float) -> None:
    assert rate(before, after, elapsed_s) == expected
