"""The board: whole current values by kind and key, each with the version it changed at.

Two counters. `seq` belongs to the hub's durable log and survives restarts; `tick` counts every change in this
process, also those nobody keeps (a progress, a preview). A record remembers both as they were at its last change, so
"what changed since N" has one answer, whoever asks and however long they were away. Repeating a record does no harm: a
reader only assigns.

Three questions: who writes? One process, one thread. Where is the version? Here. What happens on a gap?
`since` says None, and the reader takes a `snapshot`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Value = Any
TOMBSTONES = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A record's value (None when it was removed) with the counters of its last change."""

    kind: str
    key: str
    value: Value
    seq: int
    tick: int


@dataclass(slots=True)
class Board:
    """Records by kind and key. Values are never changed in place; `put` replaces them."""

    seq: int = 0
    tick: int = 0
    floor: int = 0
    """The oldest seq that `since` can still answer from: removals before it are forgotten."""
    _entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    _gone: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def put(self, kind: str, key: str, value: Value, seq: int | None = None) -> Entry:
        """Set a record. `seq` is the durable event that did it, None for a volatile change."""
        entry = self._stamp(kind, key, value, seq)
        # Re-inserting keeps iteration in the order of change, so `since` can stop early.
        self._entries.pop((kind, key), None)
        self._gone.pop((kind, key), None)
        self._entries[kind, key] = entry
        return entry

    def remove(self, kind: str, key: str, seq: int | None = None) -> Entry:
        """Take a record away; a tombstone tells those who were away."""
        entry = self._stamp(kind, key, None, seq)
        self._entries.pop((kind, key), None)
        self._gone.pop((kind, key), None)
        self._gone[kind, key] = entry
        while len(self._gone) > TOMBSTONES:
            oldest = self._gone.pop(next(iter(self._gone)))
            self.floor = max(self.floor, oldest.seq + 1)
        return entry

    def forget(self, kind: str, key: str) -> None:
        """Drop a record without telling anybody: readers keep their own number of old ones."""
        self._entries.pop((kind, key), None)

    def _stamp(self, kind: str, key: str, value: Value, seq: int | None) -> Entry:
        self.tick += 1
        if seq is not None:
            self.seq = max(self.seq, seq)
        return Entry(kind, key, value, self.seq, self.tick)

    def get(self, kind: str, key: str = "") -> Value | None:
        entry = self._entries.get((kind, key))
        return None if entry is None else entry.value

    def all(self, kind: str) -> dict[str, Value]:
        """The records of one kind by key, least recently changed first."""
        return {entry.key: entry.value for entry in self._entries.values() if entry.kind == kind}

    def since(self, seq: int) -> list[Entry] | None:
        """The records that changed after durable event `seq`, in the order of change; None if that is too long ago.

        A volatile change made while `seq` was the newest event counts as after it: whoever saw event `seq` may have
        left before the change.
        """
        if seq < self.floor or seq > self.seq:
            return None
        found = [e for e in (*self._entries.values(), *self._gone.values()) if e.seq >= seq]
        return sorted(found, key=lambda entry: entry.tick)

    def after_tick(self, tick: int) -> list[Entry]:
        """The records that changed after `tick`, in the order of change: for a reader in the same process."""
        found: list[Entry] = []
        for entries in (self._entries, self._gone):
            for entry in reversed(entries.values()):
                if entry.tick <= tick:
                    break
                found.append(entry)
        return sorted(found, key=lambda entry: entry.tick)

    def snapshot(self) -> list[Entry]:
        """Every record there is, least recently changed first."""
        return list(self._entries.values())

    def apply(self, entry: Entry) -> None:
        """Take over another board's entry (idempotent)."""
        seq = entry.seq if entry.seq > self.seq else None
        if entry.value is None:
            self.remove(entry.kind, entry.key, seq)
        else:
            self.put(entry.kind, entry.key, entry.value, seq)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
