"""The async client: stays connected, keeps a board, and sends commands that return when they are acknowledged.

One task runs attempt after attempt. An attempt opens a line (a WebSocket, or REST where only that can be had) and
runs three tasks on it until one of them ends: reading, writing, and watching (heartbeat, or trying for a WebSocket).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import InvalidHandshake, WebSocketException

from .. import wire
from ..errors import BadFrame, EchodeckError, HubUnreachable
from ..model.board import Board, Entry
from .calls import ANSWERS, Calls
from .commands import Commands
from .connection import Backoff, Connection, State
from .faults import no_hub
from .handlers import Handler, Handlers, Unsubscribe
from .line import Address, Line, Poll, Rest, Socket

log = logging.getLogger(__name__)

DEFAULT_URL = "http://127.0.0.1:8309"
VIEWER, ASKER, WORKER = "/api/ws", "/api/echo/ws", "/api/coordination/ws"
OUTBOX = 256
Greeting = Callable[["Client"], Awaitable[None]]


class Client(Commands):
    """`async with Client(url) as hub: await hub.ready(); await hub.submit(prompt="hills")`.

    `attempts` failed ones in a row end it with HubUnreachable (None: it tries for ever). `greet` runs on every new
    connection before anything else is sent; its calls are made with `ahead=True`. `guard` is held while the board
    changes. Times are in seconds; `clock` is the wall clock. Belongs to the event loop it is started in.
    """

    def __init__(self, url: str = DEFAULT_URL, endpoint: str = VIEWER, *, user: str = "",
                 client_id: str | None = None, attempts: int | None = None, backoff: Backoff | None = None,
                 heartbeat_s: float = 10.0, silence_s: float = 20.0, poll_s: float = 1.0, timeout_s: float = 30.0,
                 greet: Greeting | None = None, guard: AbstractContextManager[Any] | None = None,
                 max_frame_bytes: int = wire.MAX_FRAME_BYTES, clock: Callable[[], float] = time.time) -> None:
        self.address = Address(url)
        self.endpoint, self.user, self.attempts = endpoint, user, attempts
        self.client_id = client_id or uuid.uuid4().hex
        self.board = Board()
        self.rest = Rest(self.address)
        self.hub_id = ""
        """The hub process's own id, "" before the first connection."""
        self.connection = Connection(since_s=clock())
        self._backoff = backoff or Backoff()
        self._probing = self._backoff.fresh()
        self._heartbeat_s, self._silence_s, self._poll_s = heartbeat_s, silence_s, poll_s
        self._timeout_s, self._greet, self._clock = timeout_s, greet, clock
        self._guard: AbstractContextManager[Any] = guard or nullcontext()
        self._handlers = Handlers()
        self._calls = Calls(max_frame_bytes)
        self._outbox: deque[bytes] = deque()
        self._line: Line | None = None
        self._found: Socket | None = None
        self._greeted = self._served = False
        self._heard_s = 0.0
        self._pings: dict[str, tuple[float, float]] = {}
        self._pulse = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._ended: HubUnreachable | None = None

    @property
    def url(self) -> str:
        return self.address.http

    # --- for whoever uses it ------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to connect; returns at once."""
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends the connection; calls that were not answered fail."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._end(HubUnreachable("the connection to the hub was closed"))
        self._handlers.stop()

    async def ready(self, timeout_s: float | None = None) -> None:
        """Returns when messages come and the board is filled. Raises HubUnreachable when given up, or too late."""
        await self._until(lambda: self.connection.usable, timeout_s)

    def on(self, type_: str, handler: Handler) -> Unsubscribe:
        """Call `handler(message)` for every message of this type ("*": all). Returns what ends that."""
        return self._handlers.on(type_, handler)

    async def call(self, type_: str, payload: Any = None, *, id_: str | None = None, timeout_s: float | None = None,
                   ahead: bool = False) -> dict[str, Any]:
        """Sends a request and returns the ack's `result`; across reconnects it is sent again with the same id.

        Raises what the hub refused it with (InputError and its kin, StoreError), or HubUnreachable after `timeout_s`.
        One that is `ahead` is for `greet`: it goes out before all others and is not sent again.
        """
        self._check_open()
        call = self._calls.make(type_, payload, id_, self._clock(), ahead=ahead)
        try:
            if ahead:
                if self._line is None:
                    raise HubUnreachable("there is no connection to send it on")
                await self._line.send(call.frame)
            elif self._greeted:
                self._outbox.append(call.frame)
                self._tell()
            async with asyncio.timeout(self._timeout_s if timeout_s is None else timeout_s):
                return await call.answer
        except TimeoutError as error:
            reason = self.connection.reason or f"{type_!r} was not answered in time"
            raise no_hub(self.url, reason) from error
        finally:
            self._calls.forget(call)

    def send(self, type_: str, payload: Any = None) -> bool:
        """Sends without waiting for an answer. False when it was not taken: no connection, or too much is waiting."""
        if not self._greeted or len(self._outbox) >= OUTBOX:
            return False
        self._outbox.append(self._calls.frame(type_, payload, self._clock()))
        self._tell()
        return True

    async def changes(self) -> AsyncIterator[Entry]:
        """The board's entries as they change, from now on; who is slow gets the latest of each. Ends on `close`."""
        tick = self.board.tick
        while True:
            pulse = self._pulse
            for entry in self.board.after_tick(tick):
                tick = max(tick, entry.tick)
                yield entry
            if self._ended is not None:
                return
            await pulse.wait()

    # --- the one task -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        failed = 0
        end = HubUnreachable("the client ended by an error of its own; see the log")
        try:
            while True:
                self._show("connecting", attempts=failed)
                reason = await self._attempt()
                worked = self.connection.usable and self._served
                failed = 0 if worked else failed + 1
                if self.attempts is not None and failed >= self.attempts:
                    end = no_hub(self.url, reason)
                    return
                wait_s = self._backoff.reset() if worked else self._backoff.next_s()
                if self._found is not None:
                    continue
                self._show("waiting", reason=reason, attempts=failed, next_try_s=self._clock() + wait_s)
                await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            end = HubUnreachable("the connection to the hub was closed")
            raise
        except Exception:
            log.exception("the client cannot go on")
            raise
        finally:
            self._end(end)

    async def _attempt(self) -> str:
        """One connection from opening to loss; returns why it was lost."""
        try:
            socket = self._found or await Socket.open(self.address, self.endpoint, self._query(with_seq=True))
            self._found = None
        except (InvalidHandshake, TimeoutError) as error:
            reason = f"no WebSocket: {error or 'no answer'}"
        except (OSError, WebSocketException) as error:
            return _words(error)
        else:
            reason = await self._talk(socket)
            if self.connection.usable:
                return reason
        # HTTP may still pass where no WebSocket does. A worker needs to be told things, so polling is not for it.
        return reason if self.endpoint == WORKER else await self._talk(self._poll(), reason)

    def _poll(self) -> Poll:
        return Poll(self.rest, self._query(), self._resume, self._poll_s)

    async def _talk(self, line: Line, reason: str = "") -> str:
        """Reads, writes and watches until one of the three ends; returns why. `reason` is why it is not a WebSocket."""
        self._line, self._heard_s, self._served = line, time.monotonic(), False
        self._pings.clear()
        tasks = [asyncio.create_task(work) for work in self._work(line, reason)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._line, self._greeted = None, False
            self._outbox.clear()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await line.close()
            self._calls.fail(HubUnreachable("the connection was lost"), ahead_only=True)
        for outcome in outcomes:
            if isinstance(outcome, OSError | WebSocketException | EchodeckError):
                reason = _words(outcome)
            elif isinstance(outcome, Exception):
                raise outcome
        return reason

    def _work(self, line: Line, reason: str) -> list[Coroutine[Any, Any, None]]:
        watch = self._probe() if isinstance(line, Poll) else self._heartbeat(line)
        return [self._read(line, reason), self._write(line), watch]

    async def _read(self, line: Line, reason: str) -> None:
        state: State = "polling" if isinstance(line, Poll) else "live"
        while True:
            try:
                messages = await line.receive()
            except BadFrame as error:
                log.warning("%s; it is passed over", error)
                continue
            self._heard_s = time.monotonic()
            for message in messages:
                self._take(message)
            if self.connection.state != state and (messages or state == "polling"):
                self._show(state, reason=reason)
                if state == "live":
                    self._probing.reset()
            if isinstance(line, Poll):
                self._show(self.connection.state, latency_s=line.latency_s)
            self._tell()

    async def _write(self, line: Line) -> None:
        if self._greet is not None:
            await self._greet(self)
        self._outbox.extend(self._calls.frames())
        self._greeted = self._served = True
        while True:
            pulse = self._pulse
            while self._outbox:
                await line.send(self._outbox.popleft())
            await pulse.wait()

    async def _heartbeat(self, line: Line) -> None:
        while True:
            id_ = f"ping-{uuid.uuid4().hex[:8]}"
            self._pings = {id_: (time.monotonic(), self._clock())}
            await line.send(wire.request("ping", id_=id_, at_s=self._clock()))
            await asyncio.sleep(min(self._heartbeat_s, self._silence_s / 2))
            silent_s = time.monotonic() - self._heard_s
            # A WebSocket that never said a word is a proxy's: give it up sooner than one that worked.
            if silent_s > self._silence_s or self.connection.state != "live":
                raise HubUnreachable(f"nothing heard for {silent_s:.0f} s")

    async def _probe(self) -> None:
        """While polling: ends when a WebSocket can be had after all."""
        while True:
            await asyncio.sleep(self._probing.next_s())
            try:
                self._found = await Socket.open(self.address, self.endpoint, self._query(with_seq=True))
            except (OSError, TimeoutError, WebSocketException):
                log.debug("still no WebSocket at %s", self.url, exc_info=True)
            else:
                return

    # --- what comes in ------------------------------------------------------------------------------------------------

    def _take(self, message: wire.Message) -> None:
        try:
            with self._guard:
                wire.apply(self.board, message)
            if message.type == "initial_state":
                self.hub_id = str(message.payload.get("hub", ""))
            elif message.type == "pong":
                self._pong(message.payload)
            elif message.type in ANSWERS:
                self._calls.take(message)
        except (KeyError, TypeError, ValueError, AttributeError):
            log.warning("a %r message from the hub makes no sense; it is passed over", message.type, exc_info=True)
        self._handlers.give(message)

    def _pong(self, payload: dict[str, Any]) -> None:
        sent = self._pings.pop(str(payload.get("id")), None)
        if sent is None:
            return
        latency_s = time.monotonic() - sent[0]
        hub_s = datetime.fromisoformat(payload["now"]).timestamp()
        self._show(self.connection.state, latency_s=latency_s, offset_s=hub_s - (sent[1] + latency_s / 2))

    # --- small things -------------------------------------------------------------------------------------------------

    def _query(self, *, with_seq: bool = False) -> dict[str, Any]:
        query: dict[str, Any] = {"client": self.client_id, "user": self.user}
        return {**query, **self._resume()} if with_seq else query

    def _resume(self) -> dict[str, Any]:
        return {"after": self.board.seq, "hub": self.hub_id} if self.hub_id else {}

    def _show(self, state: State, **changed: Any) -> None:
        before = self.connection
        if state != before.state:
            fresh = {"since_s": self._clock(), "next_try_s": None, "attempts": 0, "reason": before.reason}
            changed = {**fresh, **changed}
            if state in ("live", "polling"):
                changed["attempts"] = 0
        self.connection = replace(before, state=state, **changed)
        self._tell()

    def _tell(self) -> None:
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()

    def _end(self, error: HubUnreachable) -> None:
        if self._ended is None:
            self._ended = error
            self._show("closed", reason=str(error))
            self._calls.fail(error)

    def _check_open(self) -> None:
        if self._ended is not None:
            raise HubUnreachable(self._ended.message)

    async def _until(self, met: Callable[[], bool], timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not met():
                    pulse = self._pulse
                    self._check_open()
                    await pulse.wait()
        except TimeoutError as error:
            raise no_hub(self.url, self.connection.reason or "no answer yet") from error


def _words(error: BaseException) -> str:
    """Why a connection failed, short enough for a badge."""
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    return str(error) or type(error).__name__
