"""Echodeck's own processes, found by what they were started with."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from echodeck.sources.processes import Processes, verb_of


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
    assert os.getpid() in [process.pid for process in processes.read()]
    script = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script, "-m", "echodeck", "hub"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.read(1)
        now[0] = 11.0
        found = {process.pid: process for process in processes.read()}
        assert found[other.pid].name == "hub"
        assert found[other.pid].memory_bytes > 0
        assert found[os.getpid()].name == "agent"
        other.stdin.close()
        other.wait(10)
    assert other.pid not in [process.pid for process in processes.read()]


def test_a_share_of_a_core_is_measured_between_readings() -> None:
    processes = Processes()
    processes.read()
    began = psutil.Process().cpu_times().user
    deadline = time.monotonic() + 10
    while psutil.Process().cpu_times().user - began < 0.05 and time.monotonic() < deadline:
        sum(range(10_000))
    own = next(process for process in processes.read() if process.pid == os.getpid())
    assert own.cpu_percent > 0
