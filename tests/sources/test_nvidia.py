"""NVML's ways to fail, with a stand-in module that raises pynvml's own errors."""

from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from echodeck.sources.nvidia import NO_PACKAGE, NvidiaSource
from echodeck.sources.nvml import mean_by_process, pci_id, slowdowns, text

UNSUPPORTED = pynvml.NVML_ERROR_NOT_SUPPORTED


def test_every_figure_has_its_unit(nvml: Any, clock: Any) -> None:
    source = NvidiaSource(module := nvml(), clock)
    source.read()
    clock.now += 2.0
    module.fields.update({197: 5_004_000, 198: 7_001_000})
    (gpu,), reason = source.read()
    assert reason == ""
    assert (gpu.index, gpu.name, gpu.vendor, gpu.uuid, gpu.pci_id) == (0, "Card", "nvidia", "GPU-1", "0000:2d:00.0")
    assert (gpu.driver, gpu.mig, gpu.unified, gpu.reason) == ("nvidia 580.95.05", "", False, "")
    assert (gpu.util_percent, gpu.mem_util_percent, gpu.encoder_percent, gpu.decoder_percent) == (37.0, 9.0, 12.0, 3.0)
    assert (gpu.vram_used_bytes, gpu.vram_total_bytes, gpu.vram_reserved_bytes) == (6, 24, 2)
    assert (gpu.temp_c, gpu.temp_mem_c, gpu.fan_percent, gpu.fan_rpm) == (61.0, 84.0, 44.0, 1500.0)
    assert (gpu.power_w, gpu.power_limit_w, gpu.energy_j) == (123.456, 250.0, 5.0)
    assert (gpu.clock_sm_mhz, gpu.clock_mem_mhz, gpu.clock_sm_max_mhz, gpu.clock_mem_max_mhz) == (
        1800.0, 7000.0, 2100.0, 7500.0)
    assert (gpu.pcie_gen, gpu.pcie_width, gpu.pcie_tx_bytes_per_s, gpu.pcie_rx_bytes_per_s) == (4, 16, 2000.0, 500.0)
    assert gpu.throttle == ("power limit", "temperature (hardware)")
    assert [(one.pid, one.vram_bytes, one.util_percent) for one in gpu.processes] == [(1, 5, 35.0),
                                                                                     (999_999_999, None, None)]
    assert gpu.processes[0].name
    assert set(gpu.missing) == {"gtt_used_bytes", "gtt_total_bytes", "temp_hotspot_c"}


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("UtilizationRates", {"util_percent", "mem_util_percent"}),
        ("EncoderUtilization", {"encoder_percent"}),
        ("MemoryInfo", {"vram_used_bytes", "vram_total_bytes", "vram_reserved_bytes"}),
        ("EnforcedPowerLimit", {"power_limit_w"}),
        ("TotalEnergyConsumption", {"energy_j"}),
        ("FieldValues", {"temp_mem_c"}),
        ("ClockInfo", {"clock_sm_mhz", "clock_mem_mhz"}),
        ("MaxClockInfo", {"clock_sm_max_mhz", "clock_mem_max_mhz"}),
        ("FanSpeed", {"fan_percent"}),
        ("FanSpeedRPM", {"fan_rpm"}),
        ("CurrPcieLinkWidth", {"pcie_width"}),
        ("TemperatureV", set()),
        ("PowerUsage", set()),
        ("CurrentClocksEventReasons", set()),
        ("ProcessUtilization", set()),
        ("ComputeRunningProcesses", set()),
    ],
)
def test_a_figure_that_a_card_lacks_hides_no_other(nvml: Any, clock: Any, function: str, fields: set[str]) -> None:
    source = NvidiaSource(nvml(**{f"DeviceGet{function}": nvml.Fault(UNSUPPORTED)}), clock)
    (gpu,), _ = source.read()
    always = {"gtt_used_bytes", "gtt_total_bytes", "temp_hotspot_c"}
    assert set(gpu.missing) == fields | always
    assert all(getattr(gpu, field) is None and gpu.missing[field] == "Not Supported" for field in fields)
    assert gpu.reason == ""


def test_what_has_an_older_way_is_asked_in_it(nvml: Any, clock: Any) -> None:
    module = nvml(DeviceGetMemoryInfo=lambda _, *version: SimpleNamespace(used=8, total=24), DeviceGetName=b"Card",
                  DeviceGetUUID=b"GPU-1")
    for name in ("TemperatureV", "PowerUsage", "CurrentClocksEventReasons", "FanSpeedRPM", "MigMode"):
        del module.answers[f"DeviceGet{name}"]
    (gpu,), _ = NvidiaSource(module, clock).read()
    assert (gpu.name, gpu.uuid, gpu.temp_c, gpu.power_w, gpu.throttle) == ("Card", "GPU-1", 61.0, 120.0,
                                                                          ("hardware slowdown",))
    assert (gpu.vram_used_bytes, gpu.vram_reserved_bytes) == (8, None)
    assert gpu.missing["fan_rpm"] == "this driver or its binding lacks it"


def test_a_card_without_counters_is_seldom_looked_at_for_its_link(nvml: Any, clock: Any) -> None:
    module = nvml()
    del module.fields[197], module.fields[198]
    source = NvidiaSource(module, clock)
    for _ in range(4):
        (gpu,), _ = source.read()
        assert (gpu.pcie_tx_bytes_per_s, gpu.pcie_rx_bytes_per_s) == (2e6, 3e6)
        clock.now += 1.0
    assert module.asked.count("DeviceGetPcieThroughput") == 2
    clock.now += 5.0
    source.read()
    assert module.asked.count("DeviceGetPcieThroughput") == 4


def test_a_lost_card_has_a_reason_and_its_handle_is_made_anew(nvml: Any, clock: Any) -> None:
    module = nvml()
    source = NvidiaSource(module, clock)
    source.read()
    kept = dict(module.answers)
    module.refuse(pynvml.NVML_ERROR_GPU_IS_LOST)
    clock.now += 6.0
    (gpu,), reason = source.read()
    assert (gpu.name, gpu.util_percent, reason) == ("Card", None, "")
    assert gpu.reason == "the device gives no figures: GPU is lost"
    (gpu,), _ = source.read()  # NVML was begun anew, and has no handle of it
    assert gpu.reason == "the NVIDIA driver says: GPU is lost"
    module.answers.update(kept)
    clock.now += 11.0
    source.read()
    assert source.read()[0][0].util_percent == 37.0
    assert module.asked.count("Shutdown") == 2


def test_in_vain_it_is_made_anew_ever_more_seldom(nvml: Any, clock: Any) -> None:
    module = nvml(DeviceGetHandleByIndex=nvml.Fault(pynvml.NVML_ERROR_GPU_IS_LOST))
    source = NvidiaSource(module, clock)
    for _ in range(600):
        clock.now += 1.0
        source.read()
    assert 5 <= module.asked.count("Init") <= 8


def test_one_lost_card_hides_no_other(nvml: Any, clock: Any) -> None:
    def handle(number: int) -> str:
        if number:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return "handle"

    gpus, _ = NvidiaSource(nvml(DeviceGetCount=2, DeviceGetHandleByIndex=handle), clock).read()
    assert [(gpu.util_percent, gpu.reason) for gpu in gpus] == [(37.0, ""),
                                                               (None, "the NVIDIA driver says: GPU is lost")]


def test_a_divided_card_is_followed_by_its_instances(nvml: Any, clock: Any) -> None:
    def instance(_: Any, number: int) -> str:
        if number > 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return f"instance {number}"

    module = nvml(
        DeviceGetMigMode=[1, 1], DeviceGetMaxMigDeviceCount=7, DeviceGetMigDeviceHandleByIndex=instance,
        DeviceGetGpuInstanceId=lambda handle: 7 + int(handle[-1]), DeviceGetComputeInstanceId=0,
        DeviceGetUUID=lambda handle: f"MIG-{handle}",
        DeviceGetUtilizationRates=nvml.Fault(UNSUPPORTED),
    )
    source = NvidiaSource(module, clock)
    gpus, _ = source.read()
    assert [(gpu.index, gpu.mig, gpu.uuid) for gpu in gpus] == [
        (0, "on", "MIG-handle"), (1, "7/0", "MIG-instance 0"), (2, "8/0", "MIG-instance 1")]
    assert [gpu.vram_total_bytes for gpu in gpus] == [None, 24, 24]  # counted once
    assert gpus[0].missing["vram_used_bytes"] == "divided into the instances"
    module.answers["DeviceGetMigMode"] = [0, 0]
    clock.now += 31.0
    assert [gpu.mig for gpu in source.read()[0]] == [""]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "no NVIDIA driver on this machine"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "no NVIDIA driver on this machine"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "this user may not talk to the NVIDIA driver"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "the NVIDIA driver was updated and is not the one that is loaded"),
        (pynvml.NVML_ERROR_UNKNOWN, "the NVIDIA driver says: "),
    ],
)
def test_no_driver_is_a_reason_and_is_asked_again_after_a_while(nvml: Any, clock: Any, number: int,
                                                                reason: str) -> None:
    module = nvml(Init=nvml.Fault(number))
    source = NvidiaSource(module, clock)
    gpus, why = source.read()
    assert gpus == ()
    assert why.startswith(reason)
    module.answers["Init"] = None
    assert source.read() == ((), why)
    assert module.asked.count("Init") == 1
    clock.now += 31.0
    assert len(source.read()[0]) == 1


def test_a_driver_that_goes_away_is_noticed_and_comes_back(nvml: Any, clock: Any) -> None:
    module = nvml()
    source = NvidiaSource(module, clock)
    source.read()
    module.answers["DeviceGetCount"] = nvml.Fault(pynvml.NVML_ERROR_UNINITIALIZED)
    module.answers["Shutdown"] = nvml.Fault(pynvml.NVML_ERROR_UNINITIALIZED)
    gpus, reason = source.read()
    assert gpus == ()
    assert reason.startswith("the NVIDIA driver says: ")
    module.answers["DeviceGetCount"] = 1
    clock.now += 6.0
    assert source.read()[0][0].util_percent == 37.0


def test_a_card_that_comes_is_found(nvml: Any, clock: Any) -> None:
    module = nvml(DeviceGetCount=0)
    source = NvidiaSource(module, clock)
    assert source.read() == ((), "the NVIDIA driver finds no GPU")
    module.answers["DeviceGetCount"] = 1
    assert len(source.read()[0]) == 1


def test_without_the_package_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any) -> Any:
        if name == "pynvml":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lacking)
    assert NvidiaSource().read() == ((), NO_PACKAGE)


def test_the_parts_of_answers() -> None:
    assert slowdowns(0x1 | 0x2 | 0x10 | 0x100) == ()
    assert slowdowns(0xFF) == ("power limit", "hardware slowdown", "temperature", "temperature (hardware)",
                               "power brake")
    assert pci_id("00000000:2D:00.0") == pci_id("0000:2D:00.0") == "0000:2d:00.0"
    assert pci_id("odd") == "odd"
    assert (text(b"a\xff"), text("a"), text(None)) == ("a\ufffd", "a", "")
    assert mean_by_process([SimpleNamespace(pid=1, smUtil=4_294_967_295)]) == {}
