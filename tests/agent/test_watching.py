"""An agent whose engine drives a server that others use too, with a real hub: told of, steered, down and up again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck.agent import Agent
from echodeck.agent.crew import lanes
from echodeck.client import Client
from echodeck.config import Settings
from echodeck.engines import Sighting, Sights
from echodeck.errors import ConfigError, EngineError, IllegalTransition
from echodeck.hub.app import Hub
from echodeck.model.engine import EngineInfo
from echodeck.model.job import JobSpec
from echodeck.model.record import Host
from echodeck.store.memory import MemoryStore

SPEC = JobSpec("server", "sdxl", title="hero shot")


class Server:
    """An engine that watches: the test sets what it sees and what it is, and hears what it is asked."""

    def __init__(self) -> None:
        self.state = EngineInfo("server", extras=("free",))
        self.sights: Sights | None = None
        self.watching = threading.Event()
        self.asked: list[tuple[str, ...]] = []
        self.problem = ""
        self.freed = 0
        self.raises: Exception | None = None

    def info(self) -> EngineInfo:
        return self.state

    def run(self, job_id: str, spec: JobSpec, control: Any) -> None:
        control.plan([("sample", 1)])
        control.stage("sample")
        control.step(1)

    def watch(self, sights: Sights) -> None:
        if self.raises is not None:
            error, self.raises = self.raises, None
            raise error
        self.sights = sights
        self.watching.set()
        sights.ended.wait()

    def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        self.asked.append((job_id, command, before, after))
        if self.problem:
            raise EngineError(self.problem)

    def free(self) -> None:
        self.freed += 1

    def close(self) -> None:
        self.closed = True


class Source:
    def read(self) -> Host:
        return Host("here", at_s=time.time())


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    running = Hub(Settings(port=0, data=tmp_path / "hub", lease_s=1.0, heartbeat_s=0.2), MemoryStore())
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr("echodeck.agent.agent.ANNOUNCE_S", 0.02)
    monkeypatch.setattr("echodeck.agent.watcher.AGAIN_S", 0.02)
    return Server()


@pytest.fixture
async def agent(hub: Hub, server: Server, tmp_path: Path) -> AsyncIterator[Agent]:
    settings = Settings(hub=hub.url, data=tmp_path, period_s=0.05, heartbeat_s=0.1, lease_s=0.4)
    made = Agent(settings, engines={"server": server}, source=Source(), name="here")
    task = asyncio.create_task(made.run())
    yield made
    made.stop()
    await task


@pytest.fixture
async def ada(hub: Hub, agent: Agent, server: Server, until: Any) -> AsyncIterator[Client]:
    async with Client(hub.url, user="ada") as client:
        await client.ready()
        await until("watching", server.watching.is_set)
        await until("the engine", lambda: client.board.get("engines", "server"))
        yield client


def view(client: Client, job_id: str = "a") -> dict[str, Any]:
    return client.board.get("jobs", job_id) or {}


async def test_what_is_sighted_is_seen_by_everybody(server: Server, ada: Client, until: Any) -> None:
    assert server.sights is not None
    server.sights.sight(Sighting("a", SPEC, created_s=time.time()))
    await until("the job", lambda: view(ada).get("status") == "pending")
    told = server.sights.sight(Sighting("a", SPEC, running=True, started_s=time.time()))
    told.plan([("load", 0), ("sample", 4)])
    told.stage("sample")
    told.step(3, lambda: ("image/png", b"picture"))
    await until("its steps", lambda: view(ada).get("currentStep") == 3)
    await until("its picture", lambda: ada.board.get("previews", "a"))
    told.completed()
    await until("its end", lambda: view(ada).get("status") == "completed")
    assert [stage["status"] for stage in view(ada)["stages"]] == ["skipped", "completed"]
    assert server.sights.known() == {}


async def test_it_is_steered_from_here_and_refusals_are_told(server: Server, ada: Client, until: Any) -> None:
    assert server.sights is not None
    for n, job_id in enumerate("ab"):
        server.sights.sight(Sighting(job_id, SPEC, place=n))
    await until("both", lambda: view(ada) and view(ada, "b"))
    await ada.call("move", {"jobId": "b", "direction": "top"})
    await until("the move", lambda: server.asked == [("b", "move", "a", "")])
    server.sights.sight(Sighting("b", SPEC, place=-1.0))
    await until("the order", lambda: ada.board.get("queue")["order"] == ["b", "a"])
    server.problem = "partner keys would be lost"
    await ada.call("move", {"jobId": "a", "direction": "top"})
    await until("the refusal", lambda: view(ada)["request"] == "" and any(
        "partner keys" in line["message"] for line in ada.board.all("logs").values()))
    assert ada.board.get("queue")["order"] == ["b", "a"]


async def test_a_server_that_is_down_is_told_of_and_gets_no_job(server: Server, ada: Client, until: Any) -> None:
    server.state = replace(server.state, reason="nothing answers at http://127.0.0.1:1", since_s=5.0)
    await until("the reason", lambda: ada.board.get("engines", "server")["reason"])
    [job_id] = (await ada.call("submit", {"engine": "server", "model": "m"}))["jobIds"]
    await until("a claim less", lambda: view(ada, job_id).get("status") == "pending")
    with pytest.raises(IllegalTransition, match="nothing answers"):
        await ada.call("engine_command", {"engine": "server", "command": "free"})
    server.state = replace(server.state, reason="", since_s=0.0)
    await until("the end", lambda: view(ada, job_id)["status"] == "completed")


async def test_models_are_let_go_when_somebody_asks(server: Server, ada: Client, until: Any) -> None:
    await ada.call("engine_command", {"engine": "server", "command": "free"})
    await until("it", lambda: server.freed == 1)


async def test_what_runs_is_told_again_to_a_hub_that_forgot(hub: Hub, server: Server, ada: Client, until: Any,
                                                            tmp_path: Path) -> None:
    assert server.sights is not None
    server.sights.sight(Sighting("a", SPEC, running=True))
    await until("the job", lambda: view(ada).get("status") == "running")
    port = int(hub.url.rsplit(":", 1)[1])
    await hub.stop()
    other = Hub(Settings(port=port, data=tmp_path / "other", lease_s=1.0, heartbeat_s=0.2), MemoryStore())
    await other.start()
    try:
        await until("the job again", lambda: ada.hub_id == other.room.hub_id and view(ada).get("status") == "running")
    finally:
        await other.stop()


async def test_watching_that_fails_begins_again(hub: Hub, server: Server, agent: Agent, until: Any,
                                                caplog: pytest.LogCaptureFixture) -> None:
    await until("watching", server.watching.is_set)
    server.watching.clear()
    server.raises = RuntimeError("an unknown message")
    agent.watchers[0]._ended, ended = threading.Event(), agent.watchers[0]._ended
    ended.set()
    await until("watching again", server.watching.is_set)
    assert "an unknown message" in caplog.text


def test_an_agent_has_a_lane_a_slot_and_a_lane_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Remote(Server):
        def __init__(self, output_dir: Path, name: str, url: str) -> None:
            super().__init__()
            self.name, self.url = name, url

    monkeypatch.setattr("echodeck.agent.crew.find", lambda name: Remote if name == "comfyui" else lambda _: Server())
    settings = Settings(data=tmp_path, slots=2, comfyui="http://a:1, big=b:2")
    made = lanes(settings)
    assert [list(lane) for lane in made] == [["sketch"], ["sketch"], ["comfyui"], ["big"]]
    assert [(lane[name].name, lane[name].url) for lane in made[2:] for name in lane] == [  # type: ignore[attr-defined]
        ("comfyui", "http://a:1"), ("big", "http://b:2")]
    assert [list(lane) for lane in lanes(replace(settings, engine="none"))] == [["comfyui"], ["big"]]
    with pytest.raises(ConfigError, match="two engines are called 'sketch'"):
        lanes(replace(settings, comfyui="sketch=http://a:1"))
