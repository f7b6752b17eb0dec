"""What is not there: a machine that is not measured, a worker that is not heard from, an engine that is down, and a GPU
that is lost. Which GPUs those are the samples say; one that sleeps is none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from ...model.engine import EngineInfo
from ...model.record import Agent, Gpu, Host
from .finding import Finding
from .quantity import span
from .rule import THINGS, Rule
from .trigger import Trigger

LATE_PERIODS = 3.0
LEAST_LATE_S = 15.0
FORGET_S = 3600.0
"""A worker that is gone for so long was taken away."""
GAP_S = 30.0


@dataclass(slots=True)
class _Seen:
    at_s: float
    period_s: float
    gpus: tuple[Gpu, ...] = ()

    def late_s(self, now_s: float) -> float | None:
        """How long it was not measured, if that is too long."""
        late_s = now_s - self.at_s
        return late_s if late_s > max(LEAST_LATE_S, LATE_PERIODS * self.period_s) else None


class Absences:
    """Ask about once a second; a trigger reaches over no gap longer than GAP_S, so a hub that slept accuses nobody."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = {thing: [rule for rule in rules if rule.term.kind == "absent" and rule.term.metric == thing]
                       for thing in THINGS}
        self._hosts: dict[str, _Seen] = {}
        self._seats: dict[tuple[str, frozenset[str]], float] = {}
        """When somebody was last seen on a seat: a machine with the engines that one of its workers drives."""
        self._ready: set[str] = set()
        """Engines that were ready at some time: one that never was may just not be there yet."""
        self._triggers: dict[tuple[str, str], Trigger] = {}

    def sampled(self, host: Host, now_s: float) -> None:
        self._hosts[host.name] = _Seen(now_s, host.period_s, host.gpus)

    def findings(self, agents: Sequence[Agent], engines: Mapping[str, EngineInfo], now_s: float) -> Iterator[Finding]:
        online = [agent for agent in agents if agent.status != "offline"]
        there = {agent.host for agent in online}
        yield from self._of_hosts(there, now_s)
        yield from self._of_gpus(now_s)
        yield from self._of_workers(online, there, now_s)
        yield from self._of_engines(online, engines, now_s)

    def _of_hosts(self, there: set[str], now_s: float) -> Iterator[Finding]:
        """A machine whose agent is gone as well is silent by the same cause; who tells of the agent says so."""
        for name, seen in self._hosts.items():
            late_s = seen.late_s(now_s)
            for rule in self._of("host", name):
                trigger = self._trigger(rule, name)
                if trigger.see(now_s, bad=late_s is not None and name in there, good=late_s is None):
                    yield Finding(f"silent:{name}", rule.level, rule.title or f"{name} is silent",
                                  f"its agent is there, but it was not measured for {span(late_s or 0.0)}", name)

    def _of_gpus(self, now_s: float) -> Iterator[Finding]:
        """Of a machine that is not measured nothing new is known."""
        for name, seen in self._hosts.items():
            late = seen.late_s(now_s) is not None
            for gpu, rule in product(seen.gpus, self._of("gpu", name)):
                trigger, lost = self._trigger(rule, f"{name}/{gpu.index}"), bool(gpu.lost_s)
                if trigger.open if late else trigger.see(now_s, bad=lost, good=not lost):
                    yield Finding(f"gpu:{name}:{gpu.index}", rule.level,
                                  rule.title or f"GPU {gpu.index} of {name} is lost",
                                  f"{gpu.name} was there and gives no figures now: {gpu.reason}", name)

    def _of_workers(self, online: list[Agent], there: set[str], now_s: float) -> Iterator[Finding]:
        for agent in online:
            if agent.engines and agent.kind == "worker":
                self._seats[agent.host, frozenset(agent.engines)] = now_s
        self._seats = {seat: at_s for seat, at_s in self._seats.items() if now_s - at_s < FORGET_S}
        for (host, engines), at_s in self._seats.items():
            taken = any(agent.host == host and engines <= {*agent.engines} for agent in online)
            names = ", ".join(sorted(engines))
            for rule in self._of("worker", host):
                # When nobody of the machine is there, the machine is silent: one cause, one alert.
                absent = not taken and host in there
                if self._trigger(rule, f"{host}/{names}").see(now_s, bad=absent, good=not absent):
                    yield Finding(f"worker:{host}:{names}", rule.level, rule.title or f"A worker of {host} is gone",
                                  f"the one that drives {names} was last heard from {span(now_s - at_s)} ago", host)

    def _of_engines(self, online: list[Agent], engines: Mapping[str, EngineInfo], now_s: float) -> Iterator[Finding]:
        driven = {name for agent in online for name in agent.engines}
        self._ready |= {name for name in driven if name in engines and not engines[name].reason}
        for name, info in engines.items():
            down = name in driven and name in self._ready and bool(info.reason)
            for rule in self._rules["engine"]:
                if self._trigger(rule, name).see(now_s, bad=down, good=not down):
                    yield Finding(f"engine:{name}", rule.level, rule.title or f"Engine {name} is down", info.reason)

    def _of(self, thing: str, host: str) -> Iterator[Rule]:
        return (rule for rule in self._rules[thing] if fnmatchcase(host, rule.host))

    def _trigger(self, rule: Rule, key: str) -> Trigger:
        return self._triggers.setdefault((rule.name, key), Trigger(rule.for_s, 0.0, GAP_S))
