"""The metrics by name, each with its unit, label and bounds, and rates from counters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    label: str
    unit: str
    low: float | None = 0.0
    high: float | None = None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("cpu_percent", "CPU", "%", high=100.0),
        Metric("core_percent", "CPU core", "%", high=100.0),
        Metric("load_1m", "load", ""),
        Metric("memory_percent", "memory", "%", high=100.0),
        Metric("memory_used_bytes", "memory", "B"),
        Metric("swap_percent", "swap", "%", high=100.0),
        Metric("disk_percent", "disk", "%", high=100.0),
        Metric("disk_read_bytes_per_s", "disk read", "B/s"),
        Metric("disk_write_bytes_per_s", "disk write", "B/s"),
        Metric("net_sent_bytes_per_s", "network sent", "B/s"),
        Metric("net_received_bytes_per_s", "network received", "B/s"),
        Metric("gpu_util_percent", "GPU", "%", high=100.0),
        Metric("vram_percent", "VRAM", "%", high=100.0),
        Metric("vram_used_bytes", "VRAM", "B"),
        Metric("gpu_temp_c", "GPU temperature", "°C"),
        Metric("gpu_power_w", "GPU power", "W"),
        Metric("step_s", "seconds per step", "s"),
        Metric("speed_steps_per_s", "speed", "steps/s"),
        Metric("eta_s", "time left", "s"),
    )
}


def rate(before: float, after: float, elapsed_s: float) -> float:
    """Units a second from two readings of a counter. A counter that was reset (or no time passed) gives 0."""
    if elapsed_s <= 0 or after < before:
        return 0.0
    return (after - before) / elapsed_s
