"""A queue that does not drain: jobs wait for an engine, and nobody takes one although nobody is busy with another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...model.engine import EngineInfo
from ...model.job import Job, JobState
from .finding import Finding
from .trigger import Trigger

GAP_S = 30.0


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Nothing was taken for `after_s`."""

    after_s: float = 300.0
    level: str = "warning"


class Line:
    """Asked about once a second. A worker that is held by a paused job is not idle: somebody wants it so."""

    def __init__(self, limits: LineLimits) -> None:
        self._limits = limits
        self._stuck: dict[str, Trigger] = {}

    def findings(self, waiting: Sequence[Job], in_hand: Sequence[Job], lanes: Sequence[frozenset[str]],
                 engines: Mapping[str, EngineInfo], now_s: float) -> Iterator[Finding]:
        """`waiting` are those that could begin, `lanes` the engines that each slot of the workers here drives."""
        counts = Counter(job.spec.engine for job in waiting if job.state is JobState.PENDING and not job.foreign)
        busy = {job.spec.engine for job in in_hand if not job.foreign}
        for engine in {*counts, *self._stuck}:
            able = [lane for lane in lanes if engine in lane]
            stuck = counts[engine] > 0 and engine not in busy and not any(busy & lane for lane in able)
            trigger = self._stuck.setdefault(engine, Trigger(self._limits.after_s, 0.0, GAP_S))
            if trigger.see(now_s, bad=stuck, good=not stuck) and stuck:
                yield self._finding(engine, counts[engine], bool(able), engines.get(engine))

    def _finding(self, engine: str, count: int, driven: bool, info: EngineInfo | None) -> Finding:
        why = info.reason if info is not None and info.reason else \
            "its workers are there, but ask for none" if driven else "no worker that drives it is online"
        # Told by its order of magnitude: that one more has come is no news.
        many = f"{count}" if count < 10 else f"{10 ** (len(str(count)) - 1)} or more"
        return Finding(f"queue:{engine}", self._limits.level, f"The queue for {engine} does not drain",
                       f"{many} {'job waits' if count == 1 else 'jobs wait'} and none is being worked on: {why}")
