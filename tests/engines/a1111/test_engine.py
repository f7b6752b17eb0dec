"""The engine against a small server on a real socket: the contract of all engines, and what only this has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.agent.watcher import Watcher
from echodeck.engines import Sighting
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
        self.server.odd = {"job_count": "many", "sampling_step": None, "surprise": {}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the world waits less for a test's."""
    times = {"feed.QUICK_S": 0.01, "feed.SLOW_S": 0.02, "feed.PICTURE_S": 0.05, "feed.FIRST_S": 0.05,
             "feed.LAST_S": 0.1, "turn.TICK_S": 0.01, "run.TICK_S": 0.01, "run.AGAIN_S": 0.05, "watch.TICK_S": 0.02,
             "watch.GONE_S": 0.3}
    for name, value in times.items():
        monkeypatch.setattr(f"echodeck.engines.a1111.{name}", value)


@pytest.fixture(params=["a1111", "forge", "sdnext", "old"])
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
    assert [model.name for model in info.models] == ["dreamy", "other"]
    assert info.samplers == ("Euler a", "DPM++ 2M")
    flavour = driver.server.flavour
    assert info.schedulers == (("Automatic", "Karras") if flavour in ("a1111", "forge") else ())
    assert info.label == {"sdnext": "SD.Next", "forge": "Forge"}.get(flavour, "A1111")
    assert info.version == ("2025-03-02 431bcc36" if flavour == "sdnext" else "")


def test_the_request_has_what_was_asked_for(driver: Driver) -> None:
    spec = driver.spec(model="dreamy", sampler="DPM++ 2M", seed=9, batch=2, options={
        "negative_prompt": "blur", "cfg_scale": 5.5})
    job = Running(driver.engine, spec)
    assert len(job.end().outputs) == 2
    [asked] = driver.server.asked
    assert (asked["seed"], asked["n_iter"], asked["batch_size"], asked["negative_prompt"], asked["cfg_scale"]) == (
        9, 2, 1, "blur", 5.5)
    assert asked["override_settings"] == {"sd_model_checkpoint": "dreamy.safetensors [abc]"}
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
    job = Running(driver.engine, driver.spec(options={"hires": True, "hires_steps": 4}))
    assert job.end().fact == "completed"
    assert [one.stages for one in job.reports if one.fact == "planned"][-1] == [
        ("load", 0), ("sample", STEPS), ("hires fix", 4), ("save", 0)]
    assert max(one.step for one in job.said if isinstance(one, say.JobProgress) and one.index == 2) == 4
    assert driver.server.asked[0].get("hr_upscaler", "") == ("Latent Nearest" if driver.server.sdnext else "")


def test_one_picture_of_several_is_skipped(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(batch=2))
    job.stepped()
    job.control.skip()
    assert len(job.end().outputs) == 1


def test_what_the_server_refuses_is_said_with_its_field(driver: Driver) -> None:
    error = Running(driver.engine, driver.spec(width=64)).end().error
    assert error is not None
    assert (error.kind, error.message, error.retryable) == ("refused", "width: too small", False)


def nth(server: StandIn, state: dict[str, Any] | None = None) -> int:
    """Which request runs, or ran last, by its time stamp. SD.Next has a further one for each, while it loads."""
    stamp = int((state or server.state)["job_timestamp"][-6:])
    return (stamp + 1) // 2 if server.sdnext else stamp


def test_only_ours_is_skipped(driver: Driver) -> None:
    driver.server.step_s = 0.1
    driver.server.post()
    job = Running(driver.engine, driver.spec())
    job.control.skip()
    job.until("refusal", lambda: "refused" in job.facts or "stage_started" in job.facts)
    job.control.end("cancel")
    assert job.end().fact == "cancelled"
    assert driver.server.commands == [], "what runs is another's"


def test_ours_waits_its_turn(driver: Driver) -> None:
    Running(driver.engine, driver.spec(), "first").end()  # by which it is learnt whether the server knows our ids
    by_id = driver.server.flavour in ("a1111", "forge")
    for _ in range(3):
        driver.server.post()
    job = Running(driver.engine, driver.spec())
    job.until("request", lambda: len(driver.server.asked) == 2)
    found = driver.server.found[-1]
    assert (found["job"] != "", nth(driver.server, found)) == ((True, 3) if by_id else (False, 4))
    assert job.end().fact == "completed"
    assert max(job.steps) == STEPS
    planned = [one.stages for one in job.reports if one.fact == "planned"]
    assert (planned[0], planned[-1][:2]) == ([("wait for the server", 0)], [("wait for the server", 0), ("load", 0)])


def test_cancelling_while_it_waits_touches_nobody_elses(driver: Driver) -> None:
    Running(driver.engine, driver.spec(), "first").end()
    by_id = driver.server.flavour in ("a1111", "forge")
    for _ in range(3):
        driver.server.post()
    job = Running(driver.engine, driver.spec(steps=100))
    job.until("wait", lambda: len(driver.server.asked) == 2 if by_id else job.facts)
    job.control.end("cancel")
    assert job.end().fact == "cancelled"
    assert driver.server.commands == (["interrupt"] if by_id else [])
    assert nth(driver.server) == (5 if by_id else 2)
    assert max(job.steps, default=0) < 100


def test_interrupted_at_the_server_is_cancelled(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(batch=2))
    job.stepped()
    driver.server.interrupt()
    assert job.end().fact == "cancelled"


def test_nothing_made_is_no_success(driver: Driver) -> None:
    error = Running(driver.engine, driver.spec(prompt="empty")).end().error
    assert error is not None
    assert "made no picture" in error.message


def test_out_of_memory_says_how_much(driver: Driver) -> None:
    error = Running(driver.engine, driver.hungry()).end().error
    assert error is not None
    assert ("5.0 of 8.0 GB" if driver.server.sdnext else "Tried to allocate 2.00 GiB") in error.message


def test_the_server_that_was_restarted_unseen_has_forgotten_it(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.engines.a1111.run.SETTLE_S", 0.3)
    monkeypatch.setattr("echodeck.engines.a1111.run.FORGOT_S", 0.1)
    job = Running(driver.engine, driver.spec(steps=100))
    job.stepped()
    driver.server.forget()
    end = job.end()
    driver.server.answer()
    assert end.fact == "lost"
    assert end.error is not None
    assert "restarted" in end.error.message


def test_a_cut_connection_is_no_lost_server(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(steps=100))
    job.stepped()
    driver.server.cut()
    end = job.end()
    assert end.error is not None
    assert (end.fact, end.error.kind) == ("failed", "cut")
    assert driver.server.commands == ["interrupt"], "nobody waits for it any more"


def test_a_server_whose_numbers_fail_is_not_lost(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec(steps=20))
    job.stepped()
    driver.server.failing = True
    job.until("reason", lambda: driver.engine.info().reason)
    driver.server.failing = False
    assert job.end().fact == "completed"


def test_it_is_known_from_what_it_made_which_version_it_is(driver: Driver) -> None:
    Running(driver.engine, driver.spec()).end()
    assert driver.engine.info().version == "v1.10.1"


def test_the_size_is_that_of_the_file(driver: Driver) -> None:
    [output] = Running(driver.engine, driver.spec()).end().outputs
    assert (output.kind, output.width, output.height) == ("image/png", 48, 32)


def test_models_are_let_go_when_nothing_runs_with_them(driver: Driver) -> None:
    driver.engine.free()
    assert driver.server.commands == ["free"]
    job = Running(driver.engine, driver.spec())
    job.stepped()
    driver.engine.free()
    assert job.end().fact == "completed"
    job.until("freeing", lambda: driver.server.commands == ["free", "free"])


def test_one_without_an_answer_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.engines.a1111.PATIENCE_S", 0.1)
    server = StandIn()
    server.delay_s = 1.0
    engine = A1111(tmp_path, "big", server.url)
    assert "not been asked" in engine.info().reason
    server.delay_s = 0.0
    engine.close()
    server.close()


@pytest.mark.parametrize(("kind", "said"), [({"api": False}, "--api"),
                                            ({"auth": "ada:s3cret"}, "user name and password")])
def test_why_it_cannot_be_used_is_said(tmp_path: Path, kind: Any, said: str) -> None:
    server = StandIn(**kind)
    engine = A1111(tmp_path, "big", server.url)
    assert said in engine.info().reason
    engine.close()
    if "auth" in kind:
        for known in (A1111(tmp_path, "big", server.url.replace("//", "//ada:s3cret@")),
                      A1111(tmp_path, "big", server.url, "ada:s3cret")):
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


def jobs(said: list[say.Say]) -> list[str]:
    """The ids of those that were seen, in order."""
    return list(dict.fromkeys(one.job_id for one in adopted(said)))


def test_each_request_is_a_job(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    for _ in range(2):
        server.post()
    first, second = until("both", lambda: len(jobs(said)) == 2 and jobs(said))
    seen = adopted(said)[0]
    assert (seen.spec.model, seen.state, seen.origin) == ("dreamy", "running", "observed")
    assert {"pause", "retry", "move"} <= seen.cannot.keys()
    until("their ends", lambda: [facts(said, one)[-1:] for one in (first, second)] == [["completed"]] * 2)
    for job_id in (first, second):
        steps = [one.step for one in said if isinstance(one, say.JobProgress) and one.job_id == job_id]
        assert (steps, steps[-1]) == (sorted(steps), 6)
        assert [one.spec.steps for one in adopted(said) if one.job_id == job_id][-1] == 6


def test_rounds_and_hires_fix_of_others_are_stages(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(n_iter=2, enable_hr=True, hr_second_pass_steps=4)
    [job_id] = until("it", lambda: jobs(said))
    until("its end", lambda: facts(said, job_id)[-1:] == ["completed"])
    planned = [one.stages for one in said if isinstance(one, say.JobReport) and one.fact == "planned"][-1]
    assert planned == [("load", 0), *((("sample", 6), ("hires fix", 4), ("sample 3/3", 6), ("hires fix 4", 4))
                                      if server.sdnext else (("sample 1/2", 6), ("hires fix 1/2", 4),
                                                             ("sample 2/2", 6), ("hires fix 2/2", 4)))]


def test_previews_of_others_are_seen(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(steps=20)
    until("a picture", lambda: [one for one in said if isinstance(one, say.JobPreview)])


def test_somebody_elses_is_steered_only_while_it_runs(server: StandIn, engine: A1111, watcher: Watcher, said: Any,
                                                      until: Any) -> None:
    server.post(steps=40)
    [job_id] = until("it", lambda: jobs(said))
    with pytest.raises(EngineError, match="no way to hold"):
        engine.steer(job_id, "pause")
    until("its steps", lambda: "stage_started" in facts(said, job_id)[2:])
    engine.steer(job_id, "cancel")
    until("its end", lambda: facts(said, job_id)[-1:] == ["cancelled"])
    with pytest.raises(EngineError, match="any more"):
        engine.steer(job_id, "skip")
    assert server.commands == ["interrupt"]


def test_one_that_its_owner_interrupts_is_cancelled(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(steps=40)
    server.step_s = 0.2
    [job_id] = until("it", lambda: jobs(said))
    until("its steps", lambda: "stage_started" in facts(said, job_id)[2:])
    server.interrupt()
    until("its end", lambda: facts(said, job_id)[-1:] == ["cancelled"])


def test_what_ends_too_early_is_no_success(server: StandIn, watcher: Watcher, said: Any, until: Any,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.engines.a1111.watch.EARLY_S", 0.5)
    server.post(steps=100, prompt="fail")
    [job_id] = until("it", lambda: jobs(said))
    if server.sdnext:  # it says that it runs until the next one begins
        until("its steps", lambda: "stage_started" in facts(said, job_id)[2:])
        time.sleep(0.3)  # longer than it takes to fail: there is nothing to wait for
        server.post()
    until("its end", lambda: facts(said, job_id)[-1:] == ["failed"])
    error = next(one.error for one in said if isinstance(one, say.JobReport) and one.error is not None)
    assert error.kind == "ended_early"


def test_a_server_that_dies_loses_it(server: StandIn, engine: A1111, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(steps=100)
    [job_id] = until("it", lambda: jobs(said))
    server.kill()
    until("its end", lambda: facts(said, job_id)[-1:] == ["failed"])
    server.start()
    until("recovery", lambda: not engine.info().reason)


def test_a_server_that_is_away_for_a_moment_does_not(server: StandIn, engine: A1111, watcher: Watcher, said: Any,
                                                     until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.engines.a1111.watch.GONE_S", PATIENCE_S)
    server.post(steps=30)
    [job_id] = until("it", lambda: jobs(said))
    server.failing = True
    until("reason", lambda: engine.info().reason)
    server.failing = False
    until("its end", lambda: facts(said, job_id)[-1:] == ["completed"])
    assert jobs(said) == [job_id]


def test_held_on_its_own_page_is_paused(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    if not server.sdnext:
        return
    server.post(steps=20)
    [job_id] = until("it", lambda: jobs(said))
    server.hold(True)
    until("the hold", lambda: "paused" in facts(said, job_id))
    server.hold(False)
    until("its end", lambda: facts(said, job_id)[-1:] == ["completed"])
    assert "resumed" in facts(said, job_id)


def test_our_own_jobs_are_not_seen_as_others(driver: Driver, watcher: Watcher, said: Any) -> None:
    for job_id, spec in (("one", driver.spec()), ("two", driver.failing()), ("three", driver.spec(batch=2))):
        Running(driver.engine, spec, job_id).end()
    time.sleep(0.2)  # several looks: what must not come cannot be waited for
    assert adopted(said) == []


def test_what_ended_while_nobody_watched_is_lost(engine: A1111, server: StandIn, said: Any, until: Any) -> None:
    made = Watcher(engine, "here/a1111/others", "here", said.append, lambda: 0.0)
    made.sight(Sighting("earlier", JobSpec("a1111", "dreamy"), running=True))
    thread = threading.Thread(target=engine.watch, args=(made,), daemon=True)
    thread.start()
    until("its end", lambda: facts(said, "earlier")[-1:] == ["failed"])
    made.end()
    thread.join(PATIENCE_S)
