"""What does a scrape cost? Milliseconds of CPU, all in the hub's loop, for 400 jobs and 3 machines with 2 GPUs each,
beside what prometheus_client takes to write the same samples when they lie ready: the floor."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition

from echodeck.config import Settings
from echodeck.hub.app import Hub
from echodeck.hub.metrics import OPENMETRICS
from echodeck.model.engine import EngineInfo
from echodeck.model.job import Job, JobSpec
from echodeck.model.record import Disk, Gpu, Host, Net
from echodeck.store.memory import MemoryStore

JOBS, HOSTS, GPUS, THINGS = 400, 3, 2, 8
ENGINES = ("sketch", "comfyui", "diffusers", "a1111")


def hub() -> Hub:
    """With every figure of every machine known."""
    made = Hub(Settings(port=0, data=Path("unused")), MemoryStore())
    numbers: dict[str, Any] = {one.name: 3 for one in fields(Gpu) if one.type in ("float | None", "int | None")}
    gpus = tuple(Gpu(index, "card", "nvidia", f"GPU-{index}", **numbers) for index in range(GPUS))
    host = Host("", 1.7e9, cores_percent=(5.0,) * 16, load=(1.0, 1.0, 1.0), connections=9, gpus=gpus,
                disks=tuple(Disk(f"/{n}", 9, 5, 4) for n in range(THINGS)),
                nets=tuple(Net(f"eth{n}") for n in range(THINGS)),
                temps={f"sensor {n}": 50.0 for n in range(2 * THINGS)})
    for number in range(HOSTS):
        made.room.board.put("hosts", f"h{number}", replace(host, name=f"h{number}"))
    for name in ENGINES:
        made.room.board.put("engines", name, EngineInfo(name))
    for number in range(JOBS):
        made.room.desk.queue.put(Job(f"j{number}", JobSpec("sketch", "m"), created_s=1.7e9, rank=float(number)))
    return made


class Ready:
    """The samples as they were at one scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families = list(registry.collect())

    def collect(self) -> list[Any]:
        return self._families


def median_ms(write: Callable[[], Any], seconds: float) -> float:
    took_ms = []
    end_s = time.perf_counter() + seconds
    while not took_ms or time.perf_counter() < end_s:
        began_s = time.thread_time()
        write()
        took_ms.append(1000.0 * (time.thread_time() - began_s))
    return statistics.median(took_ms)


def bench(seed: int, seconds: float) -> dict[str, Any]:
    metrics = hub().metrics
    body, _ = metrics.page()
    lines, ready = len(body.splitlines()), CollectorRegistry()
    ready.register(Ready(metrics.registry))  # type: ignore[arg-type]
    share_s = seconds / 4
    ours = {"text_ms": median_ms(metrics.page, share_s),
            "openmetrics_ms": median_ms(lambda: metrics.page(OPENMETRICS), share_s)}
    peer = {"text_ms": median_ms(lambda: generate_latest(ready), share_s),
            "openmetrics_ms": median_ms(lambda: exposition.generate_latest(ready), share_s)}
    return {
        "name": "metrics", "ours": {name: round(value, 2) for name, value in ours.items()},
        "peer": {name: round(value, 2) for name, value in peer.items()},
        "ratio": {name: round(ours[name] / peer[name], 2) for name in ours},
        "notes": f"{JOBS} jobs, {HOSTS} machines, {HOSTS * GPUS} GPUs: {lines} lines, {len(body)} bytes; "
                 "peer: prometheus_client writing the same samples",
    }
