"""A connection at its lowest: uvicorn's WebSocket protocol with a way to write frames that were built once.

uvicorn builds a frame for every send. Here a frame is bytes made once and written to every transport that is due; this
is right only because compression is off (`ws_per_message_deflate=False` in `app`) and servers do not mask (RFC 6455).
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "echodeck.line"
"""Where an ASGI scope's `extensions` has the Line, as "line"."""
FULL_BYTES = 64 * 1024
"""A connection with so much unsent is given nothing more for now."""
_UNSENT_BYTES = 16 * 1024
# Absent on Windows: there a slow reader is only noticed later.
_NOTSENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def text_frame(data: bytes) -> bytes:
    """One whole unmasked WebSocket text frame (RFC 6455, 5.2)."""
    size = len(data)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + data
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + data
    return struct.pack("!BBQ", 0x81, 127, size) + data


class Line(WebSocketsSansIOProtocol):
    """Give it to uvicorn as `ws`; the ASGI app finds it in the scope's extensions."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code != 101:
            return
        # The application's task was made just now and has not run yet.
        extensions = self.scope["extensions"]
        assert extensions is not None
        extensions[EXTENSION] = {"line": self}
        connection = self.transport.get_extra_info("socket")
        if _NOTSENT_LOWAT is not None and connection is not None:
            # Otherwise the kernel swallows megabytes before we notice that nobody reads.
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT_BYTES)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # Refusing with a body also completes the handshake; uvicorn would log it as an error.
            self.handshake_complete = True

    def write(self, frames: bytes) -> None:
        """Whole text frames, to go out as they are. Never blocks; dropped when the connection is closing."""
        if self.conn.state.name == "OPEN" and not self.transport.is_closing():
            self.transport.write(frames)

    @property
    def unsent_bytes(self) -> int:
        """What the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Closes at once, without a word: nobody listens."""
        self.transport.abort()
