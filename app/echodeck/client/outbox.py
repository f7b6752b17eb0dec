"""What an agent or a script has to say, in order and bounded, until the hub has it. Pure: no clock, no I/O.

Facts, progress and log lines are kept until the hub has acknowledged them. Progress merges into what is not sent yet;
metrics and previews keep only the latest. When there is too much, log lines go first, then step samples, then facts of
jobs that still run; the fact that a job ended is never dropped.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from msgspec.structs import replace

from ..wire import say

log = logging.getLogger(__name__)

MAX_ENTRIES = 10_000
MAX_LOGS = 1_000
MAX_SAMPLES = 5_000
SAMPLES_A_FRAME = 500
"""So that a frame of samples stays well under the hub's largest."""

TYPES: dict[type[say.Say], str] = {
    say.JobReport: "job_report", say.JobProgress: "job_progress", say.Log: "log", say.JobPreview: "job_preview",
    say.HostMetrics: "host_metrics", say.Adopt: "adopt", say.Announce: "announce",
}
ENDS = frozenset({"completed", "failed", "cancelled", "lost", "released"})


@dataclass(slots=True, eq=False)
class Entry:
    """Something to be acknowledged. The id stays the same however often it is sent; `sent` ones do not change."""

    payload: say.Say
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    sent: bool = False

    @property
    def type(self) -> str:
        return TYPES[type(self.payload)]


class Outbox:
    """Belongs to one thread, the event loop's."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_logs: int = MAX_LOGS,
                 max_samples: int = MAX_SAMPLES) -> None:
        self._max_entries, self._max_logs, self._max_samples = max_entries, max_logs, max_samples
        self._entries: dict[str, Entry] = {}
        self._open: dict[tuple[str, int], Entry] = {}
        """The last entry of each job's attempt, where it is progress that further progress may merge into."""
        self._logs = self._samples = 0
        self._dropped: Counter[str] = Counter()
        self.latest: dict[str, say.Say] = {}
        """What only the newest counts of, by what it is about."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter([*self._entries.values()])

    def add(self, payload: say.Say) -> None:
        """Anything an agent says besides its calls; each kind is kept as it deserves."""
        match payload:
            case say.JobPreview(job_id=job_id):
                self.latest[f"preview {job_id}"] = payload
            case say.HostMetrics():
                self.latest["host"] = payload
            case say.JobProgress():
                self._progress(payload)
            case say.JobReport(job_id=job_id, attempt=attempt, fact=fact):
                self._open.pop((job_id, attempt), None)
                if fact in ENDS:  # a picture of a job that has ended would only confuse
                    self.latest.pop(f"preview {job_id}", None)
                self._append(Entry(payload))
            case say.Adopt() | say.Announce():
                self._append(Entry(payload))
            case _:
                self._logs += 1
                self._append(Entry(payload))
        self._trim()

    def next(self) -> Entry | None:
        """The oldest entry, to be sent now (again, if it was before)."""
        entry = next(iter(self._entries.values()), None)
        if entry is not None:
            entry.sent = True
        return entry

    def done(self, entry: Entry) -> None:
        """The entry was acknowledged, or refused for good."""
        self._remove(entry)
        if not self._entries and self._dropped:
            what = ", ".join(f"{count} {name}" for name, count in self._dropped.items())
            self._dropped.clear()
            self.add(say.Log("warning", "agent", f"too much waited for the hub; dropped: {what}"))

    def newest_first(self) -> None:
        """After a time without a hub: whose jobs they are, of each that goes on its facts, then how far it is with its
        latest figures; then log lines, and how it got there.

        A job that has ended meanwhile keeps its order, since nothing of it counts after its end; it comes after them.
        """
        entries = [*self._entries.values()]
        ended = {_key(one.payload) for one in entries
                 if isinstance(one.payload, say.JobReport) and one.payload.fact in ENDS}
        order: list[list[Entry]] = [[], [], [], [], []]
        newest: dict[tuple[str, int], say.JobProgress] = {}
        for entry in entries:
            payload = entry.payload
            running = isinstance(payload, say.JobProgress | say.JobReport) and _key(payload) not in ended
            if running and not entry.sent and isinstance(payload, say.JobProgress):
                before = newest.get(_key(payload))
                figures = {**before.metrics, **payload.metrics} if before else payload.metrics
                newest[_key(payload)] = replace(payload, samples=[], metrics=figures)
                payload.metrics = {}
            adopts, reports = isinstance(payload, say.Adopt | say.Announce), isinstance(payload, say.JobReport)
            order[0 if entry.sent else 1 if adopts else 2 if running and reports else 4].append(entry)
        order[3] = [Entry(payload) for payload in newest.values()]
        self._entries = {entry.id: entry for entry in chain.from_iterable(order)}

    def unfinished(self) -> set[tuple[str, int, str]]:
        """(job, attempt, worker) of which the hub does not know every fact yet, up to their end."""
        reports = [entry.payload for entry in self._entries.values() if isinstance(entry.payload, say.JobReport)]
        return {(one.job_id, one.attempt, one.worker_id) for one in reports if one.fact != "judged"}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _append(self, entry: Entry) -> None:
        self._entries[entry.id] = entry

    def _remove(self, entry: Entry) -> None:
        if self._entries.pop(entry.id, None) is None:
            return
        payload = entry.payload
        if isinstance(payload, say.JobProgress):
            self._samples -= len(payload.samples)
            if self._open.get(_key(payload)) is entry:
                del self._open[_key(payload)]
        self._logs -= isinstance(payload, say.Log)

    def _progress(self, new: say.JobProgress) -> None:
        self._samples += len(new.samples)
        entry = self._open.get(_key(new))
        old = entry.payload if entry is not None and not entry.sent else None
        if isinstance(old, say.JobProgress) and old.index == new.index and len(old.samples) < SAMPLES_A_FRAME:
            old.step, old.at_s = max(old.step, new.step), new.at_s
            old.metrics = {**old.metrics, **new.metrics}
            old.samples = [*old.samples, *new.samples]
            return
        entry = Entry(new)
        self._open[_key(new)] = entry
        self._append(entry)

    def _trim(self) -> None:
        while self._logs > self._max_logs and self._drop(say.Log, "log lines"):
            pass
        while self._samples > self._max_samples and self._drop(say.JobProgress, "step samples"):
            pass
        while len(self._entries) > self._max_entries and (
            self._drop(say.Log, "log lines") or self._drop(say.JobProgress, "step samples")
            or self._drop(say.JobReport, "reports of running jobs")
        ):
            pass

    def _drop(self, kind: type[say.Say], name: str) -> bool:
        """Drops the oldest of a kind that may be dropped; False if there is none."""
        for entry in self._entries.values():
            payload = entry.payload
            if entry.sent or not isinstance(payload, kind):
                continue
            if isinstance(payload, say.JobReport) and payload.fact in ENDS:
                continue
            if not self._dropped:
                log.info("too much waits for the hub: the oldest %s are dropped", name)  # the hub is told
            self._dropped[name] += len(payload.samples) if isinstance(payload, say.JobProgress) else 1
            self._remove(entry)
            return True
        return False


def _key(said: say.JobProgress | say.JobReport) -> tuple[str, int]:
    return said.job_id, said.attempt
