"""The tables of the SQLite store, as the migrations that make them, and the statements that write them.

`PRAGMA user_version` counts the migrations a file has been through. A migration that was released is never changed;
what comes next is appended to MIGRATIONS.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec

from ..errors import StoreUnavailable
from ..model.job import Job
from ..model.record import EstimateSample, StageRun, StepSample

MIGRATIONS: list[tuple[str, ...]] = [
    (
        # AUTOINCREMENT: a number is never given twice, also when the newest events have been pruned.
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
            key TEXT NOT NULL, payload TEXT NOT NULL)""",
        "CREATE INDEX events_at ON events (at_s)",
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL, engine TEXT NOT NULL, model TEXT NOT NULL,
            user TEXT NOT NULL, created_s REAL NOT NULL, started_s REAL, finished_s REAL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, steps INTEGER NOT NULL, rank REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX jobs_state ON jobs (state, created_s)",
        "CREATE INDEX jobs_created ON jobs (created_s)",
        "CREATE TABLE records (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID",
        "CREATE TABLE replies (key TEXT PRIMARY KEY, at_s REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
        # Step samples are the many: typed columns only, a quarter of their size as JSON.
        """CREATE TABLE steps (
            job_id TEXT, attempt INTEGER, stage INTEGER, step INTEGER, at_s REAL NOT NULL, duration_s REAL NOT NULL,
            PRIMARY KEY (job_id, attempt, stage, step)) WITHOUT ROWID""",
        "CREATE INDEX steps_at ON steps (at_s)",
        """CREATE TABLE runs (
            job_id TEXT, attempt INTEGER, engine TEXT NOT NULL, model TEXT NOT NULL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, steps INTEGER NOT NULL, frames INTEGER NOT NULL, batch INTEGER NOT NULL,
            stage TEXT, at_s REAL NOT NULL, duration_s REAL NOT NULL, first_s REAL NOT NULL, step_s REAL NOT NULL,
            PRIMARY KEY (job_id, attempt, stage)) WITHOUT ROWID""",
        "CREATE INDEX runs_at ON runs (at_s)",
        """CREATE TABLE estimates (
            job_id TEXT, attempt INTEGER, at_s REAL, progress REAL NOT NULL, eta_s REAL NOT NULL, low_s REAL NOT NULL,
            high_s REAL NOT NULL, PRIMARY KEY (job_id, attempt, at_s)) WITHOUT ROWID""",
        "CREATE INDEX estimates_at ON estimates (at_s)",
    ),
    ("ALTER TABLE runs ADD COLUMN shape TEXT NOT NULL DEFAULT ''",),
    # Few events are messages, and only those are looked through.
    ("CREATE INDEX events_messages ON events (seq) WHERE kind = 'messages'",),
    ("ALTER TABLE runs ADD COLUMN sampler TEXT NOT NULL DEFAULT ''",),
]


def migrate(connection: sqlite3.Connection, name: str, migrations: Sequence[tuple[str, ...]]) -> None:
    """Bring the tables up to what this code knows (`migrations`); each migration is whole or not at all.

    Raises StoreUnavailable for a file, called `name`, that newer code has written.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StoreUnavailable(f"{name} was written by a newer echodeck (schema {version}, this one knows "
                               f"{len(migrations)}); update echodeck, or choose another directory with --data")
    for number, statements in enumerate(migrations[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


JOB_COLUMNS = ("id", "seq", "state", "engine", "model", "user", "created_s", "started_s", "finished_s", "width",
               "height", "steps", "rank", "body")

INSERT_EVENT = "INSERT INTO events (seq, at_s, type, kind, key, payload) VALUES (?, ?, ?, ?, ?, ?)"
# The guard of the single writer once more: an older value never replaces a newer one.
UPSERT_JOB = (
    f"INSERT INTO jobs ({', '.join(JOB_COLUMNS)}) VALUES ({', '.join('?' * len(JOB_COLUMNS))}) ON CONFLICT (id) DO "
    f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in JOB_COLUMNS[1:])} WHERE excluded.seq >= jobs.seq"
)
DELETE_JOB = "DELETE FROM jobs WHERE id = ?"
UPSERT_RECORD = ("INSERT INTO records (kind, key, body) VALUES (?, ?, ?) "
                 "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body")
DELETE_RECORD = "DELETE FROM records WHERE kind = ? AND key = ?"
INSERT_REPLY = "INSERT INTO replies (key, at_s, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


def like(words: str) -> str:
    """A LIKE pattern (with ESCAPE '\\') for what contains these words as they are."""
    for special in "\\%_":
        words = words.replace(special, f"\\{special}")
    return f"%{words}%"


def pack(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def unpack(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


_JOB = msgspec.json.Decoder(Job)


def unpack_job(text: str) -> Job:
    return _JOB.decode(text)


def job_row(job: Job) -> tuple[Any, ...]:
    spec = job.spec
    return (job.id, job.seq, job.state.value, spec.engine, spec.model, job.user, job.created_s, job.started_s,
            job.finished_s, spec.width, spec.height, spec.steps, job.rank, pack(job))


Sample = StepSample | StageRun | EstimateSample


class Table:
    """A table whose columns are the fields of a dataclass of samples."""

    def __init__(self, name: str, kind: type[Sample]) -> None:
        columns = [field.name for field in fields(kind)]
        self.row: Callable[[Sample], tuple[Any, ...]] = attrgetter(*columns)
        self.insert = (f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
                       "ON CONFLICT DO NOTHING")
        self.select = f"SELECT {', '.join(columns)} FROM {name}"


STEPS = Table("steps", StepSample)
RUNS = Table("runs", StageRun)
ESTIMATES = Table("estimates", EstimateSample)
