"""Apple's GPUs, and those of Intel Macs, by what macOS tells without root: `ioreg`'s IOAccelerator entries.

`ioreg` is a process of its own, so it is asked seldom. Power, clocks and temperatures are told by `powermetrics`, to
root only.
"""

from __future__ import annotations

import plistlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from ..model.record import Gpu
from .asked import Asked

ASK_S = 5.0
COMMAND = ("ioreg", "-a", "-r", "-d", "1", "-c", "IOAccelerator")
TIMEOUT_S = 5.0
UNTOLD = "macOS tells it nobody but root"


class AppleSource:
    """A `GpuSource`. `ask` gives ioreg's property list, and raises OSError or subprocess.SubprocessError."""

    vendor = "apple"

    def __init__(self, ask: Callable[[], bytes] | None = None, clock: Callable[[], float] = time.monotonic, *,
                 platform: str = sys.platform) -> None:
        self._ask, self._clock, self._platform = ask or ioreg, clock, platform
        self._asked_s = float("-inf")
        self._last: tuple[tuple[Gpu, ...], str] = ((), "")

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """All GPUs as they were a few seconds ago at most; a reason when there are none."""
        if self._platform != "darwin":
            return (), "Apple's GPUs are only in Macs"
        now = self._clock()
        if now - self._asked_s >= ASK_S:
            self._asked_s = now
            try:
                gpus = parse(self._ask(), psutil.virtual_memory().total)
                self._last = gpus, "" if gpus else "macOS names no GPU"
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                self._last = (), f"ioreg cannot be asked: {error}"
        return self._last


def ioreg() -> bytes:
    return subprocess.run(COMMAND, capture_output=True, check=True, timeout=TIMEOUT_S).stdout


def parse(output: bytes, memory_bytes: int) -> tuple[Gpu, ...]:
    """The accelerators of ioreg's list. `memory_bytes` is the machine's, which they share. Raises ValueError."""
    if not output.strip():
        return ()
    try:
        entries = plistlib.loads(output)
    except Exception as error:  # expat's, struct's and its own errors have no common base
        raise ValueError(f"no property list: {error}") from error
    if not isinstance(entries, list):
        raise ValueError("no list of accelerators")
    return tuple(gpu(index, entry, memory_bytes) for index, entry in enumerate(
        entry for entry in entries if isinstance(entry, dict)))


def gpu(index: int, entry: Mapping[str, Any], memory_bytes: int) -> Gpu:
    """One accelerator. On Apple's own chips the memory is the machine's, without VRAM: it counts as GTT does."""
    told = entry.get("PerformanceStatistics")
    statistics: Mapping[str, Any] = told if isinstance(told, dict) else {}
    own = str(entry.get("IOClass", "")).startswith("AGX")
    asked = Asked((LookupError, TypeError, ValueError), lambda _: "this GPU's driver does not tell it")
    asked.ask("util_percent", lambda: float(statistics["Device Utilization %"]))
    if own:
        asked.ask("gtt_used_bytes", lambda: int(statistics["In use system memory"]))
        asked.ask("gtt_total_bytes", lambda: memory_bytes)
    else:
        asked.ask("vram_used_bytes", lambda: int(statistics["vramUsedBytes"]))
    known = {"name": _name(entry), "driver": str(entry.get("IOClass", "")), "unified": own}
    return asked.gpu(index, "apple", known, UNTOLD)


def _name(entry: Mapping[str, Any]) -> str:
    """"Apple M1 Pro"; older entries have bytes that end with a zero."""
    model = entry.get("model", "")
    text = model.decode("utf-8", "replace").rstrip("\0") if isinstance(model, bytes) else str(model)
    return text or "Mac GPU"
