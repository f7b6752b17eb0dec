"""What processes that compute (ROCm) hold of an AMD GPU's memory, from the compute driver's sysfs.

As drivers/gpu/drm/amd/amdkfd writes them: /sys/class/kfd/kfd/proc/PID/vram_GPUID in bytes; in topology/nodes/N a GPU's
id in `gpu_id`, and its PCI address in `properties` (`domain`; `location_id`: bus << 8 | device << 3 | function).
"""

from __future__ import annotations

from pathlib import Path

from .sysfs import ERRORS, Folder


def gpu_ids(root: Path) -> dict[str, str]:
    """GPU id by PCI address; empty without the driver."""
    found = {}
    for node in sorted((root / "sys/class/kfd/kfd/topology/nodes").glob("*")):
        try:
            gpu_id = Folder(node).text("gpu_id")
            properties = dict(line.split()[:2] for line in Folder(node).text("properties").splitlines() if " " in line)
            place = int(properties["location_id"])
            domain = int(properties.get("domain", "0"))
        except ERRORS:  # no node of a GPU, or one that this user may not read
            continue
        if gpu_id != "0":  # a node that is a CPU
            found[f"{domain:04x}:{place >> 8 & 0xff:02x}:{place >> 3 & 0x1f:02x}.{place & 7}"] = gpu_id
    return found


def held(root: Path, gpu_id: str) -> dict[int, int]:
    """Bytes of VRAM by pid, of this GPU."""
    found = {}
    for folder in (root / "sys/class/kfd/kfd/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = Folder(folder).whole(f"vram_{gpu_id}")
        except ERRORS:  # a process that ended, or that uses another GPU
            continue
    return found
