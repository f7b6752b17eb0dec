"""Who works for the hub, and how the hub itself is."""

from __future__ import annotations

import platform
from collections import Counter

from prometheus_client import CollectorRegistry, Histogram

from ...model.engine import EngineInfo
from ...version import __version__
from ..fanout import Fanout
from ..keeper import Keeper
from ..room import Room
from .families import PREFIX, Families

WRITE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
GROUP = (1, 2, 5, 10, 20, 50, 100, 200, 500)
STATES = ("online", "busy", "offline")


class Inside:
    """`wrote` is told of each group of changes that was written."""

    def __init__(self, room: Room, fanout: Fanout, keeper: Keeper, registry: CollectorRegistry) -> None:
        self._room, self._fanout, self._keeper = room, fanout, keeper
        self._took = Histogram(f"{PREFIX}hub_ledger_write", "Until a group of changes was durable.", unit="seconds",
                               buckets=WRITE_S, registry=registry)
        self._group = Histogram(f"{PREFIX}hub_ledger_group_changes", "Changes that were written together.",
                                buckets=GROUP, registry=registry)

    def wrote(self, changes: int, took_s: float) -> None:
        self._took.observe(took_s)
        self._group.observe(changes)

    def tell(self, families: Families) -> None:
        self._workers(families)
        self._hub(families)

    def _workers(self, families: Families) -> None:
        agents = [worker.agent for worker in self._room.desk.workers.agents.values() if worker.agent.kind != "script"]
        count = Counter((agent.host, agent.status) for agent in agents)
        for host in sorted({agent.host for agent in agents}):
            for status in STATES:
                families.add("agents", "Agents since the hub was started, by how they are.", count[host, status],
                             {"host": host, "status": status})
        engines: dict[str, EngineInfo] = self._room.board.all("engines")
        for name, info in engines.items():
            families.add("engine_up", "1 while the engine can be used.", float(not info.reason), {"engine": name})
            families.info("engine", "What the engine is.", {"engine": name},
                          {"kind": info.kind, "version": info.version})

    def _hub(self, families: Families) -> None:
        room = self._room
        families.info("build", "What runs here.", {}, {"version": __version__, "python": platform.python_version()})
        families.add("hub_event_loop_lag_seconds", "How late the latest tick was.", room.pulse.lag_s)
        families.add("hub_log_events", "Durable events in the log, over restarts.", room.board.seq, counter=True)
        families.add("hub_ledger_waiting_changes", "Changes that wait to be written.", room.desk.ledger.waiting)
        families.add("hub_store_accepting", "1 while new jobs can be kept.", float(not room.refused))
        families.add("hub_series_waiting_samples", "Machines' samples that wait to be kept.", self._keeper.waiting)
        families.add("hub_viewers", "Connections that watch, agents not among them.",
                     sum(not one.agent_id for one in room.desk.sessions.values()))
        families.add("hub_outbox_messages", "Messages that wait to be sent, over all connections.",
                     self._fanout.waiting)
