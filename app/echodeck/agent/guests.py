"""Jobs beside jobs: while one is held for an urgent one, a guest of its worker does that, with engines of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence

from ..engines import Freeing
from ..errors import EchodeckError
from ..wire import say
from .crew import Lane
from .worker import Worker

log = logging.getLogger(__name__)

GUEST = "+"
"""Ends a guest's name, which begins with its host's: so the hub knows whose it is."""


class Guests:
    """`invite` opens a guest beside a worker; going through it gives those that are there."""

    def __init__(self, workers: Sequence[Worker], spare: Callable[[Lane], Lane],
                 make: Callable[[str], Worker]) -> None:
        self._workers, self._spare, self._make = workers, spare, make
        self._here: dict[str, Worker] = {}

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._here.values()))

    async def invite(self, job_id: str, tell: Callable[[say.Say], None]) -> None:
        """One job, beside the one that is held; nothing if that is not so any more, or a guest is there already."""
        host = next((worker for worker in self._workers if worker.holds == job_id), None)
        if host is None or host.id in self._here:
            return
        beside = host.id
        guest = self._here[beside] = self._make(beside + GUEST)
        try:
            guest.engines = await asyncio.to_thread(self._spare, host.engines)
            guest.infos = [info for info in host.infos if info.name in guest.engines]
            if guest.infos:
                await guest.once(tell, job_id)
            for name, engine in guest.engines.items():
                # The memory of the guest's own engines is wanted back by the job that was held.
                if engine is not host.engines.get(name) and isinstance(engine, Freeing):
                    await asyncio.to_thread(engine.free)
        except EchodeckError as error:
            log.warning("nothing could be begun beside job %s: %s", job_id, error)
        finally:
            del self._here[beside]
