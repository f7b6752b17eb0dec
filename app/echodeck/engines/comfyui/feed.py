"""What a ComfyUI sends, for whoever wants it: one websocket a server, opened again whatever happens to it.

Runs in a thread of its own, begun when first needed. Its client id begins with `echodeck-`, by which our extension in
the server knows whom to send what is meant for others; it is never another client's.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from ...errors import EngineError
from .. import feed
from ..web import LOOPBACK
from .frames import Frame, parse_binary, parse_text
from .rest import SystemStats
from .server import Server

log = logging.getLogger(__name__)

FIRST_S, LAST_S = 1.0, 30.0
"""Between two tries to connect, doubling."""
OPEN_S = 5.0
LISTEN_S = 0.2
MAX_FRAME_BYTES = 64 << 20
PREFIX = "echodeck-"
HELLO = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


@dataclass(frozen=True, slots=True)
class Up:
    """A connection has begun; `boot` counts them."""

    boot: int


News = Frame | Up
"""What is handed on."""


class Feed(feed.Feed):
    """`stats` is what the server says it is, `note` what is amiss although it answers."""

    def __init__(self, server: Server, client_id: str) -> None:
        super().__init__(server.url)
        self.server, self.client_id, self.boot = server, client_id, 0
        self.note = ""
        self.stats: SystemStats | None = None

    # --- inside, in the thread ---

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._stop.is_set():
            try:
                worked = self._connect()
                self._down("the connection was lost")
            except EngineError as error:
                worked = False
                self._down(error.message)
            except (OSError, WebSocketException):
                worked = True
                self._down(f"the connection to {self.server.url} was lost")
            except Exception:
                # Whatever a server sends, its feed goes on, and the others do not notice.
                log.exception("the feed of %s failed", self.server.url)
                worked = False
                self._down("what it sent could not be understood; the log has more")
            wait_s = FIRST_S if worked else min(2 * wait_s, LAST_S)
            self._stop.wait(wait_s)

    def _connect(self) -> bool:
        """From opening to loss. True when it was good for a while."""
        self.stats = self.server.stats()
        self.server.again()
        try:
            socket = connect(_address(self.server.url, self.client_id), open_timeout=OPEN_S, max_size=MAX_FRAME_BYTES,
                             compression=None, proxy=None if _loopback(self.server.url) else True,
                             additional_headers=self.server.web.headers)
        except (OSError, TimeoutError, WebSocketException) as error:
            self.note = f"it gives no websocket ({error}), so steps and previews are not seen"
            self._up()
            return self._poll()
        with socket:
            socket.send(HELLO)
            self.note = ""
            self._up()
            self._read(socket)
        return True

    def _poll(self) -> bool:
        """REST alone, for a while; then the websocket is tried again."""
        until = time.monotonic() + LAST_S
        while time.monotonic() < until and not self._stop.wait(FIRST_S):
            self.stats = self.server.stats()
        return True

    def _read(self, socket: ClientConnection) -> None:
        while not self._stop.is_set():
            try:
                frame = socket.recv(timeout=LISTEN_S)
            except TimeoutError:
                continue
            self._hand_on(parse_binary(frame) if isinstance(frame, bytes) else parse_text(frame))

    def _up(self) -> None:
        self.boot += 1
        super()._up()
        self._hand_on(Up(self.boot))


def _address(url: str, client_id: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws", f"clientId={quote(client_id)}", ""))


def _loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in LOOPBACK


def next_of(queue: SimpleQueue[News], timeout_s: float) -> News | None:
    """What comes next, None if nothing does in time."""
    try:
        return queue.get(timeout=timeout_s)
    except Empty:
        return None
