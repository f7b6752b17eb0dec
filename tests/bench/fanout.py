"""What does it cost the hub to tell everybody? Server CPU a delivery, beside raw sockets and websockets.broadcast.

Each server runs in this process with the same viewers, a process of their own that only reads. One delivery is one
message to one viewer; every message is of another record, so that none is conflated away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websockets

from echodeck import wire
from echodeck.config import Settings
from echodeck.hub.app import Hub
from echodeck.hub.line import text_frame
from echodeck.hub.session import Shown
from echodeck.store.memory import MemoryStore

VIEWERS = 200
RATE = 10
"""Flushes a second."""
BATCH = 5
"""Messages a flush."""
READERS = """
import asyncio, sys
class Reader(asyncio.Protocol):
    def connection_made(self, transport):
        hello = (f"GET {sys.argv[2]} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nUpgrade: websocket\\r\\n"
                 "Connection: Upgrade\\r\\n"
                 "Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n"
                 "Sec-WebSocket-Protocol: echodeck.v1\\r\\n\\r\\n")
        transport.write(hello.encode())
async def main():
    loop = asyncio.get_running_loop()
    for _ in range(int(sys.argv[3])):
        await loop.create_connection(Reader, "127.0.0.1", int(sys.argv[1]))
    await loop.run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def payload(rng: random.Random) -> dict[str, object]:
    """About 300 bytes as a frame."""
    return {"jobId": f"job{rng.randrange(1000)}", "progress": rng.random() * 100, "currentStep": 3, "totalSteps": 40,
            "stage": "sample", "eta": rng.random() * 60, "etaLow": rng.random(), "etaHigh": rng.random(),
            "speed": rng.random(), "workerId": "worker-1", "model": "sketch-m", "resolution": "512x512"}


@contextlib.asynccontextmanager
async def readers(port: int, path: str, count: Callable[[], int]) -> AsyncIterator[None]:
    """The viewers, all connected."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", READERS, str(port), path, str(VIEWERS),
                                                   stdin=subprocess.PIPE)
    try:
        async with asyncio.timeout(30):
            while count() < VIEWERS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def measure(seconds: float, tell: Callable[[], None]) -> float:
    """Microseconds of this process's CPU a delivery, `tell` called BATCH times a flush."""
    began, cpu, sent = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        for _ in range(BATCH):
            tell()
        sent += BATCH
        await asyncio.sleep(1 / RATE)
    return (time.process_time() - cpu) / (sent * VIEWERS) * 1e6


async def ours(rng: random.Random, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as name:
        hub = Hub(Settings(port=0, data=Path(name)), MemoryStore())
        await hub.start()
        number = iter(range(10**9))

        def tell() -> None:
            hub.fanout.publish(Shown("generation_progress", payload(rng), 1.7e9, "jobs", f"job{next(number)}"))

        async with readers(int(hub.url.rsplit(":", 1)[1]), "/api/ws", lambda: len(hub.fanout)):
            found = await measure(seconds, tell)
        await hub.stop()
    return found


async def raw(rng: random.Random, seconds: float) -> float:
    """The floor: the frame is built once and written to every socket."""
    transports: list[asyncio.WriteTransport] = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.WriteTransport)
            transports.append(transport)

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)

    def tell() -> None:
        frame = text_frame(wire.encode("generation_progress", payload(rng), 1.7e9))
        for transport in transports:
            transport.write(frame)

    async with readers(server.sockets[0].getsockname()[1], "/", lambda: len(transports)):
        found = await measure(seconds, tell)
    server.close()
    return found


async def library(rng: random.Random, seconds: float) -> float:
    """The peer: the websockets library's own broadcast."""
    async def stay(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve_websockets(stay, "127.0.0.1", 0, compression=None) as server:
        def tell() -> None:
            broadcast(server.connections, wire.encode("generation_progress", payload(rng), 1.7e9).decode())

        port = next(iter(server.sockets)).getsockname()[1]
        async with readers(port, "/", lambda: len(server.connections)):
            found = await measure(seconds, tell)
    return found


def bench(seed: int, seconds: float) -> dict[str, object]:
    share_s = max(seconds, 0.6) / 3
    found = {name: asyncio.run(run(random.Random(seed), share_s))
             for name, run in (("hub", ours), ("raw sockets", raw), ("websockets.broadcast", library))}
    size = len(wire.encode("generation_progress", payload(random.Random(seed)), 0))
    return {
        "name": "fanout", "ours": {"cpu_us_per_delivery": found["hub"]},
        "peer": {"cpu_us_per_delivery": found["raw sockets"]},
        "ratio": {"cpu_us_per_delivery": found["hub"] / found["raw sockets"]},
        "notes": "peer: raw sockets; "
                 f"{VIEWERS} viewers, {BATCH} messages of {size} bytes {RATE} times a second; the hub sends what "
                 "is due as one write and its work of every second is counted, the floor writes every message; "
                 f"websockets.broadcast {found['websockets.broadcast']:.1f}; {os.cpu_count()} cores",
    }
