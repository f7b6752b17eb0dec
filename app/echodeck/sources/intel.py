"""Intel GPUs through the sysfs and fdinfo of the drivers i915 and xe, as far as they tell a user who is not root.

Neither driver tells the whole card's load or memory to such a user: the load is that of the processes we may see. Files
are those of the kernel's Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon and -xe-hwmon, and of the comments of
i915/gt/intel_gt_sysfs_pm.c, xe/xe_gt_freq.c and xe/xe_gt_throttle.c.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..model.metric import rate
from ..model.record import Gpu
from .asked import Asked
from .drm import INTEL, Card, cards, name_of
from .fdinfo import Clients
from .sysfs import ERRORS, Folder, Hwmon, hwmon_of, pcie_gen, pcie_width, why

RESCAN_S = 10.0
MILLI, MICRO = 1e-3, 1e-6
UNTOLD = "the driver tells it nobody but root, if at all"
ASLEEP = "asleep to save power; it is not woken to be measured"
UNSEEN = "the driver tells it by process only, and no process that uses the GPU can be seen"
FREQUENCIES = (("device/tile0/gt0/freq0", "act_freq", "rp0_freq"), ("gt/gt0", "rps_act_freq_mhz", "rps_RP0_freq_mhz"),
               (".", "gt_act_freq_mhz", "gt_RP0_freq_mhz"))
"""(folder, current, most) of xe, of i915 and of older i915, in the card's folder; MHz."""
THROTTLES = (("device/tile0/gt0/freq0/throttle", "reason_"), ("gt/gt0", "throttle_reason_"))
REASONS = {
    "pl1": "power limit", "pl2": "power limit", "pl4": "current limit", "thermal": "temperature",
    "prochot": "temperature (hardware)", "ratl": "temperature", "vr_thermalert": "temperature (voltage regulator)",
    "vr_tdc": "current limit (voltage regulator)",
}


class IntelSource:
    """A `GpuSource`. `root` is "/" but in tests; `clients` may be shared with other vendors."""

    vendor = "intel"

    def __init__(self, root: Path = Path("/"), clients: Clients | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._clients = clients or Clients(root, clock)
        self._devices: dict[Card, Device] = {}
        self._scanned_s = float("-inf")

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """All GPUs now, in the order of their PCI addresses; a reason when there are none."""
        now = self._clock()
        if now - self._scanned_s >= RESCAN_S or any(not card.device.exists() for card in self._devices):
            self._scanned_s = now
            self._devices = {card: self._devices.get(card) or Device(card, self._root, self._clients)
                             for card in cards(self._root, INTEL)}
        gpus = tuple(device.read(index, now) for index, device in enumerate(self._devices.values()))
        return gpus, "" if gpus else "no Intel GPU with a driver"


class Device:
    """One card, or the GPU in the processor."""

    def __init__(self, card: Card, root: Path, clients: Clients) -> None:
        self._card, self._clients, self._folder = card, clients, Folder(card.path)
        self._hwmon: Hwmon | None = None
        self._energy: tuple[float, float] | None = None
        self._known: dict[str, Any] = {
            "name": name_of(card, root, INTEL), "pci_id": card.pci_id, "driver": card.driver,
            # The GPU in the processor is always at this address, and uses the system's memory.
            "unified": card.pci_id.endswith(":00:02.0"),
        }

    def read(self, index: int, now_s: float) -> Gpu:
        """The figures now; power is over the time since the last reading."""
        if self._card.asleep:
            return Gpu(index, vendor="intel", reason=ASLEEP, asleep=True, **self._known)
        if self._hwmon is None or not self._hwmon.path.exists():
            self._hwmon = hwmon_of(self._card.device)
        asked = Asked(ERRORS, why)
        self._ask_load(asked)
        self._ask_heat(asked, now_s)
        self._ask_clocks(asked)
        return asked.gpu(index, "intel", self._known, UNTOLD)

    def _ask_load(self, asked: Asked) -> None:
        pci_id, unified = self._card.pci_id, bool(self._known["unified"])
        asked.missing["util_percent"] = UNSEEN
        asked.ask("util_percent", lambda: self._clients.busy_percent(pci_id))
        asked.ask("vram_total_bytes", lambda: self._folder.whole("lmem_total_bytes"))
        asked.ask("processes", lambda: self._clients.processes(pci_id, unified=unified))

    def _ask_heat(self, asked: Asked, now_s: float) -> None:
        chip = self._chip
        # xe's channels have labels; i915 has one temperature and one energy, without.
        asked.ask("temp_c", lambda: chip().labelled("temp", "pkg", MILLI), lambda: chip().number("temp1_input", MILLI))
        asked.ask("temp_mem_c", lambda: chip().labelled("temp", "vram", MILLI))
        asked.ask("power_limit_w", lambda: chip().number("power1_max", MICRO),
                  lambda: chip().number("power1_cap", MICRO))
        asked.ask("fan_rpm", lambda: chip().number("fan1_input"))
        energy_j = asked.ask("energy_j", lambda: chip().labelled("energy", "card", MICRO),
                             lambda: chip().number("energy1_input", MICRO))
        before, self._energy = self._energy, None if energy_j is None else (energy_j, now_s)
        if before is not None and energy_j is not None and now_s > before[1]:
            watts = rate(before[0], energy_j, now_s - before[1])
            asked.ask("power_w", lambda: watts)
        else:
            asked.missing["power_w"] = "it is had from two readings of the energy"

    def _ask_clocks(self, asked: Asked) -> None:
        def number(folder: str, name: str) -> Callable[[], float]:
            return lambda: self._folder.number(f"{folder}/{name}")

        text = Folder(self._card.device).text
        asked.ask("clock_sm_mhz", *(number(folder, now) for folder, now, _ in FREQUENCIES))
        asked.ask("clock_sm_max_mhz", *(number(folder, most) for folder, _, most in FREQUENCIES))
        asked.ask("throttle", self._throttle)
        asked.ask("pcie_gen", lambda: pcie_gen(text("current_link_speed")))
        asked.ask("pcie_width", lambda: pcie_width(text("current_link_width")))

    def _chip(self) -> Hwmon:
        if self._hwmon is None:
            raise LookupError("the GPU in a processor has no sensors of its own")
        return self._hwmon

    def _throttle(self) -> tuple[str, ...]:
        """Raises OSError where neither driver's files are there."""
        for folder, prefix in THROTTLES:
            if self._folder.has(f"{folder}/{prefix}pl1"):
                return tuple(dict.fromkeys(
                    word for reason, word in REASONS.items() if self._holds(f"{folder}/{prefix}{reason}")))
        raise LookupError("no throttle reasons")

    def _holds(self, name: str) -> bool:
        return self._folder.has(name) and self._folder.text(name) == "1"
