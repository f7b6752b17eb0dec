"""Temperatures from constructed chips, and by psutil where there are none."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from echodeck.sources.thermal import temperatures


def chip(tree: Any, number: int, name: str, **sensors: tuple[str, str]) -> None:
    folder = f"sys/class/hwmon/hwmon{number}"
    tree.write(f"{folder}/name", f"{name}\n")
    for channel, (label, value) in sensors.items():
        tree.write(f"{folder}/{channel}_input", f"{value}\n")
        if label:
            tree.write(f"{folder}/{channel}_label", f"{label}\n")


def test_sensors_by_chip_and_label(tree: Any) -> None:
    chip(tree, 0, "coretemp", temp1=("Package id 0", "61500"), temp2=("Core 0", "60000"))
    chip(tree, 2, "nvme", temp1=("Composite", "41850"))
    chip(tree, 10, "nvme", temp1=("Composite", "39000"), temp2=("", "broken"))
    chip(tree, 3, "amdgpu", temp1=("edge", "50000"))
    assert temperatures(tree.root) == {"coretemp Package id 0": 61.5, "nvme Composite": 41.9, "nvme Composite 2": 39.0}


def test_a_gpus_sensors_are_not_touched(tree: Any, hindrance: Any) -> None:
    chip(tree, 3, "amdgpu", temp1=("edge", "50000"))
    hindrance(errno.EIO, but=("name",))
    assert temperatures(tree.root) == {}


def test_elsewhere_psutil_is_asked(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = {"acpitz": [SimpleNamespace(label="", current=40.0), SimpleNamespace(label="zone", current=-273.0)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors, raising=False)
    assert temperatures(tree.root) == {"acpitz temp1": 40.0}
    monkeypatch.delattr(psutil, "sensors_temperatures")
    assert temperatures(tree.root) == {}
