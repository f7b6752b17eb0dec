"""What a GPU's figure can be: rubbish is refused with a reason, whatever vendor's driver it comes from."""

from __future__ import annotations

import math
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.record import Gpu
from echodeck.sources.amd import AmdSource
from echodeck.sources.asked import Asked
from echodeck.sources.intel import IntelSource
from echodeck.sources.nvidia import NvidiaSource
from echodeck.sources.plausible import BOUNDS, of_all, plausible

GIB = 2**30


def test_every_figure_has_bounds() -> None:
    assert set(BOUNDS) == {one.name for one in fields(Gpu) if one.type in ("float | None", "int | None")}


@pytest.mark.parametrize(("field", "value"), [
    ("power_w", 4.29e9), ("power_w", -1.0), ("temp_c", -273.15), ("temp_mem_c", 255.0), ("util_percent", 65535.0),
    ("util_percent", 106.0), ("fan_percent", 200.0), ("fan_rpm", 65535.0), ("clock_sm_mhz", 4294967.0),
    ("vram_total_bytes", 2**64 - 1), ("vram_used_bytes", -1), ("pcie_gen", 255), ("energy_j", math.nan),
    ("pcie_tx_bytes_per_s", math.inf),
])
def test_what_cannot_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"the driver says .* which cannot be"):
        plausible(field, value)


@pytest.mark.parametrize(("field", "value", "believed"), [
    ("power_w", 1200.0, 1200.0), ("temp_c", -20.0, -20.0), ("util_percent", 102.0, 100.0),
    ("fan_percent", 130.0, 100.0),
    ("uuid", "GPU-1", "GPU-1"), ("throttle", ("power limit",), ("power limit",)),
])
def test_what_can_be_is_believed(field: str, value: Any, believed: Any) -> None:
    assert plausible(field, value) == believed


@given(st.sampled_from(sorted(BOUNDS)), st.floats() | st.integers())
def test_nothing_comes_through_that_is_out_of_bounds(field: str, value: float) -> None:
    low, high = BOUNDS[field]
    try:
        assert low <= plausible(field, value) <= high
    except ValueError:
        assert not low <= value <= high


def test_no_more_is_in_use_than_there_is() -> None:
    assert (of_all(12, 24), of_all(25, 24)) == (12, 24)
    with pytest.raises(ValueError, match="the driver says 48 of 24 bytes"):
        of_all(48, 24)


def test_another_way_is_tried_when_an_answer_cannot_be() -> None:
    asked = Asked((LookupError,), str)
    assert asked.ask("power_w", lambda: 4.29e9, lambda: 120.0) == 120.0
    assert asked.missing == {}
    assert asked.ask("temp_c", lambda: -273.15, lambda: {}["more"]) is None
    assert asked.missing == {"temp_c": "the driver says -273.15, which cannot be"}


def test_of_nvidia(nvml: Any) -> None:
    memory = SimpleNamespace(used=48 * GIB, total=24 * GIB, reserved=0)
    source = NvidiaSource(nvml(
        DeviceGetPowerUsage=4_294_967_295, DeviceGetTemperatureV=255, DeviceGetTemperature=255,
        DeviceGetUtilizationRates=SimpleNamespace(gpu=4_294_967_295, memory=7),
        DeviceGetMemoryInfo=lambda _, version=None: memory))
    [[gpu], _] = source.read()
    assert (gpu.util_percent, gpu.temp_c, gpu.vram_used_bytes) == (None, None, None)
    assert gpu.power_w == 120.0, "the field value still tells it"
    assert (gpu.mem_util_percent, gpu.vram_total_bytes) == (7.0, 24 * GIB)
    for field in ("util_percent", "temp_c", "vram_used_bytes"):
        assert gpu.missing[field].endswith("which cannot be")


def test_of_amd(tree: Any, clock: Any) -> None:
    card = tree.discrete()
    for name, text in {"gpu_busy_percent": "65535", "hwmon/hwmon3/temp1_input": "-273150",
                       "hwmon/hwmon3/power1_average": "4290000000000000", "mem_info_vram_used": str(48 * GIB)}.items():
        tree.write(f"{card}/{name}", f"{text}\n")
    [[gpu], _] = AmdSource(tree.root, clock=clock).read()
    assert (gpu.util_percent, gpu.temp_c, gpu.power_w, gpu.vram_used_bytes) == (None, None, None, None)
    assert gpu.missing["power_w"] == "the driver says 4.29e+09, which cannot be"
    assert (gpu.mem_util_percent, gpu.temp_mem_c) == (41.0, 88.0), "its other figures stay"


def test_of_intel_also_what_is_computed(tree: Any, clock: Any) -> None:
    card = tree.arc()
    source = IntelSource(tree.root, clock=clock)
    source.read()
    clock.now += 1.0
    tree.write(f"{card}/hwmon/hwmon2/energy1_input", "9000000000000\n")
    [[gpu], _] = source.read()
    assert (gpu.power_w, gpu.energy_j) == (None, 9_000_000.0)
    assert gpu.missing["power_w"].endswith("which cannot be")
