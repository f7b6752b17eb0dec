"""Echodeck's own processes, found by their command lines: a hub, an agent, a dashboard and their supervisor."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import PurePath

import psutil

from ..model.record import Process

log = logging.getLogger(__name__)

VERBS = frozenset({"hub", "agent", "dash", "up"})
SEARCH_S = 10.0
"""Between two looks for processes that are new; a known one that ended is missed at once."""


class Processes:
    """Those that our supervisor started, or, without one, all of echodeck's on this machine, and always ourselves."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._searched_s = float("-inf")
        self._known: dict[int, tuple[str, psutil.Process]] = {}

    def read(self) -> tuple[Process, ...]:
        """Each with its share of one core in percent since the last reading (0 at first) and its resident memory."""
        if self._clock() - self._searched_s >= SEARCH_S:
            self._search()
        read = []
        for name, process in [*self._known.values()]:
            try:
                with process.oneshot():
                    read.append(Process(name, process.pid, process.cpu_percent(None), process.memory_info().rss))
            except (psutil.Error, OSError) as error:
                log.debug("process %d (%s) is gone: %s", process.pid, name, error)
                del self._known[process.pid]
                self._searched_s = float("-inf")
        return tuple(sorted(read, key=lambda one: (one.name, one.pid)))

    def _search(self) -> None:
        self._searched_s = self._clock()
        found = {process.pid: (verb, process) for verb, process in _ours()}
        # Those known already are kept: they remember when they were last read.
        self._known = {pid: self._known.get(pid, both) for pid, both in found.items()}


def verb_of(command: Sequence[str]) -> str:
    """What an echodeck process does, by its command line; "" when it is none (or a short command such as `submit`)."""
    for place, word in enumerate(command[:-1]):
        module = word == "-m" and command[place + 1] == "echodeck"
        script = place < 2 and PurePath(word.replace("\\", "/")).stem == "echodeck"
        verb = command[place + 2] if module and place + 2 < len(command) else command[place + 1] if script else ""
        if verb in VERBS:
            return verb
    return ""


def _ours() -> list[tuple[str, psutil.Process]]:
    own = psutil.Process(os.getpid())
    others: list[psutil.Process] = []
    try:
        parent = own.parent()
        if parent is not None and verb_of(parent.cmdline()) == "up":
            others = [parent, *parent.children()]
    except (psutil.Error, OSError) as error:
        log.debug("our parent does not say what it is: %s", error)
    found = {own.pid: ("agent", own)}
    for process in others or psutil.process_iter():
        try:
            verb = verb_of(process.cmdline())
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone
        if verb and process.pid != own.pid:
            found[process.pid] = (verb, process)
    return list(found.values())
