"""Waiting until a request of ours has its turn: these servers do one after the other, and take back none that waits."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import Any

from .. import Control
from .claim import Claim
from .parse import Progress
from .server import Server

TICK_S = 0.1
STUCK_S = 120.0
"""What has not moved for so long is not waited for: the server's own queue knows better whether it runs."""
WAIT = "wait for the server"


def turn(server: Server, claim: Claim, control: Control, looks: SimpleQueue[Any]) -> tuple[Progress, bool]:
    """What the server does when a request may be sent, and whether that was waited for. `looks` are the feed's.

    While others' request runs it is waited for. When another one follows that at once, ours stands behind it in the
    server's own queue, if the server can tell whose turn it is there; else it waits until nothing runs, for two looks,
    as there is a moment between two requests. Raises Cancelled.
    """
    now = first = before = server.progress()
    moved_s, waited = time.monotonic(), False
    while not (now.idle and before.idle) and not claim.had(now.key):
        if (claim.by_id and now.key != first.key) or time.monotonic() - moved_s > STUCK_S:
            break
        if not waited:
            waited = True
            control.told.plan([(WAIT, 0)])
            control.told.stage(WAIT)
        control.checkpoint()
        if (look := _next(looks)) is not None:
            before, now = now, look
            if (now.key, now.job, now.step, now.name) != (before.key, before.job, before.step, before.name):
                moved_s = time.monotonic()
    return now, waited


def _next(looks: SimpleQueue[Any]) -> Progress | None:
    try:
        look = looks.get(timeout=TICK_S)
    except Empty:
        return None
    return look if isinstance(look, Progress) else None
