"""Real receivers on this machine: one of HTTP that keeps what it is sent and answers as it is told, and one of mail."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

PATIENCE_S = 10.0
SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return {name.lower(): value for name, value in self.headers.items()}["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """`answers` are the statuses to come, with headers; then 200. While `hold` is not set, nobody is answered."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                receiver.got.append(Got(self.path, dict(self.headers.items()), body))
                receiver.hold.wait(PATIENCE_S)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's way to the outside is."""
    monkeypatch.setenv("no_proxy", "*")


class Mailbox(ThreadingTCPServer):
    """As much of SMTP as it takes to be given a mail."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[str] = []
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Smtp(StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode():
            match line[:4].upper():
                case "EHLO":
                    self._say("250-here\r\n250 8BITMIME")
                case "DATA":
                    self._say("354 go on")
                    self.server.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    self._say("250 kept")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    found = Mailbox()
    yield found
    found.shutdown()
    found.server_close()


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    """A table [notify] with one webhook, that errors go to."""
    return {
        "channels": {"studio": {"webhook": f"http://ann:word@{receiver.place}/hook/s3cret", "secret": SECRET,
                                "group_s": 0, **more}},
        "routes": {"trouble": {"to": ["studio"], "levels": ["error"], "endings": ["completed"]}},
    }


@pytest.fixture
def table() -> Callable[..., dict[str, Any]]:
    return hook


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    async def wait(true: Callable[[], Any], what: str = "") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"waited for {what or true}"
            await asyncio.sleep(0.005)

    return wait
