"""NVML's ways to fail, with a stand-in module that raises pynvml's own errors."""

from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from echodeck.sources.nvidia import NO_PACKAGE, NvidiaSource


class Nvml:
    """Stands in for pynvml: every function answers from `answers`, which may hold an NVML error's number."""

    NVMLError = pynvml.NVMLError
    NVML_ERROR_LIBRARY_NOT_FOUND = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
    NVML_ERROR_DRIVER_NOT_LOADED = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    NVML_ERROR_NO_PERMISSION = pynvml.NVML_ERROR_NO_PERMISSION
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "Init": None, "DeviceGetCount": 1, "DeviceGetHandleByIndex": "handle", "DeviceGetName": "Card",
            "DeviceGetUUID": "GPU-1", "DeviceGetUtilizationRates": SimpleNamespace(gpu=37, memory=9),
            "DeviceGetMemoryInfo": SimpleNamespace(used=6, total=24, free=18), "DeviceGetTemperature": 61,
            "DeviceGetPowerUsage": 123_456, "DeviceGetEnforcedPowerLimit": 250_000, "DeviceGetFanSpeed": 44, **answers,
        }
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        short = name.removeprefix("nvml")
        if short not in self.answers:
            raise AttributeError(name)

        def function(*_: Any) -> Any:
            self.asked.append(short)
            answer = self.answers[short]
            if isinstance(answer, Fault):
                raise pynvml.NVMLError(answer.number)
            return answer

        return function


class Fault:
    def __init__(self, number: int) -> None:
        self.number = number


UNSUPPORTED = Fault(pynvml.NVML_ERROR_NOT_SUPPORTED)


def test_every_figure_has_its_unit() -> None:
    (gpu,), reason = NvidiaSource(Nvml()).read()
    assert reason == ""
    assert (gpu.index, gpu.name, gpu.vendor, gpu.uuid) == (0, "Card", "nvidia", "GPU-1")
    assert (gpu.util_percent, gpu.vram_used_bytes, gpu.vram_total_bytes) == (37.0, 6, 24)
    assert (gpu.temp_c, gpu.power_w, gpu.power_limit_w, gpu.fan_percent) == (61.0, 123.456, 250.0, 44.0)
    assert gpu.reason == ""


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("DeviceGetUtilizationRates", ["util_percent"]),
        ("DeviceGetMemoryInfo", ["vram_used_bytes", "vram_total_bytes"]),
        ("DeviceGetTemperature", ["temp_c"]),
        ("DeviceGetPowerUsage", ["power_w"]),
        ("DeviceGetEnforcedPowerLimit", ["power_limit_w"]),
        ("DeviceGetFanSpeed", ["fan_percent"]),
    ],
)
def test_a_figure_that_a_card_lacks_hides_no_other(function: str, fields: list[str]) -> None:
    (gpu,), _ = NvidiaSource(Nvml(**{function: UNSUPPORTED})).read()
    figures = ["util_percent", "vram_used_bytes", "vram_total_bytes", "temp_c", "power_w", "power_limit_w",
               "fan_percent"]
    assert [name for name in figures if getattr(gpu, name) is None] == fields
    assert gpu.reason == ""


def test_older_bindings_give_bytes_and_lack_functions() -> None:
    nvml = Nvml(DeviceGetName=b"Card", DeviceGetUUID=b"GPU-1")
    del nvml.answers["DeviceGetFanSpeed"]
    (gpu,), _ = NvidiaSource(nvml).read()
    assert (gpu.name, gpu.uuid, gpu.fan_percent) == ("Card", "GPU-1", None)


def test_a_card_that_is_lost_has_a_reason() -> None:
    lost = Fault(pynvml.NVML_ERROR_GPU_IS_LOST)
    (gpu,), reason = NvidiaSource(Nvml(DeviceGetHandleByIndex=lost)).read()
    assert (gpu.name, gpu.util_percent, reason) == ("NVIDIA GPU 0", None, "")
    assert "lost" in gpu.reason.lower()
    names = ["Name", "UUID", "UtilizationRates", "MemoryInfo", "Temperature", "PowerUsage", "EnforcedPowerLimit",
             "FanSpeed"]
    (silent,), _ = NvidiaSource(Nvml(**{f"DeviceGet{name}": lost for name in names})).read()
    assert (silent.name, silent.reason) == ("NVIDIA GPU 0", "the device gives no figures")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "no NVIDIA driver on this machine"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "no NVIDIA driver on this machine"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "this user may not talk to the NVIDIA driver"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "the NVIDIA driver says: "),
    ],
)
def test_no_driver_is_a_reason_and_is_asked_again_after_a_while(number: int, reason: str) -> None:
    now = [0.0]
    nvml = Nvml(Init=Fault(number))
    source = NvidiaSource(nvml, clock=lambda: now[0])
    gpus, why = source.read()
    assert gpus == ()
    assert why.startswith(reason)
    nvml.answers["Init"] = None
    assert source.read() == ((), why)
    assert nvml.asked.count("Init") == 1
    now[0] = 31.0
    assert len(source.read()[0]) == 1


def test_a_driver_that_goes_away_is_noticed() -> None:
    nvml = Nvml()
    source = NvidiaSource(nvml, clock=lambda: 0.0)
    source.read()
    nvml.answers["DeviceGetCount"] = Fault(pynvml.NVML_ERROR_UNINITIALIZED)
    gpus, reason = source.read()
    assert gpus == ()
    assert reason.startswith("the NVIDIA driver says: ")


def test_a_driver_without_cards_says_so() -> None:
    assert NvidiaSource(Nvml(DeviceGetCount=0)).read() == ((), "the NVIDIA driver finds no GPU")


def test_without_the_package_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any) -> Any:
        if name == "pynvml":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lacking)
    assert NvidiaSource().read() == ((), NO_PACKAGE)


def test_on_this_machine_there_are_cards_or_a_reason() -> None:
    gpus, reason = NvidiaSource().read()
    assert bool(gpus) != bool(reason)


@pytest.mark.gpu
def test_a_real_card_gives_its_figures() -> None:
    gpus, reason = NvidiaSource().read()
    if not gpus:
        pytest.skip(reason)
    assert all(gpu.vram_total_bytes and gpu.vram_used_bytes is not None for gpu in gpus)
    assert all(gpu.util_percent is not None and 0 <= gpu.util_percent <= 100 for gpu in gpus)
