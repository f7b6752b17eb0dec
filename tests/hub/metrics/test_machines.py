"""Machines and GPUs on the page: every figure, in base units, and nothing of what is not known."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families

from echodeck.hub.metrics.families import Families
from echodeck.hub.metrics.machines import DISK, GPU, HOST, INTERFACE, tell_machines
from echodeck.model.record import Disk, Gpu, Host, Net

CARD = Gpu(0, "RTX 3060", "nvidia", uuid="GPU-1")
MUTE = replace(CARD, missing={"throttle": "not supported"})


def told(*hosts: Host, silent: Any = ()) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples by name and the labels' values."""
    families = Families()
    tell_machines(families, [*hosts, *silent], hosts)
    return {(sample.name.removeprefix("echodeck_"), tuple(sample.labels.values())): sample.value
            for family in families for sample in family.samples}


def test_a_machine_in_base_units() -> None:
    host = Host("studio", 5.0, cpu_percent=25.0, cores_percent=(1.0, 2.0), load=(1.0, 2.0, 3.0), memory_used_bytes=7,
                disks=(Disk("/", 10, 6, 4, 1.5, 2.5),), nets=(Net("eth0", 3.0, 4.0),), temps={"cpu": 60.0})
    found = told(host)
    one = ("studio",)
    assert found["host_up", one] == 1.0
    assert found["host_last_sample_timestamp_seconds", one] == 5.0
    assert (found["host_cpu_usage_ratio", one], found["host_cpu_cores", one]) == (0.25, 2.0)
    assert [found[f"host_load{n}", one] for n in (1, 5, 15)] == [1.0, 2.0, 3.0]
    assert found["host_disk_free_bytes", ("studio", "/")] == 4.0
    assert found["host_disk_written_bytes_per_second", ("studio", "/")] == 2.5
    assert found["host_interface_received_bytes_per_second", ("studio", "eth0")] == 4.0
    assert found["host_temperature_celsius", ("studio", "cpu")] == 60.0
    assert ("host_network_connections", one) not in found, "it was not counted"


def test_a_gpu_in_base_units() -> None:
    gpu = replace(CARD, util_percent=50.0, clock_sm_mhz=1800.0, energy_j=9.0, power_w=170.0, fan_rpm=1200.0,
                  vram_used_bytes=3, gtt_used_bytes=4, unified=True, throttle=("power",))
    found = told(Host("studio", 5.0, gpus=(gpu,)))
    labels = ("studio", "0", "GPU-1", "nvidia")
    assert found["gpu_usage_ratio", labels] == 0.5
    assert found["gpu_clock_hertz", labels] == 1.8e9
    assert found["gpu_energy_joules_total", labels] == 9.0
    assert found["gpu_memory_used_bytes", labels] == 7.0
    assert found["gpu_throttled", labels] == 1.0
    assert found["gpu_up", labels] == 1.0
    assert found["gpu_info", (*labels, "RTX 3060", "", "", "")] == 1.0


NUMBERS = [field.name for field in fields(Gpu) if field.type in ("float | None", "int | None")]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_figure_of_a_gpu_is_told(name: str) -> None:
    silent = told(Host("studio", 5.0, gpus=(MUTE,))).keys()
    assert told(Host("studio", 5.0, gpus=(replace(MUTE, **{name: 3}),))).keys() - silent  # type: ignore[arg-type]


def test_the_list_of_figures_is_the_records() -> None:
    assert len(NUMBERS) >= 25


@pytest.mark.parametrize(("figures", "kind"), [(HOST, Host), (DISK, Disk), (INTERFACE, Net), (GPU, Gpu)])
def test_names_follow_the_conventions(figures: Any, kind: type) -> None:
    names = [figure.name for figure in figures]
    assert len(set(names)) == len(names)
    for figure in figures:
        assert not figure.name.endswith(("_total", "_percent", "_mhz", "_count", "_sum", "_bucket", "_info")), kind
        assert figure.help.endswith(".")


def test_of_a_gpu_without_figures_only_that() -> None:
    names = {name for name, _ in told(Host("studio", 5.0, gpus=(replace(CARD, reason="the driver is gone"),)))}
    assert {name for name in names if name.startswith("gpu")} == {"gpu_up", "gpu_asleep", "gpu_info"}


def test_a_gpu_that_is_lost_is_down_and_one_that_sleeps_is_not() -> None:
    lost = replace(CARD, reason="no driver", lost_s=5.0)
    asleep = replace(CARD, index=1, uuid="GPU-2", reason="asleep", asleep=True)
    found = told(Host("studio", 9.0, gpus=(lost, asleep)))
    labels = ("studio", "0", "GPU-1", "nvidia"), ("studio", "1", "GPU-2", "nvidia")
    assert [found["gpu_up", one] for one in labels] == [0.0, 1.0]
    assert [found["gpu_asleep", one] for one in labels] == [0.0, 1.0]


def test_of_a_silent_machine_only_that_and_since_when() -> None:
    silent = Host("attic", 5.0, cpu_percent=99.0, gpus=(CARD,))
    assert told(silent=[silent]) == {("host_up", ("attic",)): 0.0,
                                     ("host_last_sample_timestamp_seconds", ("attic",)): 5.0}


words = st.text(max_size=8)
numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True)
cards = st.builds(Gpu, st.integers(0, 2), words, words, uuid=words, pci_id=words, driver=words, reason=words,
                  util_percent=numbers, temp_c=numbers, energy_j=numbers, vram_used_bytes=st.none() | st.integers(0))
machines = st.builds(
    Host, words, st.floats(0, 1e10), cpu_percent=st.floats(), disks=st.lists(st.builds(
        Disk, words, st.integers(0), st.integers(0), st.integers(0)), max_size=3).map(tuple),
    nets=st.lists(st.builds(Net, words), max_size=3).map(tuple), temps=st.dictionaries(words, st.floats(), max_size=3),
    gpus=st.lists(cards, max_size=3).map(tuple))


@given(st.lists(machines, max_size=3))
def test_whatever_machines_say_the_page_can_be_read(hosts: list[Host]) -> None:
    class Told:
        def collect(self) -> Families:
            families = Families()
            tell_machines(families, hosts, hosts)
            return families

    registry = CollectorRegistry()
    registry.register(Told())  # type: ignore[arg-type]
    names = {host.name for host in hosts}
    for text, parse in ((generate_latest(registry), text_string_to_metric_families),
                        (exposition.generate_latest(registry), parser.text_string_to_metric_families)):
        samples = [sample for family in parse(text.decode()) for sample in family.samples]
        assert {sample.labels["host"] for sample in samples} == names
        keys = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
        assert len(set(keys)) == len(keys), "told twice"
