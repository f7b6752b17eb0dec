"""Carries what an outbox holds to the hub: facts one after the other until acknowledged, the rest when it can."""

from __future__ import annotations

import asyncio
import logging

from ..errors import EchodeckError, HubUnreachable, InputError, StoreError
from ..wire import say
from .client import Client
from .outbox import Outbox

log = logging.getLogger(__name__)

PROGRESS_S = 0.05
"""At most one message of progress in this time; steps between go together."""
RETRY_S = 0.5


class Reporter:
    """Belongs to the client's loop. `run` carries for ever."""

    def __init__(self, client: Client, outbox: Outbox) -> None:
        self._client, self.outbox = client, outbox
        self._spoken, self._fresh, self._arrived = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.hurry = False
        """Whether to go on without the pauses between messages of progress: the process ends."""

    def take(self, payload: say.Say) -> None:
        """Something to be told."""
        self.outbox.add(payload)
        (self._fresh if isinstance(payload, say.JobPreview | say.HostMetrics) else self._spoken).set()

    def wake(self) -> None:
        """A connection has begun: what waited for one can go."""
        self._fresh.set()

    @property
    def unsaid(self) -> bool:
        """Whether something is still to be told that could be."""
        return len(self.outbox) > 0 and self._client.connection.usable

    async def heard(self, job_id: str) -> None:
        """Returns when the hub knows every fact that was said of a job so far."""
        while any(unfinished == job_id for unfinished, _, _ in self.outbox.unfinished()):
            self._arrived.clear()
            await self._arrived.wait()

    async def run(self) -> None:
        await asyncio.gather(self._deliver(), self._show())

    async def _deliver(self) -> None:
        """What must arrive, one after the other, each until it is acknowledged."""
        while True:
            self._spoken.clear()
            entry = self.outbox.next()
            if entry is None:
                await self._spoken.wait()
                continue
            try:
                await self._client.call(entry.type, entry.payload, id_=entry.id)
            except (HubUnreachable, StoreError) as error:
                log.debug("%s is sent again: %s", entry.type, error)
                await asyncio.sleep(RETRY_S)
                continue
            except EchodeckError as error:
                log.warning("the hub refuses a %s: %s", entry.type, error)
            except (TypeError, ValueError) as error:  # one that cannot be encoded must not hold up the others
                log.warning("a %s cannot be said: %s", entry.type, error, exc_info=True)
            self.outbox.done(entry)
            self._arrived.set()
            if isinstance(entry.payload, say.JobProgress) and not self.hurry:
                await asyncio.sleep(PROGRESS_S)

    async def _show(self) -> None:
        """What only the newest counts of, when there is a connection."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            for key, payload in [*self.outbox.latest.items()]:
                kind = "host_metrics" if isinstance(payload, say.HostMetrics) else "job_preview"
                try:
                    sent = self._client.send(kind, payload)
                except (InputError, TypeError, ValueError) as error:
                    log.debug("a %s cannot be sent: %s", kind, error)
                    sent = True
                if sent:
                    del self.outbox.latest[key]
