"""A real hub on a free port, and somebody to talk to it over a real socket."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from echodeck import wire
from echodeck.config import Settings
from echodeck.hub import ledger as ledger_module
from echodeck.hub import room as room_module
from echodeck.hub.app import Hub
from echodeck.hub.ledger import Change
from echodeck.hub.room import Room
from echodeck.hub.session import Session, Shown
from echodeck.model.board import Board
from echodeck.model.job import Job
from echodeck.store import Store
from echodeck.store.memory import MemoryStore
from echodeck.wire import say

PATIENCE_S = 10.0
ENGINE = {
    "name": "sketch", "label": "Sketch", "models": [{"name": "sketch-s"}, {"name": "sketch-m"}],
    "samplers": ["euler", "heun"],
    "params": [
        {"name": "width", "minimum": 64, "maximum": 512, "default": 128, "multiple": 8},
        {"name": "height", "minimum": 64, "maximum": 512, "default": 128, "multiple": 8},
        {"name": "steps", "minimum": 1, "maximum": 200, "default": 20},
        {"name": "seed", "minimum": 0, "maximum": 2**32 - 1, "default": 0},
    ],
}


class Talk:
    """A WebSocket with what came in so far. Every wait has a deadline."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self._count = 0

    async def raw(self) -> Any:
        """The next frame as JSON."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_S))

    async def next(self) -> dict[str, Any]:
        """The next message of a connection without batches."""
        message: dict[str, Any] = await self.raw()
        self.seen.append(message)
        return message

    async def until(self, type_: str, **fields: Any) -> dict[str, Any]:
        """The next message of this type whose payload has these fields."""
        def wanted(message: dict[str, Any]) -> bool:
            return message["type"] == type_ and all(message["payload"].get(key) == it for key, it in fields.items())

        return await self.first(wanted, f"{type_} {fields}")

    async def first(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The next message that is wanted."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not wanted(message := await self.next()):
                    pass
        except TimeoutError:
            told = [message["type"] for message in self.seen]
            raise AssertionError(f"waited for {what}; there came {told[-50:]}") from None
        return message

    async def say(self, type_: str, payload: Any = None, **extra: Any) -> None:
        frame = {"type": type_, **({} if payload is None else {"payload": payload}), **extra}
        await self.socket.send(json.dumps(frame))

    async def ask(self, type_: str, payload: Any = None) -> dict[str, Any]:
        """The `result` of the ack. An `error` in its place fails the test."""
        answer = await self.answer(type_, payload)
        assert answer["type"] == "ack", answer
        result: dict[str, Any] = answer["payload"]["result"]
        return result

    async def answer(self, type_: str, payload: Any = None) -> dict[str, Any]:
        """The ack or error."""
        self._count += 1
        id_ = f"{id(self)}-{self._count}"
        await self.say(type_, payload, id=id_)
        return await self.first(lambda it: it["type"] in ("ack", "error") and it["payload"]["id"] == id_,
                                f"the answer to {type_}")

    async def register(self, **fields: Any) -> dict[str, Any]:
        """As an agent with one worker; the hub's answer."""
        return await self.ask("register", {"agentId": "agent-1", "host": "studio", "engines": [ENGINE], **fields})

    async def claim(self) -> dict[str, Any] | None:
        """The next job for this agent's worker."""
        found = await self.ask("claim", {"workerId": "worker-1", "engines": ["sketch"]})
        job: dict[str, Any] | None = found["job"]
        return job

    async def report(self, job: dict[str, Any], fact: str, **fields: Any) -> None:
        await self.ask("job_report", {"jobId": job["id"], "attempt": job["attempt"], "workerId": "worker-1",
                                      "fact": fact, "atS": time.time(), **fields})

    async def closed(self) -> tuple[int, str]:
        """Reads until the hub closes; its code and reason."""
        await asyncio.wait_for(self.socket.wait_closed(), PATIENCE_S)
        return self.socket.close_code or 0, self.socket.close_reason or ""


Meet = Callable[..., Awaitable[Talk]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(port=0, data=tmp_path / "data", lease_s=2.0, heartbeat_s=0.5)


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    running = Hub(settings, MemoryStore())
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def meet(hub: Hub) -> AsyncIterator[Meet]:
    """`await meet("/api/ws", "?after=3", batched=True)`: connected, nothing read yet."""
    async with AsyncExitStack() as stack:
        async def open_(path: str = "/api/ws", query: str = "", *, batched: bool = False, **options: Any) -> Talk:
            offered: Any = [wire.SUBPROTOCOL] if batched else None
            dial = connect(hub.url.replace("http", "ws") + path + query, subprotocols=offered, proxy=None,
                           **{"max_size": None, "max_queue": None, **options})
            return Talk(await stack.enter_async_context(dial))

        yield open_


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """The hub's REST interface, with the standard library."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """`body` is sent as it is when bytes, else as JSON. Underscores in the headers' names become dashes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data, named, method=method)
        return await asyncio.to_thread(self._ask, request)

    def _ask(self, request: urllib.request.Request) -> Reply:
        try:
            with self._opener.open(request, timeout=PATIENCE_S) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    async def get(self, path: str, **headers: str) -> Any:
        """The JSON of an answer that must be 200."""
        reply = await self("GET", path, **headers)
        assert reply.status == 200, reply
        return reply.json

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        reply = await self("POST", path, {} if body is None else body)
        assert reply.status == status, reply
        return reply.json


@pytest.fixture
def web_at() -> type[Web]:
    """For hubs that a test starts itself: `web_at(hub.url)`."""
    return Web


@pytest.fixture
def web(hub: Hub) -> Web:
    return Web(hub.url)


class Rig:
    """A room without sockets: a clock that the test sets, ticks by hand, and everything that was told."""

    def __init__(self, store: Store | None = None, settings: Settings | None = None) -> None:
        self.store: Store = store if store is not None else MemoryStore()
        self.settings = settings or Settings(data=Path("nowhere"), lease_s=10.0)
        self.now_s = 1_700_000_000.0
        self.told: list[Shown] = []
        self.own: list[Shown] = []
        """What was told to one connection alone."""
        self._count = 0

    async def start(self) -> Rig:
        self.room = Room(self.store, self.settings, self.told.append, clock=lambda: self.now_s)
        await self.room.start()
        await self.settle()
        return self

    async def stop(self) -> None:
        await self.room.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def session(self, user: str = "ann", client: str = "", endpoint: str = "/api/ws") -> Session:
        self._count += 1
        one = Session(f"s{self._count}", endpoint, client or f"c{self._count}", user, self.own.append)
        self.room.joined(one)
        return one

    async def ask(self, session: Session, type_: str, payload: Any = None, id_: str | None = None) -> dict[str, Any]:
        """The result of a request, checked as one from a socket is."""
        endpoint = next(path for path, types in reversed(say.ENDPOINTS.items()) if type_ in types)
        frame = wire.request(type_, payload, id_=id_, at_s=self.now_s)
        return await self.room.handle(session, wire.decode_request(frame, endpoint))

    async def settle(self) -> None:
        """Everything that happened so far is in force, and written if it can be."""
        change = Change(self.now_s)
        change.batch.records["probe", "test"] = {}
        await self.room.desk.ledger.put(change)

    async def tick(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.room.tick(self.now_s)
        await self.settle()

    async def agent(self, name: str = "agent-1", running: Any = (), **fields: Any) -> Session:
        """A connected agent. `register` has what it was answered."""
        session = self.session("", endpoint="/api/coordination/ws")
        self.registered = await self.ask(session, "register", {
            "agentId": name, "host": "studio", "engines": [ENGINE], "running": list(running), **fields})
        return session

    async def submit(self, session: Session, **fields: Any) -> list[str]:
        return list((await self.ask(session, "submit", {"prompt": "hills", **fields}))["jobIds"])

    async def claim(self, agent: Session, worker: str = "w1") -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await self.ask(agent, "claim", {"workerId": worker,
                                                                        "engines": ["sketch"]}))["job"]
        return found

    async def report(self, agent: Session, job: dict[str, Any], fact: str, id_: str | None = None,
                     **fields: Any) -> dict[str, Any]:
        return await self.ask(agent, "job_report", {
            "jobId": job["id"], "attempt": job["attempt"], "workerId": job["worker_id"], "fact": fact,
            "atS": self.now_s, **fields}, id_)

    def job(self, job_id: str) -> Job:
        return self.room.desk.queue.get(job_id)

    def order(self) -> list[str]:
        return [job.id for job in self.room.desk.queue.waiting()]

    def types(self) -> list[str]:
        return [shown.type for shown in self.told]

    def alerts(self, *, open_: bool = True) -> dict[str, Any]:
        """The alerts on the board by cause."""
        found = [it for it in self.room.board.all("alerts").values() if not (open_ and it.resolved_at)]
        return {it.cause: it for it in found}


def replay(told: list[Shown], board: Board | None = None) -> Board:
    """A viewer's board after these messages, as they come over the wire."""
    board = Board() if board is None else board
    for shown in told:
        for message in wire.decode(wire.encode(shown.type, shown.payload, shown.at_s, shown.seq)):
            wire.apply(board, message)
    return board


@pytest.fixture
def rig_type(monkeypatch: pytest.MonkeyPatch) -> type[Rig]:
    """Rooms whose own clockwork stands still: time is the test's, and a store is tried again at once."""
    monkeypatch.setattr(room_module, "TICK_S", 1e6)
    monkeypatch.setattr(ledger_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(ledger_module, "RETRY_LAST_S", 0.01)
    return Rig


@pytest.fixture
async def rig(rig_type: type[Rig]) -> AsyncIterator[Rig]:
    running = await rig_type().start()
    yield running
    await running.stop()


@pytest.fixture
def replayed() -> Callable[..., Board]:
    return replay
