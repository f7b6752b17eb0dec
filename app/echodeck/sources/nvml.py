"""One NVIDIA device's figures through NVML, each asked for by itself.

Names, units and numbers are those of nvml.h: memory in bytes, power in mW, energy in mJ, clocks in MHz, throughput in
KB/s. The measured second of utilisation is the driver's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from ..model.metric import rate
from ..model.record import Gpu, GpuProcess
from .asked import Asked

MEMORY_TEMP, POWER_AVERAGE, POWER_INSTANT, PCIE_TX, PCIE_RX = 82, 185, 186, 197, 198
"""Numbers of field values: °C, mW, mW, and two counters of bytes that may wrap."""
TYPES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""The member of a field value's union, by its value type."""
SELDOM_S = 5.0
"""Between two looks at the PCIe throughput of a card without counters: each look waits 40 ms for the card."""
SLOWDOWNS = {
    0x4: "power limit", 0x8: "hardware slowdown", 0x20: "temperature", 0x40: "temperature (hardware)",
    0x80: "power brake",
}
"""Clock event reasons that hold a busy GPU back. Idle and what somebody set (application clocks, sync boost, display)
are no throttling."""
UNTOLD = "NVML has no such figure"


class Device:
    """One handle of NVML: a card, or an instance of a divided card. `errors` is filled with the numbers of the errors
    that it gave; `name_of` names a process."""

    def __init__(self, nvml: Any, handle: Any, name_of: Callable[[int], str], instance: str = "") -> None:
        self._nvml, self._handle, self._name_of = nvml, handle, name_of
        self.errors: set[int] = set()
        self._at_s = self._looked_s = float("-inf")
        self._throughput: dict[int, float] = {}
        self._counters: dict[int, float] = {}
        self._utilised_us = 0
        self._lacking: dict[str, str] = {}
        self._known = self._facts(instance)

    def read(self, index: int, now_s: float) -> Gpu:
        """The figures now; rates are over the time since the last reading."""
        self.errors.clear()
        asked, fields = self._asked(), self._fields()
        asked.missing.update(self._lacking)
        self._ask_load(asked)
        self._ask_memory(asked)
        self._ask_heat(asked, fields)
        self._ask_clocks(asked)
        self._ask_link(asked, fields, now_s)
        asked.ask("processes", self._processes)
        self._at_s = now_s
        return asked.gpu(index, "nvidia", self._known, UNTOLD)

    def _ask_load(self, asked: Asked) -> None:
        rates = cache(self._call("UtilizationRates"))
        asked.ask("util_percent", lambda: float(rates().gpu))
        asked.ask("mem_util_percent", lambda: float(rates().memory))
        asked.ask("encoder_percent", lambda: float(self._call("EncoderUtilization")()[0]))
        asked.ask("decoder_percent", lambda: float(self._call("DecoderUtilization")()[0]))

    def _ask_memory(self, asked: Asked) -> None:
        """The old question counts the reserved memory as used; of a divided card the memory is its instances'."""
        if self._known["mig"] == "on":
            asked.missing.update(dict.fromkeys(("vram_used_bytes", "vram_total_bytes"), "divided into the instances"))
            return
        new = cache(self._call("MemoryInfo", getattr(self._nvml, "nvmlMemory_v2", None)))
        old = cache(self._call("MemoryInfo"))
        asked.ask("vram_used_bytes", lambda: int(new().used), lambda: int(old().used))
        asked.ask("vram_total_bytes", lambda: int(new().total), lambda: int(old().total))
        asked.ask("vram_reserved_bytes", lambda: int(new().reserved))

    def _ask_heat(self, asked: Asked, fields: Callable[[int], float]) -> None:
        call, core = self._call, self._nvml.NVML_TEMPERATURE_GPU
        asked.ask("temp_c", lambda: float(call("TemperatureV", core)()), lambda: float(call("Temperature", core)()))
        asked.ask("temp_mem_c", lambda: fields(MEMORY_TEMP))
        asked.ask("power_w", lambda: call("PowerUsage")() / 1000.0, lambda: fields(POWER_INSTANT) / 1000.0,
                  lambda: fields(POWER_AVERAGE) / 1000.0)
        asked.ask("power_limit_w", lambda: call("EnforcedPowerLimit")() / 1000.0)
        asked.ask("energy_j", lambda: call("TotalEnergyConsumption")() / 1000.0)
        asked.ask("fan_percent", lambda: float(call("FanSpeed")()))
        asked.ask("fan_rpm", lambda: float(call("FanSpeedRPM")()))

    def _ask_clocks(self, asked: Asked) -> None:
        call, nvml = self._call, self._nvml
        asked.ask("clock_sm_mhz", lambda: float(call("ClockInfo", nvml.NVML_CLOCK_SM)()))
        asked.ask("clock_mem_mhz", lambda: float(call("ClockInfo", nvml.NVML_CLOCK_MEM)()))
        asked.ask("throttle", lambda: slowdowns(call("CurrentClocksEventReasons")()),
                  lambda: slowdowns(call("CurrentClocksThrottleReasons")()))

    def _ask_link(self, asked: Asked, fields: Callable[[int], float], now_s: float) -> None:
        asked.ask("pcie_gen", self._call("CurrPcieLinkGeneration"))
        asked.ask("pcie_width", self._call("CurrPcieLinkWidth"))
        elapsed_s, seldom = now_s - self._at_s, now_s - self._looked_s >= SELDOM_S
        if seldom:
            self._looked_s = now_s
        for field, number, direction in (("pcie_tx_bytes_per_s", PCIE_TX, 0), ("pcie_rx_bytes_per_s", PCIE_RX, 1)):
            asked.ask(field, partial(self._counted, fields, number, elapsed_s),
                      partial(self._looked, direction, seldom))

    def _asked(self) -> Asked:
        def why(error: Exception) -> str:
            self.errors.add(getattr(error, "value", 0))
            return str(error) if isinstance(error, self._nvml.NVMLError) else "this driver or its binding lacks it"

        # A binding older than a function lacks its name; an answer may come in a form that it does not know.
        return Asked((self._nvml.NVMLError, AttributeError, TypeError, ValueError), why)

    def _call(self, figure: str, *more: Any) -> Callable[[], Any]:
        return lambda: getattr(self._nvml, f"nvmlDeviceGet{figure}")(self._handle, *more)

    def _facts(self, instance: str) -> dict[str, Any]:
        """What stays the same for as long as the handle holds."""
        asked, call, nvml = self._asked(), self._call, self._nvml
        asked.ask("name", lambda: text(call("Name")()))
        asked.ask("uuid", lambda: text(call("UUID")()))
        asked.ask("pci_id", lambda: pci_id(text(call("PciInfo")().busId)))
        asked.ask("driver", lambda: f"nvidia {text(nvml.nvmlSystemGetDriverVersion())}")
        asked.ask("clock_sm_max_mhz", lambda: float(call("MaxClockInfo", nvml.NVML_CLOCK_SM)()))
        asked.ask("clock_mem_max_mhz", lambda: float(call("MaxClockInfo", nvml.NVML_CLOCK_MEM)()))
        self._lacking = asked.missing
        return {"name": "NVIDIA GPU", "mig": instance, **asked.given}

    def _fields(self) -> Callable[[int], float]:
        """Asks for all field values at once, and gives the value of each or raises its own error."""
        wanted = [MEMORY_TEMP, POWER_AVERAGE, POWER_INSTANT, PCIE_TX, PCIE_RX]
        try:
            found = dict(zip(wanted, self._call("FieldValues", wanted)(), strict=True))
        except (self._nvml.NVMLError, AttributeError, ValueError) as failed:
            refused = failed

            def nothing(_: int) -> float:
                raise refused

            return nothing

        def value(number: int) -> float:
            one = found[number]
            if one.nvmlReturn:
                raise self._nvml.NVMLError(one.nvmlReturn)
            return float(getattr(one.value, TYPES[one.valueType]))

        return value

    def _counted(self, fields: Callable[[int], float], number: int, elapsed_s: float) -> float:
        count = fields(number)
        before, self._counters[number] = self._counters.get(number, count), count
        return round(rate(before, count, elapsed_s), 1)

    def _looked(self, direction: int, seldom: bool) -> float | None:
        if seldom:
            self._throughput.pop(direction, None)
            self._throughput[direction] = 1000.0 * self._call("PcieThroughput", direction)()
        return self._throughput.get(direction)

    def _processes(self) -> tuple[GpuProcess, ...]:
        """Those that compute and those that draw; each once, with the greater of its figures."""
        held: dict[int, int | None] = {}
        answered, refused = False, None
        for kind in ("ComputeRunningProcesses", "GraphicsRunningProcesses", "MPSComputeRunningProcesses"):
            try:
                for one in self._call(kind)():
                    held[one.pid] = max(held.get(one.pid) or 0, one.usedGpuMemory or 0) or one.usedGpuMemory
                answered = True
            except (self._nvml.NVMLError, AttributeError) as error:
                refused = refused or error
        if not answered and refused is not None:
            raise refused
        busy = self._utilised() if held else {}
        return tuple(GpuProcess(pid, self._name_of(pid), held[pid], busy.get(pid)) for pid in sorted(held))

    def _utilised(self) -> dict[int, float]:
        """Percent of the shader cores by process, of the samples that the driver took since the last reading."""
        try:
            samples = self._call("ProcessUtilization", self._utilised_us)()
        except (self._nvml.NVMLError, AttributeError):  # "not found" when nobody was busy
            return {}
        self._utilised_us = max([self._utilised_us, *(one.timeStamp for one in samples)])
        return mean_by_process(samples)


def mean_by_process(samples: Iterable[Any]) -> dict[int, float]:
    """The mean percent by pid. Samples beyond 100 are the driver's way to say that it has none."""
    found: dict[int, list[int]] = {}
    for one in samples:
        if one.smUtil <= 100:
            found.setdefault(one.pid, []).append(one.smUtil)
    return {pid: round(sum(values) / len(values), 1) for pid, values in found.items()}


def slowdowns(bits: int) -> tuple[str, ...]:
    """The slowdowns among NVML's clock event reasons, in words."""
    return tuple(word for bit, word in SLOWDOWNS.items() if bits & bit)


def pci_id(bus_id: str) -> str:
    """NVML writes the domain with eight digits, everybody else with four."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest else bus_id.lower()


def text(value: Any) -> str:
    """NVML's strings; older bindings give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
