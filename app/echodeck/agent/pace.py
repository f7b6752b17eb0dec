"""When the machine is measured next, as long as nobody has set a fixed period."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..model.period import period_s
from ..model.record import Host
from ..sources import Source


class Pace:
    """`watched` is what the hub said last: whether anybody looks. `fixed_s` of 0 adapts (see `model.period`)."""

    def __init__(self, fixed_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.watched = True
        self._fixed_s, self._clock = fixed_s, clock
        self._cost_s = 0.0
        self._read_s = clock()
        self._quiet_since_s: float | None = None

    def wait_s(self, *, running: bool) -> float:
        """Seconds until the next reading is due, 0 or less when it is. Ask often: a job may begin, or somebody come."""
        now_s = self._clock()
        if running or self.watched:
            self._quiet_since_s = None
        elif self._quiet_since_s is None:
            self._quiet_since_s = now_s
        quiet_s = 0.0 if self._quiet_since_s is None else now_s - self._quiet_since_s
        every_s = self._fixed_s or period_s(running=running, watched=self.watched, quiet_s=quiet_s,
                                            cost_s=self._cost_s)
        return self._read_s + every_s - now_s

    def read(self, source: Source) -> Host:
        """A reading, in whichever thread; its cost is that thread's CPU time."""
        began_s, self._read_s = time.thread_time(), self._clock()
        host = source.read()
        self._cost_s = time.thread_time() - began_s
        return host
