"""The machine's temperatures. On Linux they are read here, not by psutil, which asks every chip: that would wake a GPU
that is asleep, and the GPUs' sensors are their own sources' to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from .sysfs import ERRORS, Folder
from .system import ask

NOT_OURS = frozenset({"amdgpu", "nouveau", "xe", "i915", "drivetemp"})
"""The GPUs' chips; and spinning disks, which asking may keep awake."""
CORE = re.compile(r"Core \d+")
MOST = 24


def temperatures(root: Path = Path("/")) -> dict[str, float]:
    """°C by sensor ("k10temp Tctl"), a processor's single cores left out; empty where the system does not tell."""
    chips = root / "sys/class/hwmon"
    found: dict[str, float] = {}
    for label, value in _hwmon(chips) if chips.is_dir() else _psutil():
        if CORE.search(label) is None and -50.0 < value < 150.0 and len(found) < MOST:
            name, number = label, 2
            while name in found:
                name, number = f"{label} {number}", number + 1
            found[name] = round(value, 1)
    return found


def _hwmon(chips: Path) -> Iterator[tuple[str, float]]:
    for path in sorted(chips.glob("hwmon*"), key=lambda one: (len(one.name), one.name)):
        chip = Folder(path)
        try:
            name = chip.text("name")
        except OSError:
            continue
        for file in sorted(path.glob("temp*_input")) if name not in NOT_OURS else ():
            channel = file.name.removesuffix("_input")
            try:
                label = chip.text(f"{channel}_label") if chip.has(f"{channel}_label") else channel
                yield f"{name} {label}", chip.number(file.name, 1e-3)
            except ERRORS:  # a sensor that gives nothing now
                continue


def _psutil() -> Iterator[tuple[str, float]]:
    for name, sensors in (ask(lambda: psutil.sensors_temperatures()) or {}).items():
        for number, one in enumerate(sensors, 1):
            yield f"{name} {one.label or f'temp{number}'}", one.current
