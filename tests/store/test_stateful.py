"""SQLite against memory: whatever is done to both, both say the same."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from echodeck.model.job import Job, JobSpec, JobState
from echodeck.model.record import EstimateSample, StageRun, StepSample
from echodeck.store import Batch, Event, Store
from echodeck.store.memory import MemoryStore
from echodeck.store.sqlite import SqliteStore

ids = st.sampled_from(["a", "b", "c"])
moments = st.integers(0, 20).map(float)
small = st.integers(1, 3)
texts = st.text(st.characters(codec="utf-8"), max_size=5)
values = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-2**40, 2**40) | texts, max_size=3)
events = st.builds(Event, texts, texts, ids, values, moments)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    state = draw(st.sampled_from(JobState))
    finished_s = draw(moments) if state in ("completed", "failed", "cancelled") else None
    spec = JobSpec("sketch", "m", title=draw(texts), options=draw(st.dictionaries(texts, st.booleans())))
    return Job(draw(ids), spec, state, created_s=draw(moments), finished_s=finished_s, rank=draw(moments),
               seq=draw(small))


batches = st.builds(
    Batch,
    events=st.lists(events, max_size=3),
    jobs=st.lists(jobs(), max_size=3).map(lambda found: {job.id: job for job in found}),
    removed=st.lists(ids, max_size=1),
    records=st.dictionaries(st.tuples(st.sampled_from(["alert", "agent"]), ids), st.none() | values, max_size=3),
    replies=st.dictionaries(ids, values, max_size=2),
    steps=st.lists(st.builds(StepSample, ids, small, small, small, moments, moments), max_size=3),
    runs=st.lists(st.builds(StageRun, ids, small, ids, ids, small, small, small, small, small, ids, moments, moments),
                  max_size=2),
    estimates=st.lists(st.builds(EstimateSample, ids, small, moments, moments, moments, moments, moments), max_size=2),
)


class SameAsMemory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.now_s = 0.0
        self.stores: list[Store] = [MemoryStore(clock=lambda: self.now_s),
                                    SqliteStore(Path(self.directory.name), clock=lambda: self.now_s)]
        self.both("open")

    def both(self, name: str, *args: Any, **query: Any) -> Any:
        memory, sqlite = [self.runner.run(getattr(store, name)(*args, **query)) for store in self.stores]
        assert sqlite == memory, name
        return memory

    @rule(batch=batches, now_s=moments)
    def append(self, batch: Batch, now_s: float) -> None:
        self.now_s = now_s
        self.both("append", batch)

    @rule(before_s=moments)
    def prune(self, before_s: float) -> None:
        self.both("prune", before_s=before_s)

    @rule()
    def reopen(self) -> None:
        self.both("close")
        self.both("open")

    @rule(after=st.integers(0, 10), limit=st.integers(0, 5))
    def read_events(self, after: int, limit: int) -> None:
        self.both("events", after, limit)

    @rule(states=st.none() | st.frozensets(st.sampled_from(JobState)), since_s=st.none() | moments,
          limit=st.none() | st.integers(0, 3))
    def read_jobs(self, states: Any, since_s: float | None, limit: int | None) -> None:
        self.both("jobs", states=states, since_s=since_s, limit=limit)

    @rule(job_id=st.none() | ids, since_s=moments, limit=st.integers(0, 3))
    def read_samples(self, job_id: str | None, since_s: float, limit: int) -> None:
        self.both("steps", job_id=job_id, since_s=since_s, limit=limit)
        self.both("estimates", job_id=job_id, since_s=since_s, limit=limit)
        self.both("runs", engine=job_id, since_s=since_s, limit=limit)

    @invariant()
    def say_the_same(self) -> None:
        self.both("last_seq")
        self.both("events", 0, 1000)
        self.both("jobs")
        self.both("records", "alert")
        self.both("reply", "a")
        self.both("steps")

    def teardown(self) -> None:
        self.both("close")
        self.runner.close()
        self.directory.cleanup()


TestSameAsMemory = SameAsMemory.TestCase
TestSameAsMemory.settings = settings(max_examples=25, stateful_step_count=15, deadline=None,
                                     suppress_health_check=[HealthCheck.too_slow])
