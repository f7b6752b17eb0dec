"""Jobs: how many there are in each state, and how those that ended went, counted since the hub was started.

Labels are never a job's or a title: only engines that an agent has announced have their names in them, jobs of scripts
are all "script".
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram

from ...model.accuracy import eta_errors
from ...model.facts import Claimed, Fact, Judged, Metered, RetryAsked, Started
from ...model.job import TERMINAL, Job, JobState
from ...model.usage import total
from ..room import Room
from .families import PREFIX, Families

DURATION_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
WAIT_S = (0.1, 1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
ERROR = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
SCORE = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)
SCRIPT, OTHER = "script", "other"


class JobFigures:
    """`follow` is told of whatever happens to a job; what is counted starts at 0 with the process."""

    def __init__(self, room: Room, registry: CollectorRegistry) -> None:
        self._room = room
        self._queued_s: dict[str, float] = {}
        """Since when jobs wait that were queued again."""
        self._finished = Counter(f"{PREFIX}jobs_finished", "Jobs that ended, by how.", ["engine", "outcome"],
                                 registry=registry)
        self._duration = Histogram(f"{PREFIX}job_duration", "Work of completed jobs, without pauses.", ["engine"],
                                   unit="seconds", buckets=DURATION_S, registry=registry)
        self._wait = Histogram(f"{PREFIX}job_queue_wait", "From a job's being queued to its start.", ["engine"],
                               unit="seconds", buckets=WAIT_S, registry=registry)
        self._error = Histogram(
            f"{PREFIX}job_eta_error", "|estimate − truth| / truth of the time left, when this share of it was done.",
            ["engine", "done"], unit="ratio", buckets=ERROR, registry=registry)
        self._energy = Counter(
            f"{PREFIX}job_energy", "Energy of the GPUs that jobs ran on, while they did; of a shared one their part.",
            ["engine"], unit="joules", registry=registry)
        self._score = Histogram(f"{PREFIX}output_score", "What judged outputs were worth, 0 to 100.", ["engine"],
                                buckets=SCORE, registry=registry)
        self._defects = Counter(f"{PREFIX}output_defects", "Defects seen in judged outputs.", ["engine", "defect"],
                                registry=registry)

    def follow(self, before: Job, after: Job, fact: Fact) -> None:
        engine = self.engine(after)
        if isinstance(fact, Judged):
            self._judged(after, engine)
        elif isinstance(fact, Metered):
            energy_wh = total(after.usage).energy_wh
            if energy_wh is not None:  # an engine whose machines measure no power has no series, not one of 0
                self._energy.labels(engine).inc(3600.0 * energy_wh)
        elif after.state in TERMINAL and before.state not in TERMINAL:
            self._ended(after, engine)
        elif after.state is JobState.PENDING and (before.in_hand or isinstance(fact, RetryAsked)):
            self._queued_s[after.id] = fact.at_s
        elif isinstance(fact, Claimed | Started) and after.started_s is not None:
            queued_s = self._queued_s.pop(after.id, after.created_s)
            self._wait.labels(engine).observe(max(0.0, after.started_s - queued_s))

    def _judged(self, job: Job, engine: str) -> None:
        for verdict in job.verdicts:
            if verdict.score is None:
                continue
            self._score.labels(engine).observe(verdict.score)
            for reason in verdict.reasons:
                self._defects.labels(engine, reason.defect).inc()

    def _ended(self, job: Job, engine: str) -> None:
        self._queued_s.pop(job.id, None)
        self._finished.labels(engine, job.state.value).inc()
        if job.state is JobState.COMPLETED and job.finished_s is not None:
            self._duration.labels(engine).observe(job.elapsed_s(job.finished_s))
            for share, error in eta_errors(job, self._room.desk.outlooks.told(job.id)).items():
                self._error.labels(engine, f"{share:g}").observe(error)

    def engine(self, job: Job) -> str:
        """The engine as a label: there are only so many."""
        if self._room.board.get("engines", job.spec.engine) is not None:
            return job.spec.engine
        return SCRIPT if job.origin == "script" else OTHER

    def tell(self, families: Families, now_s: float) -> None:
        """The jobs as they are now."""
        for engine in self._room.board.all("engines"):  # those that have done nothing yet say so
            for state in sorted(TERMINAL):
                self._finished.labels(engine, state.value)
            self._duration.labels(engine)
            self._wait.labels(engine)
        queue, clear = self._room.desk.queue, self._room.desk.outlooks.clear
        count = dict.fromkeys(JobState, 0)
        for job in queue.all():
            count[job.state] += 1
        for state, number in count.items():
            families.add("jobs", "Jobs on the board, by state.", number, {"state": state.value})
        families.add("queue_oldest_seconds", "How long ago the oldest pending job was made; 0 with none.",
                     max(self._waits(now_s), default=0.0))
        families.add("queue_clear_seconds", "Until everything should be done, as estimated.",
                     None if clear is None else clear[0])
        self._queued_s = {job_id: at_s for job_id, at_s in self._queued_s.items() if job_id in queue}

    def _waits(self, now_s: float) -> Iterator[float]:
        return (max(0.0, now_s - job.created_s) for job in self._room.desk.queue.all() if job.state is JobState.PENDING)


