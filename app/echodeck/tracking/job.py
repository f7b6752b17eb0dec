"""A job as a script holds it: what the script says goes into a queue, what people want of it is heeded at its steps.

Everything here runs on the script's own threads, so nothing waits, nothing is encoded, and nothing of ours is raised
but Cancelled. A step costs about as much as appending to a list.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from ..client.teller import sayable
from ..errors import BadField, Cancelled
from .facts import known, spec_of, whole
from .story import LEFT, Ending, Event

log = logging.getLogger(__name__)

_now_s = time.monotonic

MOST_QUEUED = 500_000
"""What waits to be carried away, which happens many times a second; beyond, the oldest is dropped. No loop in Python
makes so many steps meanwhile, unless a picture is long in the making."""
SETTLE_S = 1.0
PREVIEW_S = 0.5
AWAY_S = 60.0
"""A job that is held goes on when its hub has been gone for so long: nobody is left who could resume it."""
CHECK_S = 0.5

living: weakref.WeakSet[Job] = weakref.WeakSet()


class Job:
    """What `track` gives. Use it as a context manager; it may be used from several threads.

    What is known of it may be given: model, width, height, steps, frames, batch, seed, sampler, scheduler, prompt,
    engine. `step`, `stage` and `checkpoint` block while somebody has paused the job, and raise Cancelled when somebody
    has cancelled it. `total` may be set later. In a forked child the parent's job tells nothing: make one there.
    """

    def __init__(self, title: str = "", total: int | None = None, *, user: str = "", bar: bool | None = None,
                 **given: Any) -> None:
        steps = 0 if total is None else whole("total", total, 0)
        self.id, self._pid = _new_id(), os.getpid()
        self.spec = spec_of(title, steps, given)
        self.url = ""
        """Where a hub tells of it; "" until it has begun."""
        self.user, self.bar = sayable(str(user or "")), bar
        self.given_total = steps
        self.events: deque[Event | float] = deque(maxlen=MOST_QUEUED)
        self._append = self.events.append
        self.outputs = 0
        self.began_s = time.time()
        self.error_before = 0
        self._preview_due_s = 0.0
        self.muted = self._open = False
        self._wanted = ""
        self._changed = threading.Condition()
        self._gone: Callable[[], float] = lambda: 0.0

    @property
    def title(self) -> str:
        return self.spec.title

    # --- said ---

    def step(self, n: int = 1, preview: Any = None) -> None:
        """So many steps have ended. `preview` is a picture of how far it is (see `picture`), or a callable that makes
        one; it is looked at on another thread, and only now and then."""
        # The usual step is its moment alone: making a tuple of it would cost a sixth of the whole.
        self._append(_now_s() if n == 1 and preview is None else ("step", _now_s(), n, preview))
        if self._wanted:
            self.checkpoint()

    def stage(self, name: str, total: int | None = None) -> None:
        """A named part begins, of `total` steps if it has any; the one before has ended."""
        self._say("stage", str(name), total)
        if self._wanted:
            self.checkpoint()

    def log(self, message: str, level: str = "info") -> None:
        """A line for the log; level debug, info, warning or error."""
        self._say("log", level, str(message))

    def metric(self, name: str, value: float) -> None:
        """A figure of the job's own: its latest value is shown with it."""
        self._say("metric", name, value)

    def output(self, path_or_image: Any) -> None:
        """A file that was made, or a picture that is to be kept as one."""
        self.outputs += 1
        self._say("made", path_or_image, self.outputs)

    def describe(self, **facts: Any) -> None:
        """What is known only later: model, width, height, steps, prompt, sampler, …"""
        try:
            found = known(facts)
        except (TypeError, BadField) as error:
            log.warning("%s: %s", self.title, error)
        else:
            self.spec = replace(self.spec, **found)
            self._say("describe", found)

    def previewing(self) -> bool:
        """Whether a preview given now would be looked at: a hub is there, and one is due."""
        if self._gone() or _now_s() < self._preview_due_s:
            return False
        self._preview_due_s = _now_s() + PREVIEW_S
        return True

    @property
    def total(self) -> int:
        return self.given_total

    @total.setter
    def total(self, total: int) -> None:
        self.given_total = whole("total", total, 0)
        self._say("total", self.given_total)

    # --- heeded ---

    def checkpoint(self) -> None:
        """Blocks while the job is paused; raises Cancelled when it is to stop."""
        with self._changed:
            if self._wanted == "pause":
                self._hold()
            if self._wanted == "cancel":
                raise Cancelled

    def ask(self, command: str) -> None:
        """What somebody wants: "pause", "resume", "cancel". Called by the link."""
        with self._changed:
            if self._wanted == "cancel":
                return
            if command == "resume" and not self._holding:
                self._say("resumed")
            self._wanted = "" if command == "resume" else command
            if command == "pause" and self._holding:
                self._say("paused")
            self._changed.notify_all()

    _holding = False

    def _hold(self) -> None:
        self._holding = True
        self._say("paused")
        while self._wanted == "pause":
            self._changed.wait(CHECK_S)
            if self._wanted == "pause" and self._gone() > AWAY_S:
                log.warning("%s was paused and its hub has been gone for %.0f s; it goes on", self.title, AWAY_S)
                self._wanted = ""
        self._holding = False
        self._say("resumed")

    # --- its life ---

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.end(error)

    def begin(self) -> None:
        """It has begun; a second time it does nothing."""
        if self._open or self.muted:
            return
        if self._pid != os.getpid():  # made before a fork: whoever begins it has one of its own
            self.id = _new_id()
        self._open, self.began_s = True, time.time()
        self.error_before = id(getattr(sys, "last_value", None))
        living.add(self)
        from .link import link  # late: who never begins a job needs no thread

        self._gone = link().gone_s
        link().begin(self)

    def end(self, error: BaseException | None = None) -> None:
        """It has ended: with an error it has failed, unless somebody cancelled it."""
        if self._open:
            self._open = False
            living.discard(self)
            self._say("end", ending_of(error))
            if _in_a_pool():
                self._settle()

    def _settle(self) -> None:
        """A pool ends its workers by a signal as soon as it has their results, and nothing can be told then."""
        from .link import link

        link().settled(self, SETTLE_S)

    def _say(self, kind: str, value: Any = None, more: Any = None) -> None:
        self._append((kind, _now_s(), value, more))

    def mute(self) -> None:
        """In a forked child: it is the parent's."""
        self.muted, self._open, self._wanted = True, False, ""
        self.events = deque(maxlen=0)
        self._append = self.events.append
        self._changed = threading.Condition()


def ending_of(error: BaseException | None) -> Ending:
    """What an exception that left the block says. A generator that is closed was left by a break, and what was done is
    done; or by an exception in the loop's body, of which it is told nothing: see `Told`."""
    if isinstance(error, GeneratorExit):
        return Ending(LEFT)
    if error is None:
        return Ending("completed")
    if isinstance(error, SystemExit) and not error.code:
        return Ending("completed")
    if isinstance(error, Cancelled | KeyboardInterrupt):
        return Ending("cancelled")
    kind = type(error).__name__
    return Ending("failed", kind, f"{kind}: {error}" if str(error) else kind,
                  "".join(traceback.format_exception(error)))


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _in_a_pool() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and bool(processes.current_process().daemon)


def _after_fork(jobs: Iterable[Job]) -> None:
    for job in [*jobs]:
        job.mute()
    living.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _after_fork(living))
