"""What ROCm's own library, amdsmi, adds to sysfs where ROCm has put it there: energy, and the throttling of Instincts.

The package comes with ROCm and is no dependency. Without its shared library its import prints and raises KeyError; the
keys of its answers differ between releases, and a figure that is not available is the text "N/A".
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
from typing import Any

log = logging.getLogger(__name__)

VIOLATIONS = {
    "active_ppt_pwr": "power limit", "active_socket_thrm": "temperature", "active_vr_thrm":
    "temperature (voltage regulator)", "active_hbm_thrm": "temperature (memory)",
    "active_prochot_thrm": "temperature (hardware)",
}


class Rocm:
    """`load()` finds the library or says why not; the questions raise LookupError where it has no answer."""

    def __init__(self, library: Any = None) -> None:
        self._library = library
        self._handles: dict[str, Any] | None = None
        self.reason = ""

    def load(self) -> None:
        """Finds the devices, once: starting the library takes long. Afterwards `reason` says what is wrong, if any."""
        if self._handles is not None:
            return
        self._handles = {}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                library = self._library or importlib.import_module("amdsmi")
                library.amdsmi_init()
                for handle in library.amdsmi_get_processor_handles():
                    self._handles[str(library.amdsmi_get_gpu_device_bdf(handle)).lower()] = handle
            self._library = library
        except Exception as error:  # noqa: BLE001 - it raises what it likes when its shared library is missing
            self.reason = "ROCm's library amdsmi is not installed" if isinstance(error, ImportError | KeyError) else (
                f"ROCm's library amdsmi says: {error}")
            log.debug("no amdsmi: %r", error)

    def energy_j(self, pci_id: str) -> float:
        """Joules since the driver was loaded: a counter times its resolution in µJ."""
        answer = self._ask("amdsmi_get_energy_count", pci_id)
        count = _number(answer, "energy_accumulator", "power")
        return count * _number(answer, "counter_resolution") / 1e6

    def mem_util_percent(self, pci_id: str) -> float:
        return _number(self._ask("amdsmi_get_gpu_activity", pci_id), "umc_activity")

    def throttle(self, pci_id: str) -> tuple[str, ...]:
        """What holds the clocks down now."""
        answer = self._ask("amdsmi_get_violation_status", pci_id)
        flags = {word: answer.get(key) for key, word in VIOLATIONS.items()}
        if not any(isinstance(flag, bool | int) for flag in flags.values()):
            raise LookupError("the device tells no violations")
        return tuple(word for word, flag in flags.items() if flag is True or flag == 1)

    def _ask(self, function: str, pci_id: str) -> dict[str, Any]:
        """Raises LookupError whatever the library's own reason is."""
        self.load()
        if not self._handles or pci_id not in self._handles:
            raise LookupError(self.reason or "ROCm's library does not know this device")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                answer = getattr(self._library, function)(self._handles[pci_id])
        except Exception as error:  # as above; its errors have no base that all releases share
            raise LookupError(f"ROCm's library amdsmi says: {error}") from error
        return dict(answer)


def _number(answer: dict[str, Any], *keys: str) -> float:
    for key in keys:
        if isinstance(answer.get(key), int | float):
            return float(answer[key])
    raise LookupError("N/A")
