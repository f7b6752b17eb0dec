"""The client: `Client` for async code, `connect` for scripts and notebooks. Stays connected, resumes, steers."""

from __future__ import annotations

from .client import ASKER, VIEWER, WORKER, Client
from .connection import Backoff, Connection
from .handlers import Handler, Unsubscribe
from .line import Rest
from .live import Live, LiveBoard, connect

__all__ = [
    "ASKER", "VIEWER", "WORKER", "Backoff", "Client", "Connection", "Handler", "Live", "LiveBoard", "Rest",
    "Unsubscribe", "connect",
]
