"""AMD's cards in constructed trees: discrete, APU, two cards, asleep, in reset, vanished in mid-read, hot-plugged."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest

from echodeck.sources.amd import ASLEEP, AmdSource
from echodeck.sources.fdinfo import Clients
from echodeck.sources.rocm import Rocm

GIB = 2**30


def source_of(tree: Any, clock: Any, rocm: Any = None) -> AmdSource:
    return AmdSource(tree.root, Clients(tree.root, clock), Rocm(rocm or SimpleNamespace()), clock)


def test_a_discrete_card(tree: Any, clock: Any) -> None:
    tree.discrete()
    tree.write("usr/share/libdrm/amdgpu.ids", "# table\n1.0.0\n744C,\tC8,\tAMD Radeon RX 7900 XTX\n")
    (gpu,), reason = source_of(tree, clock).read()
    assert reason == ""
    assert (gpu.name, gpu.vendor, gpu.uuid, gpu.pci_id, gpu.driver, gpu.unified) == (
        "AMD Radeon RX 7900 XTX", "amd", "a1b2c3d4e5f60000", "0000:03:00.0", "amdgpu", False)
    assert (gpu.util_percent, gpu.mem_util_percent) == (97.0, 41.0)
    assert (gpu.vram_used_bytes, gpu.vram_total_bytes, gpu.gtt_used_bytes, gpu.gtt_total_bytes) == (
        20 * GIB, 24 * GIB, GIB, 32 * GIB)
    assert (gpu.memory_used_bytes, gpu.memory_total_bytes) == (20 * GIB, 24 * GIB)
    assert (gpu.temp_c, gpu.temp_hotspot_c, gpu.temp_mem_c) == (58.0, 81.0, 88.0)
    assert (gpu.power_w, gpu.power_limit_w, gpu.fan_percent, gpu.fan_rpm) == (290.0, 339.0, pytest.approx(40), 1402.0)
    assert (gpu.clock_sm_mhz, gpu.clock_mem_mhz, gpu.clock_sm_max_mhz, gpu.clock_mem_max_mhz) == (
        2124.0, 1249.0, 2482.0, 1249.0)
    assert (gpu.pcie_gen, gpu.pcie_width) == (4, 16)  # not the link to the switch on the card
    assert gpu.throttle == ("power limit", "temperature (hotspot)")
    assert set(gpu.missing) == {"encoder_percent", "decoder_percent", "vram_reserved_bytes", "energy_j",
                                "pcie_tx_bytes_per_s", "pcie_rx_bytes_per_s"}


def test_an_apu_works_in_gtt(tree: Any, clock: Any) -> None:
    tree.apu()
    (gpu,), _ = source_of(tree, clock).read()
    assert gpu.unified
    assert (gpu.memory_used_bytes, gpu.memory_total_bytes) == (8 * GIB + GIB // 4, 61 * GIB + GIB // 2)
    assert (gpu.power_w, gpu.temp_c, gpu.clock_sm_max_mhz, gpu.throttle) == (15.1, 47.0, 2700.0, ("power limit",))
    assert gpu.missing["fan_rpm"] == "this kernel or device has no such figure"
    assert {"temp_hotspot_c", "temp_mem_c", "fan_percent", "power_limit_w", "mem_util_percent"} <= set(gpu.missing)


def test_an_apu_is_known_without_its_table_too(tree: Any, clock: Any) -> None:
    device = tree.apu()
    (tree.root / device / "gpu_metrics").unlink()
    (gpu,), _ = source_of(tree, clock).read()
    assert gpu.unified
    assert gpu.throttle == ()
    assert gpu.missing["throttle"] == "this kernel or device has no such figure"


def test_two_cards_are_in_the_order_of_their_addresses(tree: Any, clock: Any) -> None:
    tree.discrete(2, "0000:83:00.0")
    tree.discrete(10, "0000:03:00.0")
    tree.arc(3)
    gpus, _ = source_of(tree, clock).read()
    assert [(gpu.index, gpu.pci_id) for gpu in gpus] == [(0, "0000:03:00.0"), (1, "0000:83:00.0")]


def test_a_card_that_is_asleep_is_not_asked(tree: Any, clock: Any, hindrance: Any) -> None:
    device = tree.discrete()
    source = source_of(tree, clock)
    source.read()
    tree.write(f"{device}/power/runtime_status", "suspended\n")
    hindrance(errno.EIO, but=("power/runtime_status",))
    (gpu,), reason = source.read()
    assert (gpu.asleep, gpu.up) == (True, True)
    assert (gpu.reason, reason, gpu.util_percent, gpu.vram_total_bytes) == (ASLEEP, "", None, 24 * GIB)
    assert gpu.missing == {}


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY])
def test_a_card_in_reset_has_a_reason_and_comes_back(tree: Any, clock: Any, hindrance: Any, number: int) -> None:
    tree.discrete()
    source = source_of(tree, clock)
    lift = hindrance(number, but=("power/runtime_status", "vendor", "uevent", "device", "revision"))
    (gpu,), _ = source.read()
    assert gpu.reason == "the device gives no figures: the device is asleep or in reset"
    lift()
    (gpu,), _ = source.read()
    assert (gpu.reason, gpu.vram_total_bytes, gpu.clock_sm_max_mhz) == ("", 24 * GIB, 2482.0)


@pytest.mark.parametrize("name", ["gpu_busy_percent", "mem_info_vram_used", "temp2_input", "gpu_metrics",
                                  "pp_dpm_pcie"])
def test_a_file_that_is_refused_hides_no_other(tree: Any, clock: Any, hindrance: Any, name: str) -> None:
    tree.discrete()
    whole, _ = source_of(tree, clock).read()
    hindrance(errno.EACCES, name)
    (gpu,), _ = source_of(tree, clock).read()
    new = set(gpu.missing) - set(whole[0].missing)
    assert len(new) == (0 if name == "pp_dpm_pcie" else 1)  # the link is told by another file too
    assert all(gpu.missing[field] == "this user may not read it" for field in new)


def test_a_card_that_vanishes_in_mid_read_is_gone_with_the_next(tree: Any, clock: Any, hindrance: Any) -> None:
    tree.discrete(0)
    tree.discrete(1, "0000:83:00.0")
    source = source_of(tree, clock)
    source.read()
    hindrance(errno.ENODEV, "mem_info_vram_used", after=1, then=lambda: tree.remove("sys/class/drm/card1/device"))
    gpus, _ = source.read()
    assert [gpu.util_percent for gpu in gpus] == [97.0, 97.0]
    assert gpus[1].missing["vram_used_bytes"] == "the device is gone"
    assert [gpu.pci_id for gpu in source.read()[0]] == ["0000:03:00.0"]


def test_a_card_that_is_plugged_in_is_found_after_a_while(tree: Any, clock: Any) -> None:
    source = source_of(tree, clock)
    assert source.read() == ((), "no AMD GPU with a driver")
    tree.discrete()
    assert source.read()[0] == ()
    clock.now += 10.0
    assert len(source.read()[0]) == 1


def test_sensors_that_are_numbered_anew_are_found(tree: Any, clock: Any) -> None:
    device = tree.root / tree.discrete()
    source = source_of(tree, clock)
    assert source.read()[0][0].temp_hotspot_c == 81.0
    (device / "hwmon/hwmon3").rename(device / "hwmon/hwmon9")
    assert source.read()[0][0].temp_hotspot_c == 81.0


def test_what_is_no_figure_is_a_reason(tree: Any, clock: Any) -> None:
    device = tree.discrete()
    tree.write(f"{device}/gpu_busy_percent", "n/a\n")
    tree.write(f"{device}/gpu_metrics", b"\x01")
    tree.write(f"{device}/pp_dpm_sclk", "")
    (gpu,), _ = source_of(tree, clock).read()
    assert (gpu.util_percent, gpu.missing["util_percent"]) == (None, "the answer is no figure")
    assert gpu.missing["throttle"] == "the answer is no figure"
    assert gpu.missing["clock_sm_max_mhz"] == "this kernel or device has no such figure"


FDINFO = """pos:	0
drm-driver:	amdgpu
drm-client-id:	7
drm-pdev:	0000:03:00.0
drm-memory-vram:	4194304 KiB
drm-memory-gtt: 	1048576 KiB
drm-engine-gfx:	{gfx} ns
drm-engine-compute:	0 ns
"""


def test_processes_with_their_memory_and_load(tree: Any, clock: Any) -> None:
    tree.discrete()
    tree.client(41, 5, FDINFO.format(gfx=0))
    tree.client(41, 6, FDINFO.format(gfx=0))  # the same client, opened twice
    source = source_of(tree, clock)
    source.read()
    clock.now += 2.0
    for descriptor in (5, 6):
        tree.client(41, descriptor, FDINFO.format(gfx=500_000_000))
    (gpu,), _ = source.read()
    assert [(one.pid, one.vram_bytes, one.util_percent) for one in gpu.processes] == [(41, 4 * GIB, 25.0)]


def test_the_greater_figure_of_a_process_that_computes_holds(tree: Any, clock: Any) -> None:
    tree.discrete()
    tree.client(41, 5, FDINFO.format(gfx=0))
    tree.write("sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n")
    tree.write("sys/class/kfd/kfd/topology/nodes/0/properties", "location_id 0\n")
    tree.write("sys/class/kfd/kfd/topology/nodes/1/gpu_id", "51234\n")
    tree.write("sys/class/kfd/kfd/topology/nodes/1/properties", "simd_count 192\nlocation_id 768\ndomain 0\n")
    tree.write("sys/class/kfd/kfd/proc/41/vram_51234", f"{9 * GIB}\n")
    tree.write("sys/class/kfd/kfd/proc/42/vram_51234", f"{GIB}\n")
    tree.write("sys/class/kfd/kfd/proc/43/vram_999", f"{GIB}\n")
    (gpu,), _ = source_of(tree, clock).read()
    assert [(one.pid, one.vram_bytes) for one in gpu.processes] == [(41, 9 * GIB), (42, GIB)]


class Amdsmi:
    """ROCm's library on a machine with one device."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def amdsmi_init(self) -> None: ...

    def amdsmi_get_processor_handles(self) -> list[str]:
        return ["handle"]

    def amdsmi_get_gpu_device_bdf(self, _: str) -> str:
        return "0000:03:00.0"

    def __getattr__(self, name: str) -> Any:
        def function(_: str) -> Any:
            if name not in self.answers:
                raise RuntimeError("AMDSMI_STATUS_NOT_SUPPORTED")
            return self.answers[name]

        return function


def test_rocm_adds_what_sysfs_lacks(tree: Any, clock: Any) -> None:
    device = tree.discrete()
    (tree.root / device / "gpu_metrics").unlink()
    rocm = Amdsmi(amdsmi_get_energy_count={"energy_accumulator": 2_000_000, "counter_resolution": 15.3},
                  amdsmi_get_violation_status={"active_ppt_pwr": True, "active_hbm_thrm": "N/A"})
    (gpu,), _ = source_of(tree, clock, rocm).read()
    assert gpu.energy_j == pytest.approx(30.6)
    assert gpu.throttle == ("power limit",)


def test_rocm_without_answers_changes_nothing(tree: Any, clock: Any) -> None:
    device = tree.discrete()
    (tree.root / device / "gpu_metrics").unlink()
    rocm = Amdsmi(amdsmi_get_energy_count={"power": "N/A", "counter_resolution": 15.3}, amdsmi_get_violation_status={})
    (gpu,), _ = source_of(tree, clock, rocm).read()
    assert {"energy_j", "throttle"} <= set(gpu.missing)
    (gpu,), _ = source_of(tree, clock, Amdsmi()).read()
    assert {"energy_j", "throttle"} <= set(gpu.missing)


@pytest.mark.parametrize("error", [KeyError("libamd_smi.so"), ImportError("amdsmi"), OSError("no library"),
                                   RuntimeError()])
def test_rocm_whose_import_fails_in_any_way_is_asked_once(monkeypatch: pytest.MonkeyPatch, error: Exception,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    tried = []

    def load(name: str) -> Any:
        tried.append(name)
        print("Unable to find libamd_smi.so")
        raise error

    monkeypatch.setattr("importlib.import_module", load)
    rocm = Rocm()
    for _ in range(2):
        with pytest.raises(LookupError):
            rocm.energy_j("0000:03:00.0")
    assert tried == ["amdsmi"]
    assert rocm.reason
    assert capsys.readouterr().out == ""
