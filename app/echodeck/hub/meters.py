"""What each job in hand takes of its machine, added up as it goes, and kept with the job when it has ended.

The machine's latest samples are the desk's; they reach some ten minutes back, so a job is counted in pieces. A job that
has ended waits for the sample after its end, so that its last second counts too.

The sums are written every few seconds, as a record each, so that a hub that was killed goes on from there. What it did
not see meanwhile is time that nobody measured, and a line of the log says how much that is.

Who else was in hand on the machine is remembered for as long as a piece can be late: jobs on one GPU share its energy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .. import wire
from ..model.engine import EngineInfo
from ..model.facts import Fact, Metered
from ..model.job import TERMINAL, Job
from ..model.meter import Taken, add, pids_of, usages_of
from ..model.record import Host
from ..model.share import Stay
from ..model.usage import Usage
from .desk import Desk
from .ledger import Change

PIECE_S = 60.0
SETTLE_S = 10.0
"""What agents report is that late at most: only time further back is counted while a job runs."""
WAIT_S = 12.0
"""For the sample after the end: a machine that nobody needs is measured every 10 s."""
KIND = "meters"
WRITE_EVERY_S = 5.0
MOST_AT_ONCE = 4
"""Jobs whose sums are written in one tick, each some tenths of a millisecond of counting."""
STAYS_S = 300.0
"""How long it is known who was in hand: longer than a piece that is still to be counted reaches back."""


@dataclass(slots=True)
class _Meter:
    """Of one attempt. `worker` is the pid of the process that has it in hand; 0: not known."""

    attempt: int
    taken: Taken = field(default_factory=Taken)
    worker: int = 0


@dataclass(slots=True)
class _Written:
    """When a job's sums were written, and, of those found at the start, up to when they reach."""

    at_s: float
    found_until_s: float | None = None


class Meters:
    """`follow` is told of all that happens to jobs, `tick` is called once a second."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: dict[str, _Meter] = {}
        self._ended: dict[str, _Meter] = {}
        self._written: dict[str, _Written] = {}
        self._stays: dict[tuple[str, int], tuple[str, Stay]] = {}
        """By job and attempt: the machine, and from when to when it was in hand there."""

    def restore(self, records: Mapping[str, dict[str, Any]]) -> None:
        """Goes on with the sums that were written before the hub ended."""
        for job_id, record in records.items():
            meter = msgspec.convert(record, _Meter, str_keys=True)
            self._written[job_id] = _Written(meter.taken.until_s, meter.taken.until_s)
            job = self._desk.queue.get(job_id) if job_id in self._desk.queue else None
            if job is not None and job.attempt == meter.attempt and not job.usage:
                (self._ended if job.state in TERMINAL else self._running)[job_id] = meter

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        """A job that has ended is metered soon; what is taken up again was not at its end."""
        if before.in_hand and not after.in_hand:
            self._stay(before, fact.at_s)
        if after.state not in TERMINAL:
            meter = self._ended.pop(after.id, None) or self._running.pop(after.id, None)
            if meter is not None and after.kept and meter.attempt == after.attempt:
                self._running[after.id] = meter
        elif before.state not in TERMINAL and after.started_s is not None:
            self._ended[after.id] = self._meter(before)
            self._running.pop(after.id, None)

    def tick(self, change: Change) -> None:
        for job in self._desk.queue.in_hand():
            meter = self._meter(job)
            self._stay(job)
            samples = self._desk.recent.get(job.host)
            if samples and (until_s := samples[-1].at_s - SETTLE_S) - meter.taken.until_s >= PIECE_S:
                meter.taken = self._add(meter, job, samples, until_s)
        self._stays = {(job_id, attempt): (host, stay) for (job_id, attempt), (host, stay) in self._stays.items()
                       if stay.end_s > change.at_s - STAYS_S and (job_id in self._desk.queue or stay.end_s < math.inf)}
        self._running = {job_id: meter for job_id, meter in self._running.items() if job_id in self._desk.queue}
        for job_id, meter in [*self._ended.items()]:
            if job_id not in self._desk.queue:
                del self._ended[job_id]
            elif self._complete(job := self._desk.queue.get(job_id), change.at_s):
                del self._ended[job_id]
                self._keep(job, usages_of(self._add(meter, job, self._desk.recent.get(job.host, ()), math.inf)), change)
        self._write(change)

    def _write(self, change: Change) -> None:
        """The sums of those that were not written for longest, and nothing any more of those that need none."""
        for job_id in [job_id for job_id in self._written if job_id not in self._running and job_id not in self._ended]:
            del self._written[job_id]
            change.batch.records[KIND, job_id] = None
        due = [(written.at_s if written else -math.inf, job_id) for job_id in self._running
               if (written := self._written.get(job_id)) is None or change.at_s - written.at_s >= WRITE_EVERY_S]
        for _, job_id in sorted(due)[:MOST_AT_ONCE]:
            job = self._desk.queue.get(job_id)
            # All that was measured, also what is not settled yet: a hub that starts anew has only this.
            if (samples := self._desk.recent.get(job.host)) and job.in_hand:
                self._missed(job, samples[0], change)
                meter = self._running[job_id]
                seen = replace(meter, taken=self._add(meter, job, samples, samples[-1].at_s))
                change.batch.records[KIND, job_id] = wire.plain(seen)
                self._written[job_id] = _Written(change.at_s)

    def _missed(self, job: Job, first: Host, change: Change) -> None:
        """The hub was away while the job was in hand: the log says what it did not see."""
        written = self._written.get(job.id)
        if written is not None and written.found_until_s is not None and first.at_s > written.found_until_s:
            away_s = first.at_s - written.found_until_s
            self._desk.log(change, "info", "hub", f"the hub was away: {away_s:.1f} s of what the job took were not "
                           "measured", job.id)

    def so_far(self, job: Job) -> tuple[Usage, ...]:
        """What each stage took until now; of a job that has ended, until its end."""
        meter = self._ended.get(job.id) or (self._meter(job) if job.in_hand else None)
        samples = self._desk.recent.get(job.host)
        if meter is None or not samples:
            return job.usage
        return usages_of(self._add(meter, job, samples, samples[-1].at_s))

    def _meter(self, job: Job) -> _Meter:
        meter = self._running.get(job.id)
        if meter is None or meter.attempt != job.attempt:
            meter = self._running[job.id] = _Meter(job.attempt)
        holder = self._desk.workers.holder(job.id)
        if holder is not None and holder.agent.host == job.host:
            meter.worker = holder.agent.pid
        return meter

    def _complete(self, job: Job, now_s: float) -> bool:
        """Whether no more is to be known of it."""
        samples, finished_s = self._desk.recent.get(job.host), job.finished_s or 0.0
        return bool(samples and samples[-1].at_s >= finished_s) or now_s - finished_s >= WAIT_S

    def _stay(self, job: Job, end_s: float = math.inf) -> None:
        """It is in hand, or was until then."""
        samples = self._desk.recent.get(job.host)
        pids = pids_of([samples[-1]] if samples else [], **self._where(job, self._meter(job)))
        self._stays[job.id, job.attempt] = job.host, Stay(job.started_s or 0.0, end_s, pids)

    def _where(self, job: Job, meter: _Meter) -> dict[str, Any]:
        """What says which processes do its work."""
        known: EngineInfo | None = self._desk.board.get("engines", job.spec.engine)
        engine = (known.kind if known is not None else "") or job.spec.engine
        return {"engine": engine, "worker": meter.worker, "port": port_of(known.address) if known is not None else 0}

    def _add(self, meter: _Meter, job: Job, samples: Iterable[Host], until_s: float) -> Taken:
        others = [stay for key, (host, stay) in self._stays.items()
                  if host == job.host and key[0] != job.id and stay.end_s > meter.taken.until_s]
        return add(meter.taken, job, samples, until_s, **self._where(job, meter), others=others)

    def _keep(self, job: Job, usage: tuple[Usage, ...], change: Change) -> None:
        if usage:
            _, metered = self._desk.queue.apply(job.id, Metered(change.at_s, usage))
            self._desk.save(metered, change)
            self._desk.event("generation_usage", metered, change)


def port_of(address: str) -> int:
    """The port of a server's address; 0 where there is none."""
    try:
        parts = urlsplit(address)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return 0
