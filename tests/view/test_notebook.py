"""The kernel's end of a notebook's channel: what the browser is sent, and what becomes of its commands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from echodeck import charts, wire
from echodeck.client import Live, connect
from echodeck.view import notebook

JOB = {"jobId": "j1", "title": "one", "status": "running"}
PATIENCE_S = 20.0


def frame(type_: str, payload: dict[str, Any], seq: int | None = None) -> dict[str, Any]:
    return {"type": type_, "payload": payload, "timestamp": "2026-01-05T10:00:00.000Z"} | ({"seq": seq} if seq else {})


class SmallHub:
    """Greets with one job; acks what it is told, but knows no job "gone"."""

    def __init__(self) -> None:
        self.sockets: list[ServerConnection] = []
        self.server = serve(self._serve, "127.0.0.1", 0, subprotocols=[wire.SUBPROTOCOL])  # type: ignore[list-item]
        self.url = f"http://127.0.0.1:{self.server.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def say(self, *messages: dict[str, Any]) -> None:
        for socket in self.sockets:
            socket.send(json.dumps(messages))

    def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        state = {"seq": 7, "hub": "h1", "jobs": [JOB], "metrics": {"cpu": 3.0}, "queue": {"order": []}}
        self.say(frame("initial_state", state, 7), frame("system_status", {"cpu": 3.0}))
        try:
            for text in socket:
                self._answer(socket, json.loads(text))
        except ConnectionClosed:
            self.sockets.remove(socket)

    def _answer(self, socket: ServerConnection, said: dict[str, Any]) -> None:
        if said["type"] == "ping":
            socket.send(json.dumps([frame("pong", {"id": said.get("id"), "now": "2026-01-05T10:00:00.000Z"})]))
        elif said.get("payload", {}).get("jobId") == "gone":
            wrong = {"id": said["id"], "code": "unknown_job", "message": "no job has the id 'gone'", "field": "jobId"}
            socket.send(json.dumps([frame("error", wrong)]))
        elif said.get("id"):
            socket.send(json.dumps([frame("ack", {"id": said["id"], "result": {"did": said["type"]}})]))

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join(PATIENCE_S)


class Browser:
    """What would be drawn: everything that a channel sent."""

    def __init__(self, channel: notebook.KernelChannel) -> None:
        self.sent: list[dict[str, Any]] = []
        self.new = threading.Condition()
        channel._send_msg = self._receive

    def _receive(self, data: dict[str, Any]) -> None:
        with self.new:
            self.sent.append(json.loads(json.dumps(data)))
            self.new.notify_all()

    def messages(self) -> list[dict[str, Any]]:
        return [message for data in self.sent for message in data["messages"]]

    def wait(self, met: Callable[[], Any]) -> Any:
        with self.new:
            assert self.new.wait_for(met, PATIENCE_S), self.sent
            return met()

    def got(self, type_: str) -> list[dict[str, Any]]:
        return [message["payload"] for message in self.messages() if message["type"] == type_]


@pytest.fixture
def hub() -> Iterator[SmallHub]:
    made = SmallHub()
    yield made
    made.stop()


@pytest.fixture
def live(hub: SmallHub) -> Iterator[Live]:
    with connect(hub.url, wait_s=PATIENCE_S) as made:
        yield made


@pytest.fixture
def channel(live: Live) -> Iterator[notebook.KernelChannel]:
    made = notebook.KernelChannel(live)
    yield made
    made.close()


def test_who_says_hello_gets_everything_and_then_what_follows(hub: SmallHub, channel: Any) -> None:
    browser = Browser(channel)
    channel._handle_msg({"hello": True})
    browser.wait(browser.messages)
    first = browser.messages()[0]
    assert first["type"] == "initial_state"
    assert (first["payload"]["jobs"], first["payload"]["seq"], first["payload"]["hub"]) == ([JOB], 7, "h1")
    assert first["payload"]["metrics"] == {"cpu": 3.0}
    for number in range(5):
        hub.say(frame("generation_progress", {**JOB, "progress": number}, 8 + number))
    progress = browser.wait(lambda: len(browser.got("generation_progress")) == 5 and browser.got("generation_progress"))
    assert [payload["progress"] for payload in progress] == [0, 1, 2, 3, 4]
    assert browser.messages()[-1]["seq"] == 12
    assert browser.sent[-1]["status"]["state"] == "live"


def test_a_reload_gets_the_latest(hub: SmallHub, channel: Any, live: Live) -> None:
    browser = Browser(channel)
    hub.say(frame("generation_progress", {**JOB, "progress": 55}))
    deadline = time.monotonic() + PATIENCE_S
    while (live.board.get("jobs", "j1") or {}).get("progress") != 55:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    channel._handle_msg({"hello": True})
    browser.wait(lambda: browser.got("initial_state"))
    assert browser.got("initial_state")[-1]["jobs"][0]["progress"] == 55


def test_commands_go_on_and_their_answers_come_back(channel: Any) -> None:
    browser = Browser(channel)
    pause = {"type": "generation_command", "payload": {"jobId": "j1", "command": "pause"}, "id": "b-1"}
    channel._handle_msg({"say": pause})
    channel._handle_msg({"say": {"type": "retry", "payload": {"jobId": "gone"}, "id": "b-2"}})
    browser.wait(lambda: browser.got("ack") and browser.got("error"))
    assert browser.got("ack") == [{"id": "b-1", "result": {"did": "generation_command"}}]
    [error] = browser.got("error")
    assert (error["id"], error["code"], error["field"]) == ("b-2", "unknown_job", "jobId")


def test_what_is_no_message_is_passed_over(channel: Any) -> None:
    browser = Browser(channel)
    for odd in (None, [], "hello", {}, {"say": "pause"}):
        channel._handle_msg(odd)
    channel._handle_msg({"hello": True})
    browser.wait(lambda: browser.got("initial_state"))
    assert browser.got("error") == []


def test_the_badge_learns_that_the_hub_is_away(hub: SmallHub, channel: Any) -> None:
    browser = Browser(channel)
    channel._handle_msg({"hello": True})
    browser.wait(lambda: browser.sent and browser.sent[-1]["status"]["state"] == "live")
    hub.stop()
    browser.wait(lambda: browser.sent[-1]["status"]["state"] in ("waiting", "connecting"))
    assert browser.sent[-1]["status"]["reason"]


def test_a_deck_has_the_parts_asked_for_and_its_own_style(live: Live) -> None:
    column = notebook.deck(live, "generations", "queue")
    names = [type(part).__name__ for part in column]
    assert names == ["KernelChannel", "Generations", "Queue"]
    assert "--" in column[0].style_text
    assert column[0].config["transport"] == "notebook"
    column[0].close()


def test_the_newest_deck_is_the_one_that_is_fed(hub: SmallHub, live: Live) -> None:
    first, second = (notebook.deck(live, "queue")[0] for _ in range(2))
    old, new = Browser(first), Browser(second)
    hub.say(frame("generation_progress", {**JOB, "progress": 9}))
    new.wait(lambda: new.got("generation_progress"))
    assert old.sent == []
    second.close()


def test_every_part_can_be_made(live: Live) -> None:
    column = notebook.deck(live)
    assert len(column) == len(notebook.PARTS) + 1
    column[0].close()


def test_a_chart_for_a_cell() -> None:
    [view] = notebook.chart(charts.steps("j", [(1, 2.0)]))
    assert view.chart["item"]["doc"]["roots"]
