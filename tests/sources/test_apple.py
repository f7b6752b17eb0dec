"""What ioreg prints, as a constructed property list; and the ways in which it cannot be asked."""

from __future__ import annotations

import plistlib
import subprocess
from typing import Any

import psutil
import pytest

from echodeck.sources.apple import AppleSource, parse

M1 = {"IOClass": "AGXAcceleratorG13X", "model": "Apple M1 Pro", "gpu-core-count": 16, "PerformanceStatistics": {
    "Device Utilization %": 63, "Renderer Utilization %": 60, "In use system memory": 3 * 2**30,
    "In use system memory (driver)": 0, "Alloc system memory": 9 * 2**30}}
RADEON = {"IOClass": "AMDRadeonX6000_AMDNavi21GraphicsAccelerator", "model": b"AMD Radeon Pro\0",
          "PerformanceStatistics": {"Device Utilization %": 5, "vramUsedBytes": 2**30}}


def test_a_chip_of_apples() -> None:
    (gpu,) = parse(plistlib.dumps([M1]), 32 * 2**30)
    assert (gpu.name, gpu.vendor, gpu.driver, gpu.unified, gpu.util_percent) == (
        "Apple M1 Pro", "apple", "AGXAcceleratorG13X", True, 63.0)
    assert (gpu.memory_used_bytes, gpu.memory_total_bytes) == (3 * 2**30, 32 * 2**30)
    assert gpu.missing["power_w"] == "macOS tells it nobody but root"


def test_an_intel_mac_with_a_card() -> None:
    (_, gpu) = parse(plistlib.dumps([{}, RADEON]), 2**34)
    assert (gpu.name, gpu.index, gpu.unified, gpu.vram_used_bytes, gpu.memory_total_bytes) == (
        "AMD Radeon Pro", 1, False, 2**30, None)


def test_an_entry_without_statistics_has_a_reason() -> None:
    (gpu,) = parse(plistlib.dumps([{"IOClass": "IntelAccelerator"}]), 2**34)
    assert (gpu.name, gpu.reason) == ("Mac GPU", "the device gives no figures: this GPU's driver does not tell it")


@pytest.mark.parametrize("output", [b"<plist", b"bplist00 cut", b"\xff\xfe", plistlib.dumps({"no": "list"})])
def test_what_is_no_list_is_refused(output: bytes) -> None:
    with pytest.raises(ValueError):
        parse(output, 2**34)


def test_it_is_asked_seldom(clock: Any) -> None:
    asked = []

    def ask() -> bytes:
        asked.append(clock.now)
        return plistlib.dumps([M1])

    source = AppleSource(ask, clock, platform="darwin")
    for _ in range(6):
        assert source.read()[0][0].gtt_total_bytes == psutil.virtual_memory().total
        clock.now += 1.0
    assert asked == [1000.0, 1005.0]


@pytest.mark.parametrize("error", [FileNotFoundError("ioreg"), subprocess.TimeoutExpired("ioreg", 5)])
def test_when_it_cannot_be_asked_there_is_a_reason(clock: Any, error: Exception) -> None:
    def ask() -> bytes:
        raise error

    gpus, reason = AppleSource(ask, clock, platform="darwin").read()
    assert gpus == ()
    assert reason.startswith("ioreg cannot be asked: ")
    assert AppleSource(lambda: b"", clock, platform="darwin").read() == ((), "macOS names no GPU")
    assert AppleSource(platform="linux").read() == ((), "Apple's GPUs are only in Macs")
