"""One SQLite file as a store uses it: a connection with a thread of its own, in WAL mode, and errors in words.

A store has one connection that writes and another that only reads (`mode=ro`): SQLite before 3.51.3 could lose a WAL
when several connections wrote and reset it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from ..errors import StoreUnavailable

BUSY_S = 5.0
WAL_KEPT_BYTES = 64 * 1024 * 1024

_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], _T]
Durability = Literal["FULL", "NORMAL"]
"""FULL: a commit is on the disk. NORMAL: a commit outlives the process, but the last ones not a power cut."""


class Connection:
    """One SQLite connection with the one thread that may touch it. Opened when first used, and anew after it broke."""

    def __init__(self, path: Path, mode: Literal["rwc", "ro"], durability: Durability = "FULL") -> None:
        self._path = path
        self._mode = mode
        self._durability = durability
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{path.stem}-{mode}")

    async def run(self, work: Work[_T]) -> _T:
        """The result of `work` on the connection; errors of SQLite come as StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        finally:
            self._thread.shutdown(wait=False)

    def _run(self, work: Work[_T]) -> _T:
        try:
            return work(self._ready())
        except sqlite3.DatabaseError as error:
            self._recover()
            why = _why(error, self._path.name)
            if not why:  # a mistake of ours, not the disk's
                raise
            raise StoreUnavailable(f"the data directory {self._path.parent} cannot be used: {why}") from error
        except BaseException:
            self._recover()
            raise

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connect(self._path, self._mode, self._durability)
        return self._connection

    def _recover(self) -> None:
        """Leave no transaction open; a connection that cannot even roll back is given up."""
        if self._connection is None or not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _connect(path: Path, mode: str, durability: Durability) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
    if mode == "ro":
        return connection
    try:
        # fullfsync: on macOS an fsync alone does not reach the platter; elsewhere it means nothing.
        for pragma in ("journal_mode = WAL", f"synchronous = {durability}", "fullfsync = ON",
                       f"journal_size_limit = {WAL_KEPT_BYTES}"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. Whoever raises inside leaves the undoing to the connection."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything read in it is of one moment, whatever is written meanwhile."""
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")


_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_READONLY = frozenset({"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"})
_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})


def _why(error: sqlite3.DatabaseError, name: str) -> str:
    """What SQLite says, in words, with the mend; "" for what is not the fault of the file `name` or its disk."""
    code = getattr(error, "sqlite_errorname", "")
    primary = "_".join(code.split("_")[:2])
    if primary == "SQLITE_FULL":
        return "its disk is full; free some space and go on"
    if primary == "SQLITE_IOERR":
        return f"its disk refuses reading or writing ({code}); see whether it is full, away or broken"
    if primary in _READONLY:
        return "it cannot be written; make it writable, or choose another directory with --data"
    if primary in _DAMAGED:
        return f"{name} in it is damaged ({error}); move that file away to begin anew, or restore a copy"
    if primary in _BUSY:
        return f"another program has {name} in it locked; end that program"
    return ""
