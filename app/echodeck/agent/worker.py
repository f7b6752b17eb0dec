"""One slot of an agent: claims a job, drives an engine with it, and claims the next."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from ..client import Client, Connection
from ..client.teller import Hand
from ..engines import Engine
from ..errors import EchodeckError, HubUnreachable, StoreError
from ..model.engine import EngineInfo
from ..model.job import JobSpec
from ..wire import say
from .control import Ending, JobControl
from .judging import hears
from .runner import generate, in_thread, spec_of

log = logging.getLogger(__name__)

CLAIM_S = 5.0
"""A worker without a job asks this often, in case it was not told of work."""
RETRY_S = 0.5


async def _at_once(job_id: str) -> None:
    pass


class Worker:
    """`await work()` for ever. `control` is the job in hand's, if there is one; `infos` what its engines last said.

    `rejoin` tells a hub that was restarted meanwhile that this, too, is in hand. `made` is told what completed, `heard`
    returns when the hub knows all that was said of a job.
    """

    def __init__(self, id_: str, host: str, engines: Mapping[str, Engine], client: Client,
                 rejoin: Callable[[Hand], Awaitable[None]],
                 made: Callable[[JobSpec, say.JobReport], None] = lambda spec, report: None,
                 heard: Callable[[str], Awaitable[None]] = _at_once) -> None:
        self.id, self.host, self.engines, self._client, self._rejoin = id_, host, engines, client, rejoin
        self._made, self._heard = made, heard
        self.wake = asyncio.Event()
        self.control: JobControl | None = None
        self.infos: list[EngineInfo] = []
        self.claiming = self._stopping = False
        self._greeted = 0

    def rename(self, host: str) -> None:
        """The machine is called otherwise now."""
        self.id, self.host = self.id.replace(self.host, host, 1), host

    async def work(self, tell: Callable[[say.Say], None]) -> None:
        """`tell` takes what the job says, from any thread."""
        while not self._stopping:
            self.wake.clear()
            greeted = self._greeted
            job = await self._claim()
            if job is not None:
                await self._run(job, tell, moved=self._greeted != greeted)
                # Of short jobs more would be begun than told of: the hub would take them all for running, and have
                # them done again if this process died.
                await self._heard(str(job.get("id")))
                continue
            try:
                async with asyncio.timeout(CLAIM_S):
                    await self.wake.wait()
            except TimeoutError:
                continue

    async def once(self, tell: Callable[[say.Say], None], beside: str) -> None:
        """The urgent job that the job `beside` is held for, if it is still there; nothing more."""
        greeted = self._greeted
        if (job := await self._claim(beside)) is not None:
            await self._run(job, tell, moved=self._greeted != greeted)

    def greet(self) -> None:
        """A new connection has begun."""
        self._greeted += 1

    def ask(self, request: str) -> None:
        """What the hub wants of the job in hand: "pause", "resume", "cancel", "skip", or "" for nothing."""
        if self.control is not None:
            match request:
                case "pause":
                    self.control.pause()
                case "resume":
                    self.control.resume()
                case "cancel":
                    self.control.end("cancel")
                case "skip":
                    self.control.skip()

    @property
    def holds(self) -> str:
        """The job in hand, if it is paused and so leaves the worker idle; else ""."""
        return self.control.hand.job_id if self.control is not None and self.control.holding else ""

    def stop(self) -> None:
        """Claims nothing more, and gives back what is in hand."""
        self._stopping = True
        self.wake.set()
        self.end("stop")

    def end(self, why: Ending) -> None:
        if self.control is not None:
            self.control.end(why)

    async def _claim(self, beside: str = "") -> dict[str, Any] | None:
        """A job, or None. While no answer comes it asks again under the same id, so that no job is claimed twice."""
        usable = [info.name for info in self.infos if not info.reason]
        id_ = uuid.uuid4().hex
        self.claiming = bool(usable)
        try:
            return await self._ask_for(say.Claim(self.id, usable, beside), id_) if usable else None
        finally:
            self.claiming = False

    async def _ask_for(self, claim: say.Claim, id_: str) -> dict[str, Any] | None:
        while True:
            try:
                job = (await self._client.call("claim", claim, id_=id_)).get("job")
            except (HubUnreachable, StoreError):
                if self._stopping:
                    return None
                await asyncio.sleep(RETRY_S)
                continue
            except EchodeckError as error:
                log.warning("the hub refuses a claim: %s", error)
                return None
            return job if isinstance(job, dict) else None

    async def _run(self, job: dict[str, Any], tell: Callable[[say.Say], None], *, moved: bool) -> None:
        try:
            spec, hand = spec_of(job), Hand(str(job["id"]), int(job["attempt"]), self.id, self.host)
            engine = self.engines[spec.engine]
        except (KeyError, TypeError, ValueError):
            log.exception("the hub gave a job that makes no sense here: %r", job)
            return
        if moved:  # the answer may be from the hub's next process, which does not know whose this job is
            await self._rejoin(hand)
        epoch_s = time.time() - time.monotonic() + offset_s(self._client.connection)
        self.control = JobControl(hand, hears(tell, lambda: spec, self._made), epoch_s=epoch_s)
        self.ask(str(job.get("request") or ""))
        if self._stopping:
            self.end("stop")
        try:
            await in_thread(partial(generate, engine, spec, self.control), f"job {hand.job_id}")
        finally:
            self.control.end("stop")  # when it is not awaited any more, the thread is to end too
            self.control = None


def offset_s(connection: Connection) -> float:
    """What the hub's clock is ahead of ours, where that is more than the error of its measurement."""
    offset, latency = connection.offset_s, connection.latency_s
    return 0.0 if offset is None or latency is None or abs(offset) <= latency else offset
