"""What every engine must do, whichever way it generates: run against each engine by its own test module.

A module has a class that inherits `EngineContract` and a fixture `driver` (see `Driver`). Jobs are really run, in a
thread and with the agent's own control, so that what is asserted is what a hub would be told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from echodeck.agent.control import JobControl
from echodeck.agent.runner import generate
from echodeck.client.teller import Hand
from echodeck.engines import Engine
from echodeck.model.job import JobSpec
from echodeck.wire import say

PATIENCE_S = 30.0
STEPS = 6
ENDS = ("completed", "failed", "cancelled", "lost", "released")


class Driver(Protocol):
    """How the contract gets at an engine. A `spec` has STEPS steps, slow enough to be steered between them."""

    engine: Engine

    def spec(self, **fields: Any) -> JobSpec: ...

    def failing(self) -> JobSpec:
        """A job that the engine cannot do: an error in the middle of it."""

    def hungry(self) -> JobSpec:
        """A job that does not fit into memory."""


class Running:
    """A job in a thread, and what it says."""

    def __init__(self, engine: Engine, spec: JobSpec, job_id: str = "job") -> None:
        self.said: list[say.Say] = []
        self.control = JobControl(Hand(job_id, 1, "here/engine/1", "here"), self.said.append, epoch_s=time.time()
                                  - time.monotonic())
        self.thread = threading.Thread(target=generate, args=(engine, spec, self.control), daemon=True)
        self.thread.start()

    @property
    def facts(self) -> list[str]:
        return [one.fact for one in self.said if isinstance(one, say.JobReport)]

    @property
    def reports(self) -> list[say.JobReport]:
        return [one for one in self.said if isinstance(one, say.JobReport)]

    @property
    def steps(self) -> list[int]:
        return [one.step for one in self.said if isinstance(one, say.JobProgress)]

    @property
    def previews(self) -> list[say.JobPreview]:
        return [one for one in self.said if isinstance(one, say.JobPreview)]

    def until(self, what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"no {what}; it said {self.facts}, steps {self.steps}"
            time.sleep(0.005)
        return found

    def stepped(self, count: int = 1) -> None:
        self.until(f"step {count}", lambda: self.steps and max(self.steps) >= count)

    def end(self) -> say.JobReport:
        """The fact it ended with."""
        self.until("end", lambda: not self.thread.is_alive())
        assert self.facts[-1] in ENDS
        assert [fact for fact in self.facts if fact in ENDS] == self.facts[-1:]
        return self.reports[-1]


class EngineContract:
    """Inherit it in a test module that has a `driver`."""

    @pytest.fixture
    def begin(self, driver: Driver) -> Any:
        """Starts jobs; those that still run are cancelled with the test."""
        started: list[Running] = []

        def start(spec: JobSpec, job_id: str = "job") -> Running:
            started.append(Running(driver.engine, spec, job_id))
            return started[-1]

        yield start
        for job in started:
            job.control.end("cancel")
            job.thread.join(PATIENCE_S)

    def test_it_says_what_it_is(self, driver: Driver) -> None:
        info = driver.engine.info()
        assert info.name
        assert info.label
        assert info.reason == ""
        assert all(len(reason.split()) > 3 for reason in info.cannot.values()), "reasons are sentences"

    def test_a_job_goes_through_its_stages_to_its_output(self, driver: Driver, begin: Any) -> None:
        job = begin(driver.spec())
        assert job.end().fact == "completed"
        planned = [one.stages for one in job.reports if one.fact == "planned"]
        assert planned
        assert max(steps for _, steps in planned[-1]) >= STEPS
        began = [one.index for one in job.reports if one.fact == "stage_started"]
        assert began == sorted(set(began))
        assert job.steps == sorted(job.steps)
        assert max(job.steps) >= STEPS
        outputs = job.reports[-1].outputs
        assert outputs
        for output in outputs:
            assert output.link or Path(output.path).stat().st_size == output.size_bytes
            assert not output.path or Path(output.path).is_file()
            assert output.host == "here"

    def test_a_picture_is_shown_while_it_is_made(self, driver: Driver, begin: Any) -> None:
        job = begin(driver.spec())
        job.end()
        assert job.previews
        assert all(one.image.startswith("data:image/") for one in job.previews)

    def test_it_pauses_at_a_step_or_says_why_it_cannot(self, driver: Driver, begin: Any) -> None:
        if reason := driver.engine.info().cannot.get("pause"):
            assert len(reason.split()) > 3
            return
        job = begin(driver.spec())
        job.stepped()
        job.control.pause()
        job.until("pause", lambda: "paused" in job.facts)
        held = len(job.steps)
        time.sleep(0.3)  # what holds makes no step: there is nothing that could be waited for
        assert len(job.steps) == held
        job.control.resume()
        assert job.end().fact == "completed"
        assert job.facts.count("paused") == job.facts.count("resumed") == 1
        assert max(job.steps) >= STEPS

    def test_cancelling_ends_it_and_the_next_job_is_done(self, driver: Driver, begin: Any) -> None:
        job = begin(driver.spec())
        job.stepped()
        job.control.end("cancel")
        assert job.end().fact == "cancelled"
        assert max(job.steps) < STEPS
        assert begin(driver.spec(seed=2), "next").end().fact == "completed"

    def test_cancelling_while_it_is_held_ends_it(self, driver: Driver, begin: Any) -> None:
        if driver.engine.info().cannot.get("pause"):
            return
        job = begin(driver.spec())
        job.stepped()
        job.control.pause()
        job.until("pause", lambda: "paused" in job.facts)
        job.control.end("cancel")
        assert job.end().fact == "cancelled"

    def test_an_agent_that_stops_gives_it_back(self, driver: Driver, begin: Any) -> None:
        job = begin(driver.spec())
        job.stepped()
        job.control.end("stop")
        assert job.end().fact == "released"

    def test_a_failure_says_what_and_where(self, driver: Driver, begin: Any) -> None:
        end = begin(driver.failing()).end()
        assert end.fact == "failed"
        assert end.error is not None
        assert end.error.kind not in ("crash", "out_of_memory")
        assert len(end.error.message.split()) > 1
        assert begin(driver.spec(), "next").end().fact == "completed", "the engine goes on"

    def test_out_of_memory_is_known_as_such(self, driver: Driver, begin: Any) -> None:
        end = begin(driver.hungry()).end()
        assert end.error is not None
        assert end.error.kind == "out_of_memory"
        assert begin(driver.spec(), "next").end().fact == "completed", "the engine goes on"


class ServerDriver(Driver, Protocol):
    """An engine that drives a server: the server can be made to misbehave."""

    def kill(self) -> None:
        """The server dies without a word, and forgets all."""

    def revive(self) -> None:
        """Another process of it answers at the same address."""

    def slow(self, seconds: float) -> None:
        """Every answer takes so long."""

    def babble(self) -> None:
        """It sends what nobody knows, in the middle of a job."""


class ServerContract(EngineContract):
    """What engines that drive a server must bear besides."""

    def test_a_server_that_dies_loses_the_job_and_recovers(self, driver: ServerDriver, begin: Any) -> None:
        job = begin(driver.spec())
        job.stepped()
        driver.kill()
        job.until("reason", lambda: driver.engine.info().reason)
        assert len(driver.engine.info().reason.split()) > 3
        driver.revive()
        assert job.end().fact == "lost"
        job.until("recovery", lambda: not driver.engine.info().reason)
        assert begin(driver.spec(), "next").end().fact == "completed"

    def test_a_slow_server_is_waited_for(self, driver: ServerDriver, begin: Any) -> None:
        driver.slow(0.3)
        assert begin(driver.spec()).end().fact == "completed"

    def test_what_nobody_knows_is_passed_over(self, driver: ServerDriver, begin: Any) -> None:
        job = begin(driver.spec())
        job.stepped()
        driver.babble()
        assert job.end().fact == "completed"
