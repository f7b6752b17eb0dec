"""A whole agent with a fake engine, against a small hub on a real socket that refuses what the job table forbids."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from echodeck.agent import Agent
from echodeck.agent.worker import offset_s
from echodeck.client import Connection
from echodeck.errors import ConfigError, EngineError, OutOfMemory
from echodeck.model.job import JobState

from .conftest import FakeEngine

STAGES = ["planned", "stage_started", "stage_done", "stage_started", "stage_done", "stage_started", "stage_done"]


def step_of(hub: Any, job_id: str) -> int:
    return max((stage.step for stage in hub.jobs[job_id].stages), default=0)


async def sampling(hub: Any, engine: Any, until: Any, job_id: str = "a", steps: int = 2) -> None:
    """The job has made some steps and waits to be allowed further ones."""
    engine.allow(steps)
    await until("the first steps", lambda: step_of(hub, job_id) == steps)


async def test_it_says_who_it_is_and_how_the_machine_does(hub: Any, engine: Any, settings: Any, start: Any, until: Any,
                                                          capsys: Any) -> None:
    agent = start(settings, engine)
    metrics = await until("metrics", lambda: hub.of("host_metrics"))
    await until("more of them", lambda: len(hub.of("host_metrics")) > 2)
    register = hub.of("register")[0]
    assert (register.agent_id, register.host, register.slots) == (agent.id, "here", 1)
    assert [info.name for info in register.engines] == ["fake"]
    assert metrics[0].host.cpu_percent == 12.5
    assert capsys.readouterr().out == f"Echo agent here connected to {settings.hub_url}\n"


async def test_a_job_is_claimed_made_and_told(hub: Any, engine: Any, settings: Any, start: Any, until: Any) -> None:
    engine.free = True
    hub.queue("a")
    start(settings, engine)
    await until("the end", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    assert hub.facts("a") == [*STAGES, "completed"]
    assert hub.jobs["a"].outputs[0].path == "/pictures/a/00.png"
    assert hub.jobs["a"].outputs[0].host == "here"
    assert sorted(key[3] for key in hub.samples) == [1, 2, 3, 4, 5]
    assert hub.jobs["a"].worker_id == "here/fake/1"
    await until("the log line", lambda: [line.message for line in hub.of("log")] == ["saved a"])
    assert hub.refused == []


async def test_jobs_follow_one_another_and_new_work_is_told(hub: Any, engine: Any, settings: Any, start: Any,
                                                            until: Any) -> None:
    engine.free = True
    hub.queue("a")
    hub.queue("b")
    start(settings, engine)
    await until("both", lambda: all(job.state is JobState.COMPLETED for job in hub.jobs.values()))
    await until("an idle worker", lambda: len(hub.of("claim")) == 3)
    hub.queue("c")
    await hub.say("work_available", {})
    await until("the third", lambda: hub.jobs["c"].state is JobState.COMPLETED)


async def test_the_next_job_is_asked_for_when_the_last_ones_end_is_known(hub: Any, engine: Any, settings: Any,
                                                                        start: Any, until: Any) -> None:
    for number in range(6):
        hub.queue(f"job{number}")
    engine.free = True
    start(settings, engine)
    await until("all", lambda: all(job.state is JobState.COMPLETED for job in hub.jobs.values()))
    in_hand = 0
    for request in hub.heard:
        if request.type == "claim":
            assert not in_hand, "it asks for more than it has told the end of"
        elif request.type == "job_report" and request.payload.fact in ("planned", "completed"):
            in_hand += 1 if request.payload.fact == "planned" else -1


async def test_two_slots_work_on_two_jobs(hub: Any, engine: Any, two_slots: Any, start: Any, until: Any) -> None:
    for job_id in "abc":
        hub.queue(job_id)
    start(two_slots, engine)
    await until("two in hand", lambda: engine.started == 2)
    in_hand = [job for job in hub.jobs.values() if job.in_hand]
    assert {job.worker_id for job in in_hand} == {"here/fake/1", "here/fake/2"}
    engine.free = True
    await until("all three", lambda: all(job.state is JobState.COMPLETED for job in hub.jobs.values()))
    assert hub.refused == []


async def test_pause_holds_the_step_and_resume_goes_on(hub: Any, engine: Any, settings: Any, start: Any,
                                                       until: Any) -> None:
    hub.queue("a")
    start(settings, engine)
    await sampling(hub, engine, until)
    await hub.ask("a", "pause")
    await until("paused", lambda: hub.jobs["a"].state is JobState.PAUSED)
    assert hub.jobs["a"].request == ""
    engine.free = True  # nothing but the pause holds it now
    beats = len(hub.of("heartbeat"))
    await until("further heartbeats", lambda: len(hub.of("heartbeat")) > beats + 3)
    assert engine.made == step_of(hub, "a") == 2
    await hub.ask("a", "resume")
    await until("the end", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    assert hub.facts("a") == [*STAGES[:4], "paused", "resumed", *STAGES[4:], "completed"]
    assert hub.jobs["a"].paused_total_s > 0
    assert hub.refused == []


async def test_a_command_that_was_lost_comes_with_the_heartbeat(hub: Any, engine: Any, settings: Any, start: Any,
                                                                until: Any) -> None:
    hub.queue("a")
    start(settings, engine)
    await sampling(hub, engine, until)
    await hub.ask("a", "pause", tell=False)
    await until("paused", lambda: hub.jobs["a"].state is JobState.PAUSED)
    await hub.ask("a", "cancel", tell=False)
    await until("cancelled", lambda: hub.jobs["a"].state is JobState.CANCELLED)


async def test_cancel_ends_within_one_step_and_the_worker_goes_on(hub: Any, engine: Any, settings: Any, start: Any,
                                                                  until: Any) -> None:
    hub.queue("a")
    hub.queue("b")
    start(settings, engine)
    await sampling(hub, engine, until)
    await hub.ask("a", "cancel")
    engine.allow(1)
    await until("cancelled", lambda: hub.jobs["a"].state is JobState.CANCELLED)
    assert engine.made <= 3
    assert "completed" not in hub.facts("a")
    engine.free = True
    await until("the next", lambda: hub.jobs["b"].state is JobState.COMPLETED)


@pytest.mark.parametrize(
    ("problem", "kind", "retryable", "words"),
    [
        (OutOfMemory("needs 9 GB", needed_bytes=9, free_bytes=1), "out_of_memory", False, "needs 9 GB"),
        (MemoryError("no room"), "out_of_memory", False, "no room"),
        (EngineError("the model is damaged", retryable=True), "engine_error", True, "the model is damaged"),
        (ZeroDivisionError("by nought"), "crash", False, "ZeroDivisionError: by nought"),
    ],
)
async def test_an_error_fails_the_job_and_not_the_worker(problem: Exception, kind: str, retryable: bool, words: str,
                                                         hub: Any, engine: Any, settings: Any, start: Any,
                                                         until: Any) -> None:
    engine.free, engine.problem = True, problem
    hub.queue("a")
    start(settings, engine)
    await until("the failure", lambda: hub.jobs["a"].state is JobState.FAILED)
    error = hub.jobs["a"].error
    assert (error.kind, error.retryable) == (kind, retryable)
    assert words in error.message
    assert "in run" in error.detail
    assert len(error.detail) <= 4096
    engine.problem = None
    hub.queue("b")
    await hub.say("work_available", {})
    await until("the next", lambda: hub.jobs["b"].state is JobState.COMPLETED)


async def test_while_the_hub_is_away_work_goes_on_and_is_told_once(hub: Any, engine: Any, settings: Any, start: Any,
                                                                   until: Any) -> None:
    hub.queue("a", steps=40)
    agent = start(settings, engine)
    await sampling(hub, engine, until)
    await hub.kill()
    engine.free = True
    await until("the job made", lambda: engine.made == 40)
    await until("the hub missed", lambda: not agent.client.connection.usable)
    hub.heard.clear()
    await hub.start()
    await until("the end", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    register = hub.of("register")[0]
    assert [(one.job_id, one.attempt, one.worker_id) for one in register.running] == [("a", 1, "here/fake/1")]
    assert next(request.type for request in hub.heard if request.type != "ping") == "register"
    assert hub.facts("a") == [*STAGES, "completed"]
    assert sorted(key[3] for key in hub.samples) == list(range(1, 41))
    assert engine.started == 1
    assert hub.refused == []


async def test_what_took_effect_without_an_answer_is_sent_again_with_its_id(hub: Any, engine: Any, settings: Any,
                                                                            start: Any, until: Any) -> None:
    engine.free = True
    hub.deaf = {"claim", "job_report"}
    hub.queue("a")
    start(settings, engine)
    await until("a claim", lambda: hub.jobs["a"].state is JobState.RUNNING)
    hub.deaf = {"job_report"}
    await hub.kill()
    await hub.start()
    await until("a report", lambda: hub.facts("a") == ["planned"])
    hub.deaf = set()
    await hub.kill()
    await hub.start()
    await until("the end", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    assert hub.facts("a") == [*STAGES, "completed"]
    assert hub.repeats >= 2
    assert engine.started == 1


async def test_a_claim_that_the_next_hub_answers_is_told_to_be_in_hand(hub: Any, engine: Any, settings: Any, start: Any,
                                                                       until: Any) -> None:
    hub.deaf = {"claim"}
    hub.queue("a")
    start(settings, engine)
    await until("a claim", lambda: hub.jobs["a"].state is JobState.RUNNING)
    hub.deaf = set()
    await hub.kill()
    await hub.start()
    await sampling(hub, engine, until)
    beats = len(hub.of("heartbeat"))
    await until("further heartbeats", lambda: len(hub.of("heartbeat")) > beats + 2)
    engine.free = True
    await until("the end", lambda: hub.jobs["a"].state is JobState.COMPLETED)
    assert engine.started == 1


async def test_a_hub_that_dies_again_and_again_gets_every_fact_once(hub: Any, engine: Any, two_slots: Any, start: Any,
                                                                    until: Any) -> None:
    names = [f"j{number}" for number in range(12)]
    for name in names:
        hub.queue(name, steps=8)
    start(replace(two_slots, lease_s=0.1), engine)

    async def hear(requests: int) -> None:
        heard = len(hub.heard) + requests
        await until("further requests", lambda: len(hub.heard) >= heard)

    for number in range(10):
        # It dies at other moments each time: with nothing unanswered, or a claim, a report, progress.
        hub.deaf = [set(), {"claim"}, {"job_report"}, {"job_progress", "claim"}][number % 4]
        engine.allow(10)
        await hear(4 + number)
        await hub.kill()
        hub.deaf = set()
        await hub.start()
    engine.free = True
    await until("all of them", lambda: all(job.state is JobState.COMPLETED for job in hub.jobs.values()))
    assert all(hub.facts(name) == [*STAGES, "completed"] for name in names)
    assert engine.started == len(names)
    assert {key[:2] for key in hub.samples} == {(name, 1) for name in names}
    assert len(hub.samples) == 8 * len(names)
    assert hub.refused == []


async def test_what_the_hub_gave_to_another_is_abandoned_in_silence(hub: Any, engine: Any, settings: Any, start: Any,
                                                                    until: Any) -> None:
    hub.queue("a")
    hub.queue("b")
    start(settings, engine)
    await sampling(hub, engine, until)
    facts = hub.facts("a")
    hub.leased.clear()
    await until("the next", lambda: engine.started == 2)
    engine.free = True
    await until("its end", lambda: hub.jobs["b"].state is JobState.COMPLETED)
    assert hub.facts("a") == facts


async def test_a_clean_stop_gives_the_job_back_and_claims_no_other(hub: Any, engine: Any, settings: Any, start: Any,
                                                            until: Any) -> None:
    hub.queue("a")
    hub.queue("b")
    agent = start(settings, engine)
    await sampling(hub, engine, until)
    agent.stop()
    await until("the end", lambda: agent.client.connection.state == "closed")
    assert hub.facts("a")[-1] == "released"
    assert hub.jobs["a"].state is JobState.PENDING
    assert hub.facts("b") == []
    assert agent.workers[0].control is None


async def test_an_engine_that_does_not_heed_is_not_waited_for(hub: Any, engine: Any, settings: Any, start: Any,
                                                              until: Any, monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr("echodeck.agent.agent.STOP_S", 0.05)
    freed = threading.Event()
    engine.run = lambda *_: freed.wait()
    hub.queue("a")
    agent = start(settings, engine)
    await until("the job in hand", lambda: agent.workers[0].control)
    agent.stop()
    await until("the end", lambda: agent.client.connection.state == "closed")
    freed.set()
    assert "did not heed" in caplog.text
    assert hub.facts("a") == ["released"]


async def test_a_broken_source_ends_the_agent_loudly(settings: Any, engine: Any) -> None:
    class Broken:
        def read(self) -> Any:
            raise ArithmeticError("broken")

    agent = Agent(settings, engines={"fake": engine}, source=Broken(), name="here")
    with pytest.raises(ArithmeticError):
        await asyncio.wait_for(agent.run(), 20)


async def test_unknown_engines_are_refused_by_name(settings: Any) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        Agent(replace(settings, engine="sketch,nonsense"))
    both = Agent(replace(settings, engine="sketch, sketch", slots=2), name="here")
    assert [worker.id for worker in both.workers] == ["here/sketch/1", "here/sketch/2"]
    assert both.workers[0].engines["sketch"] is not both.workers[1].engines["sketch"]


async def test_the_longest_names_are_not_too_long_for_the_hub(settings: Any) -> None:
    engines = {f"server-{n}-of-many": FakeEngine() for n in range(9)}
    agent = Agent(replace(settings, name="x" * 64), engines=engines)
    [worker] = agent.workers
    worker.rename(f"{'x' * 64} (12)")
    assert len(worker.id) < 128


def test_the_clocks_are_compared_only_as_far_as_that_was_measured() -> None:
    assert offset_s(Connection()) == 0.0
    assert offset_s(Connection(latency_s=0.02, offset_s=0.01)) == 0.0
    assert offset_s(Connection(latency_s=0.02, offset_s=-3.5)) == -3.5
