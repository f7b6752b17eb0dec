"""The client and the real hub, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidHandshake

from echodeck.client import WORKER, Backoff, Client
from echodeck.client.line import Socket
from echodeck.config import Settings
from echodeck.errors import BadField, IllegalTransition, UnknownRecord
from echodeck.hub.app import Hub
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.wire import say as says

ENGINE = EngineInfo("sketch", models=(ModelInfo("sketch-s"),), samplers=("euler",),
                    params=(Param("width", 64, 512, 256, 8), Param("height", 64, 512, 256, 8),
                            Param("steps", 1, 150, 20), Param("seed", 0, 2**32 - 1, 0)))


async def register(client: Client) -> None:
    await client.call("register", says.Register("agent-1", "box", engines=[ENGINE]), ahead=True)


def quick() -> Backoff:
    return Backoff(0.05, 0.2, soon_s=0.01)


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Hub]:
    hub = Hub(Settings(port=0, data=tmp_path))
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def worker(real: Hub) -> AsyncIterator[Client]:
    async with Client(real.url, WORKER, greet=register, backoff=quick()) as client:
        await client.call("heartbeat", says.Heartbeat())
        yield client


async def test_two_clients_see_and_steer_the_same(real: Hub, worker: Client, until: Any) -> None:
    async with Client(real.url, user="ann") as ann, Client(real.url, user="ben") as ben:
        await ben.ready(10)
        first, second = await ann.submit("hills", width=64, height=64, count=2)
        await until("both at ben's", lambda: {first, second} <= set(ben.board.all("jobs")))
        assert ben.board.get("jobs", first)["user"] == "ann"
        await ben.move(second, "top")
        await until("the order", lambda: ann.board.get("queue")["order"][:2] == [second, first])
        await ben.pause(first)
        await until("held", lambda: ann.board.get("jobs", first)["status"] == "paused")
        await ann.set_priority(first, "high")
        await ann.resume(first)
        await ann.cancel(first)
        await until("cancelled", lambda: ben.board.get("jobs", first)["status"] == "cancelled")
        await ann.communicate("good morning")
        await until("the message", lambda: "good morning" in str(ben.board.all("messages")))
        await ann.remove(first)
        await until("gone", lambda: ben.board.get("jobs", first) is None)
        assert ann.connection.latency_s is not None
        assert abs(ann.connection.offset_s or 0) < 5


async def test_refusals_arrive_as_what_they_are(real: Hub, worker: Client) -> None:
    async with Client(real.url) as client:
        with pytest.raises(BadField) as caught:
            await client.submit("x", width=63)
        assert caught.value.field == "width"
        with pytest.raises(UnknownRecord):
            await client.pause("nobody")
        (job_id,) = await client.submit("x")
        with pytest.raises(IllegalTransition):
            await client.retry(job_id)
        assert client.connection.state == "live"


async def test_queries_and_history(real: Hub, worker: Client) -> None:
    async with Client(real.url) as client:
        (job_id,) = await client.submit("x")
        assert isinstance(await client.query("health"), dict)
        assert isinstance(await client.query("why", job_id=job_id), dict)
        assert [row["jobId"] for row in await client.history("jobs", 0.0)] == [job_id]
        assert await client.history("steps") == []


async def test_polling_the_real_hub(real: Hub, worker: Client, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> Any:
        raise InvalidHandshake("no upgrade here")

    async with Client(real.url) as other:
        await other.ready(10)
        with monkeypatch.context() as patched:
            patched.setattr(Socket, "open", refuse)
            async with Client(real.url, user="ann", poll_s=0.02, backoff=quick()) as client:
                await client.ready(10)
                assert client.connection.state == "polling"
                (job_id,) = await client.submit("hills")
                await until("its own job", lambda: client.board.get("jobs", job_id))
                (later,) = await other.submit("more")
                await until("somebody else's job", lambda: client.board.get("jobs", later))
                with pytest.raises(BadField):
                    await client.submit("x", steps=0)
                assert client.connection.state == "polling"
                patched.undo()
                await until("a WebSocket again", lambda: client.connection.state == "live")
                await client.pause(later)
                await until("paused", lambda: other.board.get("jobs", later)["status"] == "paused")


async def test_a_restarted_hub_is_found_again(tmp_path: Path, until: Any) -> None:
    hub = Hub(Settings(port=0, data=tmp_path))
    await hub.start()
    settings = Settings(port=int(hub.url.rsplit(":", 1)[1]), data=tmp_path)
    async with (Client(hub.url, WORKER, greet=register, backoff=quick()) as worker,
                Client(hub.url, backoff=quick()) as client):
        await worker.call("heartbeat", says.Heartbeat())
        (job_id,) = await client.submit("hills")
        before = client.hub_id
        await hub.stop()
        await until("the loss", lambda: not client.connection.usable)
        waiting = asyncio.create_task(client.pause(job_id))
        hub = Hub(settings)
        await hub.start()
        try:
            await waiting
            await until("paused", lambda: client.board.get("jobs", job_id)["status"] == "paused")
            assert list(client.board.all("jobs")) == [job_id]
            assert before
        finally:
            await hub.stop()
