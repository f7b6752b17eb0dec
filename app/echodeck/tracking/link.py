"""The one thread a process that carries what its jobs say to a hub, and what people want back to them.

A hub that is not there, dies, or hangs changes nothing for the script: what its jobs say is kept, bounded, and told
when a hub answers, what counts now first. Without a hub there is a bar in the terminal.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import secrets
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import replace

from ..client import WORKER, Backoff, Client
from ..client.outbox import Outbox
from ..client.reporter import Reporter
from ..client.teller import Hand
from ..config import Settings, load
from ..errors import ConfigError, EchodeckError, InputError
from ..model.engine import tidy
from ..version import __version__
from ..wire import Message, say
from .bar import wanted
from .job import Job, living
from .told import ATTEMPT, Told

log = logging.getLogger(__name__)

DRAIN_S = 0.05
ALONE_S = 1.0
"""When no hub has answered for so long there is a bar; sooner if it is known that none is there."""
CROWD = 50_000
"""When more than this was waiting, the next look comes sooner."""
FINISH_S = 2.0
"""How long a script that ends waits for what is still to be told, at most."""
TOPICS = ["job_command"]


class Link:
    """Made by the first job that begins. `finish` ends it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._fresh: deque[Job] = deque()
        self._awaited: deque[tuple[Job, threading.Event]] = deque()
        self._told: dict[str, Told] = {}
        self._claimed: set[str] = set()
        self._finishing, self._finished = threading.Event(), threading.Event()
        self._lost_s: float | None = time.monotonic()
        self._began_s = time.monotonic()
        self._tried = False
        self._thread = threading.Thread(target=self._run, name="echodeck-link", daemon=True)
        self._thread.start()

    def joined(self) -> None:
        """Returns when its thread has ended; for who has asked it to."""
        self._thread.join()

    def begin(self, job: Job) -> None:
        """The job has begun. Costs an append; the thread looks often enough."""
        self._fresh.append(job)

    def gone_s(self) -> float:
        """Since how many seconds no hub has answered; 0 while one does."""
        lost_s = self._lost_s
        return 0.0 if lost_s is None else time.monotonic() - lost_s

    def finish(self, timeout_s: float = FINISH_S) -> None:
        """At the end of the process: what is still to be told is told, if that is quickly done."""
        if self.pid != os.getpid():  # a forked child inherits what its parent does at its end
            return
        for job in [*living]:  # a loop that was left without its end
            job.end(getattr(sys, "last_value", None))
        self._finishing.set()
        self._finished.wait(timeout_s)

    def settled(self, job: Job, timeout_s: float) -> None:
        """Returns when all that the job said has been told, or cannot be, or it takes too long."""
        if self.gone_s() < ALONE_S:
            event = threading.Event()
            self._awaited.append((job, event))
            event.wait(timeout_s)

    # --- the thread ---

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            # Whatever is wrong with us, the script goes on; it is told once that nobody watches it.
            log.exception("this process cannot be watched any more; it goes on without")
        finally:
            self._lost_s = self._lost_s or time.monotonic()  # what is held must not wait for us
            self._finished.set()

    async def _work(self) -> None:
        settings = _settings()
        host = settings.name or socket.gethostname()
        self._settings, self._host = settings, host
        self._name = f"{host}/{_script()}/{os.getpid()}"
        self._agent_id = f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._client = Client(settings.hub_url, WORKER, greet=self._greet, backoff=Backoff(1.0, 30.0),
                              max_frame_bytes=settings.max_frame_bytes)
        self._reporter = Reporter(self._client, Outbox())
        self._client.on("job_command", self._command)
        self._heartbeat_s = settings.heartbeat_s
        self._client.start()
        tasks = [asyncio.create_task(work) for work in (self._reporter.run(), self._beat())]
        try:
            await self._carry()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.close()

    async def _carry(self) -> None:
        """Until the process ends."""
        while not self._finishing.is_set():
            crowded = self._look() > CROWD
            await asyncio.sleep(DRAIN_S / 10 if crowded else DRAIN_S)
        self._look()
        until = time.monotonic() + FINISH_S
        while self._to_tell() and time.monotonic() < until:  # noqa: ASYNC110 - of acks, no single event
            await asyncio.sleep(DRAIN_S / 5)
        for told in self._told.values():
            told.close()

    def _to_tell(self) -> bool:
        """Whether something is still to be told to a hub that is there, or that nobody knows of yet."""
        unknown = self._client.connection.state == "connecting" and not self._tried
        return len(self._reporter.outbox) > 0 and (unknown or self._client.connection.usable)

    def _look(self) -> int:
        """Tells what the jobs have said; returns how much of one was waiting at most."""
        awaited = [self._awaited.popleft() for _ in range(len(self._awaited))]
        connection = self._client.connection
        self._lost_s = None if connection.usable else self._lost_s or time.monotonic()
        self._tried = self._tried or connection.state == "waiting"
        while self._fresh:
            job = self._fresh.popleft()
            self._told[job.id] = self._tell_of(job)
        alone = not connection.usable and (self._tried or time.monotonic() - self._began_s > ALONE_S)
        most = 0
        for told in [*self._told.values()]:
            most = max(most, told.drain())
            told.settle(ending=self._finishing.is_set())
            told.show(alone and wanted(told.job.bar))
            if told.over:
                told.close()
                del self._told[told.job.id]
        for job, event in awaited:
            if job.id in self._told or self._to_tell():
                self._awaited.append((job, event))
            else:
                event.set()
        return most

    def _tell_of(self, job: Job) -> Told:
        hand = Hand(job.id, ATTEMPT, self._name, self._host)
        told = Told(job, hand, self._reporter.take, self._ahead_s, self._settings.output_dir, self._adopt)
        told.spec = replace(job.spec, shape=_shape(job.spec.title))
        job.url = f"{self._client.url}/api/generations/{job.id}"
        self._adopt(told)
        told.start()
        return told

    def _ahead_s(self) -> float:
        """What the hub's clock is ahead of ours, as far as it is known."""
        connection = self._client.connection
        offset, latency = connection.offset_s, connection.latency_s
        return 0.0 if offset is None or latency is None or abs(offset) <= latency else offset

    def _adopt(self, told: Told) -> None:
        began_s = told.job.began_s + self._ahead_s()
        self._reporter.take(say.Adopt(
            told.job.id, self._name, tidy(told.spec), "script", "running", began_s, began_s,
            user=(told.job.user or self._settings.user)[:80]))

    # --- the hub ---

    async def _greet(self, client: Client) -> None:
        held = [say.InHand(*one) for one in sorted(self._in_hand())]
        result = await client.call("register", say.Register(
            self._agent_id, self._host, os.getpid(), __version__, running=held, kind="script", slots=0), ahead=True)
        self._heartbeat_s = float(result.get("heartbeatS") or self._heartbeat_s)
        try:
            await client.call("subscribe", say.Subscribe(TOPICS, 60.0), ahead=True)
        except InputError:
            log.debug("the hub does not let us choose what it tells", exc_info=True)
        for told in self._told.values():  # it may be another hub, or one that has forgotten
            self._adopt(told)
            told.again()
        self._reporter.outbox.newest_first()
        self._reporter.wake()

    def _in_hand(self) -> set[tuple[str, int, str]]:
        """(job, attempt, worker) of what runs, and of what has ended without the hub knowing it yet."""
        return {(job_id, ATTEMPT, self._name) for job_id in self._told} | self._reporter.outbox.unfinished()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            jobs = sorted({job_id for job_id, _, _ in self._in_hand()})
            if not self._client.connection.usable or not jobs:
                continue
            try:
                result = await self._client.call("heartbeat", say.Heartbeat(jobs), timeout_s=4 * self._heartbeat_s)
            except EchodeckError as error:
                log.debug("no answer to the heartbeat: %s", error)
                continue
            for entry in result.get("jobs", []):
                self._ask(str(entry.get("jobId")), str(entry.get("request") or ""))
            self._claim({str(job_id) for job_id in result.get("abandon", [])})

    def _claim(self, unknown: set[str]) -> None:
        """Tells, once, of jobs that the hub takes for lost: the machine slept, or the process was stopped."""
        for job_id in unknown - self._claimed:
            if (told := self._told.get(job_id)) is not None:
                self._adopt(told)
                told.again()
        self._claimed = unknown

    def _command(self, message: Message) -> None:
        self._ask(str(message.payload.get("jobId")), str(message.payload.get("command") or ""))

    def _ask(self, job_id: str, command: str) -> None:
        told = self._told.get(job_id)
        if told is not None and command in ("pause", "resume", "cancel"):
            told.job.ask(command)


_link: Link | None = None
_guard = threading.Lock()


def link() -> Link:
    """This process's link."""
    global _link
    with _guard:
        if _link is None or _link.pid != os.getpid():
            _link = Link()
            _at_the_end(_link)
        return _link


def _at_the_end(made: Link) -> None:
    if "multiprocessing.util" in sys.modules:  # its children end without atexit
        from multiprocessing.util import Finalize

        Finalize(made, made.finish, exitpriority=10)
    else:
        atexit.register(made.finish)


def _settings() -> Settings:
    try:
        return load()
    except ConfigError as error:
        log.warning("%s; going on with what is usual", error)
        return load({}, environ={}, file=None)


def _script() -> str:
    name = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else ""
    return name if name and name not in ("-c", "-m") else "python"


def _shape(title: str) -> str:
    """What is told of in one place of a script takes alike; titles count with numbers."""
    return f"{_script()}:{re.sub('[0-9]+', '#', title)}"[:120]


def _forked() -> None:
    global _link, _guard
    _link, _guard = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
