"""NVIDIA GPUs through NVML. Every figure is asked for by itself: what one device cannot tell hides no other figure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ..model.record import Gpu

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""A machine without NVIDIA is asked again after this time: drivers are installed and reloaded while we run."""
NO_PACKAGE = "the Python package nvidia-ml-py (pynvml) is not installed"


class NvidiaSource:
    """A `GpuSource`. `nvml` is the pynvml module, or something with its functions; imported when first read."""

    def __init__(self, nvml: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._nvml, self._clock = nvml, clock
        self._ready = False
        self._reason, self._retry_s = "", 0.0

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """All GPUs now, and a reason when there are none. Raises nothing of NVML's."""
        if not self._ready and not self._begin():
            return (), self._reason
        nvml = self._nvml
        try:
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:  # the driver went away: begin anew later
            self._fail(self._why(error))
            return (), self._reason
        gpus = tuple(self._gpu(index) for index in range(count))
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
        self._ready, self._reason = True, ""
        return True

    def _fail(self, reason: str) -> None:
        self._ready, self._reason, self._retry_s = False, reason, self._clock() + RETRY_S

    def _why(self, error: Exception) -> str:
        nvml, code = self._nvml, getattr(error, "value", None)
        if code in (nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED):
            return "no NVIDIA driver on this machine"
        if code == nvml.NVML_ERROR_NO_PERMISSION:
            return "this user may not talk to the NVIDIA driver"
        return f"the NVIDIA driver says: {error}"

    def _gpu(self, index: int) -> Gpu:
        nvml = self._nvml
        try:
            device = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError as error:
            return Gpu(index, f"NVIDIA GPU {index}", "nvidia", reason=str(error))

        def ask(function: str, *more: Any) -> Any:
            """The function's answer, None where this device, driver or pynvml has none."""
            try:
                return getattr(nvml, function)(device, *more)
            except (nvml.NVMLError, AttributeError) as error:
                log.debug("GPU %d: %s: %s", index, function, error)
                return None

        util, memory = ask("nvmlDeviceGetUtilizationRates"), ask("nvmlDeviceGetMemoryInfo")
        power, limit = ask("nvmlDeviceGetPowerUsage"), ask("nvmlDeviceGetEnforcedPowerLimit")
        temp, fan = ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU), ask("nvmlDeviceGetFanSpeed")
        missing = all(figure is None for figure in (util, memory, power, temp, fan))
        return Gpu(
            index=index, name=_text(ask("nvmlDeviceGetName")) or f"NVIDIA GPU {index}", vendor="nvidia",
            uuid=_text(ask("nvmlDeviceGetUUID")),
            util_percent=None if util is None else float(util.gpu),
            vram_used_bytes=None if memory is None else int(memory.used),
            vram_total_bytes=None if memory is None else int(memory.total),
            temp_c=None if temp is None else float(temp),
            power_w=None if power is None else power / 1000.0,
            power_limit_w=None if limit is None else limit / 1000.0,
            fan_percent=None if fan is None else float(fan),
            reason="the device gives no figures" if missing else "",
        )


def _text(value: Any) -> str:
    """NVML's strings; older bindings give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
