"""The client's parts: back-off, polling over REST, the thread bridge, errors rebuilt."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from echodeck.client import Backoff, Client, connect
from echodeck.errors import BadField, EchodeckError, HubUnreachable, InputError, StoreUnavailable


def test_the_backoff_doubles_to_its_limit_and_starts_again() -> None:
    backoff = Backoff(chance=lambda: 0.0)
    assert [backoff.next_s() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.reset()
    assert [backoff.next_s() for _ in range(8)] == [1.0] * 6 + [2.0, 4.0]  # back in seconds, if it was restarted
    assert Backoff(chance=lambda: 1.0).next_s() == 0.5
    for _ in range(2000):  # nor does it overflow
        assert backoff.next_s() <= 30.0


class RestHub(BaseHTTPRequestHandler):
    """A hub behind something that lets no WebSocket through."""

    messages: list[dict[str, Any]]
    afters: list[str | None]
    posted: list[dict[str, Any]]
    broken = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if self.broken:
            self._answer(502, b"<html>bad gateway</html>")
        elif url.path == "/api/state":
            after = query.get("after", [None])[0]
            self.afters.append(after)
            state = {"seq": 5, "hub": "h", "jobs": [{"jobId": "a", "progress": 1.0}]}
            late = [m for m in self.messages if m["seq"] > int(after or 0)]
            self._answer(200, {"initial": state} if after is None else {"seq": 9, "messages": late})
        elif url.path == "/api/history/jobs":
            self._answer(200, [{"jobId": "old", "since": query.get("since")}])
        else:
            self._answer(404, {"error": {"code": "unknown_path", "message": "no such path", "field": None}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.posted.append(body)
        if body["type"] == "retry":
            self._answer(409, {"error": {"code": "illegal_transition", "message": "no", "field": "command"}})
        elif body["type"] == "query":
            result = {"type": "query_result", "payload": {"answer": {"healthy": True}}, "timestamp": ""}
            ack = {"id": body.get("id"), "result": {"answer": {"healthy": True}}}
            self._answer(200, {"type": "ack", "payload": ack, "timestamp": "", "messages": [result]})
        else:
            self._answer(200, {"type": "ack", "payload": {"id": body["id"], "result": {"jobIds": ["n"]}}})

    def _answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def rest_hub() -> Iterator[Any]:
    handler = type("Handler", (RestHub,), {"messages": [], "afters": [], "posted": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"  # type: ignore[attr-defined]
    handler.port = server.server_address[1]  # type: ignore[attr-defined]
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


async def test_it_polls_while_no_websocket_can_be_had(rest_hub: Any, client_of: Any, say: Any, until: Any) -> None:
    async with client_of(rest_hub, client_id="c") as client:
        await client.ready(10)
        assert client.connection.state == "polling"
        assert "no WebSocket" in client.connection.reason
        assert client.board.get("jobs", "a")["progress"] == 1.0
        rest_hub.messages.append(say.frame("generation_progress", {"jobId": "a", "progress": 7.0}, 6))
        await until("event 6", lambda: client.board.seq == 6)
        assert client.board.get("jobs", "a")["progress"] == 7.0
        assert await client.submit("hills") == ["n"]
        with pytest.raises(InputError) as caught:
            await client.retry("a")
        assert caught.value.code == "illegal_transition"
        assert await client.query("health") == {"healthy": True}
        results: list[Any] = []
        client.on("query_result", lambda message: results.append(message.payload["answer"]))
        await client.call("query", {"what": "health"})
        assert results == [{"healthy": True}]  # what came beside the ack
        assert await client.history("jobs", 5.0) == [{"jobId": "old", "since": ["5.0"]}]
        await until("a latency", lambda: client.connection.latency_s is not None)
        with pytest.raises(EchodeckError, match="no such path"):
            await client.get("/api/nothing")
        assert client.connection.state == "polling"
    assert rest_hub.afters[0] is None
    assert next(p for p in rest_hub.posted if p["type"] == "submit")["payload"] == {"prompt": "hills"}


async def test_a_worker_does_not_poll(rest_hub: Any, client_of: Any, until: Any) -> None:
    async with client_of(rest_hub, endpoint="/api/coordination/ws") as client:
        await until("two tries", lambda: client.connection.attempts >= 2)
    assert not rest_hub.afters


async def test_it_goes_back_to_a_websocket(hub: Any, client_of: Any, until: Any) -> None:
    """The scripted hub refuses the upgrade at first, while REST of the same board answers elsewhere."""
    hub.refuse = 503
    client = client_of(hub)
    answers = [{"initial": {"seq": 5, "hub": "h1", "jobs": [{"jobId": "a"}]}}]

    async def get(path: str, **query: Any) -> Any:
        return answers[0] if query.get("after") is None else {"seq": 5, "messages": []}

    client.rest.get = get
    async with client:
        await until("polling", lambda: client.connection.state == "polling")
        hub.refuse, hub.greeting = None, []
        await until("live", lambda: client.connection.state == "live")
        assert hub.queries[0]["after"] == "5"
        assert client.board.get("jobs", "a") == {"jobId": "a"}


async def test_something_else_on_the_port_is_no_hub(rest_hub: Any, client_of: Any) -> None:
    rest_hub.broken = True
    async with client_of(rest_hub, attempts=1) as client:
        with pytest.raises(HubUnreachable, match=r"no hub \(HTTP 502\)"):
            await client.ready(10)


async def test_errors_of_the_store_come_through(hub: Any, client_of: Any, say: Any) -> None:
    full = {"code": "store_unavailable", "message": "the disk is full"}
    hub.reply = lambda request: say.frame("error", {"id": request["id"], **full})
    async with client_of(hub) as client:
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await client.submit("x")


# --- the thread bridge -----------------------------------------------------------------------------------------------


@pytest.fixture
def hub_thread(scripted_hub: Any) -> Iterator[Any]:
    """The scripted hub in a loop of another thread, for code that blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    hub = scripted_hub()
    asyncio.run_coroutine_threadsafe(hub.start(), loop).result(10)
    hub.do = lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)  # type: ignore[attr-defined]
    yield hub
    asyncio.run_coroutine_threadsafe(hub.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_a_script_steers_and_reads(hub_thread: Any, say: Any) -> None:
    hub_thread.greeting = [say.initial(3, [{"jobId": "a"}])]
    with connect(hub_thread.url, user="ann") as live:
        assert live.connection.state == "live"
        assert live.board.get("jobs", "a") == {"jobId": "a"}
        assert len(live.board) == len(live.board.snapshot())
        tick, seen = live.board.tick, threading.Event()
        live.on("generation_queued", lambda message: seen.set())
        hub_thread.do(hub_thread.say(say.frame("generation_queued", {"jobId": "b"}, 4)))
        assert seen.wait(10)
        assert [entry.key for entry in live.board.after_tick(tick)] == ["b"]
        assert live.board.seq == 4
        assert live.pause("a") == {"echo": {"jobId": "a", "command": "pause"}}
        hub_thread.reply = lambda r: say.frame("error", {"id": r["id"], "code": "bad_field", "message": "steps: 0",
                                                         "field": "steps"})
        with pytest.raises(BadField):
            live.submit("x", steps=0)
        assert "submit" in dir(live)
        with pytest.raises(AttributeError):
            live.nonsense  # noqa: B018
    assert not any(thread.name == "echodeck-client" for thread in threading.enumerate())
    live.close()
    with pytest.raises(HubUnreachable):
        live.pause("a")


def test_a_handler_in_the_clients_thread_may_not_block_it(hub_thread: Any, say: Any) -> None:
    raised: list[str] = []
    done = threading.Event()
    with connect(hub_thread.url) as live:

        def handler(message: Any) -> None:
            try:
                live.pause("a")
            except HubUnreachable as error:
                raised.append(str(error))
            done.set()

        live.on("generation_queued", handler)
        hub_thread.do(hub_thread.say(say.frame("generation_queued", {"jobId": "b"}, 4)))
        assert done.wait(10)
    assert "coroutine function" in raised[0]


def test_connect_says_in_one_sentence_that_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHODECK_HUB", "http://127.0.0.1:9")
    with pytest.raises(HubUnreachable) as caught:
        connect(wait_s=0.2)
    assert str(caught.value).startswith("no hub answers at http://127.0.0.1:9 (connection refused)")
    assert "\n" not in str(caught.value)
    assert not any(thread.name == "echodeck-client" for thread in threading.enumerate())


def test_connect_can_go_ahead_of_the_hub(hub_thread: Any) -> None:
    hub_thread.do(hub_thread.stop())
    with connect(hub_thread.url, wait_s=None, backoff=Backoff(0.02, 0.1)) as live:
        assert live.connection.state in ("connecting", "waiting")
        hub_thread.do(hub_thread.start())
        live.ready(10)
        assert live.connection.state == "live"


async def test_a_client_that_fails_by_itself_says_so(hub: Any, client_of: Any,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    async def greet(client: Client) -> None:
        raise RuntimeError("boom")

    async with client_of(hub, greet=greet) as client:
        with pytest.raises(HubUnreachable, match="error of its own"):
            await client.call("retry", {"jobId": "a"}, timeout_s=10)
    assert "boom" in caplog.text
