"""The graphics cards that the kernel's DRM knows: where each is, which driver has it, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .sysfs import ERRORS, Folder

CARD = re.compile(r"card\d+")
"""card0, but none of its connectors (card0-DP-1)."""
AMD, INTEL = "0x1002", "0x8086"
MAKERS = {AMD: "AMD", INTEL: "Intel"}
PCI_IDS = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids")
AMDGPU_IDS = ("usr/share/libdrm/amdgpu.ids",)


@dataclass(frozen=True, slots=True)
class Card:
    """A card: `path` is its folder in /sys/class/drm, `device` the PCI device's, `pci_id` as in 0000:03:00.0."""

    path: Path
    pci_id: str
    driver: str

    @property
    def device(self) -> Path:
        return self.path / "device"

    @property
    def asleep(self) -> bool:
        """Whether runtime power management has it suspended: any other question could wake it. Asking this does not."""
        try:
            return Folder(self.device).text("power/runtime_status") in ("suspended", "suspending")
        except OSError:  # a kernel without runtime power management
            return False


def cards(root: Path, vendor: str) -> list[Card]:
    """The vendor's cards now, in the order of their PCI addresses. A card that vanishes meanwhile is left out."""
    found = []
    for path in sorted((root / "sys/class/drm").glob("card*")):
        try:
            if CARD.fullmatch(path.name) and Folder(path / "device").text("vendor") == vendor:
                event = uevent(Folder(path / "device").text("uevent"))
                found.append(Card(path, event.get("PCI_SLOT_NAME", path.name), event.get("DRIVER", "")))
        except OSError:
            continue
    return sorted(found, key=lambda card: card.pci_id)


def uevent(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def name_of(card: Card, root: Path, vendor: str) -> str:
    """What people call the card: its own word, else that of the systems' tables, else its PCI numbers."""
    device, maker = Folder(card.device), MAKERS[vendor]
    try:
        if device.has("product_name") and (told := device.text("product_name")):
            return told
        number, revision = device.text("device").removeprefix("0x"), device.text("revision").removeprefix("0x")
    except ERRORS:
        return f"{maker} GPU"
    for path in AMDGPU_IDS if vendor == AMD else ():
        if named := amdgpu_name(_lines(root / path), number, revision):
            return named
    for path in PCI_IDS:
        if named := pci_name(_lines(root / path), vendor.removeprefix("0x"), number):
            return f"{maker} {named}"
    return f"{maker} GPU {number}"


def amdgpu_name(lines: Iterable[str], number: str, revision: str) -> str:
    """From libdrm's amdgpu.ids: `744C,	C8,	AMD Radeon RX 7900 XTX`; both numbers in hexadecimal. "" when not there."""
    for line in lines:
        parts = [part.strip() for part in line.split(",", 2)]
        if len(parts) == 3 and [parts[0].lower(), parts[1].lower()] == [number.lower(), revision.lower()]:
            return parts[2]
    return ""


def pci_name(lines: Iterable[str], vendor: str, number: str) -> str:
    """From pci.ids: the name in brackets, which is the product's, else the chip's. "" when not there."""
    of_vendor = False
    for line in lines:
        if line[:1] not in "\t#\n":
            of_vendor = line.startswith(vendor)
        elif of_vendor and line.startswith(f"\t{number.lower()}"):
            name = line.strip().partition("  ")[2]
            product = re.search(r"\[(.+)\]", name)
            return product[1] if product else name
    return ""


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError:  # the table is not installed
        return
