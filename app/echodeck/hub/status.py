"""REST for the coordinator's and the machines' state, in the shapes that existing dashboards read."""

from __future__ import annotations

import logging
import shutil
import socket
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from .. import wire
from ..config import Settings
from ..errors import BadField, UnknownRecord
from ..model.record import LEVELS, Host
from ..version import __version__
from ..wire import say, show
from .answers import Asked, answer, body, shows, takes, with_fields
from .room import Room
from .shapes import (
    CpuHealth,
    DiskHealth,
    Health,
    Logs,
    MemoryHealth,
    SystemFigures,
    SystemHealth,
    Tally,
    VramHealth,
)
from .tally import SPANS_S, tally

log = logging.getLogger(__name__)

SERVICE = "echo-brain"
GB = 1 << 30
FULL_PERCENT = 95.0
"""Memory or disk fuller than this is worth a warning."""


def routes(room: Room, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["status"])

    @router.get("/echo/health", responses=shows(Health))
    async def health() -> Response:
        """Whether the coordinator is well, and why not."""
        stats = status_of(room).stats
        return answer(Health(
            status=stats.health, consciousness=stats.consciousness,
            working_memory=stats.working_memory, active_thoughts=stats.active_thoughts,
            emotional_state=stats.emotional_state, agents=stats.agents, reasons=stats.reasons, service=SERVICE,
            version=__version__, protocol=wire.PROTOCOL, seq=room.board.seq, accepting=not room.refused,
        ))

    @router.get("/echo/system/metrics", responses=shows(SystemFigures))
    async def system_metrics() -> Response:
        """The newest sample of a machine in brief."""
        host = newest_host(room)
        gpus = [] if host is None else [gpu for gpu in host.gpus if gpu.vendor == "nvidia"]
        return answer(SystemFigures(
            status=status_of(room).stats.health, service=SERVICE,
            cpu_percent=host.cpu_percent if host else 0.0, memory_percent=host.memory_percent if host else 0.0,
            vram_used_gb=sum(gpu.memory_used_bytes or 0 for gpu in (host.gpus if host else ())) / GB,
            nvidia_vram_total_gb=sum(gpu.memory_total_bytes or 0 for gpu in gpus) / GB,
        ))

    @router.get("/status/system-health", responses=shows(SystemHealth))
    async def system_health() -> Response:
        """The newest sample of a machine, sizes in bytes; `status` is healthy, warning or error."""
        return answer(health_of(room, settings.data))

    @router.get("/status/metrics", responses=shows(Tally))
    async def metrics(timeframe: str = "1h") -> Response:
        """How generating went in the last 1h, 6h, 24h or 7d, and against the same span before."""
        if timeframe not in SPANS_S:
            raise BadField("timeframe", f"there are {', '.join(SPANS_S)}, got {timeframe[:20]!r}")
        now_s = time.time()
        found = await room.store.jobs(states=frozenset({"completed", "failed"}),
                                      since_s=now_s - 2 * SPANS_S[timeframe])
        return answer(tally(found, timeframe, now_s))

    @router.get("/status/logs", responses=shows(Logs))
    async def logs(limit: Annotated[int, Query(ge=1, le=1000)] = 100, level: str = "") -> Response:
        """The newest lines, oldest of them first; `level` is one or several (comma) of debug, info, success, …"""
        wanted = {item.strip() for item in level.split(",") if item.strip()}
        if wanted - {*LEVELS}:
            raise BadField("level", f"there are {', '.join(LEVELS)}, got {level[:60]!r}")
        lines: list[show.LogView] = [line for line in room.board.all("logs").values()
                                     if not wanted or line.level in wanted]
        lines.sort(key=lambda line: line.timestamp or "")
        return answer(Logs(lines[-limit:]))

    @router.post("/alerts/{alert_id}/acknowledge", responses=shows(show.AlertView))
    async def acknowledge(alert_id: str, request: Request) -> Response:
        """Says that somebody has seen an alert; answers the alert."""
        if room.board.get("alerts", alert_id) is None:
            raise UnknownRecord("alert", alert_id)
        await Asked(room, request).do("acknowledge_alert", say.AlertRef(alert_id=alert_id))
        return answer(room.board.get("alerts", alert_id))

    @router.post("/alerts/{alert_id}/silence", responses=shows(show.AlertView), openapi_extra=takes(say.SilenceAlert))
    async def silence(alert_id: str, request: Request) -> Response:
        """For so many seconds it calls nobody: {"seconds": 3600}; 0 ends that. Answers the alert."""
        raw = with_fields(await body(request, settings.max_frame_bytes), alertId=alert_id)
        await Asked(room, request).do("silence_alert", wire.check(say.SilenceAlert, raw))
        return answer(room.board.get("alerts", alert_id))

    return router


def status_of(room: Room) -> show.SystemStatus:
    found: Any = room.board.get("status")
    if isinstance(found, show.SystemStatus):
        return found
    # Before the first tick.
    first = room.initial_state().system_status
    stats = show.SystemStats(first.healthy, first.consciousness, first.working_memory, first.active_thoughts,
                             first.emotional_state, reasons=first.reasons, health=first.health)
    return show.SystemStatus(first.cpu, first.memory, first.vram.nvidia, stats)


def newest_host(room: Room) -> Host | None:
    hosts: list[Host] = list(room.board.all("hosts").values())
    return max(hosts, key=lambda host: host.at_s, default=None)


def health_of(room: Room, data: Path) -> SystemHealth:
    host = newest_host(room)
    reasons = list(status_of(room).stats.reasons)
    if room.refused:
        reasons = [room.refused, *reasons]
    if host is None:
        return SystemHealth("error" if room.refused else "warning", VramHealth(gpu_name="no GPU"),
                            CpuHealth(0.0, 0, [0.0, 0.0, 0.0]),
                            MemoryHealth(), DiskHealth(), "",
                            list(dict.fromkeys(["no machine has been measured yet", *reasons])))
    disk = _disk(host, data)
    told = [gpu for gpu in host.gpus if gpu.memory_used_bytes is not None]
    used = sum(gpu.memory_used_bytes or 0 for gpu in told)
    total = sum(gpu.memory_total_bytes or 0 for gpu in told)
    name = next((gpu.name for gpu in host.gpus if not gpu.lost_s), "no GPU")
    memory = MemoryHealth(host.memory_used_bytes, host.memory_total_bytes, host.memory_available_bytes,
                          host.memory_percent)
    for what, percent in (("memory", memory.percentage), ("disk", disk.percentage)):
        if percent > FULL_PERCENT:
            reasons.append(f"the {what} of {host.name} is {percent:.0f} % full")
    reasons = list(dict.fromkeys(reasons))
    load = [*host.load, 0.0, 0.0, 0.0][:3]
    return SystemHealth(
        "error" if room.refused else "warning" if reasons else "healthy",
        VramHealth(used, total, 100.0 * used / total if total else 0.0, name),
        CpuHealth(host.cpu_percent, len(host.cores_percent), load), memory, disk, host.name, reasons,
    )


def _disk(host: Host, data: Path) -> DiskHealth:
    """The file system that the data lies on, if the sample has it or it is this machine's, else the first."""
    local = host.name == socket.gethostname()
    place = data.resolve() if local else data.absolute()
    holding = [disk for disk in host.disks if place.is_relative_to(disk.mount)]
    found = max(holding, key=lambda disk: len(Path(disk.mount).parts), default=host.disks[0] if host.disks else None)
    if local and (found is None or Path(found.mount) != _mount(place)):
        try:
            total, used, free = shutil.disk_usage(_there(place))
        except OSError as error:  # the sample's own disks are the next best
            log.debug("no figures of the file system of %s: %s", place, error)
        else:
            return _health(used, total, free)
    return DiskHealth() if found is None else _health(found.used_bytes, found.total_bytes, found.free_bytes)


def _health(used: int, total: int, free: int) -> DiskHealth:
    """As `df` counts: what is kept back for root is neither used nor free, so that a full disk is 100 % full."""
    return DiskHealth(used, total, free, 100.0 * used / (used + free) if used + free else 0.0)


def _mount(place: Path) -> Path:
    return next((one for one in (place, *place.parents) if one.is_mount()), place)


def _there(place: Path) -> Path:
    """The data directory, or while it has not been made what it will be in."""
    return next((one for one in (place, *place.parents) if one.exists()), place)
