"""The hub process: store, room, sockets and REST put together, one port bound, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ..config import Settings
from ..errors import ConfigError, StoreUnavailable
from ..model.series import resolutions
from ..store import Store
from ..store.series.memory import MemorySeries
from ..store.series.sqlite import SqliteSeries
from ..store.sqlite import SqliteStore
from .auth import Guard
from .fanout import Fanout
from .keeper import Keeper
from .line import Line
from .metrics import Metrics
from .refill import earlier
from .rest import rest
from .room import Room
from .session import Shown
from .ws import Sockets

log = logging.getLogger(__name__)

BACKLOG = 2048
GOODBYE_S = 3
"""How long requests under way may take when the hub is stopped."""


class Hub:
    """A hub inside an event loop. `start` returns when it can be reached at `url`; `stop` flushes and closes.

    Port 0 takes any free port. With a store that is given, the series are in memory. Raises ConfigError when the
    address cannot be had, StoreHeld and StoreUnavailable.
    """

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self._settings = settings
        self.store = store if store is not None else SqliteStore(settings.data)
        kept = resolutions(settings.keep_raw_s, settings.keep_10s_s, settings.keep_1min_s, settings.keep_15min_s)
        self.keeper = Keeper(SqliteSeries(settings.data, kept) if store is None else MemorySeries(kept))
        self.fanout = Fanout(self._snapshot)
        self.room = Room(self.store, settings, self.fanout.publish, sampled=self.keeper.take)
        self.metrics = Metrics(self.room, self.fanout, self.keeper)
        self.sockets = Sockets(self.room, self.fanout, settings)
        self._tasks: list[asyncio.Task[None]] = []
        self._recalling: asyncio.Task[None] | None = None
        self._server: _Server | None = None
        self._stopped = False
        self.url = ""

    def _snapshot(self) -> Shown:
        return Shown("initial_state", self.room.initial_state(), time.time())

    async def start(self) -> None:
        sock = bind(self._settings.host, self._settings.port)
        try:
            await self.room.start()
        except BaseException:
            sock.close()
            raise
        await self.keeper.start()
        self._recalling = asyncio.create_task(self._recall())
        host, port = sock.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        web = rest(self.room, self._settings, self.keeper, self.metrics)
        app = Guard(split(web, self.sockets), self._settings)
        server = self._server = _Server(uvicorn.Config(
            app, ws=Line, loop="asyncio", lifespan="off", log_config=None, access_log=False, log_level="warning",
            # Larger than what is allowed, so that an oversized message can be refused without closing.
            ws_max_size=16 * self._settings.max_frame_bytes, ws_ping_interval=20.0, ws_ping_timeout=20.0,
            ws_per_message_deflate=False, backlog=BACKLOG, timeout_graceful_shutdown=GOODBYE_S, server_header=False,
            proxy_headers=False,
        ))
        self._tasks = [asyncio.create_task(server.serve([sock])), asyncio.create_task(self.fanout.run())]
        started = asyncio.create_task(server.ready.wait())
        await asyncio.wait([started, self._tasks[0]], return_when=asyncio.FIRST_COMPLETED)
        started.cancel()

    async def _recall(self) -> None:
        """Beside everything else: nobody waits for the plots' past."""
        try:
            hosts = self.room.board.all("hosts").values()
            self.room.staff.hosts.recall(await earlier(self.keeper.series, hosts, self.keeper.now_s()))
        except StoreUnavailable as error:
            log.debug("the plots begin with the hub's start: %s", error)

    async def wait(self) -> None:
        """Returns when the hub has ended; raises what ended it."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """Takes leave of everybody (1001), lets requests under way end, and closes the store. Once is enough."""
        if self._stopped:
            return
        self._stopped = True
        await self.sockets.stop()
        if self._server is not None:
            self._server.should_exit = True
            await asyncio.gather(self._tasks[0], return_exceptions=True)
        ending = [*self._tasks, *([self._recalling] if self._recalling else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self.keeper.stop()
        await self.room.stop()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers (they would end the process before the store is closed)."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def split(web: ASGIApp, sockets: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (sockets if scope["type"] == "websocket" else web)(scope, receive, send)

    return app


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError saying what is in the way, and the mend."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise ConfigError(f"--host: {host!r} is no address of this machine ({error.strerror})") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"--port: port {port} on {host} is taken by another program; "
                              "stop it, or choose another port with --port") from error
        if error.errno == errno.EACCES:
            raise ConfigError(f"--port: this user may not use port {port}; choose one above 1023") from error
        raise ConfigError(f"--host: cannot listen on {host} port {port}: {error.strerror or error}") from error


async def serve(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Runs a hub until SIGINT or SIGTERM. `announce` is given its address when it can be reached."""
    hub = Hub(settings)
    stop = asyncio.Event()
    with _signals(stop):
        await hub.start()
        try:
            (announce or _announce)(hub.url)
            ended = [asyncio.create_task(hub.wait()), asyncio.create_task(stop.wait())]
            await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.cancel()
            outcomes = await asyncio.gather(*ended, return_exceptions=True)
        finally:
            await hub.stop()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


def _announce(url: str) -> None:
    sys.stdout.write(f"Echo Brain listening on {url}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def ask(number: int, frame: FrameType | None) -> None:
        # signal.signal rather than the loop's own handlers: those do not exist on Windows.
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def smooth() -> None:
    """Keeps this process's event loop from being held: threads that compute give way to it after 1 ms, and the garbage
    collector seldom looks through all the jobs, plans and views, of which hardly any is in a circle (with 5000 jobs it
    takes longer than a plan)."""
    sys.setswitchinterval(0.001)
    gc.set_threshold(50_000, 20, 20)


def main(settings: Settings) -> None:
    """Runs a hub in this process until it is told to end."""
    smooth()
    asyncio.run(serve(settings))
