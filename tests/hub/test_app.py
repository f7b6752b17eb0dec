"""The hub as a process: one line when it is ready, one owner of its data, a clean end, nothing lost when killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

PATIENCE_S = 20.0
PROGRAM = """
import sys
from pathlib import Path
from echodeck.config import Settings
from echodeck.errors import EchodeckError
from echodeck.hub.app import main
try:
    main(Settings(port=int(sys.argv[2]), data=Path(sys.argv[1])))
except EchodeckError as error:
    sys.exit(f"{error.code}: {error}")
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(port=0)`: a hub process on the test's data directory."""
    running: list[subprocess.Popen[str]] = []

    def run(port: int = 0) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "data"), str(port)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """Where it says it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Echo Brain listening on http://127.0.0.1:"), line + (process.stderr or sys.stdin).read()
    return line.split()[-1]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_when_told(start: Start, number: signal.Signals) -> None:
    process = start()
    url = await asyncio.to_thread(address, process)
    async with connect(url.replace("http", "ws") + "/api/ws", proxy=None) as viewer:
        await viewer.recv()
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            async for _ in viewer:
                pass
        assert viewer.close_code == 1001
    out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_second_hub_on_the_same_data_says_who_has_it(start: Start) -> None:
    first = start()
    url = address(first)
    second = start()
    _, err = second.communicate(timeout=PATIENCE_S)
    assert second.returncode != 0
    assert err.startswith("store_held: ")
    assert str(first.pid) in err
    assert get(f"{url}/api/echo/health")["service"] == "echo-brain"


def test_a_taken_port_is_said_in_one_line(start: Start) -> None:
    port = int(address(start()).rsplit(":", 1)[1])
    second = start(port)
    _, err = second.communicate(timeout=PATIENCE_S)
    assert err.startswith("bad_setting: ")
    assert str(port) in err
    assert err.count("\n") == 1


async def test_what_was_acknowledged_is_there_after_a_kill(start: Start, tmp_path: Path) -> None:
    process = start()
    url = await asyncio.to_thread(address, process)
    async with connect(url.replace("http", "ws") + "/api/coordination/ws", proxy=None, max_queue=None) as agent:
        async def ask(type_: str, payload: dict[str, Any], id_: str) -> dict[str, Any]:
            await agent.send(json.dumps({"type": type_, "payload": payload, "id": id_}))
            while True:
                message = json.loads(await asyncio.wait_for(agent.recv(), PATIENCE_S))
                if message["type"] in ("ack", "error") and message["payload"]["id"] == id_:
                    result: dict[str, Any] = message["payload"]["result"]
                    return result

        await ask("register", {"agentId": "a", "host": "h", "engines": [{"name": "sketch"}]}, "r")
        made = (await ask("submit", {"engine": "sketch", "count": 20}, "s"))["jobIds"]
        process.kill()
    process.wait(PATIENCE_S)
    again = start(int(url.rsplit(":", 1)[1]))
    assert await asyncio.to_thread(address, again) == url
    state = (await asyncio.to_thread(get, f"{url}/api/state"))["initial"]
    assert state["queue"]["order"] == made
    assert {job["status"] for job in state["jobs"]} == {"pending"}
