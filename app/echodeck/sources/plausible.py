"""PURE: what a GPU's figure can be at all. Drivers answer with all ones, absolute zero or rubbish when a sensor fails.

The bounds are wide: beyond them lies what no GPU does, not what would be unusual.
"""

from __future__ import annotations

from typing import Any

PERCENT, BYTES = (0.0, 100.0), (0.0, 2.0**46)
BOUNDS: dict[str, tuple[float, float]] = {
    "util_percent": PERCENT, "mem_util_percent": PERCENT, "encoder_percent": PERCENT, "decoder_percent": PERCENT,
    "fan_percent": PERCENT, "fan_rpm": (0.0, 50_000.0),
    "vram_used_bytes": BYTES, "vram_total_bytes": BYTES, "vram_reserved_bytes": BYTES,
    "gtt_used_bytes": BYTES, "gtt_total_bytes": BYTES,
    "temp_c": (-40.0, 150.0), "temp_mem_c": (-40.0, 150.0), "temp_hotspot_c": (-40.0, 150.0),
    "power_w": (0.0, 5_000.0), "power_limit_w": (0.0, 5_000.0), "energy_j": (0.0, 1e13),
    "clock_sm_mhz": (0.0, 20_000.0), "clock_mem_mhz": (0.0, 20_000.0),
    "clock_sm_max_mhz": (0.0, 20_000.0), "clock_mem_max_mhz": (0.0, 20_000.0),
    "pcie_gen": (0.0, 16.0), "pcie_width": (0.0, 32.0),
    "pcie_tx_bytes_per_s": (0.0, 1e12), "pcie_rx_bytes_per_s": (0.0, 1e12),
}
"""(least, most) by the field of a Gpu, in its unit."""
OVERSHOOT = {"fan_percent": 1.5}
"""A fan's full speed is that of its quiet mode: NVML documents that it may turn faster."""
ROUNDING = 1.05
"""Counted over times that do not quite match, percents and memory in use come out a little above all there is."""
WHOLES = {"vram_used_bytes": "vram_total_bytes", "gtt_used_bytes": "gtt_total_bytes"}


def plausible(field: str, value: Any) -> Any:
    """The value; a percentage a little above 100 is 100. Raises ValueError for what cannot be."""
    if field not in BOUNDS:
        return value
    low, high = BOUNDS[field]
    if BOUNDS[field] is PERCENT and high < value <= high * OVERSHOOT.get(field, ROUNDING):
        return high
    if not low <= value <= high:  # not a number is neither
        raise ValueError(f"the driver says {value:.6g}, which cannot be")
    return value


def of_all(used: Any, whole: Any) -> Any:
    """What is in use of the whole; a little more is all of it. Raises ValueError for what cannot be."""
    if used > whole * ROUNDING:
        raise ValueError(f"the driver says {used} of {whole} bytes, which cannot be")
    return min(used, whole)
