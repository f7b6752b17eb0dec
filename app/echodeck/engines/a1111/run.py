"""One job of ours on such a server: one request that blocks until it is done, followed by what the server says it does.

The server does requests one after the other, and its commands name none: they mean what runs. So ours is interrupted or
skipped only while it is known to be what runs; another may begin within the milliseconds of that question.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

from ...errors import Cancelled, EngineError, JobLost, OutOfMemory
from ...model.job import JobSpec
from .. import Control
from ..web import Refusal, Unreachable
from .claim import Claim
from .feed import Feed
from .made import Made, error_of, kept
from .offer import CANNOT_PAUSE, Memory
from .parse import Progress
from .passes import SAVE, Passes
from .picture import preview, save
from .request import body_of, has_hires, hires_steps, kind_of
from .server import Server
from .turn import WAIT, turn

log = logging.getLogger(__name__)

TICK_S = 0.1
FORGOT_S, SETTLE_S = 5.0, 60.0
"""How long a server may do nothing before its answer, one that says it does not know the request, and any other."""
AWAY_S = 60.0
"""One that does not answer for so long has lost its job, even if its socket stays open."""
AGAIN_S = 0.5
"""Between two tries to interrupt what has not begun yet."""
CANCEL_S = 60.0
"""A step may take long, and an interruption waits for its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the request."""

    made: Made | None = None
    error: EngineError | None = None


class Run:
    """`Run(…)()` does it."""

    def __init__(self, server: Server, feed: Feed, claim: Claim, directory: Path, spec: JobSpec,
                 control: Control) -> None:
        self._server, self._feed, self._claim = server, feed, claim
        self._directory, self._spec, self._control = directory, spec, control
        self._rounds = 2 if has_hires(spec) else 1
        self._news: SimpleQueue[Progress | Answer] = SimpleQueue()
        self._passes: Passes | None = None
        self._memory = Memory()
        self._skipped: set[int] = set()
        self._interrupted = False
        self._interrupting_s: float | None = None
        self._idle_s: float | None = None
        self._heard_s = self._asked_s = self._again_s = 0.0

    def __call__(self) -> None:
        """Raises what `Engine.run` may raise."""
        self._feed.listen(self._news)
        try:
            present, waited = turn(self._server, self._claim, self._control, self._news)
            answer = self._follow(present, waited)
        finally:
            self._claim.end()
            self._feed.forget(self._news)
        self._end(answer)

    # --- the request, in a thread of its own ---

    def _send(self, present: Progress) -> None:
        task_id = f"task({uuid.uuid4().hex[:15]})"
        body = body_of(self._spec, task_id, self._feed.offer)
        with suppress(EngineError):  # then what it says of memory is not compared
            self._memory = self._server.memory()
        self._claim.begin(task_id, present)
        threading.Thread(target=self._ask, args=(body,), name=f"request {task_id}", daemon=True).start()

    def _ask(self, body: dict[str, Any]) -> None:
        try:
            self._news.put(Answer(self._server.generate(kind_of(body), body)))
        except EngineError as error:
            self._news.put(Answer(error=error))
        except Exception as error:
            # Who waits for this thread is told whatever happens in it.
            log.exception("the request to %s failed", self._server.url)
            self._news.put(Answer(error=EngineError(f"the request failed: {error}")))
        self._feed.hurry()

    # --- while it runs ---

    def _follow(self, present: Progress, waited: bool) -> Answer:
        self._send(present)
        self._passes = Passes(
            self._control.told, passes=self._spec.batch * self._rounds, steps=self._steps(), hires=self._rounds > 1,
            hires_steps=hires_steps(self._spec) or self._spec.steps, before=(WAIT,) if waited else ())
        self._feed.hurry()
        self._heard_s = time.monotonic()
        while True:
            try:
                news = self._news.get(timeout=TICK_S)
            except Empty:
                self._obey()
                self._check()
                continue
            if isinstance(news, Answer):
                return news
            self._take(news, self._passes)
            self._obey()

    def _steps(self) -> int:
        """What begins with a picture has fewer steps than were asked for; how many shows when it runs."""
        return 0 if self._spec.options.get("init_image") else self._spec.steps

    def _take(self, now: Progress, passes: Passes) -> None:
        self._heard_s = time.monotonic()
        if not now.idle:
            self._idle_s = None
        elif self._idle_s is None:
            self._idle_s = self._heard_s
        try:
            if not self._claim.owns(now):
                return
        except EngineError:  # it did not say; the next look asks again
            return
        self._interrupted = self._interrupted or now.interrupted
        passes.take(now)
        if now.image and passes.at >= 0:
            with suppress(EngineError):  # one that is none is not shown
                self._control.preview(passes.step, lambda: preview(now.image))

    def _obey(self) -> None:
        wanted = self._control.wanted
        if wanted == "pause":
            self._control.refused("pause", CANNOT_PAUSE)
        elif wanted != "run":
            self._stop(wanted)
        elif self._control.skipping():
            self._skip()

    def _skip(self) -> None:
        passes = self._passes
        if passes is None or passes.at < 0 or not self._command(self._server.skip):
            self._control.refused("skip", "it has no picture in hand yet")
        else:
            self._skipped.add(passes.at // self._rounds)

    def _stop(self, wanted: str) -> None:
        """Interrupts it, and goes on following: the server is free again when it has answered."""
        now = time.monotonic()
        if self._interrupting_s is None and now >= self._again_s:
            self._again_s = now + AGAIN_S
            if self._command(self._server.interrupt):
                self._interrupting_s = now
        overdue = self._interrupting_s is not None and now - self._interrupting_s > CANCEL_S
        if wanted == "stop" or overdue or self._feed.reason:
            self._control.checkpoint()

    def _command(self, command: Any) -> bool:
        """Whether ours runs, and the command was given."""
        try:
            if not self._claim.owns(self._server.progress()):
                return False
            command()
        except EngineError:
            return False
        return True

    def _check(self) -> None:
        """From a server that was restarted behind an open socket an answer may never come. Raises JobLost."""
        now = time.monotonic()
        if now - self._heard_s > AWAY_S:
            raise JobLost(f"the server is gone: {self._feed.reason or 'it does not answer'}")
        if self._idle_s is None:
            return
        if now - self._idle_s > SETTLE_S and not self._claim.by_id:
            raise JobLost("the server does nothing any more, and gives no answer: it was restarted")
        if now - max(self._idle_s, self._asked_s) > FORGOT_S:
            self._asked_s = now
            if self._forgotten():
                raise JobLost("the server was restarted, and has forgotten it")

    def _forgotten(self) -> bool:
        try:
            return self._claim.forgotten()
        except EngineError:
            return False

    # --- how it ended ---

    def _end(self, answer: Answer) -> None:
        present = self._present()
        self._claim.end(present)
        if answer.error is not None:
            self._fail(answer.error, present)
        if self._control.wanted not in ("run", "pause"):
            self._control.checkpoint()
        made = answer.made or Made(())
        self._feed.learnt(made.version)
        pictures = kept(made.pictures, self._spec.batch, self._skipped)
        if present is not None and self._claim.runs(present.key):
            self._interrupted = self._interrupted or present.interrupted
        if len(pictures) + len(self._skipped) < self._spec.batch or self._interrupted:
            self._fall_short(pictures)
        self._deliver(pictures)

    def _deliver(self, pictures: tuple[bytes, ...]) -> None:
        if self._passes is not None and not self._skipped:
            self._passes.finish()
        self._control.told.stage(SAVE)
        for number, picture in enumerate(pictures):
            self._control.output(save(picture, self._directory, number))

    def _present(self) -> Progress | None:
        try:
            return self._server.progress()
        except EngineError:
            return None

    def _fail(self, error: EngineError, present: Progress | None) -> NoReturn:
        if self._control.wanted not in ("run", "pause"):
            self._control.checkpoint()
        if isinstance(error, Refusal):
            raise error_of(error) from error
        if not isinstance(error, Unreachable):
            raise error
        if present is not None and not present.idle and self._claim.runs(present.key):
            with suppress(EngineError):
                self._server.interrupt()
            raise EngineError("the connection was cut while the server worked on it, perhaps by a proxy with a time "
                              "limit; its pictures came to nothing", code="cut", retryable=True) from error
        raise JobLost(f"the server broke off: {error.message}") from error

    def _fall_short(self, pictures: tuple[bytes, ...]) -> None:
        """There are fewer pictures than were asked for: SD.Next also answers so when something went wrong."""
        memory = Memory()
        with suppress(EngineError):
            memory = self._server.memory()
        if memory.failures > self._memory.failures:
            used, total = memory.used_bytes / 2**30, memory.total_bytes / 2**30
            raise OutOfMemory(f"out of memory; {used:.1f} of {total:.1f} GB were in use afterwards",
                              free_bytes=max(0, memory.total_bytes - memory.used_bytes))
        if self._interrupted:
            raise Cancelled("it was interrupted at the server", why="elsewhere")
        if not pictures:
            raise EngineError("the server made no picture and does not say why; its log has more",
                              code="server_error", retryable=True)
        self._control.log("warning", f"the server made {len(pictures)} of {self._spec.batch} pictures")
