"""Keeps the machines' figures: takes every sample as it comes, writes some seconds' worth at a time, keeps house.

It has no part in the room's decisions: whatever is wrong with the series, everything else goes on, and who asks for
them is told why there are none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from ..errors import StoreError, StoreUnavailable
from ..model.metric import samples_of
from ..model.record import Host
from ..store.series import Moment, Series

FLUSH_S = 2.0
STEPS = 8
"""Of the upkeep after each flush, about a millisecond each, when nothing else is to be written. A machine with 25
figures needs about 6,000 a day, of 345,600."""
MOST_WAITING = 10_000
"""Samples held while they cannot be written; the oldest go first."""
CREDIBLE_S = 30.0

log = logging.getLogger(__name__)


class Keeper:
    """Belongs to one event loop."""

    def __init__(self, series: Series, *, clock: Callable[[], float] = time.time) -> None:
        self._series = series
        self.now_s = clock
        self._waiting: deque[Moment] = deque(maxlen=MOST_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""

    @property
    def series(self) -> Series:
        """To read from. Raises StoreUnavailable when it could not be opened."""
        if self._task is None:
            raise StoreUnavailable(self._trouble or "the series are not open")
        return self._series

    @property
    def waiting(self) -> int:
        """Samples that wait to be written."""
        return len(self._waiting)

    async def start(self) -> None:
        """Goes on without keeping anything when the data directory cannot be used."""
        try:
            await self._series.open()
        except StoreUnavailable as error:
            self._told(error.message)
            return
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what waits and closes the series."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()
        self._task = None
        await self._series.close()

    def take(self, host: Host, now_s: float) -> None:
        """A sample that came at `now_s`. Its own time counts if its clock can be right."""
        at_s = host.at_s if abs(host.at_s - now_s) <= CREDIBLE_S else now_s
        self._waiting.append(Moment(host.name, at_s, samples_of(host, kept=True)))

    async def flush(self) -> None:
        """Write what waits; what cannot be written now is written with the next."""
        if not self._waiting:
            return
        moments, self._waiting = self._waiting, deque(maxlen=MOST_WAITING)
        try:
            await self._series.append(moments)
        except StoreError as error:
            self._waiting = deque([*moments, *self._waiting], maxlen=MOST_WAITING)
            self._told(error.message)
            return
        self._told("")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                await self._series.compact(self.now_s(), STEPS)
            except StoreError as error:
                self._told(error.message)
            except Exception:
                # One odd sample must not end the keeping of all others.
                log.exception("the machines' figures could not be kept")

    def _told(self, trouble: str) -> None:
        """Into the log when it has changed, not at every sample."""
        if trouble and trouble != self._trouble:
            log.error("the machines' figures are not kept: %s", trouble)
        self._trouble = trouble
