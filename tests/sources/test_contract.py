"""What every source of GPUs promises, on stand-ins, on constructed trees and on this machine's own.

Each figure is given or has a reason; figures are in bounds; a GPU keeps its identity; a fault raises nothing.
"""

from __future__ import annotations

import errno
import plistlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pynvml
import pytest

from echodeck.model.record import Gpu
from echodeck.sources import GpuSource
from echodeck.sources.amd import AmdSource
from echodeck.sources.apple import AppleSource
from echodeck.sources.asked import FIGURES
from echodeck.sources.fdinfo import Clients
from echodeck.sources.intel import IntelSource
from echodeck.sources.nvidia import NvidiaSource
from echodeck.sources.rocm import Rocm

MOST_BYTES = 4096
"""Of one GPU as JSON, each second."""


class World:
    """The parts that a case is made of."""

    def __init__(self, nvml: Any, tree: Any, clock: Any, hindrance: Any) -> None:
        self.nvml, self.tree, self.clock, self.hindrance = nvml, tree, clock, hindrance

    def nvidia(self, change: Callable[[Any], None] = lambda _: None, **answers: Any) -> GpuSource:
        change(module := self.nvml(**answers))
        return NvidiaSource(module, self.clock)

    def amd(self, *made: str) -> GpuSource:
        return AmdSource(self.tree.root, Clients(self.tree.root, self.clock), Rocm(SimpleNamespace()), self.clock)

    def intel(self, *made: str) -> GpuSource:
        return IntelSource(self.tree.root, Clients(self.tree.root, self.clock), self.clock)

    def apple(self, output: bytes) -> GpuSource:
        return AppleSource(lambda: output, self.clock, platform="darwin")

    def hindered(self, source: GpuSource, number: int, *names: str, **more: Any) -> GpuSource:
        self.hindrance(number, *names, but=("vendor", "uevent", "power/runtime_status"), **more)
        return source

    def vanishing(self) -> GpuSource:
        card = self.tree.discrete()
        return self.hindered(self.amd(), errno.ENOENT, after=9, then=lambda: self.tree.remove(card))

    def sleeping(self, card: str, source: GpuSource) -> GpuSource:
        self.tree.write(f"{card}/power/runtime_status", "suspended\n")
        return source


UNSUPPORTED, LOST = pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_GPU_IS_LOST
MIG = {"DeviceGetMigMode": [1, 1], "DeviceGetMaxMigDeviceCount": 1, "DeviceGetGpuInstanceId": 1,
       "DeviceGetMigDeviceHandleByIndex": "instance", "DeviceGetComputeInstanceId": 0,
       "DeviceGetUUID": lambda handle: handle}
CASES: dict[str, Callable[[World], GpuSource]] = {
    "nvidia": lambda world: world.nvidia(),
    "nvidia, two": lambda world: world.nvidia(
        DeviceGetCount=2, DeviceGetHandleByIndex=str, DeviceGetUUID=lambda handle: f"GPU-{handle}",
        DeviceGetPciInfo=lambda handle: SimpleNamespace(busId=f"00000000:0{handle}:00.0")),
    "nvidia, divided": lambda world: world.nvidia(**MIG),
    "nvidia, every call unsupported": lambda world: world.nvidia(lambda module: module.refuse(
        UNSUPPORTED, but=("DeviceGetHandleByIndex",))),
    "nvidia, lost": lambda world: world.nvidia(lambda module: module.refuse(LOST)),
    "nvidia, lost handle that was had": lambda world: world.nvidia(lambda module: module.refuse(
        LOST, but=("DeviceGetHandleByIndex",))),
    "nvidia, no library": lambda world: world.nvidia(Init=world.nvml.Fault(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)),
    "nvidia, wrong driver version": lambda world: world.nvidia(
        Init=world.nvml.Fault(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)),
    "nvidia, functions not found": lambda world: world.nvidia(lambda module: module.refuse(
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, but=("DeviceGetHandleByIndex", "DeviceGetName"))),
    "amd, discrete": lambda world: world.amd(world.tree.discrete()),
    "amd, APU": lambda world: world.amd(world.tree.apu()),
    "amd, two": lambda world: world.amd(world.tree.discrete(), world.tree.apu()),
    "amd, asleep": lambda world: world.sleeping(world.tree.discrete(), world.amd()),
    "amd, in reset": lambda world: world.hindered(world.amd(world.tree.discrete()), errno.EPERM),
    "amd, busy": lambda world: world.hindered(world.amd(world.tree.apu()), errno.EBUSY),
    "amd, vanished in mid-read": lambda world: world.vanishing(),
    "amd, none": lambda world: world.amd(),
    "intel, discrete": lambda world: world.intel(world.tree.arc()),
    "intel, processor": lambda world: world.intel(world.tree.iris()),
    "intel, asleep": lambda world: world.sleeping(world.tree.arc(), world.intel()),
    "intel, none": lambda world: world.intel(),
    "apple": lambda world: world.apple(plistlib.dumps([{"IOClass": "AGX", "model": "Apple M4", "PerformanceStatistics":
        {"Device Utilization %": 5, "In use system memory": 7}}])),
    "apple, silent": lambda world: world.apple(plistlib.dumps([{}])),
    "apple, garbage": lambda world: world.apple(b"garbage"),
}
REAL: dict[str, Callable[[], GpuSource]] = {
    "nvidia": NvidiaSource, "amd": AmdSource, "intel": IntelSource, "apple": AppleSource}


@pytest.fixture(params=[*CASES, *(pytest.param(f"real {vendor}", marks=pytest.mark.gpu) for vendor in REAL)])
def source(request: pytest.FixtureRequest, nvml: Any, tree: Any, clock: Any, hindrance: Any) -> GpuSource:
    name: str = request.param
    if not name.startswith("real "):
        return CASES[name](World(nvml, tree, clock, hindrance))
    real = REAL[name.removeprefix("real ")]()
    gpus, reason = real.read()
    if not gpus:
        pytest.skip(reason)
    return real


def test_there_are_gpus_or_a_reason(source: GpuSource, clock: Any) -> None:
    for _ in range(3):
        gpus, reason = source.read()
        assert bool(gpus) != bool(reason)
        assert {gpu.vendor for gpu in gpus} <= {source.vendor}
        assert [gpu.index for gpu in gpus] == list(range(len(gpus)))
        clock.now += 4.0


def test_every_figure_is_given_or_has_a_reason(source: GpuSource) -> None:
    for gpu in source.read()[0]:
        assert gpu.name
        if gpu.reason:
            assert gpu.missing == {}
            continue
        for figure in FIGURES:
            given = getattr(gpu, figure) not in (None, ())
            assert not given or figure not in gpu.missing, figure
            assert given or figure in ("throttle", "processes") or gpu.missing[figure], figure
        assert set(gpu.missing) <= set(FIGURES)


def test_every_figure_is_in_bounds(source: GpuSource, clock: Any) -> None:
    source.read()
    clock.now += 1.0
    for gpu in source.read()[0]:
        for figure in FIGURES:
            value = getattr(gpu, figure)
            if isinstance(value, int | float):
                most = 100.0 if figure.endswith("_percent") else 150.0 if figure.endswith("_c") else float("inf")
                assert 0 <= value <= most, figure
        assert (gpu.vram_used_bytes or 0) <= (gpu.vram_total_bytes or float("inf"))
        assert (gpu.gtt_used_bytes or 0) <= (gpu.gtt_total_bytes or float("inf"))


def test_a_gpu_keeps_its_identity_and_shares_it_with_no_other(source: GpuSource, clock: Any) -> None:
    before = source.read()[0]
    clock.now += 1.0
    known = {gpu.uuid or gpu.pci_id: gpu.name for gpu in before if gpu.uuid or gpu.pci_id}
    assert len(known) == len([gpu for gpu in before if gpu.uuid or gpu.pci_id])
    for gpu in source.read()[0]:
        assert known.get(gpu.uuid or gpu.pci_id, gpu.name) == gpu.name


def test_it_goes_over_the_wire_and_is_light(source: GpuSource) -> None:
    for gpu in source.read()[0]:
        data = msgspec.json.encode(replace(gpu, processes=()))
        assert msgspec.json.decode(msgspec.json.encode(gpu), type=Gpu) == gpu
        assert len(data) <= MOST_BYTES


@pytest.mark.gpu
def test_the_figures_are_those_of_nvidia_smi() -> None:
    gpus, reason = NvidiaSource().read()
    smi = shutil.which("nvidia-smi")
    if not gpus or smi is None:
        pytest.skip(reason or "nvidia-smi is not installed")
    fields = "uuid,memory.total,memory.used,temperature.gpu,power.draw,clocks.max.sm,pcie.link.gen.current"
    output = subprocess.run([smi, f"--query-gpu={fields}", "--format=csv,noheader,nounits"], capture_output=True,
                            text=True, check=True, timeout=30).stdout
    rows = {row[0]: row[1:] for row in (line.split(", ") for line in output.strip().splitlines())}
    for gpu in gpus:
        if gpu.mig not in ("", "on"):
            continue
        total, used, temp, power, clock, gen = rows[gpu.uuid]
        assert gpu.vram_total_bytes == pytest.approx(float(total) * 2**20, rel=0.01)
        assert gpu.vram_used_bytes == pytest.approx(float(used) * 2**20, abs=256 * 2**20)
        assert gpu.temp_c == pytest.approx(float(temp), abs=3)
        assert gpu.power_w == pytest.approx(float(power), rel=0.2, abs=20)
        assert (gpu.clock_sm_max_mhz, gpu.pcie_gen) == (float(clock), int(gen))
