"""What the sources are tried on: an NVML that raises what the real one raises, and constructed trees of sysfs."""

from __future__ import annotations

import errno
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from echodeck.sources import sysfs

GIB = 2**30


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fault:
    """An NVML error's number, in place of an answer."""

    def __init__(self, number: int) -> None:
        self.number = number


class Nvml:
    """Stands in for pynvml: every function answers from `answers` (a value, a function or a Fault), constants are
    pynvml's. `fields` are the field values by number."""

    NVMLError = pynvml.NVMLError
    Fault = Fault

    def __init__(self, **answers: Any) -> None:
        self.fields: dict[int, Any] = {82: 84, 186: 120_000, 197: 5_000_000, 198: 7_000_000}
        self.answers: dict[str, Any] = {
            "Init": None, "Shutdown": None, "SystemGetDriverVersion": "580.95.05", "DeviceGetCount": 1,
            "DeviceGetHandleByIndex": "handle", "DeviceGetName": "Card", "DeviceGetUUID": "GPU-1",
            "DeviceGetPciInfo": SimpleNamespace(busId=b"00000000:2D:00.0"),
            "DeviceGetUtilizationRates": SimpleNamespace(gpu=37, memory=9), "DeviceGetEncoderUtilization": [12, 167000],
            "DeviceGetDecoderUtilization": [3, 167000], "DeviceGetMemoryInfo": memory,
            "DeviceGetTemperatureV": 61, "DeviceGetTemperature": 61, "DeviceGetPowerUsage": 123_456,
            "DeviceGetEnforcedPowerLimit": 250_000, "DeviceGetTotalEnergyConsumption": 5_000,
            "DeviceGetClockInfo": lambda _, kind: {pynvml.NVML_CLOCK_SM: 1800, pynvml.NVML_CLOCK_MEM: 7000}[kind],
            "DeviceGetMaxClockInfo": lambda _, kind: {pynvml.NVML_CLOCK_SM: 2100, pynvml.NVML_CLOCK_MEM: 7500}[kind],
            "DeviceGetFanSpeed": 44, "DeviceGetFanSpeedRPM": 1500, "DeviceGetCurrPcieLinkGeneration": 4,
            "DeviceGetCurrPcieLinkWidth": 16, "DeviceGetPcieThroughput": lambda _, direction: [2000, 3000][direction],
            "DeviceGetCurrentClocksEventReasons": 0x4 | 0x40 | 0x1, "DeviceGetCurrentClocksThrottleReasons": 0x8,
            "DeviceGetMigMode": Fault(pynvml.NVML_ERROR_NOT_SUPPORTED),
            "DeviceGetComputeRunningProcesses": [SimpleNamespace(pid=1, usedGpuMemory=4)],
            "DeviceGetGraphicsRunningProcesses": [SimpleNamespace(pid=1, usedGpuMemory=5),
                                                  SimpleNamespace(pid=999_999_999, usedGpuMemory=None)],
            "DeviceGetMPSComputeRunningProcesses": [],
            "DeviceGetProcessUtilization": [SimpleNamespace(pid=1, timeStamp=5, smUtil=30),
                                            SimpleNamespace(pid=1, timeStamp=9, smUtil=40)],
            "DeviceGetFieldValues": self._field_values, **answers,
        }
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        short = name.removeprefix("nvml")
        if short not in self.answers:
            if name.startswith(("NVML_", "nvmlMemory")):
                return getattr(pynvml, name)
            raise AttributeError(name)

        def function(*arguments: Any) -> Any:
            self.asked.append(short)
            answer = self.answers[short]
            if isinstance(answer, Fault):
                raise pynvml.NVMLError(answer.number)
            return answer(*arguments) if callable(answer) else answer

        return function

    def _field_values(self, _: Any, wanted: list[int]) -> list[Any]:
        return [
            SimpleNamespace(nvmlReturn=0, valueType=pynvml.NVML_VALUE_TYPE_UNSIGNED_INT,
                            value=SimpleNamespace(uiVal=self.fields[number]))
            if number in self.fields else SimpleNamespace(nvmlReturn=pynvml.NVML_ERROR_NOT_SUPPORTED)
            for number in wanted
        ]

    def refuse(self, number: int, *, but: tuple[str, ...] = ()) -> None:
        """From now on every question to a device fails with this error."""
        for name in self.answers:
            if name.startswith("DeviceGet") and name not in (*but, "DeviceGetCount"):
                self.answers[name] = Fault(number)


def memory(_: Any, version: int | None = None) -> Any:
    """The new question tells the reserved memory apart; the old one counts it as used."""
    new = version == pynvml.nvmlMemory_v2
    return SimpleNamespace(used=6, total=24, reserved=2) if new else SimpleNamespace(used=8, total=24)


class Tree:
    """A machine's files under `root`, as the kernel shows them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def card(self, number: int, vendor: str, pci_id: str, driver: str, files: dict[str, str | bytes]) -> str:
        """A card's folder, with `files` relative to its device. Its connectors are no cards."""
        device = f"sys/class/drm/card{number}/device"
        self.write(f"sys/class/drm/card{number}-DP-1/status", "connected\n")
        for name, content in {
            "vendor": f"{vendor}\n", "uevent": f"DRIVER={driver}\nPCI_ID=1002:744C\nPCI_SLOT_NAME={pci_id}\n",
            "power/runtime_status": "active\n", "current_link_speed": "8.0 GT/s PCIe\n", "current_link_width": "8\n",
            "revision": "0xc8\n", **files,
        }.items():
            self.write(f"{device}/{name}", content)
        return device

    def discrete(self, number: int = 0, pci_id: str = "0000:03:00.0") -> str:
        """A Radeon RX 7900 XTX that works."""
        return self.card(number, "0x1002", pci_id, "amdgpu", {
            "device": "0x744c\n", "unique_id": f"a1b2c3d4e5f6000{number}\n", "gpu_busy_percent": "97\n",
            "mem_busy_percent": "41\n", "mem_info_vram_used": f"{20 * GIB}\n", "mem_info_vram_total": f"{24 * GIB}\n",
            "mem_info_gtt_used": f"{GIB}\n", "mem_info_gtt_total": f"{32 * GIB}\n",
            "pp_dpm_sclk": "0: 500Mhz\n1: 2124Mhz *\n2: 2482Mhz\n", "pp_dpm_mclk": "0: 96Mhz\n1: 1249Mhz *\n",
            "pp_dpm_pcie": "0: 2.5GT/s, x1 310Mhz\n1: 16.0GT/s, x16 619Mhz *\n",
            "gpu_metrics": metrics_v1_3(1 << 0 | 1 << 36),
            "hwmon/hwmon3/name": "amdgpu\n",
            "hwmon/hwmon3/temp1_label": "edge\n", "hwmon/hwmon3/temp1_input": "58000\n",
            "hwmon/hwmon3/temp2_label": "junction\n", "hwmon/hwmon3/temp2_input": "81000\n",
            "hwmon/hwmon3/temp3_label": "mem\n", "hwmon/hwmon3/temp3_input": "88000\n",
            "hwmon/hwmon3/power1_average": "290000000\n", "hwmon/hwmon3/power1_cap": "339000000\n",
            "hwmon/hwmon3/freq1_label": "sclk\n", "hwmon/hwmon3/freq1_input": "2124000000\n",
            "hwmon/hwmon3/freq2_label": "mclk\n", "hwmon/hwmon3/freq2_input": "1249000000\n",
            "hwmon/hwmon3/fan1_input": "1402\n", "hwmon/hwmon3/pwm1": "102\n",
        })

    def apu(self, number: int = 1, pci_id: str = "0000:c4:00.0") -> str:
        """A laptop's APU: half a gibibyte is carved out, the rest is GTT; no fan, no junction, no memory sensor."""
        return self.card(number, "0x1002", pci_id, "amdgpu", {
            "device": "0x1900\n", "gpu_busy_percent": "12\n", "mem_info_vram_used": f"{GIB // 4}\n",
            "mem_info_vram_total": f"{GIB // 2}\n", "mem_info_gtt_used": f"{8 * GIB}\n",
            "mem_info_gtt_total": f"{61 * GIB}\n", "pp_dpm_sclk": "0: 800Mhz *\n1: 1100Mhz\n2: 2700Mhz\n",
            "gpu_metrics": metrics_v2_2(1 << 6), "hwmon/hwmon5/name": "amdgpu\n",
            "hwmon/hwmon5/temp1_label": "edge\n", "hwmon/hwmon5/temp1_input": "47000\n",
            "hwmon/hwmon5/in1_label": "vddnb\n", "hwmon/hwmon5/in1_input": "900\n",
            "hwmon/hwmon5/power1_label": "PPT\n", "hwmon/hwmon5/power1_input": "15100000\n",
            "hwmon/hwmon5/freq1_label": "sclk\n", "hwmon/hwmon5/freq1_input": "800000000\n",
        })

    def arc(self, number: int = 0, pci_id: str = "0000:04:00.0") -> str:
        """An Arc B580 with the driver xe."""
        device = self.card(number, "0x8086", pci_id, "xe", {
            "device": "0xe20b\n", "tile0/gt0/freq0/act_freq": "2400\n", "tile0/gt0/freq0/rp0_freq": "2850\n",
            "tile0/gt0/freq0/throttle/reason_pl1": "1\n", "tile0/gt0/freq0/throttle/reason_pl2": "1\n",
            "tile0/gt0/freq0/throttle/reason_thermal": "0\n", "hwmon/hwmon2/name": "xe\n",
            "hwmon/hwmon2/temp2_label": "pkg\n", "hwmon/hwmon2/temp2_input": "63000\n",
            "hwmon/hwmon2/temp3_label": "vram\n", "hwmon/hwmon2/temp3_input": "70000\n",
            "hwmon/hwmon2/energy1_label": "card\n", "hwmon/hwmon2/energy1_input": "1000000000\n",
            "hwmon/hwmon2/power1_max": "190000000\n", "hwmon/hwmon2/fan1_input": "900\n",
        })
        return device

    def iris(self, number: int = 0, pci_id: str = "0000:00:02.0") -> str:
        """The GPU of an Intel processor with the driver i915."""
        device = self.card(number, "0x8086", pci_id, "i915", {"device": "0x46a6\n"})
        card = f"sys/class/drm/card{number}/gt/gt0"
        for name, content in {"rps_act_freq_mhz": "1100", "rps_RP0_freq_mhz": "1450", "throttle_reason_pl1": "0",
                              "throttle_reason_thermal": "1"}.items():
            self.write(f"{card}/{name}", f"{content}\n")
        return device

    def client(self, pid: int, descriptor: int, fdinfo: str) -> None:
        """An open file of a GPU, and another file that is none."""
        folder = self.root / "proc" / str(pid)
        (folder / "fd").mkdir(parents=True, exist_ok=True)
        for name, target in ((descriptor, "/dev/dri/renderD128"), (descriptor + 1000, "/tmp/other")):
            link = folder / "fd" / str(name)
            if not link.is_symlink():
                link.symlink_to(target)
        self.write(f"proc/{pid}/fdinfo/{descriptor}", fdinfo)

    def remove(self, path: str) -> None:
        shutil.rmtree(self.root / path)


def metrics_v1_3(throttle: int) -> bytes:
    """struct gpu_metrics_v1_3 with all fields unfilled but the last."""
    return struct.pack("<HBB", 120, 1, 3) + b"\xff" * 108 + struct.pack("<Q", throttle)


def metrics_v2_2(throttle: int) -> bytes:
    return struct.pack("<HBB", 128, 2, 2) + b"\xff" * 116 + struct.pack("<Q", throttle)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nvml() -> type[Nvml]:
    return Nvml


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def hindrance(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], None]]:
    """`hindrance(errno.EPERM, "gpu_busy_percent", …)`: reading these files (all but the named, with `but`) fails so;
    `after` gives a number of readings that still succeed, `then` what happens with the first that does not. What it
    returns ends it."""
    real = sysfs.Folder.data

    def hinder(number: int, *names: str, but: tuple[str, ...] = (), after: int = 0,
               then: Callable[[], None] = lambda: None) -> Callable[[], None]:
        left = [after]

        def data(self: sysfs.Folder, name: str) -> bytes:
            if (name in names or not names) and name not in but:
                left[0] -= 1
                if left[0] < 0:
                    if left[0] == -1:
                        then()
                    raise OSError(number, errno.errorcode[number])
            return real(self, name)

        monkeypatch.setattr(sysfs.Folder, "data", data)
        return lambda: monkeypatch.setattr(sysfs.Folder, "data", real)

    return hinder
