"""What the hub knows again at its start, from the store."""

from __future__ import annotations

import msgspec

from ..brain.parts import off_at_start
from ..model.engine import EngineInfo
from ..model.job import TERMINAL, JobState
from ..model.record import Alert
from ..store import Store
from ..wire import mind, show
from .desk import ENDED_JOBS, UNKNOWN, Desk
from .graphs import Graphs
from .outlook import Outlooks
from .parts import Parts
from .pulse import HOUR_S, Pulse
from .queue import Follow, Queue

RECENT_EVENTS = 3000
"""How far back the log is read for the lines on the board."""


async def load(store: Store, desk: Desk, pulse: Pulse, follow: Follow, now_s: float) -> list[show.AgentView]:
    """Fills the desk and its board. Returns the agents that were here when the hub ended."""
    desk.board.seq = desk.board.floor = await store.last_seq()
    desk.outlooks = Outlooks(await store.runs(), lambda: desk.parts.on("foresight"),
                             lambda engine: (desk.board.get("engines", engine) or UNKNOWN).latents)
    await _jobs(store, desk, pulse, follow, now_s)
    await _records(store, desk)
    for job in desk.queue.all():
        if job.kept:
            desk.workers.lease(job.id, "", now_s)
    for job in desk.queue.in_hand():
        desk.outlooks.restore(job, await store.steps(job_id=job.id), now_s)
    return await _lines(store, desk)


async def _jobs(store: Store, desk: Desk, pulse: Pulse, follow: Follow, now_s: float) -> None:
    # The newest that have ended, and those of the last hour, which the metrics count, however old they are.
    ended = [*await store.jobs(states=TERMINAL, limit=ENDED_JOBS),
             *await store.jobs(states=TERMINAL, since_s=now_s - HOUR_S)]
    jobs = {job.id: job for job in (*ended, *await store.jobs(states=frozenset(JobState) - TERMINAL))}
    pulse.ended(sorted((job for job in jobs.values() if job.state in TERMINAL), key=lambda job: job.finished_s or 0.0))
    desk.queue = Queue(sorted((job for job in jobs.values() if not job.removed), key=lambda job: job.created_s), follow)


async def _records(store: Store, desk: Desk) -> None:
    for record in (await store.records("engines")).values():
        info = msgspec.convert(record, EngineInfo)
        desk.board.put("engines", info.name, info)
    for record in (await store.records("alerts")).values():
        alert = msgspec.convert(record, Alert)
        desk.alerts[alert.cause] = alert
        desk.board.put("alerts", alert.id, show.alert_view(alert))
    desk.parts = Parts(off_at_start(desk.settings.brain), await store.records("parts"))
    for view in desk.parts.views():
        desk.board.put("parts", view.name, view)
    desk.graphs = Graphs(await store.records("graphs"))


async def _lines(store: Store, desk: Desk) -> list[show.AgentView]:
    agents: dict[str, show.AgentView] = {}
    for event in await store.events(max(0, desk.board.seq - RECENT_EVENTS), RECENT_EVENTS):
        match event.type:
            case "agent_status_update":
                agents[event.key] = msgspec.convert(event.payload, show.AgentView)
            case "log":
                line = msgspec.convert(event.payload, show.LogView)
                desk.board.put("logs", line.id, line)
                desk.keep("logs", line.id)
            case "communication":
                message = msgspec.convert(event.payload, show.Communication)
                desk.board.put("messages", message.id, message)
                desk.keep("messages", message.id)
            case "decision":
                decision = msgspec.convert(event.payload, mind.DecisionView)
                desk.board.put("decisions", decision.id, decision)
                desk.keep("decisions", decision.id)
    return [agent for agent in agents.values() if agent.status != "offline"]
