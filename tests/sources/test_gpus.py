"""The vendors joined: places in one list, reasons by vendor, one vendor's fault."""

from __future__ import annotations

import logging

import pytest

from echodeck.model.record import Gpu, GpuProcess
from echodeck.sources.gpus import Gpus, held, sources


class Vendor:
    def __init__(self, vendor: str, *gpus: Gpu, error: Exception | None = None) -> None:
        self.vendor, self.gpus, self.error = vendor, gpus, error

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        if self.error is not None:
            raise self.error
        return self.gpus, "" if self.gpus else f"no {self.vendor}"


def test_gpus_have_their_places_in_one_list() -> None:
    gpus, reasons = Gpus([Vendor("nvidia", Gpu(0, "a", "nvidia"), Gpu(1, "b", "nvidia")), Vendor("intel"),
                          Vendor("amd", Gpu(0, "c", "amd"))]).read()
    assert [(gpu.index, gpu.name) for gpu in gpus] == [(0, "a"), (1, "b"), (2, "c")]
    assert reasons == {"intel": "no intel"}


def test_one_vendors_fault_costs_no_other_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    joined = Gpus([Vendor("nvidia", error=ZeroDivisionError("oops")), Vendor("amd", Gpu(0, "c", "amd"))])
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            gpus, reasons = joined.read()
    assert [gpu.name for gpu in gpus] == ["c"]
    assert reasons == {"nvidia": "measuring failed: oops"}
    assert len(caplog.records) == 1


def test_what_a_process_holds_is_summed_over_the_gpus() -> None:
    gpus = [Gpu(0, "a", "nvidia", processes=(GpuProcess(1, "x", 5), GpuProcess(2, "y"))),
            Gpu(1, "b", "nvidia", processes=(GpuProcess(1, "x", 7), GpuProcess(3, "z", 0)))]
    assert held(gpus) == {1: 12, 2: None, 3: 0}


@pytest.mark.parametrize(("platform", "vendors"), [
    ("linux", ["nvidia", "amd", "intel"]), ("win32", ["nvidia", "amd", "intel"]), ("darwin", ["apple"])])
def test_every_system_has_its_vendors(platform: str, vendors: list[str]) -> None:
    found = sources(platform)
    assert [source.vendor for source in found] == vendors
    if platform == "win32":
        assert found[1].read() == ((), "AMD's GPUs are measured on Linux only")
