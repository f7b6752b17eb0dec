"""Who works for the hub: agents, their connections, and the leases on the jobs they have in hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..model.job import Job
from ..model.record import Agent
from ..wire import say
from .session import Session, Shown

UNNAMED = "/?"
"""In the name of a slot that has not told its own, behind its host's."""


@dataclass(slots=True)
class Worker:
    """An agent process: its record, its connection (None while it is away), and the engines it drives."""

    agent: Agent
    session: Session | None
    engines: frozenset[str]
    lanes: tuple[frozenset[str], ...] = ()
    """The engines that each of its slots drives."""
    slots: tuple[str, ...] = ()
    """What each of its slots is called when it claims."""


class Workers:
    """Agents by id, and for each job in hand until when its worker may keep silent."""

    def __init__(self, lease_s: float) -> None:
        self.lease_s = lease_s
        self.agents: dict[str, Worker] = {}
        self._leases: dict[str, tuple[str, float]] = {}
        """Job id to (agent id, "" when the hub was restarted meanwhile; moment when the lease ends)."""

    def register(self, session: Session, hello: say.Register, now_s: float) -> Agent:
        known = self.agents.get(hello.agent_id)
        agent = Agent(
            id=hello.agent_id, host=hello.host, kind=hello.kind or ("worker" if hello.engines else "metrics"),
            pid=hello.pid,
            version=hello.version, engines=tuple(info.name for info in hello.engines), slots=hello.slots,
            since_s=known.agent.since_s if known else now_s, seen_s=now_s,
        )
        session.agent_id = hello.agent_id
        lanes = tuple(map(frozenset, hello.lanes)) or (frozenset(agent.engines),) * agent.slots
        named = tuple(hello.workers) if len(hello.workers) == len(lanes) else tuple(
            f"{hello.host}{UNNAMED}{hello.agent_id}/{n}" for n in range(len(lanes)))
        self.agents[hello.agent_id] = Worker(agent, session, frozenset(agent.engines), lanes, named)
        return agent

    def name_slot(self, agent_id: str, name: str, engines: Iterable[str]) -> None:
        """An agent that did not name its slots claims for one: it takes the first that no name is known of."""
        worker, wanted = self.agents[agent_id], set(engines)
        if name not in worker.slots:
            at = next((n for n, slot in enumerate(worker.slots)
                       if UNNAMED in slot and wanted <= worker.lanes[n]), None)
            if at is not None:
                worker.slots = (*worker.slots[:at], name, *worker.slots[at + 1:])

    def forget(self, agent_id: str) -> None:
        self.agents.pop(agent_id, None)

    def left(self, session: Session) -> Worker | None:
        """The connection is gone; the agent may be back before its leases end."""
        worker = self.agents.get(session.agent_id)
        if worker is None or worker.session is not session:
            return None
        worker.session = None
        return worker

    def seen(self, agent_id: str, now_s: float) -> None:
        worker = self.agents.get(agent_id)
        if worker is not None:
            worker.agent = replace(worker.agent, seen_s=now_s)

    def lease(self, job_id: str, agent_id: str, now_s: float) -> None:
        """The job's lease begins or is renewed; without an `agent_id` by whoever has it."""
        holder = agent_id or self._leases.get(job_id, ("", 0.0))[0]
        self._leases[job_id] = (holder, now_s + self.lease_s)

    def extend(self, span_s: float) -> None:
        """Nobody was listened to for `span_s`: every lease ends so much later, every agent was heard so much later."""
        self._leases = {job_id: (agent_id, until + span_s) for job_id, (agent_id, until) in self._leases.items()}
        for worker in self.agents.values():
            worker.agent = replace(worker.agent, seen_s=worker.agent.seen_s + span_s)

    def release(self, job_id: str) -> None:
        self._leases.pop(job_id, None)

    def holder(self, job_id: str) -> Worker | None:
        return self.agents.get(self._leases.get(job_id, ("", 0.0))[0])

    def expired(self, now_s: float) -> list[tuple[str, str]]:
        """(job, agent) of each lease that has run out."""
        return [(job_id, agent_id) for job_id, (agent_id, until) in self._leases.items() if until <= now_s]

    def jobs_of(self, agent_id: str) -> list[str]:
        return [job_id for job_id, (holder, _) in self._leases.items() if holder == agent_id]

    def silent(self, now_s: float) -> list[Worker]:
        """Agents without a connection that were not heard from for a lease's time."""
        return [worker for worker in self.agents.values() if worker.session is None
                and worker.agent.status != "offline" and now_s - worker.agent.seen_s >= self.lease_s]

    def online(self) -> list[Worker]:
        return [worker for worker in self.agents.values() if worker.agent.status != "offline"]

    def slots(self) -> int:
        return sum(worker.agent.slots for worker in self.online() if worker.engines)

    def lanes(self) -> list[frozenset[str]]:
        """What can go on at once: the engines of each slot of the agents that are here."""
        return [lane for worker in self.online() if worker.engines for lane in worker.lanes]

    def command(self, job: Job, shown: Shown) -> bool:
        """Tells the agent that has the job; false when it is away (it will hear on coming back)."""
        worker = self.holder(job.id)
        if worker is None or worker.session is None:
            return False
        worker.session.tell(shown)
        return True

    def rouse(self, engine: str, shown: Shown) -> None:
        """Tells every connected agent of this engine that there is work."""
        for worker in self.agents.values():
            if worker.session is not None and engine in worker.engines:
                worker.session.tell(shown)
