"""The page's components in a notebook. The browser may not reach the hub, so the kernel's client hands over the same
messages through the component's own channel, and takes the browser's commands the same way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn

from .. import charts
from ..client import Live
from ..errors import EchodeckError
from ..version import __version__
from ..wire import INITIAL, PROTOCOL, Message
from ..wire.show import iso
from . import components
from .components import elements

log = logging.getLogger(__name__)

FLUSH_S = 0.1
STATUS_S = 1.0


class KernelChannel(elements.Channel):
    """A channel whose other end is a live connection of this kernel.

    What the hub says is collected and sent ten times a second at most. `close` ends the forwarding; the connection is
    whoever made it's to close.
    """

    def __init__(self, live: Live) -> None:
        super().__init__(config={"transport": "notebook", "table": elements.table(), "user": ""},
                         style_text=components.style_elsewhere(), width=0, height=0, sizing_mode="fixed")
        self._live = live
        self._waiting: list[dict[str, Any]] = []
        self._due: asyncio.TimerHandle | None = None
        # A command may wait for the hub; the kernel's own thread must not.
        self._commands = ThreadPoolExecutor(1, "echodeck-command")
        self._closed = False
        self._off = live.on("*", self._take)

    def close(self) -> None:
        self._closed = True
        self._off()
        self._commands.shutdown(wait=False)

    def _handle_msg(self, data: Any) -> None:
        """What the browser says: `hello` on arrival, or `say` with a client's frame. Called in the kernel's thread."""
        if not isinstance(data, dict):
            return
        if data.get("hello"):
            self._live.run(self._hello())
        elif isinstance(frame := data.get("say"), dict):
            self._commands.submit(self._say, frame).add_done_callback(_report)

    async def _hello(self) -> None:
        """All there is, as the messages that a new connection would get. In the client's loop, so nothing is between
        this and what follows."""
        board = self._live.client.board
        state: dict[str, Any] = {field: list(board.all(kind).values()) for field, (kind, _) in INITIAL.items()}
        metrics, presence = board.get("metrics") or {}, board.get("presence") or {}
        state |= {"queue": board.get("queue"), "metrics": metrics.get("metrics"), "users": presence.get("users", []),
                  "seq": board.seq, "hub": self._live.client.hub_id, "protocol": PROTOCOL, "version": __version__,
                  "now": iso(time.time())}
        present = {field: value for field, value in state.items() if value is not None}
        self._waiting = [{"type": "initial_state", "payload": present}]
        if status := board.get("status"):
            self._waiting.append({"type": "system_status", "payload": status})
        self._flush()

    def _take(self, message: Message) -> None:
        """A message from the hub, in the client's loop."""
        if message.type not in ("ack", "error", "pong"):  # answers to the kernel's own requests
            self._waiting.append(message._asdict())
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        """Send what has come together and how the connection is; look again later even if the hub says nothing."""
        messages, self._waiting = self._waiting, []
        if self._due is not None:
            self._due.cancel()
        if self._closed:
            return
        self._due = asyncio.get_running_loop().call_later(STATUS_S, self._flush)
        self._send_msg({"messages": messages, "status": self._status(),
                        "offsetMs": 1000 * (self._live.connection.offset_s or 0.0)})

    def _status(self) -> dict[str, Any]:
        """The connection as the browser's badge knows it: milliseconds, camelCase."""
        now = self._live.connection
        return {"state": now.state, "attempts": now.attempts, "reason": now.reason,
                "latencyMs": None if now.latency_s is None else 1000 * now.latency_s,
                "nextTryAt": None if now.next_try_s is None else 1000 * now.next_try_s}

    def _say(self, frame: dict[str, Any]) -> None:
        """Pass a command on, under its own id, and bring the browser the answer."""
        id_ = str(frame.get("id"))
        try:
            result = self._live.call(str(frame.get("type")), frame.get("payload"), id_=id_)
            answer = {"type": "ack", "payload": {"id": id_, "result": result}}
        except EchodeckError as error:
            answer = {"type": "error", "payload": {"id": id_, **error.as_dict()}}
        self._send_msg({"messages": [answer]})


_channels: WeakKeyDictionary[Live, KernelChannel] = WeakKeyDictionary()


def _report(done: Future[None]) -> None:
    if error := done.exception():
        log.error("a command of the browser's could not be passed on", exc_info=error)


@cache
def extend() -> None:
    """Load Panel into the notebook, from this machine (nothing is fetched), and only once a kernel: loading it again
    would give every figure its rows twice."""
    pn.extension(inline=True)


def deck(live: Live, *parts: str) -> pn.Column:
    """The live components of these names (see PARTS; all of them if none is given), for a cell's last line.

    A connection feeds the deck that was made last: all on a page share what it brings, and a cell that is run again
    leaves none behind.
    """
    if before := _channels.pop(live, None):
        before.close()
    channel = _channels[live] = KernelChannel(live)
    return _surface(channel, *(PARTS[name]() for name in parts or PARTS))


PARTS: dict[str, Callable[[], elements.Component]] = {
    "top": lambda: elements.Top(paged=False), "counts": elements.Counts, "generations": elements.Generations,
    "queue": elements.Queue, "recent": elements.Recent, "machines": elements.Machines, "plots": elements.HostCharts.of,
    "engines": elements.Engines, "alerts": elements.Alerts, "logs": elements.Logs,
    "submit": lambda: elements.SubmitForm(inline=True),
}


def chart(made: charts.Chart) -> pn.Column:
    """One chart of `echodeck.charts` for a cell's last line. It needs a `deck` in the same notebook, which brings the
    code that draws it, and its rows if the chart is a live one."""
    return _surface(elements.ChartView(chart=charts.to_json(made)))


def _surface(*parts: elements.Component) -> pn.Column:
    """Our own dark ground: the notebook's may be white."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles={
        "background": charts.DARK.background, "padding": "14px", "gap": "14px", "border-radius": "10px"})
