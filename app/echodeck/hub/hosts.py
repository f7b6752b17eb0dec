"""The machines: what each measured last, over restarts too, which of its agents measures it, and what it is called."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from .. import wire
from ..errors import IllegalTransition, UnknownName
from ..model.machines import Machine, name_for
from ..model.record import Host
from ..wire import say, show
from . import troubles
from .cards import Cards
from .desk import RECENT_SAMPLES, Desk
from .ledger import Change
from .session import Session

KIND = "hosts"
SAME_NAME = "same_name"
"""What the cause of the alert about two machines of one name begins with."""
KEPT_EVERY_S = 0.9
WRITTEN_EVERY_S = 60.0
"""How often the last sample of a machine is written: what is shown of it after a restart is no older."""


class Hosts:
    """Each method without an underscore that is named as a message type deals with it, as in Commands."""

    def __init__(self, desk: Desk, cards: Cards) -> None:
        self._desk, self._cards = desk, cards
        self._known: dict[str, Machine] = {}
        self._measurer: dict[str, str] = {}
        """The agent that measures, by machine."""
        self._written_s: dict[str, float] = {}
        self._unheard: dict[str, float] = {}
        """Machines known from before the hub's start, and since when they could have been heard."""
        self._earlier: Mapping[str, list[Host]] = {}

    def restore(self, records: Mapping[str, dict[str, Any]], now_s: float) -> None:
        """What was known when the hub ended; each is silent until its agent is back."""
        for name, record in records.items():
            self._known[name] = msgspec.convert(record["machine"], Machine)
            self._desk.board.put("hosts", name, msgspec.convert(record["host"], Host))
            self._unheard[name] = now_s

    # --- names -------------------------------------------------------------------------------------------------------

    def greet(self, payload: say.Register, change: Change) -> str:
        """What the machine of an agent that registers is called here."""
        hello = Machine(payload.host, payload.host, payload.machine, payload.boot)
        here = {worker.agent.host for worker in self._desk.workers.online() if worker.agent.id != payload.agent_id}
        name = name_for(hello, self._known.values(), here)
        self._drop_makeshift(hello, name, here, change)
        if payload.machine or name not in self._known:
            self._known[name] = Machine(name, payload.host, payload.machine, payload.boot)
        if name != payload.host:
            self._tell_namesake(payload.host, name, change)
        self._unheard.pop(name, None)
        return name

    def _drop_makeshift(self, hello: Machine, name: str, here: set[str], change: Change) -> None:
        """A name that was made up here for this machine is not wanted any more once it has one of its own."""
        for one in [*self._known.values()]:
            if one.renamed and one.name != name and one.name not in here and hello.boot and one.boot == hello.boot:
                self._forget(one.name, change)

    def _tell_namesake(self, asked: str, name: str, change: Change) -> None:
        cause = f"{SAME_NAME}:{name}"
        if not self._is_open(cause):
            said = f"the second is shown as {name}; give it a name of its own: echodeck agent --name NAME"
            self._desk.raise_alert(change, cause, "warning", f"Two machines are called {asked}", said, host=name)

    # --- figures -----------------------------------------------------------------------------------------------------

    def measures(self, agent_id: str) -> bool:
        """Whether this agent is the one that measures its machine: the first there, as long as it is connected."""
        workers = self._desk.workers.agents
        worker = workers.get(agent_id)
        if worker is None:
            return True
        if worker.agent.kind == "script":
            return False
        host = worker.agent.host
        chosen = workers.get(self._measurer.get(host, ""))
        if chosen is None or chosen.session is None or chosen.agent.host != host:
            self._measurer[host] = agent_id
        return self._measurer[host] == agent_id

    def host_metrics(self, session: Session, payload: say.HostMetrics, change: Change) -> dict[str, Any]:
        desk, now_s = self._desk, change.at_s
        desk.workers.seen(session.agent_id, now_s)
        if not self.measures(session.agent_id):
            return {}
        host = self._cards.number(self._named(session, payload.host), change)
        self._unheard.pop(host.name, None)
        desk.put("host_metrics", "hosts", host.name, host, now_s)
        recent = desk.recent.setdefault(host.name, deque(maxlen=RECENT_SAMPLES))
        # A machine that is measured faster is shown so; what is kept is about one sample a second.
        if not recent or abs(host.at_s - recent[-1].at_s) >= KEPT_EVERY_S:
            recent.append(host)
            desk.sampled(host, now_s)
        if now_s - self._written_s.get(host.name, 0.0) >= WRITTEN_EVERY_S:
            self._write(host, change)
        return {}

    def _named(self, session: Session, host: Host) -> Host:
        """As the machine is called here: its agent may have measured before it heard of that."""
        worker = self._desk.workers.agents.get(session.agent_id)
        machine = self._known.get(worker.agent.host) if worker else None
        return replace(host, name=machine.name) if machine and machine.asked == host.name else host

    def _write(self, host: Host, change: Change) -> None:
        machine = self._known.setdefault(host.name, Machine(host.name))
        self._written_s[host.name] = change.at_s
        change.batch.records[KIND, host.name] = {"machine": wire.plain(machine), "host": wire.plain(host)}

    def recent(self) -> dict[str, list[Host]]:
        """The latest samples of every machine that is known, oldest first."""
        last: dict[str, Host] = self._desk.board.all("hosts")
        return {name: self._samples(name) or [host] for name, host in last.items()}

    def _samples(self, name: str) -> list[Host]:
        new = list(self._desk.recent.get(name, ()))
        old = [one for one in self._earlier.get(name, ()) if not new or one.at_s < new[0].at_s]
        return (old + new)[-RECENT_SAMPLES:]

    def recall(self, earlier: Mapping[str, list[Host]]) -> None:
        """What was measured before the hub's start. One that is away was last heard from then."""
        self._earlier = earlier
        for name, samples in earlier.items():
            last: Host | None = self._desk.board.get("hosts", name)
            if last is not None and name not in self._desk.recent and samples and samples[-1].at_s > last.at_s:
                self._desk.put("host_metrics", "hosts", name, samples[-1], self._desk.clock())

    # --- who is not heard from ---------------------------------------------------------------------------------------

    def tick(self, change: Change) -> None:
        """A machine whose agent ended while the hub was away is silent too."""
        for name in [name for name, since_s in self._unheard.items()
                     if change.at_s - since_s >= self._desk.workers.lease_s]:
            del self._unheard[name]
            self.silent(name, change)

    def silent(self, name: str, change: Change) -> None:
        """Tells people that none of its agents is heard from."""
        host: Host | None = self._desk.board.get("hosts", name)
        if host is not None:
            self._write(host, change)
        troubles.silent(self._desk, name, change)

    def forget_host(self, session: Session, payload: say.ForgetHost, change: Change) -> dict[str, Any]:
        """A machine that was taken away for good. What was measured of it, and its jobs, stay in the history."""
        known: dict[str, Host] = self._desk.board.all("hosts")
        if payload.host not in known:
            raise UnknownName("host", payload.host, sorted(known))
        if any(worker.agent.host == payload.host for worker in self._desk.workers.online()):
            raise IllegalTransition(f"command: cannot forget {payload.host}: it is heard from; stop its agent first")
        self._forget(payload.host, change)
        self._desk.action(change, session, f"forgot the machine {payload.host}")
        return {"host": payload.host}

    def _forget(self, name: str, change: Change) -> None:
        desk = self._desk
        for state in (self._known, self._measurer, self._written_s, self._unheard, desk.recent):
            state.pop(name, None)
        for agent_id in [one.agent.id for one in desk.workers.agents.values() if one.agent.host == name]:
            desk.workers.forget(agent_id)
        for agent in [one for one in desk.board.all("agents").values() if one.metadata["host"] == name]:
            desk.board.forget("agents", agent.id)
        for alert in [*desk.alerts.values()]:
            if alert.host == name and (not alert.job_id or alert.cause == f"silent:{name}"):
                desk.resolve_alert(change, alert.cause)
        change.batch.records[KIND, name] = None
        self._cards.drop(name, change)
        change.tell(wire.FORGOTTEN, "hosts", name, show.HostForgotten(name))

    def _is_open(self, cause: str) -> bool:
        alert = self._desk.alerts.get(cause)
        return alert is not None and alert.resolved_s is None
