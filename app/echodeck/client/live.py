"""The thread bridge: a client in a loop of its own thread, for scripts and notebooks that are not async."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import HubUnreachable
from ..model.board import Board, Entry
from .client import Client
from .connection import Connection
from .handlers import Handler, Unsubscribe

T = TypeVar("T")


class LiveBoard:
    """The client's board, read from any thread: every method takes the lock and returns a copy."""

    def __init__(self, board: Board, lock: threading.Lock) -> None:
        self._board, self._lock = board, lock

    @property
    def seq(self) -> int:
        return self._board.seq

    @property
    def tick(self) -> int:
        return self._board.tick

    def get(self, kind: str, key: str = "") -> Any:
        with self._lock:
            return self._board.get(kind, key)

    def all(self, kind: str) -> dict[str, Any]:
        with self._lock:
            return self._board.all(kind)

    def snapshot(self) -> list[Entry]:
        with self._lock:
            return self._board.snapshot()

    def after_tick(self, tick: int) -> list[Entry]:
        """What changed after `tick`, in order. Keep the last entry's `tick` for the next time."""
        with self._lock:
            return self._board.after_tick(tick)

    def since(self, seq: int) -> list[Entry] | None:
        with self._lock:
            return self._board.since(seq)

    def __len__(self) -> int:
        with self._lock:
            return len(self._board)


class Live:
    """A connection for code that is not async. Every coroutine method of Client is a plain method here:

    `live.submit("hills")`, `live.pause(job_id)`, `live.history("jobs")`. Use `connect` to make one.
    """

    def __init__(self, client: Callable[[threading.Lock], Client]) -> None:
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="echodeck-client", daemon=True)
        self._thread.start()
        self._closed = False
        try:
            self.client = self.run(self._make(client))
        except BaseException:
            self._stop()
            raise
        self.board = LiveBoard(self.client.board, self._lock)

    async def _make(self, client: Callable[[threading.Lock], Client]) -> Client:
        made = client(self._lock)
        made.start()
        return made

    @property
    def connection(self) -> Connection:
        return self.client.connection

    @property
    def url(self) -> str:
        return self.client.url

    def on(self, type_: str, handler: Handler) -> Unsubscribe:
        """Like Client.on; the handler is called in the client's thread."""
        off = self.run(self._on(type_, handler))
        return lambda: None if self._closed else self.run(self._call(off))

    async def _on(self, type_: str, handler: Handler) -> Unsubscribe:
        return self.client.on(type_, handler)

    @staticmethod
    async def _call(what: Callable[[], None]) -> None:
        what()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in the client's loop and waits for it. Not to be called from the client's own thread."""
        if self._closed or threading.current_thread() is self._thread:
            coroutine.close()
            raise HubUnreachable("the connection is closed" if self._closed else
                                 "a handler may not wait for the hub: make it a coroutine function")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = None if name.startswith("_") else getattr(Client, name, None)
        if not inspect.iscoroutinefunction(method):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

        def bridged(*args: Any, **kwargs: Any) -> Any:
            return self.run(method(self.client, *args, **kwargs))

        bridged.__name__, bridged.__doc__ = name, method.__doc__
        return bridged

    def __dir__(self) -> list[str]:
        methods = [name for name in dir(Client) if inspect.iscoroutinefunction(getattr(Client, name))]
        return sorted({*super().__dir__(), *(name for name in methods if not name.startswith("_"))})

    def close(self) -> None:
        """Ends the connection and its thread. Can be called twice."""
        if not self._closed:
            try:
                self.run(self.client.close())
            finally:
                self._stop()

    def _stop(self) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        if not self._thread.is_alive():
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def connect(url: str | None = None, *, user: str = "", wait_s: float | None = 3.0, **options: Any) -> Live:
    """A live connection to the hub at `url` (default: ECHODECK_HUB, else this machine's ECHODECK_PORT or 8309).

    Waits up to `wait_s` for it to be ready and raises HubUnreachable if it is not; with None it returns at once and
    connects whenever the hub comes. Once connected it reconnects for ever. `options` are Client's.
    """
    found = url or os.environ.get("ECHODECK_HUB") or f"http://127.0.0.1:{os.environ.get('ECHODECK_PORT') or 8309}"
    live = Live(lambda lock: Client(found, user=user, guard=lock, **options))
    if wait_s is not None:
        try:
            live.run(live.client.ready(wait_s))
        except BaseException:
            live.close()
            raise
    return live
