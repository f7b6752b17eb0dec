"""What every store does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck.errors import StoreHeld
from echodeck.model.job import Job, JobError, JobState, Output, Stage, StageState
from echodeck.model.record import EstimateSample, StageRun, StepSample
from echodeck.store import Batch, Event, Store

MakeJob = Callable[..., Job]
MakeEvent = Callable[..., Event]

STEP = StepSample("a", 1, 1, 1, 20.0, 0.5)
RUN = StageRun("a", 1, "sketch", "sketch-s", 256, 128, 20, 1, 1, "sample", 30.0, 10.0, 1.0, 0.45)
ESTIMATE = EstimateSample("a", 1, 25.0, 40.0, 6.0, 5.0, 8.0)


async def test_numbers_events_from_one_without_gaps(store: Store, event: MakeEvent) -> None:
    assert await store.last_seq() == 0
    assert await store.append(Batch(events=[event("a"), event("b")])) == [1, 2]
    assert await store.append(Batch()) == []
    assert await store.append(Batch(events=[event("c")])) == [3]
    assert await store.last_seq() == 3


async def test_gives_back_events_as_they_were_told(store: Store, event: MakeEvent) -> None:
    told = [event(key, at_s=float(n), nested={"list": [1, 2.5, None, True, "Ω"]}) for n, key in enumerate("abcd")]
    await store.append(Batch(events=told))
    assert await store.events(0, 10) == [replace(one, seq=seq) for seq, one in enumerate(told, 1)]
    assert [one.key for one in await store.events(1, 2)] == ["b", "c"]
    assert await store.events(4, 10) == []
    assert await store.events(0, 0) == []


async def test_what_is_given_out_is_the_readers_own(store: Store) -> None:
    payload: dict[str, Any] = {"list": [1]}
    await store.append(Batch(events=[Event("log", "log", "1", payload, 1.0)], records={("alert", "x"): payload}))
    payload["list"].append(2)
    (await store.events(0, 1))[0].payload["list"].append(3)
    (await store.records("alert"))["x"]["list"].append(4)
    assert (await store.events(0, 1))[0].payload == {"list": [1]}
    assert await store.records("alert") == {"x": {"list": [1]}}


async def test_keeps_a_job_whole(store: Store, job: MakeJob) -> None:
    stages = (Stage("load model", StageState.COMPLETED, 0, 0, 12.0, 3.25, 4.0), Stage("sample", step=3, steps=20))
    full = job("a", JobState.FAILED, started_s=12.0, finished_s=20.5, attempt=2, stages=stages, stage_index=1,
               error=JobError("out_of_memory", "too big", detail="…"), rank=-2.5, priority=3,
               outputs=(Output("a/00.png", width=256, height=128, size_bytes=9),))
    await store.append(Batch(jobs={"a": full}))
    assert await store.jobs() == [full]


async def test_an_older_job_never_replaces_a_newer(store: Store, job: MakeJob) -> None:
    newer = job("a", JobState.CANCELLED, seq=7, finished_s=11.0)
    await store.append(Batch(jobs={"a": newer}))
    await store.append(Batch(jobs={"a": job("a", seq=6)}))
    assert await store.jobs() == [newer]
    volatile = replace(newer, paused_total_s=2.0)
    await store.append(Batch(jobs={"a": volatile}))
    assert await store.jobs() == [volatile], "the same version may say more"


async def test_finds_jobs_by_state_and_time_newest_first(store: Store, job: MakeJob) -> None:
    jobs = [
        job("old", JobState.COMPLETED, created_s=1.0, finished_s=50.0, progress=100.0),
        job("older", JobState.COMPLETED, created_s=2.0, finished_s=5.0, progress=100.0),
        job("waiting", created_s=3.0),
        job("late", created_s=60.0),
    ]
    await store.append(Batch(jobs={one.id: one for one in jobs}))

    async def found(**query: Any) -> list[str]:
        return [one.id for one in await store.jobs(**query)]

    assert await found() == ["late", "waiting", "older", "old"]
    assert await found(limit=2) == ["late", "waiting"]
    assert await found(states=frozenset({"completed"})) == ["older", "old"]
    assert await found(states=frozenset({JobState.COMPLETED, "pending"}), limit=3) == ["late", "waiting", "older"]
    assert await found(states=frozenset()) == []
    assert await found(since_s=40.0) == ["late", "old"], "ended since, or created since if it has not ended"


async def test_removes_jobs(store: Store, job: MakeJob) -> None:
    await store.append(Batch(jobs={"a": job("a"), "b": job("b")}))
    await store.append(Batch(removed=["a", "unknown"]))
    assert [one.id for one in await store.jobs()] == ["b"]


async def test_keeps_records_by_kind_and_key(store: Store) -> None:
    await store.append(Batch(records={("alert", "x"): {"level": "info"}, ("alert", "y"): {}, ("agent", "x"): {"n": 1}}))
    await store.append(Batch(records={("alert", "x"): {"level": "error"}, ("alert", "y"): None, ("alert", "z"): None}))
    assert await store.records("alert") == {"x": {"level": "error"}}
    assert await store.records("agent") == {"x": {"n": 1}}
    assert await store.records("engine") == {}


async def test_the_first_reply_to_a_request_stands(store: Store) -> None:
    assert await store.reply("c1:7") is None
    await store.append(Batch(replies={"c1:7": {"jobId": "a"}}))
    await store.append(Batch(replies={"c1:7": {"jobId": "b"}}))
    assert await store.reply("c1:7") == {"jobId": "a"}


async def test_a_step_that_is_there_is_left_as_it_is(store: Store) -> None:
    await store.append(Batch(steps=[STEP, replace(STEP, duration_s=9.0)], runs=[RUN], estimates=[ESTIMATE]))
    await store.append(Batch(steps=[replace(STEP, at_s=99.0), replace(STEP, attempt=2)],
                             runs=[replace(RUN, duration_s=99.0)], estimates=[replace(ESTIMATE, eta_s=99.0)]))
    assert await store.steps() == [STEP, replace(STEP, attempt=2)]
    assert await store.runs() == [RUN]
    assert await store.estimates() == [ESTIMATE]


async def test_steps_and_estimates_in_time_the_newest_of_too_many(store: Store) -> None:
    steps = [replace(STEP, step=n, at_s=20.0 + n) for n in range(1, 6)]
    other = replace(STEP, job_id="b", at_s=22.5)
    await store.append(Batch(steps=[*reversed(steps), other]))
    assert await store.steps(job_id="a") == steps
    assert await store.steps(since_s=24.0) == steps[3:]
    assert await store.steps(limit=4) == [other, *steps[2:]]
    estimates = [replace(ESTIMATE, at_s=float(n)) for n in range(5)]
    await store.append(Batch(estimates=[*estimates, replace(ESTIMATE, job_id="b", at_s=9.0)]))
    assert await store.estimates(job_id="a", limit=2) == estimates[3:]
    assert len(await store.estimates(since_s=3.0)) == 3


async def test_runs_newest_first_by_engine(store: Store) -> None:
    runs = [replace(RUN, job_id=str(n), at_s=float(n), engine="sketch" if n % 2 else "comfyui") for n in range(6)]
    await store.append(Batch(runs=runs))
    assert await store.runs() == runs[::-1]
    assert [run.at_s for run in await store.runs(engine="sketch")] == [5.0, 3.0, 1.0]
    assert [run.at_s for run in await store.runs(engine="sketch", since_s=2.0, limit=1)] == [5.0]


async def test_prune_forgets_what_is_old_but_not_jobs_and_numbers(store: Store, job: MakeJob, event: MakeEvent,
                                                                  clock: Any) -> None:
    clock.now_s = 10.0
    await store.append(Batch(events=[event("a", 10.0), event("b", 30.0)], jobs={"a": job("a", created_s=1.0)},
                             replies={"r": {}}, steps=[STEP, replace(STEP, step=2, at_s=40.0)], runs=[RUN]))
    clock.now_s = 50.0
    await store.append(Batch(replies={"s": {}}))
    assert await store.prune(before_s=30.0) == 3
    assert [one.seq for one in await store.events(0, 10)] == [2]
    assert (await store.reply("r"), await store.reply("s")) == (None, {})
    assert [step.step for step in await store.steps()] == [2]
    assert len(await store.jobs()) == len(await store.runs()) == 1
    await store.prune(before_s=1000.0)
    assert await store.append(Batch(events=[event("c")])) == [3], "a number is never given twice"


async def test_a_batch_is_written_whole_or_not_at_all(store: Store, job: MakeJob, event: MakeEvent) -> None:
    bad = Batch(events=[event("a"), event("b", odd=object())], jobs={"a": job("a")}, steps=[STEP],
                replies={"r": {}}, records={("alert", "x"): {}})
    with pytest.raises(TypeError):
        await store.append(bad)
    assert await store.events(0, 10) == []
    assert await store.jobs() == []
    assert await store.steps() == []
    assert await store.reply("r") is None
    assert await store.records("alert") == {}
    assert await store.append(Batch(events=[event("c")])) == [1]


async def test_may_be_called_concurrently(store: Store, event: MakeEvent) -> None:
    seqs = await asyncio.gather(*(store.append(Batch(events=[event(str(n))] * 3)) for n in range(20)))
    assert sorted(seq for group in seqs for seq in group) == list(range(1, 61))
    assert all(group == list(range(group[0], group[0] + 3)) for group in seqs)


async def test_open_twice_is_refused_and_reopening_keeps_all(store: Store, job: MakeJob, event: MakeEvent) -> None:
    with pytest.raises(StoreHeld):
        await store.open()
    await store.append(Batch(events=[event("a")], jobs={"a": job("a")}))
    await store.close()
    await store.open()
    assert (await store.last_seq(), [one.id for one in await store.jobs()]) == (1, ["a"])
