"""Failures put right: what `brain.mend` decides about an attempt that failed is carried out here.

An attempt that is followed by another is no end of its job: nobody is told that the job has failed, its story goes on.
"""

from __future__ import annotations

import random
from typing import Any

from ..brain.causes import plain
from ..brain.limits import limits
from ..brain.mend import MEMORY, Around, Cure, Place, mend
from ..model.engine import EngineInfo
from ..model.facts import Failed, Rerouted
from ..model.job import Job, JobState, Try
from ..model.record import Host
from ..wire import show
from .climbs import Climbs
from .desk import Desk
from .ledger import Change
from .session import Shown
from .undo import by_command

PART = "mend"
TILES = ("tiles", "vae_tiling", "tiled_vae")
"""What engines call the option that works in tiles."""
_IN_MEMORY = frozenset({"sketch"})
"""Engines that work in the machine's own memory, whatever GPUs it has."""
_EVENTS = {JobState.CANCELLED: "generation_cancelled", JobState.PAUSED: "generation_paused"}


class Mending:
    """`consider` is asked of every failure, `carry_out` told of what came of it, `tick` called once a second.

    `chance` spreads the moments at which jobs that failed together are tried again.
    """

    def __init__(self, desk: Desk, climbs: Climbs, chance: random.Random) -> None:
        self._desk, self._climbs, self._chance = desk, climbs, chance
        self._limits = limits(desk.settings.brain)
        self._looked_s = 0.0

    def consider(self, job: Job, fact: Failed) -> Failed | Rerouted:
        """What is to be done instead of failing; or the failure, with the story of what was tried. What lives
        elsewhere, and what somebody has cancelled, is left as it is."""
        if job.foreign or job.request == "cancel" or not self._desk.parts.on(PART):
            return fact
        found = mend(job, fact.error, self._around(job, fact), self._limits, self._chance.random())
        if not isinstance(found, Cure):
            return Failed(fact.at_s, found)
        tried = Try(fact.at_s, job.attempt, job.host, fact.error, found.how, found.told)
        until_s = self._desk.clock() + found.delay_s
        rank = self._desk.queue.back_at(job.rank)
        return Rerouted(fact.at_s, rank, found.spec, until_s, found.avoid, tried, found.climb)

    def carry_out(self, before: Job, after: Job, fact: Rerouted, change: Change) -> None:
        """The job waits for its next attempt: people are told, and the engine lets go of its models if it is to."""
        desk, tried = self._desk, fact.tried
        assert tried is not None
        holder = desk.workers.holder(after.id)
        desk.lost(after, change)
        desk.spread(change)
        after = desk.queue.get(after.id)
        desk.event(_EVENTS.get(after.state, "generation_queued"), after, change)
        title = after.spec.title
        desk.log(change, "warning", before.worker_id, f"failed {title}, and {tried.told}: {tried.error.message}",
                 after.id)
        if tried.cure == "free" and holder is not None and holder.session is not None:
            order = show.EngineOrder(engine=after.spec.engine, command="free")
            holder.session.tell(Shown("engine_order", order, change.at_s))
        data: dict[str, Any] = {"cure": tried.cure, "attempt": tried.attempt, "notBefore": show.iso(fact.not_before_s),
                                **by_command("Give it up", after.id, "cancel")}
        desk.decide(change, PART, f"{title}: {tried.told}", plain(tried.error.message), after.id, data)
        if fact.climb is not None:
            self._climbs.tell(after, fact.climb, change)

    def tick(self, now_s: float) -> None:
        """Jobs whose pause is over are offered."""
        since_s, self._looked_s = self._looked_s, now_s
        due = [job.spec.engine for job in self._desk.queue.all() if since_s < job.not_before_s <= now_s]
        self._desk.offer(due, now_s)

    # --- what there is to work with ---

    def _around(self, job: Job, fact: Failed) -> Around:
        info: EngineInfo | None = self._desk.board.get("engines", job.spec.engine)
        if info is None:
            return Around()
        cause: Any = "memory" if fact.error.kind == MEMORY else "failure"
        step = self._climbs.step(job, cause, fact.at_s)
        return Around(
            frees="free" in info.extras and not info.reason,
            params={param.name: param for param in info.params},
            tiles=next((one.name for one in info.options if one.name in TILES and one.kind == "flag"), ""),
            places=self._places(info), lower=step if cause == "memory" else None,
            higher=step if cause == "failure" else None)

    def _places(self, info: EngineInfo) -> tuple[Place, ...]:
        hosts = {worker.agent.host for worker in self._desk.workers.online() if info.name in worker.engines}
        return tuple(Place(name, memory_of(self._desk.board.get("hosts", name), info)) for name in sorted(hosts))


def memory_of(host: Host | None, info: EngineInfo) -> int:
    """The memory that counts for the engine on a host, in bytes: its largest GPU's, or its own; 0 if not known."""
    if host is None:
        return 0
    cards = [] if (info.kind or info.name) in _IN_MEMORY else [gpu.memory_total_bytes or 0 for gpu in host.gpus]
    return max(cards, default=0) or host.memory_total_bytes
