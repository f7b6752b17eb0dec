"""The words with a hub: one on a real socket that answers whatever a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from echodeck import wire
from echodeck.config import Settings
from echodeck.model.job import JobSpec
from echodeck.tracking.job import Job
from echodeck.tracking.liaison import Liaison, names, positive, requests, shape
from echodeck.wire.show import iso


@dataclass
class FakeTold:
    """As much of Told as the liaison uses."""

    job: Job
    spec: JobSpec
    plans: int = 0

    def again(self) -> None:
        self.plans += 1


@dataclass
class OddHub:
    """Answers each request by `result`, and sends `noise` before that."""

    result: Callable[[dict[str, Any]], Any] = lambda request: {}
    noise: list[Any] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def serve(self, socket: ServerConnection) -> None:
        hello = {"type": "initial_state", "payload": {"seq": 0, "hub": "h"}, "timestamp": iso(0.0)}
        await socket.send(json.dumps([hello]))
        async for text in socket:
            request = json.loads(text)
            self.heard.append(request)
            for one in self.noise:
                await socket.send(one if isinstance(one, str | bytes) else json.dumps(one))
            if "id" in request and request["type"] != "ping":
                payload = {"id": request["id"], "result": self.result(request)}
                await socket.send(json.dumps([{"type": "ack", "payload": payload, "timestamp": iso(0.0)}]))

    def said(self, type_: str) -> list[dict[str, Any]]:
        return [request["payload"] for request in self.heard if request["type"] == type_]


@pytest.fixture
async def hub() -> AsyncIterator[OddHub]:
    odd = OddHub()
    async with serve(odd.serve, "127.0.0.1", 0,
                     subprotocols=[wire.SUBPROTOCOL]) as server:  # type: ignore[list-item]
        odd.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield odd


@pytest.fixture
def told() -> FakeTold:
    job = Job("hero 12", model="sdxl", user="ann")
    return FakeTold(job, job.spec)


@pytest.fixture
async def liaison(hub: OddHub, told: FakeTold) -> AsyncIterator[Liaison]:
    made = Liaison(Settings(hub=hub.url, name="studio", heartbeat_s=0.02), {told.job.id: told})  # type: ignore[dict-item]
    task = asyncio.create_task(made.run())
    yield made
    assert not task.done() or task.exception() is None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def soon(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of another's doing
            await asyncio.sleep(0.005)


async def test_it_says_who_it_is_which_jobs_there_are_and_that_they_live(hub: OddHub, liaison: Liaison,
                                                                         told: FakeTold) -> None:
    await soon(lambda: hub.said("heartbeat") and hub.said("adopt"))
    [hello], adopt = hub.said("register"), hub.said("adopt")[0]
    assert (hello["kind"], hello["host"], hello["slots"]) == ("script", "studio", 0)
    assert hello["running"][0]["jobId"] == told.job.id
    assert (adopt["jobId"], adopt["origin"], adopt["user"], adopt["spec"]["title"]) == (
        told.job.id, "script", "ann", "hero 12")
    assert adopt["spec"]["shape"].endswith(":hero #")
    assert hub.said("heartbeat")[0]["jobs"] == [told.job.id]
    assert told.plans == 1
    assert liaison.url == hub.url


async def test_what_was_asked_for_while_it_was_away_is_heard_of(hub: OddHub, liaison: Liaison, told: FakeTold) -> None:
    hub.result = lambda request: {"jobs": [{"jobId": told.job.id, "action": "continue", "request": "pause"}]} \
        if request["type"] == "register" else {}
    await soon(lambda: told.job.wish.now == "pause")


async def test_a_job_that_the_hub_gave_up_is_told_of_again_once(hub: OddHub, liaison: Liaison, told: FakeTold) -> None:
    hub.result = lambda request: {"abandon": [told.job.id]} if request["type"] == "heartbeat" else {}
    await soon(lambda: len(hub.said("adopt")) == 2)
    beats = len(hub.said("heartbeat"))
    await soon(lambda: len(hub.said("heartbeat")) > beats + 3)
    assert (len(hub.said("adopt")), told.plans) == (2, 2)


GARBAGE = [
    "no json", b"\xff\x00", "[]", "{}", "7", {"type": 5}, {"type": "job_command"},
    [{"type": "job_command", "payload": {"jobId": None, "command": ["pause"]}, "timestamp": "never"}],
    [{"type": "job_command", "payload": 5, "timestamp": iso(0.0)}],
    [{"type": "pong", "payload": {"id": 5, "now": "never"}, "timestamp": iso(0.0)}],
    [{"type": "ack", "payload": {"id": "nobody's", "result": 7}, "timestamp": iso(0.0)}],
    [{"type": "error", "payload": {"id": None}, "timestamp": iso(0.0)}],
    [{"type": "x" * 10_000, "payload": {}, "timestamp": iso(0.0)}],
]
ODD: list[Any] = [None, 7, "x", [], {}, [None], [7], [{}], [{"jobId": 5, "request": 7}], {"jobs": 5}]


@pytest.mark.parametrize("odd", ODD, ids=str)
async def test_whatever_a_hub_says_it_goes_on(hub: OddHub, liaison: Liaison, told: FakeTold, odd: Any) -> None:
    hub.noise = GARBAGE
    hub.result = lambda request: {"jobs": odd, "abandon": odd, "heartbeatS": odd} if odd != 7 else odd
    await soon(lambda: len(hub.said("heartbeat")) > 3)
    hub.noise, hub.result = [], lambda request: {"jobs": [{"jobId": told.job.id, "request": "cancel"}]}
    await soon(lambda: told.job.wish.now == "cancel")


anything = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["", "a"])),
                        lambda inner: st.one_of(st.lists(inner), st.dictionaries(
                            st.sampled_from(["jobs", "jobId", "request", "abandon", "heartbeatS"]), inner)))


@given(st.dictionaries(st.sampled_from(["jobs", "abandon", "heartbeatS"]), anything))
def test_whatever_it_answers_is_read(result: dict[str, Any]) -> None:
    assert all(isinstance(one, str) for pair in requests(result) for one in pair)
    assert all(isinstance(one, str) for one in names(result.get("abandon")))
    assert 0 < positive(result.get("heartbeatS"), 2.0) < 3600


def test_works_of_one_place_have_one_shape(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", [str(tmp_path / "film.py")])
    assert shape("frame 12 of 240") == shape("frame 7 of 240") == "film.py:frame # of #"
