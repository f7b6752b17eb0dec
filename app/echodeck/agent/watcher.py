"""What an engine sees of jobs that others gave to its server: put on the board, told of, and steered from here.

The engine watches in a thread of its own (see `engines.Watching`), and says what it sees through the Sights here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ..client.teller import Hand, JobTeller
from ..engines import Sighting, Watching
from ..errors import EchodeckError, EngineError
from ..model.job import JobSpec
from ..wire import say
from .judging import hears
from .runner import in_thread

log = logging.getLogger(__name__)

ATTEMPT = 1
AGAIN_S = 5.0
"""An engine whose watching ended by an error of ours watches again after so long."""


class SeenJob(JobTeller):
    """How one sighted job is told of. When it has ended, `over` is called."""

    def __init__(self, hand: Hand, tell: Callable[[say.Say], None], epoch_s: float,
                 over: Callable[[str], None]) -> None:
        super().__init__(hand, tell, epoch_s=epoch_s)
        self._over = over

    def completed(self) -> None:
        super().completed()
        self._over(self.hand.job_id)

    def cancelled(self) -> None:
        super().cancelled()
        self._over(self.hand.job_id)

    def failed(self, kind: str, message: str, *, retryable: bool = False, detail: str = "", needed_bytes: int = 0,
               free_bytes: int = 0) -> None:
        super().failed(kind, message, retryable=retryable, detail=detail, needed_bytes=needed_bytes,
                       free_bytes=free_bytes)
        self._over(self.hand.job_id)


class Watcher:
    """The Sights of one engine. `tell` takes what is said, from any thread; `offset_s` is what the hub's clock is ahead
    of ours. `made` is told what completed."""

    def __init__(self, engine: Watching, worker_id: str, host: str, tell: Callable[[say.Say], None],
                 offset_s: Callable[[], float],
                 made: Callable[[JobSpec, say.JobReport], None] = lambda spec, report: None) -> None:
        self.worker_id, self._host, self._engine = worker_id, host, engine
        self._tell, self._offset_s, self._made = tell, offset_s, made
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Sighting, SeenJob]] = {}

    # --- Sights, in the watching thread -------------------------------------------------------------------------------

    @property
    def ended(self) -> threading.Event:
        return self._ended

    def sight(self, sighting: Sighting) -> SeenJob:
        with self._lock:
            before, job = self._seen.get(sighting.job_id, (None, None))
            if job is None:
                hand = Hand(sighting.job_id, ATTEMPT, self.worker_id, self._host)
                epoch_s = time.time() - time.monotonic() + self._offset_s()
                job = SeenJob(hand, hears(self._tell, lambda: self._spec(sighting), self._made), epoch_s, self._over)
            self._seen[sighting.job_id] = sighting, job
        if sighting != before:
            self._adopt(sighting, job)
        return job

    def known(self) -> dict[str, Sighting]:
        with self._lock:
            return {job_id: sighting for job_id, (sighting, _) in self._seen.items()}

    # --- for the agent, in its loop -----------------------------------------------------------------------------------

    async def watch(self) -> None:
        """For ever. An error of the engine's own is logged, and it watches again."""
        while not self._ended.is_set():
            try:
                await in_thread(self._watch, f"watch {self.worker_id}")
            except asyncio.CancelledError:
                self._ended.set()
                raise
            if not self._ended.is_set():
                await asyncio.sleep(AGAIN_S)

    def _watch(self) -> None:
        try:
            self._engine.watch(self)
        except Exception:
            # One server must not stop the others from being watched, whatever it sends.
            log.exception("watching for %s failed; it is watched again in %g s", self.worker_id, AGAIN_S)

    def end(self) -> None:
        self._ended.set()

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.close)

    def hands(self) -> set[tuple[str, int, str]]:
        """(job, attempt, worker) of what was sighted and has not ended."""
        with self._lock:
            return {(job_id, ATTEMPT, job.hand.worker_id) for job_id, (_, job) in self._seen.items()}

    def tell_again(self) -> None:
        """To a hub that has just been reached: it may not know of them."""
        with self._lock:
            seen = [*self._seen.values()]
        for sighting, job in seen:
            self._adopt(sighting, job)

    def rename(self, host: str) -> None:
        """The machine is called otherwise now; what was sighted before is told of as before."""
        self.worker_id, self._host = self.worker_id.replace(self._host, host, 1), host

    async def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        """Asks the engine; what cannot be done is told to people."""
        with self._lock:
            _, job = self._seen.get(job_id, (None, None))
        if job is None:
            return
        try:
            await asyncio.to_thread(self._engine.steer, job_id, command, before=before, after=after)
        except EngineError as error:
            job.refused(command, error.message)
        except (EchodeckError, OSError) as error:
            log.warning("%s: cannot %s job %s: %s", self.worker_id, command, job_id, error)
            job.refused(command, str(error))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _spec(self, first: Sighting) -> JobSpec:
        """What is known of a job by now; at its first sighting that may have been little."""
        with self._lock:
            latest, _ = self._seen.get(first.job_id, (first, None))
        return latest.spec

    def _over(self, job_id: str) -> None:
        with self._lock:
            self._seen.pop(job_id, None)

    def _adopt(self, sighting: Sighting, job: SeenJob) -> None:
        ahead_s = self._offset_s()
        started_s = None if sighting.started_s is None else sighting.started_s + ahead_s
        workflow: dict[str, Any] | None = None if sighting.workflow is None else dict(sighting.workflow)
        self._tell(say.Adopt(
            sighting.job_id, job.hand.worker_id, sighting.spec, "observed",
            "running" if sighting.running else "pending",
            max(0.0, sighting.created_s + ahead_s) if sighting.created_s else 0.0, started_s, sighting.place,
            sighting.user[:80], dict(sighting.cannot), workflow))
