"""Judges what the agent's engines made: one file after the other, beside everything else, and tells the hub.

Nothing here can harm a job: it has ended, and what cannot be judged has a verdict that says why.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..brain.verdict.figures import FilmMeasures, Measures
from ..brain.verdict.judge import Asked, judge, unjudged, unreadable
from ..brain.verdict.likeness import Signature, nearest
from ..brain.verdict.norms import norms
from ..model.job import JobSpec, Output
from ..model.verdict import Verdict
from ..wire import say
from .measurer import IDLE_S, Measurer, MeasuringFailed
from .seen import Seen

log = logging.getLogger(__name__)

LAST = 64
"""Outputs that new ones are compared with."""
WAITING = 256
JUDGED = ("image/", "video/")


class Judging:
    """`made` from any thread, `run` in the loop. `on` is as the hub says."""

    def __init__(self, tell: Callable[[say.Say], None], measurer: Measurer | None = None, *,
                 seen: Seen | None = None, idle_s: float = IDLE_S) -> None:
        self.on = False
        self._tell, self._measurer, self._idle_s = tell, measurer or Measurer(), idle_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[JobSpec, say.JobReport]] = deque(maxlen=WAITING)
        self._fresh = asyncio.Event()
        self._last: deque[Signature] = deque(maxlen=LAST)
        self._seen = Seen() if seen is None else seen

    def made(self, spec: JobSpec, report: say.JobReport) -> None:
        """A job has completed; `report` says so, with its outputs."""
        loop = self._loop
        if self.on and report.outputs and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take, spec, report)

    def _take(self, spec: JobSpec, report: say.JobReport) -> None:
        self._waiting.append((spec, report))
        self._fresh.set()

    async def run(self) -> None:
        """Judges for ever; while there is nothing to judge there is no measuring process."""
        self._loop = asyncio.get_running_loop()
        self._seen.load()
        try:
            while True:
                try:
                    async with asyncio.timeout(self._idle_s):
                        await self._fresh.wait()
                except TimeoutError:
                    self._seen.save()
                    await self._measurer.close()
                    await self._fresh.wait()
                self._fresh.clear()
                while self._waiting:
                    await self._judge(*self._waiting.popleft())
        finally:
            self._seen.save()
            await self._measurer.close()

    async def _judge(self, spec: JobSpec, report: say.JobReport) -> None:
        verdicts = []
        for place, output in enumerate(report.outputs):
            if self.on and output.kind.startswith(JUDGED) and (output.path or output.link):
                verdicts.append(await self._verdict(spec, report.job_id, place, output))
        if verdicts:
            self._tell(say.JobReport(report.job_id, report.attempt, report.worker_id, "judged", report.at_s,
                                     verdicts=verdicts))

    async def _verdict(self, spec: JobSpec, job_id: str, place: int, output: Output) -> Verdict:
        try:
            found = await self._measurer.measure(output.path, output.link, output.kind)
        except MeasuringFailed as error:
            log.warning("output %d of job %s could not be judged: %s", place + 1, job_id, error)
            return unjudged(place, str(error))
        if "skipped" in found:
            return unjudged(place, str(found["skipped"]))
        if "unreadable" in found:
            return unreadable(place, str(found["unreadable"]))
        return self._decide(spec, job_id, place, found)

    def _decide(self, spec: JobSpec, job_id: str, place: int, found: Mapping[str, Any]) -> Verdict:
        measures = Measures(**found["measures"])
        film = FilmMeasures(**found["film"]) if found["film"] else None
        sign = Signature(int(found["hash"]), base64.b64decode(found["tiny"]), float(found["contrast"]),
                         f"output {place + 1} of “{(spec.title or job_id)[:60]}”")
        asked = Asked(spec.width, spec.height, spec.steps, spec.frames)
        verdict = judge(place, measures, asked, norms(spec.model, self._seen.of(spec.engine, spec.model)), film=film,
                        alike=nearest(sign, self._last))
        self._seen.add(spec.engine, spec.model, (measures, spec.steps))
        self._last.append(sign)
        return verdict


def hears(tell: Callable[[say.Say], None], spec: Callable[[], JobSpec],
          made: Callable[[JobSpec, say.JobReport], None]) -> Callable[[say.Say], None]:
    """A `tell` that also says what was made when a job has completed."""

    def said(payload: say.Say) -> None:
        tell(payload)
        if isinstance(payload, say.JobReport) and payload.fact == "completed":
            made(spec(), payload)

    return said
