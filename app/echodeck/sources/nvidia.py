"""NVIDIA GPUs through NVML: the library's life, from a machine without a driver to one that comes back from sleep."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ..model.record import Gpu
from .nvml import Device
from .processes import Names

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""A machine without NVIDIA is asked again after this time: drivers are installed and reloaded while we run."""
REMAKE_S, REMAKE_MOST_S = 5.0, 300.0
"""Between two times that NVML is begun anew because handles broke, which takes up to a second; doubled when in vain."""
NO_PACKAGE = "the Python package nvidia-ml-py (pynvml) is not installed"
BROKEN = ("NVML_ERROR_UNINITIALIZED", "NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_GPU_IS_LOST",
          "NVML_ERROR_RESET_REQUIRED", "NVML_ERROR_LIB_RM_VERSION_MISMATCH", "NVML_ERROR_GPU_NOT_FOUND")
"""The errors after which no handle is of use: a driver was reset or reloaded, or the machine slept."""


class NvidiaSource:
    """A `GpuSource`. `nvml` is the pynvml module, or something with its functions; imported when first read."""

    vendor = "nvidia"

    def __init__(self, nvml: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._nvml, self._clock = nvml, clock
        self._names = Names()
        self._ready, self._reason, self._retry_s = False, "", 0.0
        self._count = -1
        self._devices: list[Device | str] = []  # a card whose handle cannot be had is the reason
        self._made_s, self._remake_s = float("-inf"), REMAKE_S

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """All GPUs now, a divided card before its instances; a reason when there are none. Raises nothing of NVML's."""
        if not self._ready and not self._begin():
            return (), self._reason
        now = self._clock()
        try:
            self._find(self._nvml.nvmlDeviceGetCount(), now)
        except self._nvml.NVMLError as error:  # the driver went away
            self._end()
            self._fail(self._why(error), self._remake_s)
            return (), self._reason
        gpus = tuple(Gpu(index, "NVIDIA GPU", self.vendor, reason=device) if isinstance(device, str)
                     else device.read(index, now) for index, device in enumerate(self._devices))
        self._names.forget()
        self._mend(gpus, now)
        return gpus, "" if gpus else "the NVIDIA driver finds no GPU"

    def _begin(self) -> bool:
        if self._reason and self._clock() < self._retry_s:
            return False
        if self._nvml is None:
            try:
                import pynvml
            except ImportError:
                self._fail(NO_PACKAGE)
                return False
            self._nvml = pynvml
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            self._fail(self._why(error))
            return False
        self._ready, self._reason, self._count = True, "", -1
        return True

    def _fail(self, reason: str, retry_s: float = RETRY_S) -> None:
        self._ready, self._reason, self._retry_s = False, reason, self._clock() + retry_s

    def _end(self) -> None:
        """Lets go of the library, which must be begun anew before handles can be had again."""
        self._ready, self._devices = False, []
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError as error:
            log.debug("NVML was not there to be shut down: %s", error)

    def _why(self, error: Exception) -> str:
        nvml, code = self._nvml, getattr(error, "value", None)
        if code in (nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED):
            return "no NVIDIA driver on this machine"
        if code == nvml.NVML_ERROR_NO_PERMISSION:
            return "this user may not talk to the NVIDIA driver"
        if code == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
            return "the NVIDIA driver was updated and is not the one that is loaded: restart the machine"
        return f"the NVIDIA driver says: {error}"

    def _find(self, count: int, now: float) -> None:
        """Makes the devices, when their number changed; a divided card may be divided anew at any time."""
        divided = len(self._devices) > count and now - self._made_s >= RETRY_S
        if count == self._count and not divided:
            return
        self._count, self._made_s, self._devices = count, now, []
        for number in range(count):
            try:
                self._devices += self._parts(self._nvml.nvmlDeviceGetHandleByIndex(number))
            except self._nvml.NVMLError as error:
                self._devices.append(f"the NVIDIA driver says: {error}")

    def _parts(self, card: Any) -> list[Device]:
        """The card, with its instances when it is divided (MIG)."""
        nvml = self._nvml
        instances = []
        try:
            divided = nvml.nvmlDeviceGetMigMode(card)[0]
            numbers = range(nvml.nvmlDeviceGetMaxMigDeviceCount(card) if divided else 0)
        except (nvml.NVMLError, AttributeError):  # cards and bindings that know nothing of it
            numbers = range(0)
        for number in numbers:
            try:
                handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, number)
                name = f"{nvml.nvmlDeviceGetGpuInstanceId(handle)}/{nvml.nvmlDeviceGetComputeInstanceId(handle)}"
            except nvml.NVMLError:
                continue  # a place that no instance has
            instances.append(Device(nvml, handle, self._names, name))
        return [Device(nvml, card, self._names, "on" if instances else ""), *instances]

    def _mend(self, gpus: tuple[Gpu, ...], now: float) -> None:
        """Ends NVML when handles broke, so that the next reading begins it anew."""
        broken = {getattr(self._nvml, name, None) for name in BROKEN}
        if not any(gpu.reason or (isinstance(device, Device) and device.errors & broken)
                   for gpu, device in zip(gpus, self._devices, strict=True)):
            self._remake_s = REMAKE_S
        elif now - self._made_s >= self._remake_s:
            log.info("NVIDIA's handles are of no use any more and are made anew")
            self._remake_s = min(2 * self._remake_s, REMAKE_MOST_S)
            self._end()
