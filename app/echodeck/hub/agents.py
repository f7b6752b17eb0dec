"""What agents say of themselves: who they are, which engines they have, that they live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from .. import wire
from ..errors import BadField
from ..model.engine import EngineInfo
from ..model.job import JobState
from ..wire import say
from . import troubles
from .desk import Desk
from .hands import Hands
from .hosts import Hosts
from .ledger import Change
from .post import Post
from .session import Session
from .workers import Worker

WORKERS = "/api/coordination/ws"


class Agents:
    """Each method without an underscore that is named as a message type deals with it, as in Commands."""

    def __init__(self, desk: Desk, hands: Hands, post: Post, hosts: Hosts) -> None:
        self._desk, self._hands, self._post, self._hosts = desk, hands, post, hosts

    def register(self, session: Session, payload: say.Register, change: Change) -> dict[str, Any]:
        desk, now_s = self._desk, change.at_s
        host = payload.host if payload.kind == "script" else self._hosts.greet(payload, change)
        agent = desk.workers.register(session, msgspec.structs.replace(payload, host=host), now_s)
        self._show_engines(payload.engines, change)
        jobs = [self._still_in_hand(session, held, change) for held in payload.running]
        self._hands.show_agent(agent.id, change, durable=True)
        what = "a script" if agent.kind == "script" else "an agent"
        engines = f" with {', '.join(agent.engines)}" if agent.engines else ""
        desk.log(change, "info", agent.id, f"{what} on {agent.host} is online{engines}")
        desk.resolve_alert(change, f"silent:{agent.host}")
        for info in payload.engines:
            if not info.reason:
                troubles.back(desk, info.name, agent.host, change)
        self._post.deliver(session, (held.job_id for held in payload.running), change)
        settings = desk.settings
        return {"leaseS": settings.lease_s, "heartbeatS": settings.heartbeat_s, "jobs": jobs, "now": now_s,
                "judge": desk.parts.on("verdicts"), "host": host, "measure": self._hosts.measures(agent.id)}

    def announce(self, session: Session, payload: say.Announce, change: Change) -> dict[str, Any]:
        """What the engines of an agent are now."""
        worker = self._hands.registered(session)
        known = {name: self._desk.board.get("engines", name) for name in worker.engines}
        foreign = [info.name for info in payload.engines if info.name not in known]
        if foreign:
            raise BadField("engines", f"{foreign[0][:80]!r} is none that this agent registered with")
        self._show_engines(payload.engines, change)
        for info in payload.engines:
            before: EngineInfo | None = known[info.name]
            if before is not None and bool(before.reason) != bool(info.reason):
                said = f"cannot be used: {info.reason}" if info.reason else "can be used again"
                self._desk.log(change, "warning" if info.reason else "success", info.name, said)
                if not info.reason:
                    troubles.back(self._desk, info.name, worker.agent.host, change)
        return {}

    def _show_engines(self, infos: list[EngineInfo], change: Change) -> None:
        for info in infos:
            if self._desk.board.get("engines", info.name) != info:
                change.batch.records["engines", info.name] = wire.plain(info)
                change.after.append(
                    lambda info=info: self._desk.put(  # type: ignore[misc]
                        "engine_update", "engines", info.name, info, change.at_s))

    def _still_in_hand(self, session: Session, held: say.InHand, change: Change) -> dict[str, Any]:
        job = self._hands.ours(session, held, change)
        if job is None:
            return {"jobId": held.job_id, "action": "abandon", "request": ""}
        # A job that was paused while its worker was away is still running there.
        request = job.request or ("pause" if job.state is JobState.PAUSED else "")
        return {"jobId": job.id, "action": "continue", "request": request}

    def heartbeat(self, session: Session, payload: say.Heartbeat, change: Change) -> dict[str, Any]:
        desk, abandon, requests = self._desk, [], []
        self._hands.registered(session)
        desk.workers.seen(session.agent_id, change.at_s)
        held = set(desk.workers.jobs_of(session.agent_id))
        for job_id in payload.jobs:
            if job_id not in held:
                abandon.append(job_id)
                continue
            desk.workers.lease(job_id, session.agent_id, change.at_s)
            job = desk.queue.get(job_id)
            if job.request and job.request != "move":  # where to was told once, and is not known any more
                requests.append({"jobId": job_id, "request": job.request})
        watched = any(one.endpoint != WORKERS for one in desk.sessions.values())
        return {"jobs": requests, "abandon": abandon, "watched": watched, "judge": desk.parts.on("verdicts"),
                "measure": self._hosts.measures(session.agent_id)}

    # --- who is not heard from ---

    def offline(self, worker: Worker, change: Change) -> None:
        """An agent that has no connection and is not heard from; its engines, if nobody else has them, are away."""
        desk, agent = self._desk, replace(worker.agent, status="offline")
        worker.agent = agent
        self._hands.show_agent(agent.id, change, durable=True)
        if agent.kind == "script":  # scripts come and go
            desk.workers.forget(agent.id)
            return
        desk.log(change, "warning", agent.id, f"agent on {agent.host} is offline")
        if not any(other.agent.host == agent.host for other in desk.workers.online()):
            self._hosts.silent(agent.host, change)
        self.engines_away(change)

    def engines_away(self, change: Change) -> None:
        driven = {name for worker in self._desk.workers.online() for name in worker.engines}
        known: dict[str, EngineInfo] = self._desk.board.all("engines")
        for info in known.values():
            if info.name not in driven and not info.reason:
                away = replace(info, reason="no agent that has it is online")
                self._desk.put("engine_update", "engines", info.name, away, change.at_s)
