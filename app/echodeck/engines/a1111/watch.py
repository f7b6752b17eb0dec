"""What others have such a server do: seen as far as it says, and steered while it runs.

It does not say whose a request is, nor what was asked, nor how it ended: only when it began, how far it is, and whether
it was interrupted. A new time stamp is a new job.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from ...errors import EngineError
from ...model.job import JobSpec
from .. import Sighting, Sights, Told
from .claim import Claim
from .feed import Feed
from .offer import A1111_NAME, CANNOT_PAUSE
from .parse import Progress
from .passes import Passes
from .picture import preview
from .server import Server

TICK_S = 0.2
GONE_S = 20.0
"""A server that does not answer for so long has lost what it did."""
EARLY, EARLY_S = 0.9, 5.0
"""What ended before this share of it, and this much sooner than it could have been done, has not been done."""
STAMPS = uuid.UUID("0d2e0c0a-3b1d-4f07-8a0b-6c2a9e3b7f11")
MOST_ENDED = 1000
CANNOT = {"pause": CANNOT_PAUSE, "retry": "what was asked for is not known here",
          "move": "the server does not say what waits there"}


@dataclass(slots=True)
class Seen:
    """The job of others that runs. `looked_s` is when it was last seen, by the monotonic clock, as `began_s`."""

    key: str
    sighting: Sighting
    told: Told
    passes: Passes
    began_s: float
    looked_s: float
    cancelled: bool = False
    held: bool = False


class Watch:
    """`Watch(…)(sights)` watches."""

    def __init__(self, name: str, server: Server, feed: Feed, claim: Claim) -> None:
        self._name, self._server, self._feed, self._claim = name, server, feed, claim
        self._seen: Seen | None = None
        self._over: deque[str] = deque(maxlen=MOST_ENDED)

    def __call__(self, sights: Sights) -> None:
        news: SimpleQueue[Progress] = SimpleQueue()
        self._feed.listen(news)
        try:
            while not sights.ended.is_set():
                try:
                    now = news.get(timeout=TICK_S)
                except Empty:
                    self._missed()
                    continue
                with suppress(EngineError):  # it did not say whose it is; the next look asks again
                    self._look(sights, now)
                    self._forget(sights)
        finally:
            self._feed.forget(news)

    def steer(self, job_id: str, command: str) -> None:
        """Raises EngineError with the reason when it cannot be done."""
        seen = self._seen
        if seen is None or seen.sighting.job_id != job_id:
            raise EngineError("it does not run any more")
        if command not in ("cancel", "skip"):
            raise EngineError(CANNOT.get(command, f"there is no way to {command}"))
        if self._server.progress().key != seen.key:
            raise EngineError("it has just ended")
        if command == "cancel":
            self._server.interrupt()
            seen.cancelled = True
        else:
            self._server.skip()

    # --- what the server says ---

    def _look(self, sights: Sights, now: Progress) -> None:
        if now.loading:
            return
        seen = self._seen
        if seen is not None and (now.idle or now.key != seen.key):
            self._end(seen, now)
            seen = self._seen = None
        if now.idle or self._claim.had(now.key) or self._claim.owns(now):
            return
        if seen is None:
            seen = self._seen = self._begin(sights, now)
        self._go_on(sights, seen, now)

    def _begin(self, sights: Sights, now: Progress) -> Seen:
        model = ""
        with suppress(EngineError):  # then it is a job without a model
            model = self._feed.offer.name_of(self._server.checkpoint())
        again = self._over.count(now.key)  # a second has room for several
        job_id = str(uuid.uuid5(STAMPS, f"{self._server.url} {now.key}{f' {again}' if again else ''}"))
        flavour = self._feed.offer.flavour or A1111_NAME
        sighting = Sighting(job_id, JobSpec(self._name, model, title=f"a generation in {flavour}"), running=True,
                            created_s=time.time(), started_s=time.time(), cannot=CANNOT)
        told = sights.sight(sighting)
        began_s = time.monotonic()
        return Seen(now.key, sighting, told, Passes(told), began_s, began_s)

    def _go_on(self, sights: Sights, seen: Seen, now: Progress) -> None:
        seen.looked_s = time.monotonic()
        seen.cancelled = seen.cancelled or now.interrupted
        seen.passes.take(now)
        self._know(sights, seen)
        if now.paused != seen.held:
            seen.held = now.paused
            if now.paused:
                seen.told.paused()
            else:
                seen.told.resumed()
        if now.image and seen.passes.at >= 0:
            with suppress(EngineError):  # one that is none is not shown
                seen.told.preview(seen.passes.step, lambda: preview(now.image))

    def _know(self, sights: Sights, seen: Seen) -> None:
        """How many steps and pictures it has shows when it runs."""
        spec = seen.sighting.spec
        known = replace(spec, steps=spec.steps or seen.passes.steps, batch=max(spec.batch, seen.passes.rounds))
        if known != spec:
            seen.sighting = replace(seen.sighting, spec=known)
            sights.sight(seen.sighting)

    # --- how it ends ---

    def _end(self, seen: Seen, now: Progress) -> None:
        self._over.append(seen.key)
        if seen.cancelled or (now.key == seen.key and now.interrupted):
            seen.told.cancelled()
        elif self._too_early(seen):
            seen.told.failed("ended_early", f"it ended with {seen.passes.share:.0%} of its steps done; the server does "
                             "not say why, its log may")
        else:
            seen.passes.finish()
            seen.told.completed()

    def _too_early(self, seen: Seen) -> bool:
        """Whether, at the pace that it had, it cannot have been done since it was last seen."""
        share, now_s = seen.passes.share, time.monotonic()
        if not 0 < share < EARLY:
            return False
        left_s = (seen.looked_s - seen.began_s) * (1 - share) / share
        return left_s - (now_s - seen.looked_s) > EARLY_S

    def _missed(self) -> None:
        """Nothing is heard: for a while it may go on."""
        seen = self._seen
        if seen is not None and self._feed.reason and time.monotonic() - seen.looked_s > GONE_S:
            self._seen = None
            self._over.append(seen.key)
            seen.told.failed("lost", f"the server is gone: {self._feed.reason}")

    def _forget(self, sights: Sights) -> None:
        """Of a watching before this one: what does not run now has ended unseen."""
        here = self._seen.sighting.job_id if self._seen is not None else ""
        for job_id, sighting in sights.known().items():
            if job_id != here:
                sights.sight(sighting).failed("lost", "it ended while nobody watched")
