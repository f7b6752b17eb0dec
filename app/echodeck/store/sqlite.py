"""The store on disk: one SQLite file in WAL mode, durable at every commit (`synchronous=FULL`).

SQLite before 3.51.3 could lose a WAL when several connections wrote and reset it; here one connection writes, in a
thread of its own, and another only reads (`mode=ro`), in its own. Whoever looks from outside must open `mode=ro` too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import StoreHeld, StoreUnavailable
from ..model.job import Job
from ..model.record import EstimateSample, StageRun, StepSample
from . import Batch, Event, Sought, schema
from .connection import Connection, Work, transaction
from .lock import DirectoryLock, unusable

FILE_NAME = "echodeck.db"

_T = TypeVar("_T")


class SqliteStore:
    """A Store in `directory`, which is made if it is not there. See the protocol for what the methods promise.

    An `append` that is cancelled while it waits may still be written.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self._clock = clock
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._lock = DirectoryLock(directory)

    async def open(self) -> None:
        if self._writer is not None:
            raise StoreHeld(f"the data directory {self.directory} is open in this store already")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self.directory, error) from error
        self._lock.take()
        try:
            path = self.directory / FILE_NAME
            self._writer, self._reader = Connection(path, "rwc"), Connection(path, "ro")
            await self._writer.run(lambda connection: schema.migrate(connection, str(path), schema.MIGRATIONS))
            await self._reader.run(_last_seq)
        except BaseException:  # whatever it was, nobody else shall find the directory held
            await self.close()
            raise

    async def close(self) -> None:
        # The reader first: the last connection to go folds the WAL into the file, and only the writer can.
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        for connection in (reader, writer):
            if connection is not None:
                await connection.close()
        self._lock.release()

    async def append(self, batch: Batch) -> list[int]:
        return await self._write(lambda connection: _append(connection, batch, self._clock()))

    async def last_seq(self) -> int:
        return await self._read(_last_seq)

    async def events(self, after: int, limit: int) -> list[Event]:
        sql = "SELECT type, kind, key, payload, at_s, seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
        return [_event(row) for row in await self._select(sql, (after, max(0, limit)))]

    async def messages(self, sought: Sought, *, after: int = 0, limit: int = 100) -> list[Event]:
        sql = "WHERE kind = 'messages' AND seq > ?"
        given: list[Any] = [after]
        for name, value in (("to", sought.to), ("jobId", sought.job_id)):
            if value:
                sql += f" AND json_extract(payload, '$.{name}') = ?"
                given.append(value)
        if sought.levels:
            sql += f" AND json_extract(payload, '$.level') IN ({', '.join('?' * len(sought.levels))})"
            given += sought.levels
        for word in sought.words:
            sql += (" AND (json_extract(payload, '$.message') LIKE ? ESCAPE '\\'"
                    " OR json_extract(payload, '$.source') LIKE ? ESCAPE '\\')")
            given += [schema.like(word)] * 2
        columns = "SELECT type, kind, key, payload, at_s, seq FROM events"
        rows = await self._select(f"{columns} {sql} ORDER BY seq DESC LIMIT ?", (*given, max(0, limit)))
        return [_event(row) for row in reversed(rows)]

    async def jobs(self, *, states: frozenset[str] | None = None, since_s: float | None = None,
                   limit: int | None = None) -> list[Job]:
        sql = "SELECT body FROM jobs WHERE 1"
        given: list[Any] = []
        if states is not None:
            sql += f" AND state IN ({', '.join('?' * len(states))})"
            given += [str(state) for state in states]
        if since_s is not None:
            sql += " AND coalesce(finished_s, created_s) >= ?"
            given.append(since_s)
        sql += " ORDER BY created_s DESC, id DESC LIMIT ?"
        rows = await self._select(sql, (*given, -1 if limit is None else max(0, limit)))
        return [schema.unpack_job(text) for (text,) in rows]

    async def records(self, kind: str) -> dict[str, dict[str, Any]]:
        rows = await self._select("SELECT key, body FROM records WHERE kind = ? ORDER BY key", (kind,))
        return {key: schema.unpack(text) for key, text in rows}

    async def reply(self, key: str) -> dict[str, Any] | None:
        rows = await self._select("SELECT body FROM replies WHERE key = ?", (key,))
        return schema.unpack(rows[0][0]) if rows else None

    async def steps(self, *, job_id: str | None = None, since_s: float = 0.0,
                    limit: int = 100_000) -> list[StepSample]:
        """The newest `limit`, in the order of time."""
        order = "at_s DESC, job_id DESC, attempt DESC, stage DESC, step DESC"
        rows = await self._samples(schema.STEPS, "job_id", job_id, since_s, order, limit)
        return [StepSample(*row) for row in reversed(rows)]

    async def runs(self, *, engine: str | None = None, since_s: float = 0.0, limit: int = 10_000) -> list[StageRun]:
        order = "at_s DESC, job_id DESC, attempt DESC, stage DESC"
        rows = await self._samples(schema.RUNS, "engine", engine, since_s, order, limit)
        return [StageRun(*row) for row in rows]

    async def estimates(self, *, job_id: str | None = None, since_s: float = 0.0,
                        limit: int = 100_000) -> list[EstimateSample]:
        """The newest `limit`, in the order of time."""
        order = "at_s DESC, job_id DESC, attempt DESC"
        rows = await self._samples(schema.ESTIMATES, "job_id", job_id, since_s, order, limit)
        return [EstimateSample(*row) for row in reversed(rows)]

    async def prune(self, *, before_s: float) -> int:
        return await self._write(lambda connection: _prune(connection, before_s))

    async def _samples(self, table: schema.Table, column: str, value: str | None, since_s: float, order: str,
                       limit: int) -> list[tuple[Any, ...]]:
        given: tuple[Any, ...] = (since_s,)
        sql = f"{table.select} WHERE at_s >= ?"
        if value is not None:
            sql, given = f"{sql} AND {column} = ?", (since_s, value)
        return await self._select(f"{sql} ORDER BY {order} LIMIT ?", (*given, max(0, limit)))

    async def _select(self, sql: str, given: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._read(lambda connection: connection.execute(sql, given).fetchall())

    async def _read(self, work: Work[_T]) -> _T:
        if self._reader is None:
            raise StoreUnavailable(f"the store in {self.directory} is not open")
        return await self._reader.run(work)

    async def _write(self, work: Work[_T]) -> _T:
        if self._writer is None:
            raise StoreUnavailable(f"the store in {self.directory} is not open")
        return await self._writer.run(work)


def _event(row: tuple[Any, ...]) -> Event:
    type_, kind, key, text, at_s, seq = row
    return Event(type_, kind, key, schema.unpack(text), at_s, seq)


def _append(connection: sqlite3.Connection, batch: Batch, at_s: float) -> list[int]:
    events = [(event.at_s, event.type, event.kind, event.key, schema.pack(event.payload)) for event in batch.events]
    jobs = [schema.job_row(job) for job in batch.jobs.values()]
    records = [(kind, key, schema.pack(value)) for (kind, key), value in batch.records.items() if value is not None]
    gone = [record for record, value in batch.records.items() if value is None]
    replies = [(key, at_s, schema.pack(value)) for key, value in batch.replies.items()]
    with transaction(connection):
        first = _last_seq(connection) + 1
        numbered = [(seq, *event) for seq, event in enumerate(events, first)]
        for sql, rows in (
            (schema.INSERT_EVENT, numbered),
            (schema.UPSERT_JOB, jobs),
            (schema.DELETE_JOB, [(job_id,) for job_id in batch.removed]),
            (schema.UPSERT_RECORD, records),
            (schema.DELETE_RECORD, gone),
            (schema.INSERT_REPLY, replies),
            (schema.STEPS.insert, map(schema.STEPS.row, batch.steps)),
            (schema.RUNS.insert, map(schema.RUNS.row, batch.runs)),
            (schema.ESTIMATES.insert, map(schema.ESTIMATES.row, batch.estimates)),
        ):
            connection.executemany(sql, rows)
    return [row[0] for row in numbered]


def _last_seq(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return 0 if found is None else int(found[0])


def _prune(connection: sqlite3.Connection, before_s: float) -> int:
    with transaction(connection):
        return sum(connection.execute(f"DELETE FROM {table} WHERE at_s < ?", (before_s,)).rowcount
                   for table in ("events", "replies", "steps"))
