"""Rules over samples of machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck.brain.watch.figures import STALE_S, FigureRules
from echodeck.brain.watch.readings import readings
from echodeck.brain.watch.rule import rule_of
from echodeck.model.metric import METRICS, metric_of, samples_of
from echodeck.model.record import Host, Net

HOT = rule_of("hot", "gpu.temp_c > 85 for 30 s", "< 80 for 20 s")


def feed(rules: FigureRules, host: Callable[..., Host], begin_s: float, end_s: float, **gpu: Any) -> None:
    for at_s in range(int(begin_s), int(end_s)):
        rules.sampled(host(float(at_s), **gpu))


def test_it_is_found_after_its_time_and_goes_with_its_hysteresis(host: Any) -> None:
    rules = FigureRules([HOT])
    feed(rules, host, 0, 30, temp_c=91.0)
    assert not [*rules.findings(29.0)]
    feed(rules, host, 30, 40, temp_c=88.0)
    [found] = rules.findings(39.0)
    assert (found.cause, found.level, found.host) == ("rule:hot:studio:0", "warning", "studio")
    assert found.title == "GPU 0 of studio: GPU temperature above 85 °C"
    assert found.message == "it was above 85 °C for 30 s, and reached 88 °C"
    feed(rules, host, 40, 100, temp_c=82.0)
    assert [*rules.findings(99.0)], "between the two bounds nothing changes"
    feed(rules, host, 100, 122, temp_c=79.0)
    assert not [*rules.findings(121.0)]


def test_each_gpu_is_by_itself_and_a_rule_may_name_one(host: Any) -> None:
    every, one = FigureRules([rule_of("hot", "gpu.temp_c > 50")]), FigureRules([rule_of("hot", "gpu.1.temp_c > 50")])
    for rules in (every, one):
        rules.sampled(host(1.0, gpus=3))
    assert {found.cause for found in every.findings(1.0)} == {f"rule:hot:studio:{n}" for n in range(3)}
    assert [found.cause for found in one.findings(1.0)] == ["rule:hot:studio:1"]


def test_a_rule_may_hold_of_some_machines_only(host: Any) -> None:
    rules = FigureRules(_with_host("gpu.temp_c > 50", "lab-*"))
    for name in ("studio", "lab-1"):
        rules.sampled(host(1.0, name))
    assert [found.host for found in rules.findings(1.0)] == ["lab-1"]


def _with_host(when: str, pattern: str) -> list[Any]:
    return [replace(rule_of("x", when), host=pattern)]


def test_shares(host: Any) -> None:
    rules = FigureRules([rule_of("full", "gpu.vram_used_bytes / gpu.vram_total_bytes > 90 %")])
    rules.sampled(host(1.0, vram_used_bytes=23 * 10**9))
    [found] = rules.findings(1.0)
    assert found.title == "GPU 0 of studio: VRAM as a share of VRAM in all above 90.0 %"
    assert found.message.endswith("reached 95.8 %")
    rules.sampled(host(2.0, vram_used_bytes=None))
    assert [*rules.findings(2.0)], "what is not measured changes nothing"


def test_a_rate_needs_half_its_window_and_is_that_of_a_line(host: Any) -> None:
    rules = FigureRules([rule_of("fills", "rate(disk.used_bytes, 60 s) > 1 GB/min")])
    for at_s in range(29):
        rules.sampled(host(float(at_s), free_bytes=500e9 - 0.1e9 * at_s))
    assert not [*rules.findings(28.0)]
    for at_s in range(29, 40):
        rules.sampled(host(float(at_s), free_bytes=500e9 - 0.1e9 * at_s))
    [found] = rules.findings(39.0)
    assert found.cause == "rule:fills:studio:/"
    assert "6.0 GB/min" in found.message


def test_of_what_is_not_measured_any_more_nothing_is_said(host: Any) -> None:
    rules = FigureRules([rule_of("hot", "gpu.temp_c > 50")])
    rules.sampled(host(1.0))
    assert [*rules.findings(STALE_S)]
    assert not [*rules.findings(STALE_S + 2.0)]


def test_samples_too_far_apart_tell_nothing_of_the_time_between(host: Any) -> None:
    rules = FigureRules([rule_of("hot", "gpu.temp_c > 50 for 60 s")])
    for at_s in (0.0, 100.0, 200.0):
        rules.sampled(host(at_s))
    assert not [*rules.findings(200.0)]


@pytest.mark.parametrize("name", METRICS)
def test_readings_are_those_of_the_series(host: Any, name: str) -> None:
    one = replace(host(1.0, gpus=2, power_w=200.0, throttle=("thermal",)), load=(1.0, 2.0), temps={"cpu": 50.0},
                  cores_percent=(1.0, 2.0), cores_mhz=(3000.0,), nets=(Net("eth0", 5.0),))
    wanted = {key: value for key, value in samples_of(one) if (metric := metric_of(key)) and metric.name == name}
    assert {METRICS[name].key(which): value for which, value in readings(one, name).items()} == wanted


def test_a_unified_gpu_has_its_share_of_memory_too(host: Any) -> None:
    one = host(1.0, unified=True, vram_used_bytes=9, vram_total_bytes=10, gtt_used_bytes=1, gtt_total_bytes=90)
    assert readings(one, "gpu.vram_used_bytes") == {"0": 10.0}
    assert readings(one, "gpu.vram_total_bytes") == {"0": 100.0}
