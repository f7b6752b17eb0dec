"""Echodeck's own processes, found by what they were started with."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from echodeck.sources.processes import Names, Processes, verb_of


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        (["/usr/bin/python3", "-m", "echodeck", "hub", "--port", "1"], "hub"),
        (["python", "-X", "dev", "-m", "echodeck", "dash"], "dash"),
        (["/home/a/.venv/bin/python", "/home/a/.venv/bin/echodeck", "up", "--demo"], "up"),
        ([r"C:\venv\Scripts\echodeck.exe", "agent"], "agent"),
        (["python", "-m", "echodeck", "submit", "hub"], ""),
        (["vim", "notes", "echodeck", "hub"], ""),
        (["python", "-m", "echodeck"], ""),
        (["grep", "hub"], ""),
        ([], ""),
    ],
)
def test_the_verb_is_read_from_the_command_line(command: list[str], verb: str) -> None:
    assert verb_of(command) == verb


def test_we_and_others_are_found_and_one_that_ends_is_missed() -> None:
    now = [0.0]
    processes = Processes(clock=lambda: now[0])
    assert os.getpid() in [process.pid for process in processes.read({})[0]]
    script = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script, "-m", "echodeck", "hub"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.read(1)
        now[0] = 11.0
        found = {process.pid: process for process in processes.read({})[0]}
        assert found[other.pid].name == "hub"
        assert found[other.pid].memory_bytes > 0
        assert found[os.getpid()].name == "agent"
        other.stdin.close()
        other.wait(10)
    assert other.pid not in [process.pid for process in processes.read({})[0]]


def test_a_share_of_a_core_is_measured_between_readings() -> None:
    processes = Processes()
    processes.read({})
    began = psutil.Process().cpu_times().user
    deadline = time.monotonic() + 10
    while psutil.Process().cpu_times().user - began < 0.05 and time.monotonic() < deadline:
        sum(range(10_000))
    own = next(process for process in processes.read({})[0] if process.pid == os.getpid())
    assert own.cpu_percent > 0


def started(path: Path, *more: str) -> subprocess.Popen[bytes]:
    """A script that runs until its input ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text("")
    path.write_text(path.read_text() + "\nimport sys\nsys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()\n")
    other = subprocess.Popen([sys.executable, str(path), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.read(1)
    return other


def test_generators_are_found_with_what_they_hold_of_the_gpus(tmp_path: Path) -> None:
    tracking = tmp_path / "mine.py"
    tracking.write_text("if False:\n    from echodeck import track\n")
    with started(tmp_path / "ComfyUI/main.py", "--listen") as comfyui, started(tracking) as mine, started(
            tmp_path / "holds.py") as holds, started(tmp_path / "other.py") as other:
        now = [0.0]
        processes = Processes(clock=lambda: now[0])
        own, generators = processes.read({comfyui.pid: 5, holds.pid: None})
        found = {one.pid: (one.name, one.engine, one.vram_bytes) for one in generators}
        assert found[comfyui.pid] == ("comfyui", "comfyui", 5)
        assert found[mine.pid] == ("mine.py", "script", None)
        assert found[holds.pid] == ("holds.py", "script", None)
        assert other.pid not in found
        assert not {one.pid for one in own} & set(found)
        ours = {comfyui.pid, mine.pid, holds.pid}
        for one in (comfyui, mine, holds, other):
            assert one.stdin is not None
            one.stdin.close()
            one.wait(10)
        assert not {one.pid for one in processes.read({})[1]} & ours


def test_another_users_engine_is_known_by_its_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: psutil.Process) -> str:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "cwd", refuse)
    with started(tmp_path / "ComfyUI/main.py") as comfyui:
        assert comfyui.pid in [one.pid for one in Processes().read({})[1]]
        assert comfyui.stdin is not None
        comfyui.stdin.close()


def test_a_name_is_asked_once_and_forgotten_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names()
    assert names(os.getpid()) == psutil.Process().name()
    assert names(999_999_999) == ""
    monkeypatch.setattr(psutil.Process, "name", lambda self: "another")
    assert names(os.getpid()) != "another"
    names.forget()
    assert names(os.getpid()) != "another"
    names.forget()
    names.forget()
    assert names(os.getpid()) == "another"


def test_an_engine_in_a_folder_of_any_name_is_known_by_what_lies_there(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "comfyui_version.py").touch()
    with started(app / "main.py") as other:
        try:
            _, found = Processes().read({})
            assert [one.engine for one in found if one.pid == other.pid] == ["comfyui"]
        finally:
            assert other.stdin is not None
            other.stdin.close()
            other.wait(10)
