"""All that works in the room, made and joined: who deals with which message, who follows what happens to jobs, and in
which order things are done at a start and at every tick."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

from ..model.facts import Fact
from ..model.job import Job, JobState
from ..store import Store
from ..wire import say, show
from .agents import Agents
from .asks import Asks
from .cards import KIND as CARDS
from .cards import Cards
from .chains import Chains
from .climbs import Climbs
from .commands import Commands
from .desk import Desk
from .foreign import Foreign
from .foresight import Foresight
from .hands import Hands
from .hosts import KIND as HOSTS
from .hosts import Hosts
from .intake import Intake
from .ladders import KIND, Ladders
from .ledger import Change
from .loading import load
from .mending import Mending
from .meters import KIND as METERS
from .meters import Meters
from .misfits import Misfits
from .notify import Notify
from .order import Order
from .post import Post
from .preempting import Preempting
from .pulse import Pulse
from .queue import Follow
from .reports import Reports
from .session import Session
from .standings import Standings
from .switches import Switches
from .verdicts import Verdicts
from .watch import Watch
from .wishing import Wishing
from .workflows import Workflows

Handler = Callable[[Session, Any, Change], dict[str, Any] | Awaitable[dict[str, Any]]]


class Staff:
    """`handlers` are by message type; `followers` are told of whatever happens to a job, after those in here."""

    def __init__(self, desk: Desk, followers: list[Follow]) -> None:
        self._desk, self._followers = desk, followers
        self.pulse, self.meters = Pulse(desk), Meters(desk)
        self._hands, self._post, self._cards = Hands(desk), Post(desk), Cards(desk)
        self.order, self.standings = Order(desk), Standings(desk)
        self._preempting = Preempting(desk, self.order)
        self._watch = Watch(desk, self.order)
        desk.stepped = self._watch.stepped
        self.ladders = Ladders(desk)
        self.climbs = Climbs(desk, self.ladders)
        self._misfits = Misfits(desk, self.ladders)
        self._mending = Mending(desk, self.climbs, random.Random(self.ladders.rules.seed))
        self.foresight = Foresight(desk)
        verdicts = Verdicts(desk, self.climbs.judged)
        self._reports = Reports(desk, self._hands, self._mending, self.foresight, verdicts)
        self.hosts = Hosts(desk, self._cards)
        self._agents = Agents(desk, self._hands, self._post, self.hosts)
        foreign = Foreign(desk, self._hands)
        intake = Intake(desk, Wishing(desk, self.ladders), self.climbs)
        self.climbs.accept = intake.follow_up
        self._chains = Chains(desk)
        self._workflows = Workflows(desk, intake, self._chains)
        self.notify = Notify(desk)
        self.handlers: dict[str, Handler] = {}
        for part in (Commands(desk, foreign), self._reports, self._agents, self.hosts, self._cards, foreign, intake,
                     Switches(desk), self._workflows, self._post, Asks(desk, intake, self.pulse, self.ladders),
                     self.notify):
            for types in say.ENDPOINTS.values():
                self.handlers.update({name: getattr(part, name) for name in types if hasattr(part, name)})

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        for follow in (self.pulse.follow, self.meters.follow, self._chains.follow, self.order.follow,
                       self._preempting.follow, self._watch.follow, *self._followers):
            follow(before, after, fact)

    async def restore(self, store: Store, now_s: float) -> list[show.AgentView]:
        """What was known when the hub ended. Returns the agents that were here then."""
        desk = self._desk
        gone = await load(store, desk, self.pulse, self.follow, now_s)
        self.hosts.restore(await store.records(HOSTS), now_s)
        self._cards.restore(await store.records(CARDS))
        self.meters.restore(await store.records(METERS))
        self.foresight.restore((await store.records("lessons")).values())
        self.ladders.restore(await store.records(KIND))
        self.order.restore()
        self._workflows.restore((await store.records("workflows")).values())
        self._chains.expect(desk.queue.all())
        self._post.restore(await store.records("mail"))
        await self._watch.restore(store)
        await self.notify.restore(store)
        self._agents.engines_away(Change(now_s))
        return gone

    def tick(self, change: Change) -> None:
        """What time alone does: leases end, agents fall silent, estimates move."""
        desk, now_s = self._desk, change.at_s
        for job_id, agent_id in desk.workers.expired(now_s):
            self._reports.silent(job_id, agent_id, change)
        for worker in desk.workers.silent(now_s):
            self._agents.offline(worker, change)
        self.hosts.tick(change)
        self._chains.look()
        self._chains.settle(change)
        self._workflows.settle(change)
        for job in desk.queue.in_hand():
            if job.state is JobState.RUNNING:
                desk.show_job(self._reports.read(job.id, change), now_s)
        self._hands.show_progress(change)
        self.meters.tick(change)
        self._preempting.tick(change)
        self.climbs.tick(change)
        self._misfits.tick(change)
        self._watch.tick(change)
        self.notify.tick(change)
        desk.ledger.put(change)
        self._mending.tick(now_s)

    def settle(self, change: Change) -> None:
        """What follows at once from what has happened."""
        self._chains.settle(change)
