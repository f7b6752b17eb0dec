"""AMD GPUs through amdgpu's sysfs: needs Linux and nothing else.

Files and units are those of the kernel's Documentation/gpu/amdgpu/thermal.rst and driver-misc.rst. A card that runtime
power management has suspended is left asleep: it is named, without figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..model.record import Gpu, GpuProcess
from . import amdmetrics, kfd
from .asked import Asked
from .drm import AMD, Card, cards, name_of
from .fdinfo import Clients
from .processes import Names
from .rocm import Rocm
from .sysfs import ERRORS, Folder, Hwmon, current, hwmon_of, levels, mhz, pcie_gen, pcie_width, why

RESCAN_S = 10.0
"""Between two looks for cards that came or went."""
MILLI, MICRO = 1e-3, 1e-6
UNTOLD = "amdgpu has no such figure"
ASLEEP = "asleep to save power; it is not woken to be measured"
COSTLY = "reading it takes the driver a second"
PWM_MOST = 255.0


class AmdSource:
    """A `GpuSource`. `root` is "/" but in tests; `clients` may be shared with other vendors."""

    vendor = "amd"

    def __init__(self, root: Path = Path("/"), clients: Clients | None = None, rocm: Rocm | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._clients = clients or Clients(root, clock)
        self._rocm = rocm or Rocm()
        self._devices: dict[Card, Device] = {}
        self._scanned_s = float("-inf")

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """All GPUs now, in the order of their PCI addresses; a reason when there are none."""
        now = self._clock()
        if now - self._scanned_s >= RESCAN_S or any(not card.device.exists() for card in self._devices):
            self._scanned_s = now
            self._devices = {card: self._devices.get(card) or Device(card, self._root, self._clients, self._rocm)
                             for card in cards(self._root, AMD)}
        gpus = tuple(device.read(index) for index, device in enumerate(self._devices.values()))
        return gpus, "" if gpus else "no AMD GPU with a driver"


class Device:
    """One card."""

    def __init__(self, card: Card, root: Path, clients: Clients, rocm: Rocm) -> None:
        self._card, self._root, self._clients, self._rocm = card, root, clients, rocm
        self._folder = Folder(card.device)
        self._hwmon: Hwmon | None = None
        self._gpu_id: str | None = None
        self._names = Names()
        self._known: dict[str, Any] = {"name": name_of(card, root, AMD), "pci_id": card.pci_id, "driver": card.driver}

    def read(self, index: int) -> Gpu:
        """The figures now. A card that is asleep has none, one that vanishes meanwhile has what was read till then."""
        if self._card.asleep:
            return Gpu(index, vendor="amd", reason=ASLEEP, asleep=True, **self._known)
        if self._hwmon is None or not self._hwmon.path.exists():
            self._hwmon = hwmon_of(self._card.device)
        asked, metrics, pci_id = Asked(ERRORS, why), cache(partial(self._folder.data, "gpu_metrics")), self._card.pci_id
        asked.missing.update(self._learn(metrics))
        self._ask_load(asked)
        self._ask_heat(asked)
        self._ask_clocks(asked)
        asked.ask("throttle", lambda: amdmetrics.throttle(metrics()), lambda: self._rocm.throttle(pci_id))
        asked.ask("energy_j", lambda: self._rocm.energy_j(pci_id))
        asked.ask("processes", self._processes)
        asked.missing.update(pcie_tx_bytes_per_s=COSTLY, pcie_rx_bytes_per_s=COSTLY)
        return asked.gpu(index, "amd", self._known, UNTOLD)

    def _learn(self, metrics: Callable[[], bytes]) -> dict[str, str]:
        """What stays the same is read once; a card that was asleep or in reset tells it later. Why some is missing."""
        whole, text = self._folder.whole, self._folder.text
        ways: dict[str, tuple[Callable[[], Any], ...]] = {
            "uuid": (lambda: text("unique_id"),),
            "unified": (lambda: amdmetrics.is_apu(metrics()), lambda: self._chip().knows("in", "vddnb")),
            "vram_total_bytes": (lambda: whole("mem_info_vram_total"),),
            "gtt_total_bytes": (lambda: whole("mem_info_gtt_total"),),
            "clock_sm_max_mhz": (lambda: mhz(levels(text("pp_dpm_sclk"))[-1]),),
            "clock_mem_max_mhz": (lambda: mhz(levels(text("pp_dpm_mclk"))[-1]),),
        }
        asked = Asked(ERRORS, why)
        for field, way in ways.items():
            if field not in self._known:
                asked.ask(field, *way)
        self._known.update(asked.given)
        return asked.missing

    def _chip(self) -> Hwmon:
        if self._hwmon is None:
            raise LookupError("the device has no sensors")
        return self._hwmon

    def _ask_load(self, asked: Asked) -> None:
        folder = self._folder
        asked.ask("util_percent", lambda: folder.number("gpu_busy_percent"))
        asked.ask("mem_util_percent", lambda: folder.number("mem_busy_percent"),
                  lambda: self._rocm.mem_util_percent(self._card.pci_id))
        asked.ask("vram_used_bytes", lambda: folder.whole("mem_info_vram_used"))
        asked.ask("gtt_used_bytes", lambda: folder.whole("mem_info_gtt_used"))

    def _ask_heat(self, asked: Asked) -> None:
        chip = self._chip
        asked.ask("temp_c", lambda: chip().labelled("temp", "edge", MILLI), lambda: chip().number("temp1_input", MILLI))
        asked.ask("temp_hotspot_c", lambda: chip().labelled("temp", "junction", MILLI))
        asked.ask("temp_mem_c", lambda: chip().labelled("temp", "mem", MILLI))
        asked.ask("power_w", lambda: chip().number("power1_average", MICRO),
                  lambda: chip().number("power1_input", MICRO))
        asked.ask("power_limit_w", lambda: chip().number("power1_cap", MICRO))
        asked.ask("fan_percent", lambda: chip().number("pwm1", 100.0 / PWM_MOST))
        asked.ask("fan_rpm", lambda: chip().number("fan1_input"))

    def _ask_clocks(self, asked: Asked) -> None:
        chip, text = self._chip, self._folder.text
        link = cache(lambda: current(text("pp_dpm_pcie")))
        asked.ask("clock_sm_mhz", lambda: chip().labelled("freq", "sclk", MICRO),
                  lambda: mhz(current(text("pp_dpm_sclk"))))
        asked.ask("clock_mem_mhz", lambda: chip().labelled("freq", "mclk", MICRO),
                  lambda: mhz(current(text("pp_dpm_mclk"))))
        # The device's own link may end at a switch on the card: the driver's table tells of the one to the machine.
        asked.ask("pcie_gen", lambda: pcie_gen(link()), lambda: pcie_gen(text("current_link_speed")))
        asked.ask("pcie_width", lambda: pcie_width(link()), lambda: pcie_width(text("current_link_width")))

    def _processes(self) -> tuple[GpuProcess, ...]:
        """Those with an open file of the card, and those that compute; the driver counts each in its own way, so the
        greater figure holds."""
        found = {one.pid: one for one in self._clients.processes(self._card.pci_id, unified=bool(
            self._known.get("unified")))}
        if self._gpu_id is None:
            self._gpu_id = kfd.gpu_ids(self._root).get(self._card.pci_id, "")
        for pid, held in (kfd.held(self._root, self._gpu_id) if self._gpu_id else {}).items():
            one = found.get(pid) or GpuProcess(pid, self._names(pid))
            found[pid] = replace(one, vram_bytes=max(held, one.vram_bytes or 0))
        self._names.forget()
        return tuple(found[pid] for pid in sorted(found))
