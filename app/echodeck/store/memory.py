"""The store in memory: for tests, for hubs that shall leave nothing behind, and as the measure for the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import StoreHeld
from ..model.job import Job
from ..model.record import EstimateSample, StageRun, StepSample
from . import Batch, Event, Sought
from .schema import pack, unpack

_S = TypeVar("_S", StepSample, EstimateSample)


class MemoryStore:
    """Keeps what it is given until the process ends, also from `close` to the next `open`.

    Payloads are kept as JSON, so that a reader gets what it would get from a store on disk, and his own copy of it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._opened = False
        self._seq = 0
        self._events: list[tuple[Event, str]] = []
        self._jobs: dict[str, Job] = {}
        self._records: dict[tuple[str, str], str] = {}
        self._replies: dict[str, tuple[float, str]] = {}
        self._steps: dict[tuple[str, int, int, int], StepSample] = {}
        self._runs: dict[tuple[str, int, str], StageRun] = {}
        self._estimates: dict[tuple[str, int, float], EstimateSample] = {}

    async def open(self) -> None:
        if self._opened:
            raise StoreHeld("this store is open already")
        self._opened = True

    async def close(self) -> None:
        self._opened = False

    async def append(self, batch: Batch) -> list[int]:
        # All that can fail comes first, so that a batch is taken whole or not at all.
        payloads = [pack(event.payload) for event in batch.events]
        records = {key: None if value is None else pack(value) for key, value in batch.records.items()}
        replies = {key: (self._clock(), pack(value)) for key, value in batch.replies.items()}
        seqs = list(range(self._seq + 1, self._seq + 1 + len(payloads)))
        self._seq += len(payloads)
        self._events += [(replace(event, seq=seq, payload={}), text)
                         for event, seq, text in zip(batch.events, seqs, payloads, strict=True)]
        for job in batch.jobs.values():
            if job.id not in self._jobs or job.seq >= self._jobs[job.id].seq:
                self._jobs[job.id] = job
        for job_id in batch.removed:
            self._jobs.pop(job_id, None)
        for record, value in records.items():
            if value is None:
                self._records.pop(record, None)
            else:
                self._records[record] = value
        self._replies = {**replies, **self._replies} if replies else self._replies
        for step in batch.steps:
            self._steps.setdefault((step.job_id, step.attempt, step.stage, step.step), step)
        for run in batch.runs:
            self._runs.setdefault((run.job_id, run.attempt, run.stage), run)
        for sample in batch.estimates:
            self._estimates.setdefault((sample.job_id, sample.attempt, sample.at_s), sample)
        return seqs

    async def last_seq(self) -> int:
        return self._seq

    async def events(self, after: int, limit: int) -> list[Event]:
        found = [(event, text) for event, text in self._events if event.seq > after]
        return [replace(event, payload=unpack(text)) for event, text in found[: max(0, limit)]]

    async def messages(self, sought: Sought, *, after: int = 0, limit: int = 100) -> list[Event]:
        found = [(event, text) for event, text in self._events if event.kind == "messages" and event.seq > after]
        wanted = [replace(event, payload=payload) for event, text in found if _is(sought, payload := unpack(text))]
        return wanted[max(0, len(wanted) - max(0, limit)):]

    async def jobs(self, *, states: frozenset[str] | None = None, since_s: float | None = None,
                   limit: int | None = None) -> list[Job]:
        found = [
            job for job in self._jobs.values()
            if (states is None or job.state.value in states)
            and (since_s is None or (job.created_s if job.finished_s is None else job.finished_s) >= since_s)
        ]
        found.sort(key=lambda job: (job.created_s, job.id), reverse=True)
        return found if limit is None else found[: max(0, limit)]

    async def records(self, kind: str) -> dict[str, dict[str, Any]]:
        return {key: unpack(text) for (of, key), text in sorted(self._records.items()) if of == kind}

    async def reply(self, key: str) -> dict[str, Any] | None:
        found = self._replies.get(key)
        return None if found is None else unpack(found[1])

    async def steps(self, *, job_id: str | None = None, since_s: float = 0.0,
                    limit: int = 100_000) -> list[StepSample]:
        """The newest `limit`, in the order of time."""
        return _newest(self._steps.values(), job_id, since_s, limit,
                       lambda one: (one.at_s, one.job_id, one.attempt, one.stage, one.step))

    async def runs(self, *, engine: str | None = None, since_s: float = 0.0, limit: int = 10_000) -> list[StageRun]:
        found = [run for run in self._runs.values()
                 if (engine is None or run.engine == engine) and run.at_s >= since_s]
        found.sort(key=lambda run: (run.at_s, run.job_id, run.attempt, run.stage), reverse=True)
        return found[: max(0, limit)]

    async def estimates(self, *, job_id: str | None = None, since_s: float = 0.0,
                        limit: int = 100_000) -> list[EstimateSample]:
        """The newest `limit`, in the order of time."""
        return _newest(self._estimates.values(), job_id, since_s, limit,
                       lambda one: (one.at_s, one.job_id, one.attempt))

    async def prune(self, *, before_s: float) -> int:
        before = len(self._events) + len(self._replies) + len(self._steps)
        self._events = [(event, text) for event, text in self._events if event.at_s >= before_s]
        self._replies = {key: kept for key, kept in self._replies.items() if kept[0] >= before_s}
        self._steps = {key: step for key, step in self._steps.items() if step.at_s >= before_s}
        return before - len(self._events) - len(self._replies) - len(self._steps)


def _is(sought: Sought, message: dict[str, Any]) -> bool:
    said = [_plain_case(str(message.get(name, ""))) for name in ("message", "source")]
    return ((not sought.to or message.get("to") == sought.to)
            and (not sought.job_id or message.get("jobId") == sought.job_id)
            and (not sought.levels or message.get("level") in sought.levels)
            and all(any(_plain_case(word) in text for text in said) for word in sought.words))


def _plain_case(text: str) -> str:
    """Only ASCII letters in small ones, as SQLite compares."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _newest(samples: Iterable[_S], job_id: str | None, since_s: float, limit: int,
            order: Callable[[_S], tuple[Any, ...]]) -> list[_S]:
    found = [one for one in samples if (job_id is None or one.job_id == job_id) and one.at_s >= since_s]
    found.sort(key=order)
    return found[max(0, len(found) - max(0, limit)) :]
