"""The processes that matter: echodeck's own and the generators, found by their command lines."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath

import psutil

from ..model.record import Process
from .generators import SCRIPT, engine_of, imports_echodeck, may_be_engine, script_of
from .ports import Ports, forebears

log = logging.getLogger(__name__)

VERBS = frozenset({"hub", "agent", "dash", "up"})
SEARCH_S = 10.0
"""Between two looks for processes that are new; a known one that ended is missed at once."""
MOST_SOURCE_BYTES = 65536
"""So much of a script is looked through for its imports."""
Kind = tuple[str, str]
"""(name, engine); echodeck's own have no engine."""


class Processes:
    """Echodeck's own processes (those that our supervisor started, or, without one, all on this machine, and always
    ourselves) and those that generate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._searched_s = float("-inf")
        self._known: dict[int, tuple[Kind, psutil.Process]] = {}
        self._tracking: dict[psutil.Process, bool] = {}
        self._listening = Ports()
        self._ports: dict[int, tuple[int, ...]] = {}

    def read(self, vram: Mapping[int, int | None]) -> tuple[tuple[Process, ...], tuple[Process, ...]]:
        """(echodeck's own, the generators): each with its share of one core in percent since the last reading (0 at
        first) and its resident memory. `vram` is what the users of the GPUs hold of their memory, by pid."""
        if self._clock() - self._searched_s >= SEARCH_S:
            self._search(vram)
        read = []
        for (name, engine), process in [*self._known.values()]:
            try:
                with process.oneshot():
                    read.append(Process(name, process.pid, process.cpu_percent(None), process.memory_info().rss,
                                        engine, vram.get(process.pid), self._ports.get(process.pid, ())))
            except (psutil.Error, OSError) as error:
                log.debug("process %d (%s) is gone: %s", process.pid, name, error)
                del self._known[process.pid]
                self._searched_s = float("-inf")
        read.sort(key=lambda one: (one.name, one.pid))
        return tuple(one for one in read if not one.engine), tuple(one for one in read if one.engine)

    def _search(self, vram: Mapping[int, int | None]) -> None:
        self._searched_s = self._clock()
        own, family = psutil.Process(os.getpid()), _family()
        found: dict[int, tuple[Kind, psutil.Process]] = {own.pid: (("agent", ""), own)}
        tracking, self._tracking = self._tracking, {}
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                verb = verb_of(command) if process.pid in (family or {process.pid}) else ""
                kind = (verb, "") if verb else self._generator(process, command, vram, tracking)
            except (psutil.Error, OSError):
                continue  # somebody else's, or gone
            if kind is not None:
                found.setdefault(process.pid, (kind, process))
        found.update(_children(vram, _servers(found)))
        self._ports = self._listening.read(_servers(found))
        # Those known already are kept: they remember when they were last read.
        self._known = {pid: self._known.get(pid, both) for pid, both in found.items()}

    def _generator(self, process: psutil.Process, command: Sequence[str], vram: Mapping[int, int | None],
                   tracking: Mapping[psutil.Process, bool]) -> Kind | None:
        engine = engine_of(command, _folder(process), partial(_has, process.pid)) if may_be_engine(command) else ""
        if engine:
            return engine, engine
        script = script_of(command)
        if not script or verb_of(command):
            return None
        tracks = tracking.get(process)
        if tracks is None:
            tracks = imports_echodeck(_source(Path(_folder(process), script)))
        self._tracking[process] = tracks
        return (PurePath(script).name, SCRIPT) if tracks or process.pid in vram else None


class Names:
    """`names(pid)` is the process's name, "" where it is not told; asked of the system once a process."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._used: set[int] = set()

    def __call__(self, pid: int) -> str:
        self._used.add(pid)
        if pid not in self._known:
            try:
                self._known[pid] = psutil.Process(pid).name()
            except (psutil.Error, OSError, ValueError):  # gone, or of another container
                self._known[pid] = ""
        return self._known[pid]

    def forget(self) -> None:
        """Drops those that were not asked for since the last time: their numbers may come again."""
        self._known = {pid: name for pid, name in self._known.items() if pid in self._used}
        self._used.clear()


def verb_of(command: Sequence[str]) -> str:
    """What an echodeck process does, by its command line; "" when it is none (or a short command such as `submit`)."""
    for place, word in enumerate(command[:-1]):
        module = word == "-m" and command[place + 1] == "echodeck"
        script = place < 2 and PurePath(word.replace("\\", "/")).stem == "echodeck"
        verb = command[place + 2] if module and place + 2 < len(command) else command[place + 1] if script else ""
        if verb in VERBS:
            return verb
    return ""


def _family() -> set[int]:
    """Our supervisor and all that it started; empty without one."""
    try:
        parent = psutil.Process(os.getpid()).parent()
        if parent is not None and verb_of(parent.cmdline()) == "up":
            return {parent.pid, os.getpid(), *(child.pid for child in parent.children())}
    except (psutil.Error, OSError) as error:
        log.debug("our parent does not say what it is: %s", error)
    return set()


def _servers(found: Mapping[int, tuple[Kind, psutil.Process]]) -> dict[int, tuple[str, psutil.Process]]:
    """The engines' processes by pid, each with its engine."""
    return {pid: (engine, process) for pid, ((_, engine), process) in found.items() if engine not in ("", SCRIPT)}


def _children(users: Iterable[int], servers: Mapping[int, tuple[str, psutil.Process]]) \
        -> dict[int, tuple[Kind, psutil.Process]]:
    """Those of the GPUs' users that a server has started: they are of its kind, whatever they are called."""
    children: dict[int, tuple[Kind, psutil.Process]] = {}
    known = {pid: process for pid, (_, process) in servers.items()}
    for pid in [pid for pid in users if known and pid not in known]:
        try:
            process = psutil.Process(pid)
        except (psutil.Error, OSError, ValueError):  # gone, or of another container
            continue
        if parents := forebears(process, known):
            engine, _ = servers[parents[0]]
            children[pid] = (engine, engine), process
    return children


def _folder(process: psutil.Process) -> str:
    """The working directory; "" for another user's process, whose command line may say enough."""
    try:
        return process.cwd()
    except (psutil.Error, OSError):
        return ""


def _has(pid: int, folder: str, name: str) -> bool:
    """Whether the process sees such a file or folder. On Linux it is looked for where the process has its root, which
    may be a container's; another user's says nothing."""
    root = Path(f"/proc/{pid}/root")
    try:
        return (root / folder.lstrip("/") / name if os.name == "posix" and root.parent.exists()
                else Path(folder, name)).exists()
    except OSError:
        return False


def _source(path: Path) -> str:
    """The beginning of a script; "" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_SOURCE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
