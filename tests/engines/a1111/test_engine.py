"""The engine against a small server on a real socket: the contract of all engines, and what only this has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.agent.watcher import Watcher
from echodeck.engines.a1111 import A1111
from echodeck.errors import EngineError
from echodeck.model.engine import fit
from echodeck.model.job import JobSpec
from echodeck.wire import say

from ..contract import PATIENCE_S, STEPS, Running, ServerContract
from .standin import StandIn


class Driver:
    def __init__(self, engine: A1111, server: StandIn) -> None:
        self.engine, self.server = engine, server

    def spec(self, **fields: Any) -> JobSpec:
        return fit(self.engine.info(), {"prompt": "dusk", "steps": STEPS, **fields})

    def failing(self) -> JobSpec:
        return self.spec(prompt="fail")

    def hungry(self) -> JobSpec:
        return self.spec(prompt="hungry")

    def kill(self) -> None:
        self.server.kill()

    def revive(self) -> None:
        self.server.start()

    def slow(self, seconds: float) -> None:
        self.server.delay_s = seconds

    def babble(self) -> None:
        self.server.set(job_count="many", sampling_step=None, surprise={})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the world waits less for a test's."""
    for name, value in (("run.POLL_S", 0.01), ("run.PREVIEW_S", 0.05), ("POLL_S", 0.01), ("IDLE_S", 0.02),
                        ("LAST_S", 0.1), ("FIRST_S", 0.05)):
        monkeypatch.setattr(f"echodeck.engines.a1111.{name}", value)


@pytest.fixture(params=["a1111", "sdnext", "old"])
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    made = StandIn(request.param)
    yield made
    made.close()


@pytest.fixture
def engine(server: StandIn, tmp_path: Path) -> Iterator[A1111]:
    made = A1111(tmp_path, "a1111", server.url)
    yield made
    made.close()


@pytest.fixture
def driver(engine: A1111, server: StandIn) -> Driver:
    return Driver(engine, server)


class TestContract(ServerContract):
    pass


# --- jobs of ours ---


def test_what_the_server_has_can_be_chosen(driver: Driver) -> None:
    info = driver.engine.info()
    assert [model.name for model in info.models] == ["dreamy.safetensors [abc]", "other"]
    assert info.samplers == ("Euler a", "DPM++ 2M")
    assert info.schedulers == (() if driver.server.flavour == "old" else ("automatic", "karras"))
    assert info.label == ("SD.Next" if driver.server.flavour == "sdnext" else "A1111")


def test_the_request_has_what_was_asked_for(driver: Driver) -> None:
    spec = driver.spec(model="other", sampler="DPM++ 2M", seed=9, batch=2, options={
        "negative_prompt": "blur", "cfg_scale": 5.5})
    job = Running(driver.engine, spec)
    assert len(job.end().outputs) == 2
    [asked] = driver.server.asked
    assert (asked["seed"], asked["n_iter"], asked["batch_size"], asked["negative_prompt"], asked["cfg_scale"]) == (
        9, 2, 1, "blur", 5.5)
    assert asked["override_settings"] == {"sd_model_checkpoint": "other"}
    stages = [one.stages for one in job.reports if one.fact == "planned"][-1]
    assert [name for name, _ in stages] == ["load", "sample 1/2", "sample 2/2", "save"]


def test_a_picture_to_start_from_goes_to_img2img(driver: Driver, tmp_path: Path) -> None:
    file = tmp_path / "start.png"
    file.write_bytes(b"picture")
    assert Running(driver.engine, driver.spec(options={"init_image": str(file)})).end().fact == "completed"
    assert driver.server.asked[0]["init_images"] == ["cGljdHVyZQ=="]
    end = Running(driver.engine, driver.spec(options={"init_image": "/nowhere.png"})).end()
    assert end.error is not None
    assert "init_image" in end.error.message


def test_the_hires_fix_is_a_stage_of_its_own(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(options={"hires": True}))
    assert job.end().fact == "completed"
    assert [name for name, _ in [one.stages for one in job.reports if one.fact == "planned"][-1]] == [
        "load", "sample", "hires fix", "save"]


def test_one_picture_of_several_is_skipped(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(batch=2))
    job.stepped()
    job.control.skip()
    assert len(job.end().outputs) == 1


def test_what_the_server_refuses_is_said_with_its_field(driver: Driver) -> None:
    error = Running(driver.engine, driver.spec(width=64)).end().error
    assert error is not None
    assert (error.kind, error.message, error.retryable) == ("refused", "width: too small", False)


def test_models_are_let_go(driver: Driver) -> None:
    driver.engine.free()
    assert driver.server.freed == 1


@pytest.mark.parametrize(("kind", "said"), [({"api": False}, "--api"),
                                            ({"auth": "ada:s3cret"}, "user name and password")])
def test_why_it_cannot_be_used_is_said(tmp_path: Path, kind: Any, said: str) -> None:
    server = StandIn(**kind)
    engine = A1111(tmp_path, "big", server.url)
    assert said in engine.info().reason
    engine.close()
    if "auth" in kind:
        known = A1111(tmp_path, "big", server.url.replace("//", "//ada:s3cret@"))
        assert known.info().reason == ""
        assert "s3cret" not in str(known.info())
        known.close()
    server.close()


# --- jobs of others ---


@pytest.fixture
def said() -> list[say.Say]:
    return []


@pytest.fixture
def watcher(engine: A1111, said: list[say.Say]) -> Iterator[Watcher]:
    made = Watcher(engine, "here/a1111/others", "here", said.append, lambda: 0.0)
    engine.info()
    thread = threading.Thread(target=engine.watch, args=(made,), daemon=True)
    thread.start()
    yield made
    made.end()
    thread.join(PATIENCE_S)


@pytest.fixture
def until(said: list[say.Say]) -> Callable[..., Any]:
    def wait(what: str, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, f"no {what}; said {[type(one).__name__ for one in said]}"
            time.sleep(0.005)
        return found

    return wait


def adopted(said: list[say.Say]) -> list[say.Adopt]:
    return [one for one in said if isinstance(one, say.Adopt)]


def facts(said: list[say.Say], job_id: str) -> list[str]:
    return [one.fact for one in said if isinstance(one, say.JobReport) and one.job_id == job_id]


def test_each_time_stamp_is_a_job(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(n_iter=2)
    server.post()
    until("both", lambda: len(adopted(said)) == 2)
    first, second = adopted(said)
    assert first.job_id != second.job_id
    assert (first.spec.model, first.spec.batch) == ("dreamy.safetensors [abc]", 2)
    assert {"pause", "retry", "move"} <= first.cannot.keys()
    until("their ends", lambda: facts(said, second.job_id)[-1:] == ["completed"])
    assert facts(said, first.job_id)[-1] == "completed"
    steps = [one.step for one in said if isinstance(one, say.JobProgress) and one.job_id == second.job_id]
    assert steps == sorted(steps)
    assert steps


def test_somebody_elses_is_cancelled_only_while_it_runs(server: StandIn, engine: A1111, watcher: Watcher, said: Any,
                                                        until: Any) -> None:
    server.post()
    job_id = until("it", lambda: adopted(said))[0].job_id
    with pytest.raises(EngineError, match="no way to hold"):
        engine.steer(job_id, "pause")
    engine.steer(job_id, "cancel")
    until("its end", lambda: facts(said, job_id)[-1:] == ["cancelled"])
    with pytest.raises(EngineError, match="any more"):
        engine.steer(job_id, "cancel")


def test_one_that_its_owner_interrupts_is_cancelled(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(steps=40)
    job_id = until("it", lambda: adopted(said))[0].job_id
    server.interrupt()
    until("its end", lambda: facts(said, job_id)[-1:] == ["cancelled"])


def test_a_server_that_dies_loses_it(server: StandIn, engine: A1111, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(steps=100)
    job_id = until("it", lambda: adopted(said))[0].job_id
    server.kill()
    until("its end", lambda: facts(said, job_id)[-1:] == ["failed"])
    server.start()
    until("recovery", lambda: not engine.info().reason)


def test_our_own_jobs_are_not_seen_as_others(driver: Driver, watcher: Watcher, said: Any) -> None:
    assert Running(driver.engine, driver.spec()).end().fact == "completed"
    time.sleep(0.2)  # several looks: what must not come cannot be waited for
    assert adopted(said) == []
