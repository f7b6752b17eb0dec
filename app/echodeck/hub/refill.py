"""The last minutes of each machine from the series, after a start: pages then do not begin with empty plots."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from ..errors import StoreError
from ..model.metric import metric_of, with_figures
from ..model.record import Host
from ..store.series import Series
from .desk import RECENT_SAMPLES

log = logging.getLogger(__name__)

SPAN_S = 600.0
MOST_MACHINES = 32
"""Of more machines, those that were measured last are read; a machine takes some tens of milliseconds of a thread."""
PLOTTED = frozenset({
    "cpu.percent", "memory.used_bytes", "memory.total_bytes", "network.sent_bytes_per_s",
    "network.received_bytes_per_s", "gpu.util_percent", "gpu.vram_used_bytes", "gpu.vram_total_bytes",
    "disk.read_bytes_per_s", "disk.write_bytes_per_s",
})
"""The metrics that the plots of the last minutes show."""


async def earlier(series: Series, hosts: Iterable[Host], now_s: float) -> dict[str, list[Host]]:
    """The samples of each machine in the last ten minutes, oldest first. `hosts` are their last samples: what is not
    kept over time is as there. What cannot be read is left out."""
    found: dict[str, list[Host]] = {}
    try:
        names = await series.names()
        for host in sorted(hosts, key=lambda one: one.at_s, reverse=True)[:MOST_MACHINES]:
            if host.name in names:
                found[host.name] = await _samples(series, host, names[host.name], now_s)
    except StoreError as error:
        log.warning("the plots begin with the hub's start: %s", error)
    return found


async def _samples(series: Series, host: Host, keys: Iterable[str], now_s: float) -> list[Host]:
    moments: defaultdict[float, dict[str, float]] = defaultdict(dict)
    for key in keys:
        if (metric := metric_of(key)) is not None and metric.name in PLOTTED:
            for at_s, _, mean, _ in await series.range(host.name, key, now_s - SPAN_S, now_s, RECENT_SAMPLES):
                moments[at_s][key] = mean
    whole = {at_s: figures for at_s, figures in moments.items() if "cpu.percent" in figures}
    return [with_figures(host, at_s, whole[at_s]) for at_s in sorted(whole)][-RECENT_SAMPLES:]
