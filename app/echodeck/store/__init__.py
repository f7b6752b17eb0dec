"""Stores: where accepted jobs, the event log and the history lie. Memory and SQLite behind one protocol.

The hub is the only writer and calls `append` with everything that happened in one group: it is written whole or not
at all, and is durable when the call returns. All methods are coroutines and may be called concurrently; a store does
its blocking work off the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from ..model.job import Job
from ..model.record import EstimateSample, StageRun, StepSample


@dataclass(frozen=True, slots=True)
class Event:
    """A durable event: the message as it was told (`type`, `payload`), about the record (`kind`, `key`).

    `seq` is 0 until the store has numbered it.
    """

    type: str
    kind: str
    key: str
    payload: dict[str, Any]
    at_s: float
    seq: int = 0


@dataclass(slots=True)
class Batch:
    """One group of changes. `records` are whole values by (kind, key), None to remove: alerts, engines, agents.

    `replies` remember what was answered to a request, by its key, so that a repeated request has no second effect.
    """

    events: list[Event] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    records: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[StepSample] = field(default_factory=list)
    runs: list[StageRun] = field(default_factory=list)
    estimates: list[EstimateSample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which messages are looked for: to one, about one job, of these levels, with all of these words in what is said
    or in who said it. ASCII letters are alike in either case, as SQLite has it. Empty: any."""

    to: str = ""
    job_id: str = ""
    levels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Store(Protocol):
    """Raises StoreHeld when opened twice, StoreUnavailable when it cannot write (full, read-only, damaged)."""

    async def open(self) -> None:
        """Make ready: take the lock, migrate the schema."""

    async def close(self) -> None: ...

    async def append(self, batch: Batch) -> list[int]:
        """Write a batch, all or nothing; returns the seq given to each of its events, growing, from 1 on.

        A step, run or estimate that is there already (same job, attempt, stage, step / moment) is left as it is.
        """

    async def last_seq(self) -> int: ...

    async def events(self, after: int, limit: int) -> list[Event]:
        """Events with seq > after, in order, at most `limit`."""

    async def messages(self, sought: Sought, *, after: int = 0, limit: int = 100) -> list[Event]:
        """Events of the kind "messages" with seq > after: the newest `limit`, in order."""

    async def jobs(self, *, states: frozenset[str] | None = None, since_s: float | None = None,
                   limit: int | None = None) -> list[Job]:
        """Jobs by state and by when they ended (or, if not ended, were created), newest creation first."""

    async def records(self, kind: str) -> dict[str, dict[str, Any]]: ...

    async def reply(self, key: str) -> dict[str, Any] | None: ...

    async def steps(self, *, job_id: str | None = None, since_s: float = 0.0,
                    limit: int = 100_000) -> list[StepSample]: ...

    async def runs(self, *, engine: str | None = None, since_s: float = 0.0, limit: int = 10_000) -> list[StageRun]:
        """Finished stages, newest first."""

    async def estimates(self, *, job_id: str | None = None, since_s: float = 0.0,
                        limit: int = 100_000) -> list[EstimateSample]: ...

    async def prune(self, *, before_s: float) -> int:
        """Forget events, replies and step samples older than `before_s` (jobs stay); returns how many rows went."""
