"""What every part of the room works with: the jobs, who works on them, and the few ways to say what happened."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import wire
from ..brain.watch.finding import SEVERITY
from ..config import Settings
from ..model.board import Board
from ..model.engine import EngineInfo
from ..model.job import Job
from ..model.lanes import Turn
from ..model.record import Alert, Decision, Host, LogLine
from ..model.usage import Tariff
from ..wire import mind, say, show
from .graphs import Graphs
from .ledger import Change, Ledger
from .outlook import Outlooks
from .parts import Parts
from .queue import Queue
from .session import Session, Shown
from .workers import Workers

UNKNOWN = EngineInfo("")
LineUp = Callable[[list[Job], float], tuple[list[Job], Mapping[str, Turn]]]
Imagine = Callable[[], Mapping[str, Turn]]
LINES = {"logs": 1000, "messages": 200, "decisions": 200}
RECENT_SAMPLES = 600
"""Samples of each machine that are kept in memory, so that a page just opened shows the last minutes at once."""
ENDED_ALERTS, ENDED_JOBS = 100, 500
"""How many of each stay on the board; the store keeps the rest."""


@dataclass(slots=True)
class Desk:
    """Shared by the parts of the room; belongs to one event loop."""

    settings: Settings
    board: Board
    publish: Callable[[Shown], None]
    clock: Callable[[], float]
    ledger: Ledger
    workers: Workers
    queue: Queue = field(default_factory=Queue)
    outlooks: Outlooks = field(default_factory=Outlooks)
    graphs: Graphs = field(default_factory=Graphs)
    parts: Parts = field(default_factory=Parts)
    alerts: dict[str, Alert] = field(default_factory=dict)
    """The latest alert by cause."""
    sessions: dict[str, Session] = field(default_factory=dict)
    recent: dict[str, deque[Host]] = field(default_factory=dict)
    """The latest samples of each machine, oldest first."""
    next_for: Callable[[say.Claim, Change], Job | None] = lambda claim, change: None
    """What a worker that asks is to do now."""
    line_up: LineUp = lambda waiting, now_s: (waiting, {})
    """The waiting jobs as they will be given out, and from when to when each should run, in seconds from now; None: no
    worker can."""
    imagine: Callable[[list[Job], list[Job], float], Imagine] = lambda waiting, added, now_s: dict
    """When the jobs that wait, and further ones, would run; as `line_up`, nothing is remembered of it, and it is worked
    out when it is called, by any thread."""
    hold_for: Callable[[Job, float], str] = lambda job, now_s: ""
    """What an urgent job that waits has held, or will have as soon as it can be, as a sentence; "" for nothing."""
    freed: Callable[[str], None] = lambda engine: None
    """Called when an engine was told to let go of its models."""
    refresh: Callable[[float], None] = lambda now_s: None
    """Plans the queue anew where that is needed, and tells what is other than before."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Where each waiting job stands, from 0, as of the latest plan."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Why a waiting job is at its place, or waits, where there is something to say."""
    sampled: Callable[[Host, float], None] = lambda host, now_s: None
    """Called with every sample of a machine, and when it came, to keep its figures."""
    stepped: Callable[[Job, int, int, float], None] = lambda job, stage, step, duration_s: None
    """Called with every step (from 1) of a stage of a job in hand that was measured, in seconds."""
    decided_s: float = 0.0
    """When something was last decided: a job given out, queued again, refused."""
    _lines: dict[str, dict[str, None]] = field(default_factory=lambda: {kind: {} for kind in LINES})
    late: set[str] = field(default_factory=set)
    """Jobs that changed while a durable event about them was on its way; shown when it has settled."""

    # --- jobs ---

    @property
    def tariff(self) -> Tariff:
        settings = self.settings
        return Tariff(settings.price_per_kwh, settings.currency, settings.gco2_per_kwh)

    def view(self, job: Job, now_s: float) -> show.JobView:
        # A place in the queue is a waiting job's; one that was just claimed is in the plan until the next one is made.
        place = None if job.in_hand else self.places.get(job.id)
        engine: EngineInfo = self.board.get("engines", job.spec.engine) or UNKNOWN
        outlook = self.outlooks.of(job, place, now_s)
        if not job.in_hand and job.finished_s is None:
            outlook.why = self.whys.get(job.id, "")
        return show.job_view(job, outlook, engine, self.tariff)

    def impossible(self, job: Job, command: str) -> str:
        """Why a command cannot be done; "" when nothing is known to be against it."""
        return self.view(job, self.clock()).cannot.get(command, "")

    def save(self, job: Job, change: Change) -> None:
        """The job's row is to be written with this change."""
        self.queue.put(job)
        change.batch.jobs[job.id] = job

    def spread(self, change: Change) -> None:
        """Ranks that have come too close are spread out, and those jobs written again with this change."""
        change.batch.jobs.update({job.id: job for job in self.queue.spread()})

    def lay(self, change: Change) -> None:
        """The queue is made to stand in the order in which it is shown."""
        waiting, _ = self.line_up(self.queue.waiting(), change.at_s)
        change.batch.jobs.update({job.id: job for job in self.queue.lay([job.id for job in waiting])})

    def event(self, type_: str, job: Job, change: Change) -> None:
        """A durable event about a job, with all a viewer shows of it."""
        change.tell(type_, "jobs", job.id, self.view(job, change.at_s))

    def show_job(self, job: Job, now_s: float) -> None:
        """The job as it is now, to everybody; nothing to keep. Waits its turn behind a durable event on its way."""
        if self.ledger.settling(job.id):
            self.late.add(job.id)
        else:
            # Existing clients take a progress for what runs now: a waiting job's new place is told in another type.
            type_ = "generation_progress" if job.in_hand else "generation_queued"
            self.put(type_, "jobs", job.id, self.view(job, now_s), now_s)

    def put(self, type_: str, kind: str, key: str, value: Any, now_s: float) -> None:
        """A volatile whole value: on the board and to everybody."""
        self.board.put(kind, key, value)
        self.publish(Shown(type_, value, now_s, kind, key))

    def tell_worker(self, job: Job, now_s: float) -> None:
        """What the job's worker is asked to do, if anything; told again whenever it comes back."""
        if job.request:
            command = show.JobCommand(job_id=job.id, attempt=job.attempt, command=job.request)
            self.workers.command(job, Shown("job_command", command, now_s))

    def offer(self, engines: Iterable[str], now_s: float) -> None:
        """There may be work for these engines."""
        for engine in set(engines):
            self.workers.rouse(engine, Shown("work_available", {}, now_s))

    def lost(self, job: Job, change: Change) -> None:
        """The job will not come back from its worker's hands: its lease and estimate go."""
        self.workers.release(job.id)
        self.outlooks.forget(job.id)

    # --- telling people ---

    def log(self, change: Change, level: str, source: str, message: str, job_id: str = "") -> None:
        line = LogLine(uuid.uuid4().hex, change.at_s, level, source, message, job_id)
        change.tell("log", "logs", line.id, show.log_view(line))
        self.keep("logs", line.id)

    def keep(self, kind: str, key: str) -> None:
        """The newest line of this kind, or one that is told anew: the oldest leave the board."""
        lines = self._lines[kind]
        lines.pop(key, None)
        lines[key] = None
        while len(lines) > LINES[kind]:
            oldest = next(iter(lines))
            del lines[oldest]
            self.board.forget(kind, oldest)

    def decide(self, change: Change, part: str, title: str, reason: str, job_id: str = "",
               data: Mapping[str, Any] | None = None, *, id_: str = "") -> None:
        """Tells everybody what the hub decided by itself, and why. `id_` is of one that may have been told already and
        goes on: what is told now takes its place."""
        decision = Decision(id_ or uuid.uuid4().hex, change.at_s, part, title, reason, job_id, data or {})
        change.tell("decision", "decisions", decision.id, mind.decision_view(decision))
        self.keep("decisions", decision.id)
        self.decided_s = change.at_s

    def action(self, change: Change, session: Session, action: str, job: Job | None = None, detail: str = "") -> None:
        """Who did what: everybody is told, and it goes into the log."""
        user = session.user or "somebody"
        title = job.spec.title if job else ""
        change.tell("user_action", "", job.id if job else "", show.UserAction(
            user=user, action=action, job_id=job.id if job else "", title=title, detail=detail,
            at=show.iso(change.at_s)))
        self.log(change, "info", user, " ".join(part for part in (action, title, detail) if part),
                 job.id if job else "")

    def raise_alert(self, change: Change, cause: str, level: str, title: str, message: str, *, job_id: str = "",
                    host: str = "", jobs: tuple[str, ...] = (), detail: str = "") -> None:
        """One alert a cause: a second time it is counted and open again, not repeated beside the first. One that is
        open and was seen stays seen, unless it has become graver."""
        fresh = Alert(uuid.uuid4().hex, cause, level, title, message, change.at_s, 0, resolved_s=change.at_s)
        known = self.alerts.get(cause, fresh)
        alert = replace(known, level=level, title=title, message=message, at_s=change.at_s, count=known.count + 1,
                        job_id=job_id, host=host, jobs=jobs, detail=detail, resolved_s=None)
        hushed = alert.silenced(change.at_s)
        calls_again = known.silenced_until_s is not None and not hushed
        if known.resolved_s is not None or calls_again or SEVERITY[level] > SEVERITY[known.level]:
            alert = replace(alert, acknowledged_by="", acknowledged_s=None)
            if not hushed:
                self.log(change, level, "alert", f"{title}: {message}", job_id)
        self._keep_alert(change, "system_alert", alert)

    def update_alert(self, change: Change, cause: str, level: str, title: str, message: str,
                     jobs: tuple[str, ...] | None = None) -> None:
        """The same trouble, with what is known of it now: it is not counted again, and who has seen it has seen it."""
        before = self.alerts[cause]
        known = replace(before, level=level, title=title, message=message)
        if jobs is not None:
            known = replace(known, jobs=jobs, job_id=jobs[-1] if jobs else "")
        if known != before:
            self._keep_alert(change, "system_alert", known)

    def resolve_alert(self, change: Change, cause: str) -> bool:
        """Whether there was one to resolve."""
        alert = self.alerts.get(cause)
        if alert is None or alert.resolved_s is not None:
            return False
        self._keep_alert(change, "alert_resolved", replace(alert, resolved_s=change.at_s))
        return True

    def acknowledge(self, change: Change, alert: Alert, by: str) -> Alert:
        known = replace(alert, acknowledged_by=by, acknowledged_s=change.at_s)
        self._keep_alert(change, "alert_resolved" if alert.resolved_s else "system_alert", known)
        return known

    def silence(self, change: Change, alert: Alert, by: str, until_s: float | None) -> Alert:
        """None: it calls again."""
        known = replace(alert, silenced_by=by if until_s is not None else "", silenced_until_s=until_s)
        self._keep_alert(change, "alert_resolved" if alert.resolved_s else "system_alert", known)
        return known

    def _keep_alert(self, change: Change, type_: str, alert: Alert) -> None:
        self.alerts[alert.cause] = alert
        change.batch.records["alerts", alert.id] = wire.plain(alert)
        change.tell(type_, "alerts", alert.id, show.alert_view(alert))
        # One that is silenced is kept: it is where the silence is known.
        ended = [one for one in self.alerts.values() if one.resolved_s is not None and not one.silenced(change.at_s)]
        for old in sorted(ended, key=lambda one: one.at_s)[: max(0, len(ended) - ENDED_ALERTS)]:
            del self.alerts[old.cause]
            change.batch.records["alerts", old.id] = None
            change.after.append(lambda old=old: self.board.forget("alerts", old.id))  # type: ignore[misc]
