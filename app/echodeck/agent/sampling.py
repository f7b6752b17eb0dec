"""The machine's figures: measured at their pace and told, by one agent of each machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from ..client import Client
from ..sources import Source
from ..sources.host import HostSource
from ..wire import say
from .pace import Pace
from .worker import offset_s

LOOK_UP_S = 1.0
"""A slow pace is given up so soon after a job has begun or somebody has come to look."""


class Sampling:
    """`name` is what the machine is called now. While `on` is not set, another agent measures it, or the hub has not
    said yet who does. `busy` says whether a job runs here."""

    def __init__(self, name: str, client: Client, tell: Callable[[say.Say], None], busy: Callable[[], bool],
                 source: Source | None, fixed_s: float) -> None:
        self.name, self.on, self.pace = name, asyncio.Event(), Pace(fixed_s)
        self._client, self._tell, self._busy, self._source = client, tell, busy, source

    def ask(self, to_measure: bool) -> None:
        """The hub says whether this agent is the one that measures."""
        (self.on.set if to_measure else self.on.clear)()

    async def run(self) -> None:
        source = self._source
        if source is None:
            source = await asyncio.to_thread(HostSource, self.name)
        while True:
            await self.on.wait()
            while (wait_s := self.pace.wait_s(running=self._busy())) > 0:  # noqa: ASYNC110 - of the clock
                await asyncio.sleep(min(wait_s, LOOK_UP_S))
            host = await asyncio.to_thread(self.pace.read, source)
            self._tell(say.HostMetrics(replace(host, name=self.name, at_s=host.at_s + offset_s(
                self._client.connection))))
