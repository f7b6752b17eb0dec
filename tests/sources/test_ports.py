"""Two servers of one kind on one machine, told apart by where they listen; with real processes that do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from echodeck.model.record import Process
from echodeck.sources.ports import Ports, said
from echodeck.sources.processes import Processes

SERVER = """
import socket, subprocess, sys
if "--child" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    print(child.pid, flush=True)
if "--deaf" not in sys.argv:
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
else:
    print(0, flush=True)
sys.stdin.read()
"""


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[int, list[int]]]:
    """A program started as ComfyUI is: its pid, and what it says (its child's pid, its port)."""
    script = folder / "ComfyUI/main.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SERVER)
    with subprocess.Popen([sys.executable, str(script), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.pid, [int(process.stdout.readline()) for _ in range(1 + ("--child" in options))]
        process.stdin.close()
        process.wait(10)


def found(*users: int) -> dict[int, Process]:
    return {one.pid: one for one in Processes().read(dict.fromkeys(users, 5))[1]}


def test_two_are_told_apart_and_a_child_is_its_parents(tmp_path: Path) -> None:
    with server(tmp_path / "a") as (first, [port]), server(tmp_path / "b", "--child") as (second, [child, other]):
        generators = found(first, second, child)
        assert generators[first].ports == (port,)
        assert generators[second].ports == generators[child].ports == (other,)
        assert (generators[child].engine, generators[child].vram_bytes) == ("comfyui", 5)
        assert child not in found(first, second), "it is of no interest until it uses a GPU"


def test_one_that_does_not_listen_yet_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(tmp_path) as (pid, [port]):
        ports, servers = Ports(), {pid: ("comfyui", psutil.Process(pid))}
        with monkeypatch.context() as patch:
            patch.setattr(psutil.Process, "net_connections", lambda self, kind: [])
            assert ports.read(servers) == {pid: ()}
        assert ports.read(servers) == {pid: (port,)}
        monkeypatch.setattr(psutil.Process, "net_connections", lambda self, kind: [])
        assert ports.read({pid: ("comfyui", psutil.Process(pid))}) == {pid: (port,)}, "once known it is not asked again"


@pytest.mark.parametrize(("options", "ports"), [(("--port", "8189"), (8189,)), ((), ())])
def test_where_the_system_does_not_tell_the_command_line_does(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], ports: tuple[int, ...]) -> None:
    def refuse(self: psutil.Process, kind: str) -> object:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "net_connections", refuse)
    with server(tmp_path, "--deaf", *options) as (pid, _):
        assert found()[pid].ports == ports


def test_one_that_has_gone_has_no_ports(tmp_path: Path) -> None:
    with server(tmp_path) as (pid, _):
        process = psutil.Process(pid)
    assert Ports().read({pid: ("comfyui", process)}) == {pid: ()}


@pytest.mark.parametrize(("command", "ports"), [
    (["python", "main.py", "--port", "8189"], {8189}), (["python", "main.py", "--port=8190", "--cpu"], {8190}),
    (["python", "main.py", "--port"], set()), (["python", "main.py", "--port", "x"], set()), ([], set()),
    (["python", "main.py", "--portable", "5"], set())])
def test_the_port_that_a_command_asks_for(command: Sequence[str], ports: set[int]) -> None:
    assert said(command) == ports
