"""Somebody connected: who it is, and how to send to them. Made by `ws` and `rest`, understood by `room`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Shown:
    """A message on its way out. Volatile ones (`seq` None) with a `kind` are conflated by (kind, key)."""

    type: str
    payload: Any
    at_s: float
    kind: str = ""
    key: str = ""
    seq: int | None = None


@dataclass(slots=True)
class Session:
    """A connection (or one REST call). `client` stays the same over reconnects, so that a repeated request is known.

    `tell` puts a message into this connection's outbox; it never blocks and never raises.
    """

    id: str
    endpoint: str
    client: str
    user: str
    tell: Callable[[Shown], None]
    agent_id: str = ""
    jobs: set[str] = field(default_factory=set)
    """Jobs asked for with subscribe_generation."""
