"""The hub's own state and the machines' in a few figures: metrics, health, who watches."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from ..brain.health import Health, Vitals, examine, percentile_95
from ..model.engine import EngineInfo
from ..model.facts import Fact
from ..model.job import TERMINAL, Job, JobState
from ..model.record import Host
from ..wire import show
from .desk import Desk
from .lanes import is_guest
from .session import Session

HOUR_S = 3600.0
MINUTE_S = 60.0


class Pulse:
    """Read once a tick."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ended: deque[tuple[float, float, bool]] = deque(maxlen=10_000)
        self._writes: deque[tuple[float, float]] = deque(maxlen=1000)
        self.lag_s = 0.0

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        if before.state not in TERMINAL:
            self.ended([after])

    def ended(self, jobs: Iterable[Job]) -> None:
        """Jobs that ended (cancelled ones do not count): when, how long, whether they succeeded."""
        for job in jobs:
            if job.finished_s is not None and job.state in (JobState.COMPLETED, JobState.FAILED):
                self._ended.append((job.finished_s, job.elapsed_s(job.finished_s), job.state is JobState.COMPLETED))

    def wrote(self, took_s: float) -> None:
        """The store took so long to write a group of changes."""
        self._writes.append((self._desk.clock(), took_s))

    def metrics(self, now_s: float) -> show.Metrics:
        """The mean over all hosts in percent, and the last hour's jobs."""
        hosts = self.hosts()
        count = len(hosts) or 1
        recent = [one for one in self._ended if one[0] > now_s - HOUR_S]
        good = [took for _, took, ok in recent if ok]
        return show.Metrics(
            cpu=round(sum(host.cpu_percent for host in hosts) / count, 1),
            memory=round(sum(host.memory_percent for host in hosts) / count, 1),
            vram=show.Vram(self._vram(hosts, "nvidia"), self._vram(hosts, "amd")),
            generations_per_hour=float(len(good)),
            avg_generation_time=round(sum(good) / len(good), 2) if good else 0.0,
            success_rate=round(100.0 * len(good) / len(recent), 1) if recent else 0.0,
            error_rate=round(100.0 * (len(recent) - len(good)) / len(recent), 1) if recent else 0.0,
        )

    def hosts(self) -> list[Host]:
        """Those that are measured now: the last sample of a machine without an agent that is online says nothing."""
        here = {worker.agent.host for worker in self._desk.workers.online()}
        hosts: dict[str, Host] = self._desk.board.all("hosts")
        return [host for host in hosts.values() if host.name in here]

    def _vram(self, hosts: list[Host], vendor: str) -> float:
        having = [host for host in hosts
                  if any(gpu.vendor == vendor and gpu.memory_used_bytes is not None for gpu in host.gpus)]
        return round(sum(host.vram_percent(vendor) for host in having) / len(having), 1) if having else 0.0

    def status(self, now_s: float, metrics: show.Metrics) -> show.SystemStatus:
        """The whole of it, and why where something is wrong."""
        health, running = self.health(now_s), len(self._desk.queue.in_hand())
        healthy = health.status == "healthy"
        stats = show.SystemStats(
            healthy=healthy, consciousness=health.consciousness, working_memory=health.working_memory,
            active_thoughts=running, emotional_state="focused" if running and healthy else
            "calm" if healthy else "worried", agents=len(self._desk.workers.online()), metrics=len(self.hosts()),
            reasons=list(health.reasons), health=health.status)
        return show.SystemStatus(metrics.cpu, metrics.memory, max(metrics.vram.nvidia, metrics.vram.amd), stats)

    def health(self, now_s: float) -> Health:
        desk = self._desk
        known: dict[str, EngineInfo] = desk.board.all("engines")
        here = {name for worker in desk.workers.online() for name in worker.engines}
        return examine(Vitals(
            refused=desk.ledger.refused, late_s=self.lag_s,
            engines={name: known[name].reason if name in known else "" for name in here},
            write_s=percentile_95([took_s for at_s, took_s in self._writes if at_s > now_s - MINUTE_S]),
            decided_ago_s=now_s - desk.decided_s, slots=desk.workers.slots(),
            in_hand=sum(not is_guest(job) for job in desk.queue.in_hand())))

    def beat(self, now_s: float) -> None:
        """Tells the metrics, and the status when it has changed."""
        metrics = self.metrics(now_s)
        self._desk.put("metrics_update", "metrics", "", show.MetricsUpdate(metrics), now_s)
        status = self.status(now_s, metrics)
        if status != self._desk.board.get("status"):
            self._desk.put("system_status", "status", "", status, now_s)

    def presence(self, sessions: Iterable[Session], now_s: float, since: dict[str, float]) -> None:
        """Who watches, by name; the nameless are only counted."""
        watching = [one for one in sessions if not one.agent_id]
        names = Counter(one.user for one in watching if one.user)
        users = [show.UserView(id=name, name=name, since=show.iso(since.get(name, now_s)), connections=count)
                 for name, count in sorted(names.items())]
        self._desk.put("presence", "presence", "", show.Presence(users=users, watching=len(watching)), now_s)
