"""Which TCP ports the servers that generate listen on: it tells two of one kind on one machine apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psutil


class Ports:
    """By process: its own and those of its kin, the processes of its family that are of the same engine.

    A server often takes minutes until it listens, so one without ports is asked again each time.
    """

    def __init__(self) -> None:
        self._own: dict[psutil.Process, frozenset[int]] = {}

    def read(self, servers: Mapping[int, tuple[str, psutil.Process]]) -> dict[int, tuple[int, ...]]:
        """`servers` are (engine, process) by pid. One that has gone, or says nothing, has no ports."""
        self._own = {one: self._own.get(one) or _of(one) for _, one in servers.values()}
        heads: dict[int, int] = {}
        family: dict[int, set[int]] = {}
        for pid, (engine, process) in servers.items():
            kin = {other: one for other, (kind, one) in servers.items() if kind == engine}
            heads[pid] = [pid, *forebears(process, kin)][-1]
            family.setdefault(heads[pid], set()).update(self._own[process])
        return {pid: tuple(sorted(family[heads[pid]])) for pid in servers}


def forebears(process: psutil.Process, known: Mapping[int, psutil.Process]) -> list[int]:
    """The pids of those among these that it descends from, its nearest first."""
    try:
        return [one.pid for one in process.parents() if known.get(one.pid) == one]
    except (psutil.Error, OSError):
        return []


def said(command: Sequence[str]) -> frozenset[int]:
    """The port that a command line asks for with `--port`."""
    for place, word in enumerate(command):
        name, equals, value = word.partition("=")
        if name == "--port":
            value = value if equals else "".join(command[place + 1:place + 2])
            return frozenset({int(value)}) if value.isdecimal() else frozenset()
    return frozenset()


def _of(process: psutil.Process) -> frozenset[int]:
    """What the system says, else (another user's process, or one that does not listen yet) what its command does."""
    return _listening(process) or _asked(process)


def _listening(process: psutil.Process) -> frozenset[int]:
    try:
        found = process.net_connections("tcp")
        return frozenset(one.laddr.port for one in found if one.status == psutil.CONN_LISTEN)
    except (psutil.Error, OSError):
        return frozenset()


def _asked(process: psutil.Process) -> frozenset[int]:
    try:
        return said(process.cmdline())
    except (psutil.Error, OSError):
        return frozenset()
