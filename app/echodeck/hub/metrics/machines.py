"""The machines and their GPUs as they are now. Of one that is not measured, only that it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...model.metric import throttled
from ...model.record import Disk, Gpu, Host, Net
from .families import Families, Figure

MHZ = 1e6


def _of(field: str, factor: float = 1.0) -> Callable[[object], float | None]:
    def read(record: object) -> float | None:
        value = getattr(record, field)
        return None if value is None else value * factor

    return read


def _load(place: int) -> Callable[[Host], float | None]:
    return lambda host: host.load[place] if len(host.load) > place else None


HOST: tuple[Figure[Host], ...] = (
    Figure("host_cpu_usage_ratio", "Share of all cores' time in use.", _of("cpu_percent", 0.01)),
    Figure("host_cpu_cores", "Cores that are measured.", lambda host: len(host.cores_percent) or None),
    Figure("host_load1", "Load average over 1 minute.", _load(0)),
    Figure("host_load5", "Load average over 5 minutes.", _load(1)),
    Figure("host_load15", "Load average over 15 minutes.", _load(2)),
    Figure("host_memory_size_bytes", "Memory in all.", _of("memory_total_bytes")),
    Figure("host_memory_used_bytes", "Memory in use.", _of("memory_used_bytes")),
    Figure("host_memory_available_bytes", "Memory that programs can still have.", _of("memory_available_bytes")),
    Figure("host_swap_size_bytes", "Swap in all.", _of("swap_total_bytes")),
    Figure("host_swap_used_bytes", "Swap in use.", _of("swap_used_bytes")),
    Figure("host_network_sent_bytes_per_second", "Sent over all interfaces.", _of("net_sent_bytes_per_s")),
    Figure("host_network_received_bytes_per_second", "Received over all interfaces.", _of("net_received_bytes_per_s")),
    Figure("host_network_connections", "Established connections.", _of("connections")),
    Figure("host_uptime_seconds", "Since the machine was started.", _of("uptime_s")),
    Figure("host_sample_period_seconds", "Between two samples of the machine.", _of("period_s")),
)
DISK: tuple[Figure[Disk], ...] = (
    Figure("host_disk_size_bytes", "Size of the file system.", _of("total_bytes")),
    Figure("host_disk_used_bytes", "In use.", _of("used_bytes")),
    Figure("host_disk_free_bytes", "Free for ordinary users.", _of("free_bytes")),
    Figure("host_disk_read_bytes_per_second", "Read from its device.", _of("read_bytes_per_s")),
    Figure("host_disk_written_bytes_per_second", "Written to its device.", _of("write_bytes_per_s")),
)
INTERFACE: tuple[Figure[Net], ...] = (
    Figure("host_interface_up", "1 while the network interface is up.", lambda net: float(net.is_up)),
    Figure("host_interface_sent_bytes_per_second", "Sent over the interface.", _of("sent_bytes_per_s")),
    Figure("host_interface_received_bytes_per_second", "Received over the interface.", _of("received_bytes_per_s")),
)
GPU: tuple[Figure[Gpu], ...] = (
    Figure("gpu_usage_ratio", "Share of time in which the shader cores were busy.", _of("util_percent", 0.01)),
    Figure("gpu_memory_controller_usage_ratio", "Share of time in which the memory controller was busy.",
           _of("mem_util_percent", 0.01)),
    Figure("gpu_encoder_usage_ratio", "Share of time in which the video encoder was busy.",
           _of("encoder_percent", 0.01)),
    Figure("gpu_decoder_usage_ratio", "Share of time in which the video decoder was busy.",
           _of("decoder_percent", 0.01)),
    Figure("gpu_memory_size_bytes", "Memory that counts: VRAM, on a unified GPU with GTT.", _of("memory_total_bytes")),
    Figure("gpu_memory_used_bytes", "Of the memory that counts, in use.", _of("memory_used_bytes")),
    Figure("gpu_vram_size_bytes", "VRAM in all.", _of("vram_total_bytes")),
    Figure("gpu_vram_used_bytes", "VRAM in use.", _of("vram_used_bytes")),
    Figure("gpu_vram_reserved_bytes", "The driver's own part of VRAM.", _of("vram_reserved_bytes")),
    Figure("gpu_gtt_size_bytes", "System memory that the GPU may use.", _of("gtt_total_bytes")),
    Figure("gpu_gtt_used_bytes", "System memory that the GPU uses.", _of("gtt_used_bytes")),
    Figure("gpu_temperature_celsius", "Temperature of the chip.", _of("temp_c")),
    Figure("gpu_memory_temperature_celsius", "Temperature of the memory.", _of("temp_mem_c")),
    Figure("gpu_hotspot_temperature_celsius", "Temperature of the hottest place.", _of("temp_hotspot_c")),
    Figure("gpu_power_watts", "Power drawn.", _of("power_w")),
    Figure("gpu_power_limit_watts", "Power that it may draw.", _of("power_limit_w")),
    Figure("gpu_energy_joules", "Energy used since its driver was loaded.", _of("energy_j"), counter=True),
    Figure("gpu_clock_hertz", "Clock of the shader cores.", _of("clock_sm_mhz", MHZ)),
    Figure("gpu_clock_limit_hertz", "Clock of the shader cores at most.", _of("clock_sm_max_mhz", MHZ)),
    Figure("gpu_memory_clock_hertz", "Clock of the memory.", _of("clock_mem_mhz", MHZ)),
    Figure("gpu_memory_clock_limit_hertz", "Clock of the memory at most.", _of("clock_mem_max_mhz", MHZ)),
    Figure("gpu_throttled", "1 while anything holds its clocks down.", throttled),
    Figure("gpu_fan_speed_ratio", "Share of the fan's full speed.", _of("fan_percent", 0.01)),
    Figure("gpu_fan_speed_rpm", "Turns of the fan a minute.", _of("fan_rpm")),
    Figure("gpu_pcie_generation", "PCIe generation in use.", _of("pcie_gen")),
    Figure("gpu_pcie_lanes", "PCIe lanes in use.", _of("pcie_width")),
    Figure("gpu_pcie_sent_bytes_per_second", "Sent over PCIe.", _of("pcie_tx_bytes_per_s")),
    Figure("gpu_pcie_received_bytes_per_second", "Received over PCIe.", _of("pcie_rx_bytes_per_s")),
)


def tell_machines(families: Families, hosts: Iterable[Host], measured: Iterable[Host]) -> None:
    """`hosts` are all that were ever measured, `measured` those that are now."""
    here = {host.name for host in measured}
    for host in hosts:
        families.add("host_up", "1 while the machine is measured.", float(host.name in here), {"host": host.name})
        families.add("host_last_sample_timestamp_seconds", "When it was last measured, by its own clock.", host.at_s,
                     {"host": host.name})
        if host.name in here:
            _tell_host(families, host)
            for gpu in host.gpus:
                _tell_gpu(families, host, gpu)


def _tell_host(families: Families, host: Host) -> None:
    labels = {"host": host.name}
    families.figures(host, HOST, labels)
    for disk in host.disks:
        families.figures(disk, DISK, {**labels, "mount": disk.mount})
    for net in host.nets:
        families.figures(net, INTERFACE, {**labels, "interface": net.name})
    for sensor, temp_c in host.temps.items():
        families.add("host_temperature_celsius", "Temperature by sensor.", temp_c, {**labels, "sensor": sensor})


def _tell_gpu(families: Families, host: Host, gpu: Gpu) -> None:
    labels = {"host": host.name, "gpu": str(gpu.index), "uuid": gpu.uuid or gpu.pci_id, "vendor": gpu.vendor}
    families.info("gpu", "What the GPU is.", labels,
                  {"name": gpu.name, "driver": gpu.driver, "pci_id": gpu.pci_id, "mig": gpu.mig})
    families.add("gpu_up", "1 while the GPU is there and works, asleep or not.", float(gpu.up), labels)
    families.add("gpu_asleep", "1 while the GPU sleeps to save power, and gives no figures.", float(gpu.asleep), labels)
    if not gpu.reason:
        families.figures(gpu, GPU, labels)
