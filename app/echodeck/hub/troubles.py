"""Jobs that fail or are interrupted, as alerts: one a cause, with the jobs it is about, gone with the last of them."""

from __future__ import annotations

from ..brain import causes
from ..model.job import Job
from ..model.record import Alert
from .desk import Desk
from .ledger import Change

KINDS = ("failed", "worker_lost")
"""What the causes of alerts begin with that are over with the last of their jobs."""
MOST_JOBS = 50
"""Jobs that an alert keeps, the latest: it is told whole with each that comes."""
MOST_CHARS = 4000
"""Of the error as it came."""


def failed(desk: Desk, job: Job, host: str, change: Change) -> None:
    """A job has failed on `host`."""
    assert job.error is not None
    again = desk.alerts.get(causes.workflow(job))
    if again is not None and again.resolved_s is None:  # that it fails again and again is told there
        desk.update_alert(change, again.cause, again.level, again.title, again.message, _with(again, job))
        return
    _told(desk, causes.failed(job, job.error, host), job, host, job.error.message, change)


def lost(desk: Desk, job: Job, host: str, reason: str, change: Change) -> None:
    """A job that was in hand on `host` waits again. Of a machine that is all silent, that is what is told."""
    online = any(one.session is not None and one.agent.host == host for one in desk.workers.agents.values())
    if host and not online and not job.foreign:
        _silent(desk, host, change, job, reason)
    else:
        _told(desk, causes.lost(job, host), job, host, reason, change)


def silent(desk: Desk, host: str, change: Change) -> None:
    """No agent of this machine is heard from any more."""
    known = desk.alerts.get(f"silent:{host}")
    if known is None or known.resolved_s is not None:
        _silent(desk, host, change)


def settled(desk: Desk, job_id: str, change: Change) -> None:
    """A job is in trouble no more: tried again, in hand again, removed."""
    for alert in _open(desk):
        if job_id in alert.jobs:
            _keep(desk, alert, [one for one in alert.jobs if one != job_id], change)


def worked(desk: Desk, job: Job, change: Change) -> None:
    """A job has completed: troubles that would have kept it from that are over."""
    settled(desk, job.id, change)
    for alert in _open(desk):
        if alert.jobs and alert.cause.partition(":")[0] in KINDS:
            there = [desk.queue.get(one) for one in alert.jobs if one in desk.queue]
            left = [one.id for one in causes.over(alert.cause, there, job, job.host)]
            if len(left) < len(there):
                _keep(desk, alert, left, change)


def back(desk: Desk, engine: str, host: str, change: Change) -> None:
    """An engine of this machine can be used (again)."""
    desk.resolve_alert(change, f"worker_lost:{engine}:{host}")


def taken(desk: Desk, cause: str, change: Change) -> tuple[str, ...]:
    """The jobs of this kind that are told of elsewhere, taken away from there: `cause` tells that they fail again and
    again."""
    found: list[str] = []
    for alert in _open(desk):
        if alert.cause.startswith("failed:"):
            mine = [one for one in alert.jobs if one in desk.queue and causes.workflow(desk.queue.get(one)) == cause]
            if mine:
                found += mine
                _keep(desk, alert, [one for one in alert.jobs if one not in mine], change)
    return tuple(found[-MOST_JOBS:])


def _open(desk: Desk) -> list[Alert]:
    return [alert for alert in desk.alerts.values() if alert.resolved_s is None]


def _with(alert: Alert | None, job: Job) -> tuple[str, ...]:
    before = alert.jobs if alert is not None and alert.resolved_s is None else ()
    return (*(one for one in before if one != job.id), job.id)[-MOST_JOBS:]


def _jobs(desk: Desk, ids: tuple[str, ...], latest: Job | None = None) -> list[Job]:
    """As they are now; `latest` may be newer than what the queue has of it."""
    return [latest if latest is not None and one == latest.id else desk.queue.get(one) for one in ids
            if one in desk.queue]


def _told(desk: Desk, cause: str, job: Job, host: str, reason: str, change: Change) -> None:
    ids = _with(desk.alerts.get(cause), job)
    said = causes.telling(_jobs(desk, ids, job), host, reason)
    desk.raise_alert(change, cause, said.level, said.title, said.message, job_id=job.id, host=host, jobs=ids,
                     detail=said.detail[:MOST_CHARS])


def _silent(desk: Desk, host: str, change: Change, job: Job | None = None, reason: str = "") -> None:
    cause = f"silent:{host}"
    ids = () if job is None else _with(desk.alerts.get(cause), job)
    said = causes.silent(host, _jobs(desk, ids, job), reason)
    desk.raise_alert(change, cause, said.level, said.title, said.message, job_id=ids[-1] if ids else "", host=host,
                     jobs=ids, detail=said.detail[:MOST_CHARS])


def _keep(desk: Desk, alert: Alert, left: list[str], change: Change) -> None:
    """The alert goes on with the jobs that are left, or is over. What others watch for themselves goes on without."""
    kind, ids = alert.cause.partition(":")[0], tuple(one for one in left if one in desk.queue)
    if kind in KINDS and not ids:
        desk.resolve_alert(change, alert.cause)
    elif kind in KINDS:
        said = causes.telling(_jobs(desk, ids), alert.host, alert.detail)
        desk.update_alert(change, alert.cause, said.level, said.title, said.message, ids)
    elif kind == "silent":
        said = causes.silent(alert.host, _jobs(desk, ids))
        desk.update_alert(change, alert.cause, said.level, said.title, said.message, ids)
    else:
        desk.update_alert(change, alert.cause, alert.level, alert.title, alert.message, ids)
