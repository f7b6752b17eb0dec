"""What a job, or a stage of it, took of its machine, as it is shown: peaks, means, energy and what follows from it."""

from __future__ import annotations

from msgspec import Struct

from ..model.usage import Figure, Tariff, Usage


class UsageView(Struct, rename="camel"):
    """Null is what nobody measured; cost and emission are null too where the tariff is not known.

    `length`, `unmeasured` and `throttled` are seconds. The energy is that of the time that was measured, all but
    `unmeasured`. VRAM is the job's own processes' if `byProcess`, else all that was in use on the GPUs. If
    `shared`, others of the hub's jobs were on a GPU as well: the power and the energy are this job's part, by the load
    of its processes where the driver tells it, else in equal parts. Everything else is the GPUs' that the job ran on,
    or the whole machine's: disks and network. `gpuReason` is why there are no figures of GPUs where there are GPUs.
    `emissionG` is grams of CO₂.
    """

    name: str
    length: float
    by_process: bool
    shared: bool
    gpu_reason: str
    vram_peak_bytes: float | None
    vram_mean_bytes: float | None
    gpu_peak_percent: float | None
    gpu_mean_percent: float | None
    power_peak_w: float | None
    power_mean_w: float | None
    energy_wh: float | None
    unmeasured: float
    cost: float | None
    currency: str
    emission_g: float | None
    throttled: float | None
    disk_read_bytes: float | None
    disk_written_bytes: float | None
    net_sent_bytes: float | None
    net_received_bytes: float | None


def usage_view(usage: Usage, tariff: Tariff) -> UsageView:
    return UsageView(
        name=usage.name, length=round(usage.length_s, 3), by_process=usage.by_process,
        shared=usage.shared, gpu_reason=usage.gpu_reason,
        vram_peak_bytes=_peak(usage.vram_bytes, 0), vram_mean_bytes=_mean(usage.vram_bytes, 0),
        gpu_peak_percent=_peak(usage.gpu_percent), gpu_mean_percent=_mean(usage.gpu_percent),
        power_peak_w=_peak(usage.power_w), power_mean_w=_mean(usage.power_w),
        energy_wh=_rounded(usage.energy_wh, 6), unmeasured=round(usage.unmeasured_s, 3),
        cost=_rounded(usage.cost(tariff), 8), currency=tariff.currency,
        emission_g=_rounded(usage.emission_g(tariff), 6), throttled=_rounded(usage.throttled_s, 3),
        disk_read_bytes=_sum(usage.disk_read_bytes_per_s), disk_written_bytes=_sum(usage.disk_write_bytes_per_s),
        net_sent_bytes=_sum(usage.net_sent_bytes_per_s), net_received_bytes=_sum(usage.net_received_bytes_per_s),
    )


def _peak(figure: Figure | None, digits: int = 2) -> float | None:
    return None if figure is None else round(figure.peak, digits)


def _mean(figure: Figure | None, digits: int = 2) -> float | None:
    return None if figure is None or not figure.measured_s else round(figure.mean, digits)


def _sum(figure: Figure | None) -> float | None:
    return None if figure is None else round(figure.integral)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
