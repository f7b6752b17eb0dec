"""Composition root of the agent process: a source, engines and an outbox, joined to a hub by a client.

On a clean stop nothing more is claimed and a job in hand is given back: it waits where it was in the queue.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ..client import WORKER, Backoff, Client
from ..client.outbox import Outbox
from ..client.reporter import Reporter
from ..client.teller import Hand
from ..config import LONGEST_NAME, Settings
from ..engines import Engine, Freeing, Watching
from ..errors import EchodeckError, InputError
from ..model.engine import EngineInfo
from ..sources import Source
from ..sources.identity import identity
from ..version import __version__
from ..wire import Message, say
from .crew import lanes, spare
from .guests import Guests
from .judging import Judging
from .sampling import Sampling
from .seen import Seen, place
from .watcher import Watcher
from .worker import Worker, offset_s

log = logging.getLogger(__name__)

STOP_S = 3.0
"""How long an engine that does not heed is waited for on a clean stop."""
LAST_WORDS_S = 2.0
"""How long the hub is waited for then."""
LONGEST_ENGINES = 48
"""Of the engines' names in a worker's: with the machine's, it is no longer than the hub takes."""
ANNOUNCE_S = 1.0
"""Between two looks at what the engines can do."""
TOPICS = ["work_available", "job_command", "engine_order"]
Held = tuple[str, int, str]
"""(job, attempt, worker)."""


class Agent:
    """`await Agent(settings).run()` until `stop()`.

    Every slot has its own engines. `engines` given here are shared by all slots, so with more than one slot they must
    bear several jobs at once. `client` makes the client, `name` is the host's: what the hub calls it may be another, if
    there is one of that name.
    """

    def __init__(self, settings: Settings, *, engines: Mapping[str, Engine] | None = None,
                 source: Source | None = None, client: Callable[..., Client] = Client, name: str = "") -> None:
        self.settings = settings
        self._asked = self.name = name or settings.name or socket.gethostname()[:LONGEST_NAME]
        self.id = f"{self.name}-{os.getpid()}-{secrets.token_hex(4)}"
        # A restarted hub waits one lease for the jobs in hand, so a longer back-off would lose them.
        backoff = Backoff(0.5, max(1.0, settings.lease_s / 2))
        self.client = client(settings.hub_url, WORKER, greet=self._greet, backoff=backoff,
                             max_frame_bytes=settings.max_frame_bytes)
        self.outbox = Outbox()
        self._reporter = Reporter(self.client, self.outbox)
        self.judging = Judging(self._tell, seen=Seen(place(settings.data, self.name)))
        crew = lanes(settings) if engines is None else [engines] * settings.slots
        self.workers = [self._worker(number, lane) for number, lane in enumerate(crew, 1)]
        self.guests = Guests(self.workers, lambda lane: spare(lane, settings) if engines is None else lane,
                             lambda id_: Worker(id_, self.name, {}, self.client, self._rejoin, self.judging.made))
        self.engines: dict[str, Engine] = {name: engine for lane in reversed(crew) for name, engine in lane.items()}
        self.watchers = [self._watcher(name, engine) for name, engine in self.engines.items()
                         if isinstance(engine, Watching)]
        self._infos: list[EngineInfo] = []
        self._steering: set[asyncio.Task[None]] = set()
        self._machine: tuple[str, str] | None = None
        self._heartbeat_s = settings.heartbeat_s
        self._sampling = Sampling(self.name, self.client, self._reporter.take, lambda: bool(self._in_hand()), source,
                                  settings.period_s)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._commanded_s: dict[str, float] = {}
        self._stopping = asyncio.Event()

    def _worker(self, number: int, engines: Mapping[str, Engine]) -> Worker:
        return Worker(f"{self.name}/{'+'.join(engines)[:LONGEST_ENGINES]}/{number}", self.name, engines, self.client,
                      self._rejoin, self.judging.made, self._reporter.heard)

    def _watcher(self, name: str, engine: Watching) -> Watcher:
        return Watcher(engine, f"{self.name}/{name}/others", self.name, self._tell,
                       lambda: offset_s(self.client.connection), self.judging.made)

    def _tell(self, payload: say.Say) -> None:
        """From any thread, while the agent runs."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._reporter.take, payload)

    def stop(self) -> None:
        """Ends `run` cleanly."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until `stop`. Raises what ended it, if that was something else."""
        self._loop = asyncio.get_running_loop()
        self.client.on("job_command", self._command)
        self.client.on("engine_order", self._order)
        self.client.on("work_available", self._work)
        self.client.start()
        works: list[Coroutine[Any, Any, None]] = [
            self._sampling.run(), self._reporter.run(), self._beat(), self._announce(), self.judging.run(),
            *(worker.work(self._tell) for worker in self.workers), *(watcher.watch() for watcher in self.watchers),
        ]
        tasks = [asyncio.create_task(work) for work in works]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            await self._wind_down()
        finally:
            for worker in self._all:
                worker.end("stop")
            for watcher in self.watchers:
                watcher.end()
            for task in (stopping, *tasks, *self._steering):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)
            await asyncio.gather(*(watcher.close() for watcher in self.watchers))
            await self.client.close()
        for task in done:
            await task

    async def _wind_down(self) -> None:
        """Stops what runs, and says what is still to be said, as far as that is quickly done."""
        for worker in self._all:
            worker.stop()
        await self._wait(self._busy, STOP_S)
        for worker in self._all:
            if worker.control is not None:  # its thread does not heed, and ends with this process
                log.warning("job %s did not heed; it is given back all the same", worker.control.hand.job_id)
                worker.control.give_back()
        await asyncio.sleep(0)  # what was said from here is in the outbox with the loop's next step
        await self._wait(lambda: self._reporter.unsaid, LAST_WORDS_S)
        if len(self.outbox):
            log.warning("stopped with %d messages to the hub unsent", len(self.outbox))

    async def _wait(self, on: Callable[[], bool], longest_s: float) -> None:
        deadline = time.monotonic() + longest_s
        while on() and time.monotonic() < deadline:  # noqa: ASYNC110 - of threads and acks, no single event
            await asyncio.sleep(0.02)

    def _busy(self) -> bool:
        return any(worker.control is not None or worker.claiming for worker in self._all) or self._reporter.unsaid

    # --- the hub ------------------------------------------------------------------------------------------------------

    async def _greet(self, client: Client) -> None:
        """First of all on every connection: who we are, and what we have in hand."""
        await self._look()
        for worker in self._all:
            worker.greet()
        await self._register(self._in_hand(), ahead=True)
        for watcher in self.watchers:
            watcher.tell_again()
        try:  # what viewers are shown is of no use here
            await client.call("subscribe", say.Subscribe(TOPICS, 60.0), ahead=True)
        except InputError:
            log.debug("the hub does not let us choose what it tells", exc_info=True)
        sys.stdout.write(f"Echo agent {self.name} connected to {client.url}\n")
        sys.stdout.flush()
        self._wake()
        self._reporter.wake()

    async def _register(self, in_hand: set[Held], *, ahead: bool) -> None:
        result = await self.client.call("register", await self._hello(in_hand), ahead=ahead)
        if (name := str(result.get("host") or self._asked)) != self.name:
            self._rename(name)  # the workers have other names now, so they are told of once more
            result = await self.client.call("register", await self._hello(in_hand), ahead=ahead)
        self._sampling.ask(bool(result.get("measure", True)))
        self._heartbeat_s = float(result.get("heartbeatS") or self.settings.heartbeat_s)
        self.judging.on = bool(result.get("judge"))
        for entry in result.get("jobs", []):
            if entry.get("action") == "abandon":
                self._abandon(str(entry.get("jobId")))
            else:
                self._ask(str(entry.get("jobId")), str(entry.get("request") or ""))

    async def _hello(self, in_hand: set[Held]) -> say.Register:
        if self._machine is None:
            self._machine = await asyncio.to_thread(identity, self.settings.data)
        machine, boot = self._machine
        return say.Register(
            self.id, self._asked, os.getpid(), __version__, self._infos, len(self.workers),
            [list(worker.engines) for worker in self.workers], [worker.id for worker in self.workers], machine, boot,
            [say.InHand(*one) for one in sorted(in_hand)])

    def _rename(self, name: str) -> None:
        """Another machine has our name: what begins from here on is this one's by the name that the hub gave it."""
        log.warning("the hub shows this machine as %s; --name gives it a name of its own", name)
        self.name = self._sampling.name = name
        for worker in self._all:
            worker.rename(name)
        for watcher in self.watchers:
            watcher.rename(name)

    async def _rejoin(self, hand: Hand) -> None:
        try:
            await self._register(self._in_hand() | {(hand.job_id, hand.attempt, hand.worker_id)}, ahead=False)
        except EchodeckError as error:  # the heartbeat will tell whether the job is still ours
            log.warning("could not tell the hub of job %s: %s", hand.job_id, error)

    def _in_hand(self) -> set[Held]:
        """What runs, and what has ended without the hub knowing it yet."""
        controls = [worker.control for worker in self._all]
        hands = [control.hand for control in controls if control is not None and control.ending != "abandon"]
        held = {(hand.job_id, hand.attempt, hand.worker_id) for hand in hands} | self.outbox.unfinished()
        return held.union(*(watcher.hands() for watcher in self.watchers))

    async def _look(self) -> bool:
        """Whether the engines are not what they were when they were last told of."""
        infos = await asyncio.to_thread(lambda: [engine.info() for engine in self.engines.values()])
        changed, self._infos = infos != self._infos, infos
        for worker in self.workers:
            worker.infos = [info for info in infos if info.name in worker.engines]
        return changed

    async def _announce(self) -> None:
        """A server that is down is told of, and no job is claimed for it."""
        told = True
        while True:
            await asyncio.sleep(ANNOUNCE_S)
            changed = await self._look()
            if (not changed and told) or not self.client.connection.usable:
                told = told and not changed
                continue
            try:
                await self.client.call("announce", say.Announce(self._infos), timeout_s=4 * self._heartbeat_s)
                told = True
            except EchodeckError as error:
                log.debug("the engines could not be told of: %s", error)
                told = False
            self._wake()

    async def _beat(self) -> None:
        lost = False
        while True:
            await asyncio.sleep(self._heartbeat_s)
            connection = self.client.connection
            if not connection.usable:
                if not lost and connection.reason:
                    log.warning("no hub at %s (%s); trying again and again", self.client.url, connection.reason)
                    lost = True
                continue
            lost = False
            began = time.monotonic()
            jobs = sorted({job_id for job_id, _, _ in self._in_hand()})
            try:
                result = await self.client.call("heartbeat", say.Heartbeat(jobs), timeout_s=4 * self._heartbeat_s)
            except EchodeckError as error:
                log.debug("no answer to the heartbeat: %s", error)
                continue
            self._sampling.pace.watched = bool(result.get("watched", True))
            self._sampling.ask(bool(result.get("measure", True)))
            self.judging.on = bool(result.get("judge"))
            for entry in result.get("jobs", []):
                job_id = str(entry.get("jobId"))
                # A command that came meanwhile is newer than what this answer repeats.
                if self._commanded_s.get(job_id, 0.0) < began:
                    self._ask(job_id, str(entry.get("request") or ""))
                    self._steer(job_id, str(entry.get("request") or ""))
            for job_id in result.get("abandon", []):
                self._abandon(str(job_id))

    def _command(self, message: Message) -> None:
        job_id, attempt = str(message.payload.get("jobId")), message.payload.get("attempt")
        self._commanded_s = {one: at for one, at in self._commanded_s.items() if self._with(one)}
        self._commanded_s[job_id] = time.monotonic()
        command = str(message.payload.get("command"))
        self._ask(job_id, command, attempt)
        where = {name: str(message.payload.get(name) or "") for name in ("before", "after")}
        self._steer(job_id, command, where)

    def _steer(self, job_id: str, command: str, where: Mapping[str, str] | None = None) -> None:
        for watcher in self.watchers:
            if job_id in watcher.known():
                self._do(watcher.steer(job_id, command, **(where or {})))

    def _order(self, message: Message) -> None:
        engine = self.engines.get(str(message.payload.get("engine")))
        if message.payload.get("command") == "free":
            for worker in self._all:
                for name, one in worker.engines.items():
                    if isinstance(one, Freeing) and (one is engine or name == message.payload.get("engine")):
                        self._do(self._free(name, one))

    async def _free(self, name: str, engine: Freeing) -> None:
        try:
            await asyncio.to_thread(engine.free)
        except (EchodeckError, OSError) as error:
            self._reporter.take(say.Log("warning", self.name[:128], f"{name} could not let go of its models: {error}"))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """What takes its time, beside everything else."""
        task = asyncio.create_task(work)
        self._steering.add(task)
        task.add_done_callback(self._steering.discard)

    def _ask(self, job_id: str, request: str, attempt: Any = None) -> None:
        for worker in self._with(job_id):
            if worker.control is not None and attempt in (None, worker.control.hand.attempt):
                worker.ask(request)

    def _abandon(self, job_id: str) -> None:
        for worker in self._with(job_id):
            log.warning("the hub has taken job %s from worker %s; it is abandoned here", job_id, worker.id)
            worker.end("abandon")

    def _with(self, job_id: str) -> list[Worker]:
        return [one for one in self._all if one.control is not None and one.control.hand.job_id == job_id]

    def _work(self, message: Message) -> None:
        if beside := str(message.payload.get("beside") or ""):
            self._do(self.guests.invite(beside, self._tell))
        else:
            self._wake()

    @property
    def _all(self) -> list[Worker]:
        """The workers of every slot, and the guests beside them."""
        return [*self.workers, *self.guests]

    def _wake(self) -> None:
        for worker in self.workers:
            worker.wake.set()


def main(settings: Settings) -> None:
    """Runs an agent until Ctrl-C or SIGTERM. Raises ConfigError for an engine or address that is none."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    agent, loop = Agent(settings), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, agent.stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(agent.stop))
    await agent.run()
