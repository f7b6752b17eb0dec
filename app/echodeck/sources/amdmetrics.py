"""PURE: amdgpu's binary `gpu_metrics`: whether the GPU is an APU, and why its clocks are held down.

The tables are `struct gpu_metrics_vF_C` of the kernel's drivers/gpu/drm/amd/include/kgd_pp_interface.h: a header
(u16 size, u8 format, u8 content), then fields at their natural places, little-endian. Only `indep_throttle_status` is
read: its bits mean the same on every chip (SMU_THROTTLER_*_BIT in amdgpu_smu.h); those of the older `throttle_status`
are the chip's own. A field that a chip does not fill is all ones.
"""

from __future__ import annotations

import struct

THROTTLE_AT = {(1, 3): 112, (2, 2): 120, (2, 3): 120, (2, 4): 120}
"""Where indep_throttle_status begins, by (format, content): discrete cards have format 1, APUs 2 and 3."""
ALL_ONES = 2**64 - 1
WORDS = (
    ("power limit", (0, 1, 2, 3, 4, 5, 6, 7)),  # PPT0-3, SPL, FPPT, SPPT, SPPT_APU
    ("current limit", (16, 17, 18, 19, 20, 21, 22, 23)),  # TDC, EDC, APCC
    ("temperature", (32, 33, 35, 37)),  # GPU, core, edge, SoC
    ("temperature (memory)", (34,)),
    ("temperature (hotspot)", (36,)),
    ("temperature (voltage regulator)", (38, 39, 40, 41, 44, 45)),
    ("temperature (liquid)", (42, 43)),
    ("temperature (hardware)", (46, 47)),  # PROCHOT
    ("reliability limit", (56, 57)),  # PPM, FIT
)


def header(data: bytes) -> tuple[int, int]:
    """(format, content). Raises ValueError for what is no table."""
    if len(data) < 4:
        raise ValueError("the table is too short")
    size, layout, content = struct.unpack_from("<HBB", data)
    if size > len(data):
        raise ValueError("the table is cut off")
    return layout, content


def is_apu(data: bytes) -> bool:
    """Raises ValueError."""
    return header(data)[0] in (2, 3)


def throttle(data: bytes) -> tuple[str, ...]:
    """What holds the clocks down. Raises ValueError, LookupError for a table without bits that we can read."""
    at = THROTTLE_AT[header(data)]
    if len(data) < at + 8:
        raise ValueError("the table is cut off")
    (bits,) = struct.unpack_from("<Q", data, at)
    if bits == ALL_ONES:
        raise LookupError("the chip does not fill it")
    return tuple(word for word, places in WORDS if any(bits >> place & 1 for place in places))
