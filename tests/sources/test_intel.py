"""Intel's cards in constructed trees: a discrete one with xe, the one in a processor with i915."""

from __future__ import annotations

import errno
from typing import Any

from echodeck.sources.fdinfo import Clients
from echodeck.sources.intel import ASLEEP, UNSEEN, IntelSource

FDINFO = """drm-driver:	xe
drm-client-id:	3
drm-pdev:	0000:04:00.0
drm-resident-vram0:	2 GiB
drm-resident-system:	1 MiB
drm-cycles-ccs:	{used}
drm-total-cycles-ccs:	{passed}
drm-engine-capacity-ccs:	2
"""


def source_of(tree: Any, clock: Any) -> IntelSource:
    return IntelSource(tree.root, Clients(tree.root, clock), clock)


def test_a_discrete_card(tree: Any, clock: Any) -> None:
    device = tree.arc()
    tree.write("usr/share/misc/pci.ids", "# ids\n8086  Intel Corporation\n\te20b  Battlemage G21 [Arc B580]\n")
    tree.client(77, 4, FDINFO.format(used=0, passed=1000))
    source = source_of(tree, clock)
    (gpu,), _ = source.read()
    assert gpu.missing["power_w"] == "it is had from two readings of the energy"
    clock.now += 2.0
    tree.write(f"{device}/hwmon/hwmon2/energy1_input", "1240000000\n")
    tree.client(77, 4, FDINFO.format(used=1000, passed=2000))
    (gpu,), reason = source.read()
    assert reason == ""
    assert (gpu.name, gpu.driver, gpu.unified) == ("Intel Arc B580", "xe", False)
    assert (gpu.energy_j, gpu.power_w) == (1240.0, 120.0)
    assert (gpu.temp_c, gpu.temp_mem_c, gpu.fan_rpm, gpu.power_limit_w) == (63.0, 70.0, 900.0, 190.0)
    assert (gpu.clock_sm_mhz, gpu.clock_sm_max_mhz, gpu.throttle) == (2400.0, 2850.0, ("power limit",))
    assert (gpu.pcie_gen, gpu.pcie_width, gpu.util_percent) == (3, 8, 50.0)
    assert [(one.pid, one.vram_bytes, one.util_percent) for one in gpu.processes] == [(77, 2 * 2**30, 50.0)]


def test_the_gpu_of_a_processor(tree: Any, clock: Any) -> None:
    tree.iris()
    tree.discrete(1)
    (gpu,), _ = source_of(tree, clock).read()
    assert (gpu.unified, gpu.clock_sm_mhz, gpu.clock_sm_max_mhz) == (True, 1100.0, 1450.0)
    assert gpu.throttle == ("temperature",)
    assert gpu.missing["util_percent"] == UNSEEN
    assert gpu.missing["temp_c"] == "this kernel or device has no such figure"


def test_a_card_that_is_asleep_is_not_asked(tree: Any, clock: Any, hindrance: Any) -> None:
    device = tree.arc()
    source = source_of(tree, clock)
    source.read()
    tree.write(f"{device}/power/runtime_status", "suspended\n")
    hindrance(errno.EIO, but=("power/runtime_status",))
    (gpu,), _ = source.read()
    assert (gpu.reason, gpu.asleep, gpu.up) == (ASLEEP, True, True)


def test_without_a_card_there_is_a_reason(tree: Any, clock: Any) -> None:
    assert source_of(tree, clock).read() == ((), "no Intel GPU with a driver")
