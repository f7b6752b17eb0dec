"""Carries out what the brain finds in watching over machines and jobs: alerts raised, brought up to date, resolved."""

from __future__ import annotations

import logging

from ..brain.watch.finding import Finding
from ..brain.watch.incidents import Incidents
from ..brain.watch.table import watches_of
from ..brain.watch.watcher import Scene, Watcher, ours
from ..model.eligible import eligible
from ..model.facts import Fact
from ..model.job import Job, JobState
from ..store import Store
from . import troubles
from .desk import Desk
from .ledger import Change
from .order import Order

PART = "watch"
RECALLED_JOBS, RECALLED_STEPS = 200, 50_000
log = logging.getLogger(__name__)


class Watch:
    """`follow` is told of all that happens to jobs, `stepped` of their steps, `tick` is called once a second.

    Raises ConfigError when the table of alerts cannot be used. A mistake in here costs nobody a report or a tick.
    """

    def __init__(self, desk: Desk, order: Order) -> None:
        self._desk, self._order, self._watches = desk, order, watches_of(desk.settings.alerts)
        self._watcher = Watcher(self._watches)
        self._incidents: Incidents | None = None
        """None while it is switched off."""
        self._seen: dict[str, float] = {}
        """By machine: the moment of the latest sample that was looked at."""

    async def restore(self, store: Store) -> None:
        """Learns again how fast the jobs ran that ended lately."""
        done = [job for job in self._desk.queue.ended() if job.state is JobState.COMPLETED and job.finished_s]
        jobs = sorted(done, key=lambda job: job.finished_s or 0.0)[-RECALLED_JOBS:]
        since_s = min((job.started_s or 0.0 for job in jobs), default=None)
        if since_s is not None:
            self._watcher.recall(jobs, await store.steps(since_s=since_s, limit=RECALLED_STEPS))

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        if self._incidents is not None:
            try:
                self._watcher.followed(before, after, self._desk.clock())
            except Exception:
                log.exception("a fact of job %s could not be watched", after.id)

    def stepped(self, job: Job, index: int, step: int, duration_s: float) -> None:
        if self._incidents is not None:
            try:
                self._watcher.stepped(job, index, step, duration_s, self._desk.clock())
            except Exception:
                log.exception("a step of job %s could not be watched", job.id)

    def tick(self, change: Change) -> None:
        try:
            self._tick(change)
        except Exception:
            log.exception("nothing could be watched in this tick")

    def _tick(self, change: Change) -> None:
        if not self._desk.parts.on(PART):
            self._stop(change)
            return
        if self._incidents is None:
            known = [alert.cause for alert in self._desk.alerts.values() if alert.resolved_s is None]
            self._incidents = Incidents(filter(ours, known), change.at_s)
        desk, now_s = self._desk, change.at_s
        in_hand = desk.queue.in_hand()
        for name, samples in desk.recent.items():
            if samples and samples[-1].at_s > self._seen.get(name, 0.0):
                self._seen[name] = samples[-1].at_s
                self._watcher.sampled(samples[-1], in_hand, now_s)
        found = self._watcher.findings(self._scene(in_hand, now_s), now_s)
        for telling in self._incidents.update(found, now_s):
            if telling.finding is None:
                desk.resolve_alert(change, telling.cause)
            elif self._open(telling.cause):
                finding = telling.finding
                desk.update_alert(change, finding.cause, finding.level, finding.title, finding.message)
        for finding in found.values():
            if not self._open(finding.cause):
                self._raise(finding, change)

    def _scene(self, in_hand: list[Job], now_s: float) -> Scene:
        """Of the waiting jobs those that could begin: why others wait is shown at their places."""
        desk, unfit = self._desk, self._order.unfit
        waiting = [job for job in desk.queue.waiting() if job.id not in unfit and not eligible(job, "", now_s)]
        agents = [worker.agent for worker in desk.workers.agents.values()]
        return Scene(in_hand, waiting, agents, desk.board.all("engines"), desk.workers.lanes(), desk.outlooks.history)

    def _open(self, cause: str) -> bool:
        alert = self._desk.alerts.get(cause)
        return alert is not None and alert.resolved_s is None

    def _raise(self, finding: Finding, change: Change) -> None:
        jobs = troubles.taken(self._desk, finding.cause, change)
        self._desk.raise_alert(change, finding.cause, finding.level, finding.title, finding.message,
                               job_id=finding.job_id or (jobs[-1] if jobs else ""), host=finding.host, jobs=jobs)
        self._desk.decide(change, PART, finding.title, finding.message, finding.job_id, {"cause": finding.cause})

    def _stop(self, change: Change) -> None:
        """Switched off: what it has raised is resolved, and what it has learnt is begun anew."""
        if self._incidents is not None:
            for telling in self._incidents.close():
                if ours(telling.cause):
                    self._desk.resolve_alert(change, telling.cause)
            self._incidents, self._watcher = None, Watcher(self._watches)
