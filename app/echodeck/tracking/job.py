"""A job as a script holds it: what the script says is put where the link finds it, what people want is heeded at steps.

Everything here runs on the script's own threads, so nothing waits, nothing is encoded, and nothing of ours is raised
but Cancelled. A step is two attributes set: how many there were and when the last one ended; the link looks often
enough to tell them apart, unless they are shorter than that matters. What is said besides waits in a queue, each with
the steps that came before it.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
import uuid
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import BadField
from .ending import ending_of, uncaught
from .facts import spec_of, text, whole, with_facts
from .mail import MOST_MAIL, Mail
from .story import Event
from .wish import Wish

if TYPE_CHECKING:
    from .link import Link

log = logging.getLogger(__name__)

_now_s = time.monotonic

MOST_QUEUED = 20_000
"""Of what is said besides steps, between two looks of the link; beyond, it is dropped, counted and said."""
MOST_FIGURES = 32
"""As many as the hub keeps of a job."""
MOST_PICTURES = 20
"""Pictures that wait to be written to disk, so that a slow disk does not fill the memory."""
PREVIEW_S = 0.5
SETTLE_S = 1.0

living: dict[str, Job] = {}
"""Jobs of this process that have begun and not ended, by id."""


class Job:
    """What `track` gives. Use it as a context manager; it may be used from several threads.

    `step`, `stage` and `checkpoint` block while somebody has paused the job, and raise Cancelled when somebody has
    cancelled it. When the hub is gone for a minute, what is paused goes on. `total` may be set later. In a forked child
    the parent's job tells nothing: make one there.
    """

    def __init__(self, title: str = "", total: int | None = None, *, model: str = "", width: int = 0, height: int = 0,
                 steps: int = 0, frames: int = 1, batch: int = 1, seed: int = 0, sampler: str = "", scheduler: str = "",
                 prompt: str = "", engine: str = "python", user: str = "", bar: bool | None = None) -> None:
        self.given_total = 0 if total is None else whole("total", total, 0)
        self.spec = spec_of(title, self.given_total, {
            "model": model, "width": width, "height": height, "steps": steps, "frames": frames, "batch": batch,
            "seed": seed, "sampler": sampler, "scheduler": scheduler, "prompt": prompt, "engine": engine})
        self.id, self._pid = _new_id(), os.getpid()
        self.user, self.bar = text(user), bar
        self.made, self.made_s = 0, 0.0
        self.shown: Any = None
        self.figures: dict[str, float] = {}
        self.events: deque[tuple[int, float, Event]] = deque()
        self.dropped = 0
        self.mail: deque[Mail] = deque(maxlen=MOST_MAIL)
        self.began_s, self.uncaught = 0.0, 0
        self.wish = Wish(self._say, self._gone_s)
        self._link: Link | None = None
        self._ended = self._muted = False
        self._outputs, self._preview_due_s = 0, 0.0
        self._warned: set[str] = set()

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def url(self) -> str:
        """Where the hub shows it, as JSON; "" until one has been reached."""
        return self._link.url_of(self.id) if self._link is not None else ""

    # --- said ---

    def step(self, n: int = 1, preview: Any = None) -> None:
        """So many steps have ended. `preview` is a picture of how far it is (see `picture`), or a callable that makes
        one; it is looked at on another thread, and only now and then: give a copy of what you go on changing."""
        if n == 1 and preview is None:
            self.made_s = _now_s()
            self.made += 1
        else:
            self._step(n, preview)
        if self.wish.now:
            self.wish.heed()

    def stage(self, name: str, total: int | None = None) -> None:
        """A named part begins, of `total` steps if it has any; the one before has ended."""
        self._say("stage", text(name), self._total(total))
        self.checkpoint()

    def log(self, message: str, level: str = "info") -> None:
        """A line for the log; level debug, info, warning or error."""
        self._say("log", text(level), text(message))

    def metric(self, name: str, value: float) -> None:
        """A figure of the job's own: its latest value is shown with it."""
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        key = text(name)[:60]
        if not math.isfinite(number):
            self._warn("metric", f"metric {key!r}: {value!r} is no finite number")
        elif key in self.figures or len(self.figures) < MOST_FIGURES:
            self.figures[key] = number

    def output(self, path_or_image: Any) -> None:
        """A file that was made, or a picture that is to be kept as one."""
        path = isinstance(path_or_image, str | os.PathLike)
        if not path and sum(1 for _, _, event in self.events.copy() if event[0] == "made") >= MOST_PICTURES:
            self._warn("output", f"pictures of {self.title} come faster than they can be written: some are not kept")
            return
        self._outputs += 1
        # Where it is now: the script may go on to another directory.
        self._say("made", os.path.abspath(os.fsdecode(path_or_image)) if path else path_or_image, self._outputs)

    def messages(self) -> list[Mail]:
        """What was said to it (see `echodeck say --job`) since this was asked last, oldest first."""
        return [self.mail.popleft() for _ in range(len(self.mail))]

    def describe(self, **facts: Any) -> None:
        """What is known only later: model, width, height, steps, prompt, sampler, …"""
        try:
            self.spec = with_facts(self.spec, facts)
        except (TypeError, BadField) as error:
            self._warn(str(error), f"{self.title}: {error}")
        else:
            self._say("describe", self.spec)

    def previewing(self) -> bool:
        """Whether a preview given now would be looked at: a hub is there, and one is due."""
        if self._gone_s() or _now_s() < self._preview_due_s:
            return False
        self._preview_due_s = _now_s() + PREVIEW_S
        return True

    @property
    def total(self) -> int:
        return self.given_total

    @total.setter
    def total(self, total: int | None) -> None:
        self.given_total = self._total(total)
        self._say("total", self.given_total)

    def checkpoint(self) -> None:
        """Blocks while the job is paused; raises Cancelled when it is to stop."""
        if self.wish.now:
            self.wish.heed()

    # --- its life ---

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.end(error)

    def begin(self) -> None:
        """It has begun. A job does so once."""
        if self._ended or self.id in living:
            self._warn("begin", f"{self.title} has begun already: make a job for each time")
            return
        if self._pid != os.getpid():  # made before a fork: whoever begins it has one of its own
            self.id = _new_id()
        self.began_s, self.uncaught = time.time(), id(uncaught())
        from .link import link  # late: who never begins a job needs no thread

        try:
            self._link = link()
        except RuntimeError as error:  # too many threads, or the process ends
            log.warning("%s cannot be watched: %s", self.title, error)
            self.mute()
            return
        living[self.id] = self
        self._link.begin(self)
        if self._link.over:  # it ended before it could see this one
            self.let_go()

    def end(self, error: BaseException | None = None) -> None:
        """It has ended: with an error it has failed, unless somebody cancelled it."""
        if living.pop(self.id, None) is not None:
            self._ended = True
            self._say("end", ending_of(error))
            if self._link is not None and _in_a_pool():
                # A pool ends its workers by a signal as soon as it has their results, and nothing can be told then.
                self._link.settled(self, SETTLE_S)

    def mute(self) -> None:
        """Nobody is told of it: there is no link, or, in a forked child, it is the parent's."""
        self._ended = self._muted = True
        self.events, self.wish = deque(), Wish(self._say, self._gone_s)

    def let_go(self) -> None:
        """The link has ended: nobody takes what is said any more, and nobody could resume it."""
        self.wish.ask("resume")
        self.mute()

    # --- inside ---

    def _gone_s(self) -> float:
        return self._link.gone_s() if self._link is not None else 0.0

    def _step(self, n: int, preview: Any) -> None:
        if preview is not None:
            self.shown = preview  # only the newest is looked at
        try:
            count = whole("n", n, 0)
        except BadField as error:
            self._warn("step", f"{self.title}: a step of so many: {error}")
            return
        if count:
            self.made_s = _now_s()
            self.made += count

    def _total(self, total: int | None) -> int:
        try:
            return 0 if total is None else whole("total", total, 0)
        except BadField as error:
            self._warn("total", f"{self.title}: {error}")
            return 0

    def _say(self, kind: str, value: Any = None, more: Any = None) -> None:
        if self._muted:
            return
        if len(self.events) >= MOST_QUEUED and kind != "end":
            self.dropped += 1
            return
        self.events.append((self.made, self.made_s, (kind, _now_s(), value, more)))

    def _warn(self, about: str, message: str) -> None:
        """Once for each thing that is wrong."""
        if about not in self._warned:
            self._warned.add(about)
            log.warning("%s", message)


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _in_a_pool() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and bool(processes.current_process().daemon)


def _after_fork() -> None:
    for job in living.values():
        job.mute()
    living.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
