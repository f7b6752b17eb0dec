"""What cards are called, by the systems' tables; and the kernel's small files in all their forms."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from echodeck.sources.drm import AMD, INTEL, amdgpu_name, cards, name_of, pci_name
from echodeck.sources.sysfs import current, mhz, pcie_gen, pcie_width, why

PCI = """# comment
1001  Another
	744c  Wrong vendor
1002  Advanced Micro Devices, Inc. [AMD/ATI]
	744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]
		1002 0e3b  Radeon RX 7900 GRE
	1900  Phoenix3
8086  Intel Corporation
"""


def test_a_name_is_the_cards_own_or_of_a_table_or_a_number(tree: Any) -> None:
    device = tree.discrete()
    (card,) = cards(tree.root, AMD)
    assert name_of(card, tree.root, AMD) == "AMD GPU 744c"
    tree.write("usr/share/hwdata/pci.ids", PCI)
    assert name_of(card, tree.root, AMD) == "AMD Radeon RX 7900 XT/7900 XTX"
    tree.write("usr/share/libdrm/amdgpu.ids", "744C,\tC8,\tAMD Radeon RX 7900 XTX\n")
    assert name_of(card, tree.root, AMD) == "AMD Radeon RX 7900 XTX"
    tree.write(f"{device}/product_name", "Instinct MI210\n")
    assert name_of(card, tree.root, AMD) == "Instinct MI210"
    (tree.root / device / "product_name").unlink()
    (tree.root / device / "device").unlink()
    assert name_of(card, tree.root, AMD) == "AMD GPU"


def test_the_tables() -> None:
    lines = PCI.splitlines(keepends=True)
    assert pci_name(lines, "1002", "1900") == "Phoenix3"
    assert pci_name(lines, "8086", "744c") == ""
    assert amdgpu_name(["744C,\tC8,\tA"], "744c", "c9") == ""


def test_connectors_and_other_vendors_are_no_cards(tree: Any) -> None:
    tree.discrete(0)
    tree.arc(1)
    assert [card.path.name for card in cards(tree.root, INTEL)] == ["card1"]
    assert cards(tree.root / "nowhere", AMD) == []


def test_a_kernel_without_power_management_has_nobody_asleep(tree: Any) -> None:
    device = tree.discrete()
    (tree.root / device / "power/runtime_status").unlink()
    assert not cards(tree.root, AMD)[0].asleep


def test_levels_and_links() -> None:
    assert mhz(current("0: 500Mhz\n1: 800Mhz *\n")) == 800.0
    assert (pcie_gen("16.0 GT/s PCIe"), pcie_gen("1: 2.5GT/s, x8 *"), pcie_width("16"), pcie_width("2.5GT/s, x8")) == (
        4, 1, 16, 8)
    for function, text in ((mhz, "fast"), (pcie_gen, "Unknown"), (pcie_width, "Unknown")):
        with pytest.raises(ValueError):
            function(text)
    for function, text in ((current, "0: 500Mhz"), (pcie_gen, "3.0 GT/s")):
        with pytest.raises(LookupError):
            function(text)


def test_every_error_has_words() -> None:
    assert why(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert why(OSError()) == "it cannot be read"
    assert why(ValueError("x")) == "the answer is no figure"
