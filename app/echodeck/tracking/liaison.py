"""Speaks with the hub for the jobs of this process: who we are, what is told, and what people want of them."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..client import WORKER, Backoff, Client
from ..client.outbox import Outbox
from ..client.reporter import Reporter
from ..client.teller import Hand
from ..config import Settings
from ..errors import EchodeckError, InputError
from ..model.engine import tidy, visible
from ..version import __version__
from ..wire import Message, say
from .facts import text
from .mail import Sorter, mail
from .told import Told

log = logging.getLogger(__name__)

ATTEMPT = 1
"""Jobs of scripts number no attempts."""
TOPICS = ["job_command"]


class Liaison:
    """Belongs to the link's loop. `told` are the jobs in hand by id, kept by the link."""

    def __init__(self, settings: Settings, told: Mapping[str, Told]) -> None:
        self._told, self._user = told, text(settings.user)
        self._host = visible(settings.name or socket.gethostname())[:40]
        self._name = f"{self._host}/{script()}/{os.getpid()}"
        self._agent_id = f"{self._host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._client = Client(settings.hub_url, WORKER, greet=self._greet, backoff=Backoff(1.0, 30.0),
                              max_frame_bytes=settings.max_frame_bytes)
        self._reporter = Reporter(self._client, Outbox())
        self.tell = self._reporter.take
        self._client.on("job_command", self._command)
        self._client.on("communication", self._communication)
        self._sorter = Sorter(self._agent_id, self._host, self._name)
        self._heartbeat_s = settings.heartbeat_s
        self._commanded_s: dict[str, float] = {}
        self._unknown: set[str] = set()

    @property
    def url(self) -> str:
        return self._client.url

    @property
    def listening(self) -> bool:
        return self._client.connection.usable

    @property
    def refused(self) -> bool:
        """A try to connect has failed."""
        return self._client.connection.state in ("waiting", "closed")

    @property
    def unsaid(self) -> int:
        """Messages that the hub has not acknowledged."""
        return len(self._reporter.outbox)

    def hurry(self) -> None:
        """The process ends: what waits goes without pauses."""
        self._reporter.hurry = True

    async def run(self) -> None:
        """Until it is cancelled."""
        self._client.start()
        try:
            await asyncio.gather(self._reporter.run(), self._beat())
        finally:
            await self._client.close()

    def hand(self, job_id: str) -> Hand:
        return Hand(job_id, ATTEMPT, self._name, self._host)

    def ahead_s(self) -> float:
        """What the hub's clock is ahead of ours, where that is more than the error of its measurement."""
        connection = self._client.connection
        offset, latency = connection.offset_s, connection.latency_s
        return 0.0 if offset is None or latency is None or abs(offset) <= latency else offset

    def adopt(self, told: Told) -> None:
        """Says which job it is, before anything else of it and whenever more is known."""
        began_s = told.job.began_s + self.ahead_s()
        spec = tidy(replace(told.spec, shape=shape(told.spec.title)))
        self.tell(say.Adopt(told.job.id, self._name, spec, "script", "running", began_s, began_s,
                            user=(told.job.user or self._user)[:80]))

    async def _greet(self, client: Client) -> None:
        """First of all on every connection. What counts now is said before what happened meanwhile."""
        held = [say.InHand(job_id, ATTEMPT, self._name) for job_id in self._in_hand()]
        result = await client.call("register", say.Register(
            self._agent_id, self._host, os.getpid(), __version__, running=held, kind="script", slots=0), ahead=True)
        self._heartbeat_s = positive(result.get("heartbeatS"), self._heartbeat_s)
        for job_id, command in requests(result):
            self._ask(job_id, command)
        try:
            await client.call("subscribe", say.Subscribe(TOPICS, 60.0), ahead=True)
        except InputError:
            log.debug("the hub does not let us choose what it tells", exc_info=True)
        for told in [*self._told.values()]:  # it may be another hub, or one that has forgotten
            self.adopt(told)
            told.again()
        self._reporter.outbox.newest_first()
        self._reporter.wake()

    def _in_hand(self) -> list[str]:
        """What runs, and what has ended without the hub knowing it yet."""
        return sorted({*self._told, *(job_id for job_id, _, _ in self._reporter.outbox.unfinished())})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            jobs = self._in_hand()
            if not self.listening or not jobs:
                continue
            began = time.monotonic()
            try:
                result = await self._client.call("heartbeat", say.Heartbeat(jobs), timeout_s=4 * self._heartbeat_s)
            except EchodeckError as error:
                log.debug("no answer to the heartbeat: %s", error)
                continue
            for job_id, command in requests(result):
                # A command that came meanwhile is newer than what this answer repeats.
                if self._commanded_s.get(job_id, 0.0) < began:
                    self._ask(job_id, command)
            self._claim({*names(result.get("abandon"))})

    def _claim(self, unknown: set[str]) -> None:
        """Tells, once, of jobs that the hub takes for lost: the machine slept, or the process was stopped."""
        for job_id in unknown - self._unknown:
            if (told := self._told.get(job_id)) is not None:
                self.adopt(told)
                told.again()
        self._unknown = unknown

    def _command(self, message: Message) -> None:
        job_id = str(message.payload.get("jobId"))
        self._commanded_s = {one: at_s for one, at_s in self._commanded_s.items() if one in self._told}
        self._commanded_s[job_id] = time.monotonic()
        self._ask(job_id, str(message.payload.get("command")))

    def _communication(self, message: Message) -> None:
        for job_id in self._sorter.take(message.payload, self._told):
            self._told[job_id].job.mail.append(mail(message.payload))

    def _ask(self, job_id: str, command: str) -> None:
        told = self._told.get(job_id)
        if told is not None and command in ("pause", "resume", "cancel"):
            told.job.wish.ask(command)


# --- what a hub answers: it may be anything -------------------------------------------------------------------------


def requests(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(job id, command) of what people want of jobs in hand."""
    entries = result.get("jobs")
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [(str(entry.get("jobId")), str(entry.get("request") or "")) for entry in found]


def names(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def positive(value: Any, otherwise: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 3600
    return float(value) if good else otherwise


# --- what is told of a script ---------------------------------------------------------------------------------------


def script() -> str:
    """Its file's name; "python" without one."""
    name = visible(os.path.basename(sys.argv[0]))[:60] if sys.argv and sys.argv[0] else ""
    return name if name and name not in ("-c", "-m") else "python"


def shape(title: str) -> str:
    """What is told of in one place of a script takes alike; titles count with numbers."""
    return f"{script()}:{re.sub('[0-9]+', '#', title)}"[:120]
