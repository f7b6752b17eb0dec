"""All that watches, put together: samples, facts and steps in; what is wrong at a moment out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.engine import EngineInfo
from ...model.history import History
from ...model.job import TERMINAL, Job, JobState
from ...model.record import Agent, Host, StepSample
from .absence import Absences
from .conditions import conditions_of
from .disk import Disks
from .failures import Failures
from .figures import FigureRules
from .finding import Finding, distinct
from .leak import Leaks
from .line import Line
from .pace import Paces
from .stall import Stalls
from .table import Watches

SLEPT_S = 30.0
"""Who was not asked for so long has slept, and all that time says nothing about anybody."""
PREFIXES = ("rule", "stall", "slow", "leak", "disk", "queue", "fails", "engine", "worker", "gpu")
"""What our causes begin with."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is at a moment: the jobs, who works on them (`lanes`: the engines of each slot), and the history."""

    in_hand: Sequence[Job] = ()
    waiting: Sequence[Job] = ()
    agents: Sequence[Agent] = ()
    engines: Mapping[str, EngineInfo] = field(default_factory=dict)
    lanes: Sequence[frozenset[str]] = ()
    history: History = field(default_factory=History)


def ours(cause: str) -> bool:
    """Whether an alert of this cause comes from here. That a machine is silent others say too: it is theirs."""
    return cause.partition(":")[0] in PREFIXES


class Watcher:
    """Feed it as things happen, in the order of time; ask `findings` about once a second."""

    def __init__(self, watches: Watches) -> None:
        self._rules, self._absences = FigureRules(watches.rules), Absences(watches.rules)
        self._stalls = Stalls(watches.stall) if watches.stall else None
        self._paces = Paces(watches.slow) if watches.slow else None
        self._leaks = Leaks(watches.leak) if watches.leak else None
        self._disks = Disks(watches.disk) if watches.disk else None
        self._line = Line(watches.queue) if watches.queue else None
        self._failures = Failures(watches.failures) if watches.failures else None
        self._asked_s: float | None = None

    def sampled(self, host: Host, in_hand: Sequence[Job], now_s: float) -> None:
        """A new sample of a machine, and the jobs that somebody has in hand."""
        self._rules.sampled(host)
        self._absences.sampled(host, now_s)
        if self._disks is not None:
            self._disks.sampled(host)
        if self._leaks is not None:
            self._leaks.sampled(host)
        running = [job for job in in_hand if job.host == host.name and job.state is JobState.RUNNING]
        if self._paces is not None and running:
            conditions = conditions_of(host)
            for job in running:
                self._paces.seen(job, conditions)

    def followed(self, before: Job, after: Job, now_s: float) -> None:
        """Something has happened to a job. The moment is the hub's, whatever the clock of the job's agent says."""
        if self._stalls is not None:
            self._stalls.heard(after, now_s)
        if self._leaks is not None and after.in_hand and not before.in_hand:
            self._leaks.started(after)
        if before.in_hand and not after.in_hand:
            if self._leaks is not None:
                self._leaks.ended(before)
            if self._paces is not None:
                (self._paces.ended if after.state in TERMINAL else self._paces.dropped)(after)
        if self._failures is not None and before.state not in TERMINAL and after.state in TERMINAL:
            self._failures.ended(after, now_s)

    def stepped(self, job: Job, index: int, step: int, duration_s: float, now_s: float) -> None:
        """A step (from 1) of a stage was measured."""
        if self._stalls is not None:
            self._stalls.stepped(job.id, index, step, duration_s)
        if self._paces is not None:
            self._paces.stepped(job, index, step, duration_s, now_s)

    def recall(self, jobs: Sequence[Job], steps: Sequence[StepSample]) -> None:
        """What was learnt before a restart: jobs that have ended, and all that is kept of their steps."""
        if self._paces is None:
            return
        runs: dict[tuple[str, int, int], list[tuple[int, float]]] = {}
        for one in steps:
            runs.setdefault((one.job_id, one.attempt, one.stage), []).append((one.step, one.duration_s))
        for job in sorted(jobs, key=lambda job: job.finished_s or 0.0):
            for index in range(len(job.stages)):
                if durations := runs.get((job.id, job.attempt, index)):
                    self._paces.recall(job, index, sorted(durations))

    def findings(self, scene: Scene, now_s: float) -> dict[str, Finding]:
        """All that is wrong now, by cause."""
        if self._asked_s is not None and now_s - self._asked_s > SLEPT_S and self._stalls is not None:
            self._stalls.forgive(now_s - self._asked_s)
        self._asked_s = now_s
        found = distinct(self._all(scene, now_s))
        # That an engine is down is why its queue does not drain: one cause, one alert.
        return {cause: one for cause, one in found.items()
                if not (cause.startswith("queue:") and f"engine:{cause.removeprefix('queue:')}" in found)}

    def _all(self, scene: Scene, now_s: float) -> Iterator[Finding]:
        yield from self._rules.findings(now_s)
        yield from self._absences.findings(scene.agents, scene.engines, now_s)
        if self._stalls is not None:
            yield from self._stalls.findings(scene.in_hand, scene.history, now_s)
        if self._paces is not None:
            yield from self._paces.findings(now_s)
        if self._leaks is not None:
            yield from self._leaks.findings()
        if self._disks is not None:
            yield from self._disks.findings(now_s)
        if self._line is not None:
            yield from self._line.findings(scene.waiting, scene.in_hand, scene.lanes, scene.engines, now_s)
        if self._failures is not None:
            yield from self._failures.findings(now_s)
