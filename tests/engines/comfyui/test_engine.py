"""The engine against a small ComfyUI on a real socket: the contract of all engines, and what only ComfyUI has."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from echodeck.agent.watcher import Watcher
from echodeck.engines.comfyui import ComfyUI
from echodeck.errors import EngineError
from echodeck.model.job import JobSpec
from echodeck.model.workflow import Graph, spec_of
from echodeck.wire import say

from ..contract import PATIENCE_S, STEPS, Running, ServerContract
from .standin import OOM, StandIn


def graph(seed: int = 1, steps: int = STEPS, step_s: float = 0.05, **more: dict[str, Any]) -> Graph:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}},
        "3": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": seed, "steps": steps, "step_s": step_s}},
        **more,
        "9": {"class_type": "SaveImage", "inputs": {"images": [list(more)[-1] if more else "3", 0]}},
    }


def broken(error: str, message: str) -> Graph:
    inputs = {"samples": ["3", 0], "error": error, "message": message}
    return graph(**{"5": {"class_type": "VAEDecode", "inputs": inputs, "_meta": {"title": "Decode"}}})


def job_of(made: Graph, **fields: Any) -> JobSpec:
    spec = spec_of(made, "comfyui", fields)
    return replace(spec, options={"workflow": json.dumps(made)})


class Driver:
    def __init__(self, engine: ComfyUI, server: StandIn) -> None:
        self.engine, self.server = engine, server

    def spec(self, **fields: Any) -> JobSpec:
        return job_of(graph(), **fields)

    def failing(self) -> JobSpec:
        return job_of(broken("builtins.ValueError", "the tensor is odd"))

    def hungry(self) -> JobSpec:
        return job_of(broken(OOM, "Allocation on device"))

    def kill(self) -> None:
        self.server.kill()

    def revive(self) -> None:
        self.server.start()

    def slow(self, seconds: float) -> None:
        self.server.delay_s = seconds

    def babble(self) -> None:
        for message in ("no JSON", {"type": "crystools.monitor", "data": 5}, {"type": "progress", "data": None},
                        {"type": "executing", "data": {"node": {}}}, b"\x00\x00\x00\x09odd", b""):
            self.server.say(message)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the world waits less for a test's."""
    monkeypatch.setattr("echodeck.engines.comfyui.feed.FIRST_S", 0.05)
    monkeypatch.setattr("echodeck.engines.comfyui.feed.LAST_S", 0.2)
    monkeypatch.setattr("echodeck.engines.comfyui.run.POLL_S", 0.2)
    monkeypatch.setattr("echodeck.engines.comfyui.watch.TICK_S", 0.02)


@pytest.fixture(params=["new", "old", "with the extension"])
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    kinds: dict[str, dict[str, Any]] = {"new": {}, "old": {"jobs_route": False, "version": "0.3.64"},
                                        "with the extension": {"extension": True}}
    made = StandIn(**kinds[request.param])
    yield made
    made.close()


@pytest.fixture
def engine(server: StandIn, tmp_path: Path) -> Iterator[ComfyUI]:
    made = ComfyUI(tmp_path, "comfyui", server.url)
    yield made
    made.close()


@pytest.fixture
def driver(engine: ComfyUI, server: StandIn) -> Driver:
    return Driver(engine, server)


class TestContract(ServerContract):
    pass


# --- jobs of ours ---


def test_a_thumbnail_is_kept_and_the_original_linked(driver: Driver, tmp_path: Path) -> None:
    [output] = Running(driver.engine, driver.spec()).end().outputs
    with Image.open(output.path) as small:
        assert (small.format, small.size) == ("WEBP", (48, 32))
    assert Path(output.path).is_relative_to(tmp_path / "job")
    assert (output.kind, output.width, output.height) == ("image/png", 48, 32)
    assert output.link.startswith(f"{driver.server.url}/view?filename=")


def test_our_prompt_has_our_seed_our_mark_and_our_own_client_id(driver: Driver) -> None:
    assert Running(driver.engine, driver.spec(seed=77)).end().fact == "completed"
    [body] = driver.server.posted
    assert body["prompt"]["3"]["inputs"]["seed"] == 77
    assert body["extra_data"]["echodeck"]["job"] == "job"
    assert body["client_id"].startswith("echodeck-")
    assert set(driver.server.client_ids) == {body["client_id"]}


def test_a_workflow_that_is_refused_says_which_node(driver: Driver) -> None:
    end = Running(driver.engine, job_of(graph(**{"5": {"class_type": "NoSuchNode", "inputs": {}}}))).end()
    assert end.error is not None
    assert (end.error.kind, end.error.retryable) == ("refused", False)
    assert "NoSuchNode" in end.error.message


def test_a_failure_names_the_node_and_keeps_the_traceback(driver: Driver) -> None:
    error = Running(driver.engine, driver.failing()).end().error
    assert error is not None
    assert error.message == "Decode (VAEDecode), node 5: ValueError: the tensor is odd"
    assert 'File "nodes.py"' in error.detail


def test_out_of_memory_names_the_node_and_the_peak(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.engines.comfyui.run.POLL_S", 0.01)
    error = Running(driver.engine, driver.hungry()).end().error
    assert error is not None
    assert "Decode (VAEDecode), node 5" in error.message
    assert "5.0 of 8.0 GB were in use" in error.message


def test_what_is_cached_is_skipped(driver: Driver) -> None:
    Running(driver.engine, driver.spec()).end()
    again = Running(driver.engine, driver.spec(), "again")
    assert again.end().fact == "completed"
    assert [one.index for one in again.reports if one.fact == "stage_done" and one.skipped] == [0, 1]


def test_interrupted_in_comfyui_is_cancelled(driver: Driver) -> None:
    job = Running(driver.engine, driver.spec())
    job.stepped()
    driver.server.interrupt()
    assert job.end().fact == "cancelled"


def test_ours_takes_turns_with_others(driver: Driver) -> None:
    first = driver.server.post(graph(seed=10, step_s=0.1))
    waiting = [driver.server.post(graph(seed=seed)) for seed in (11, 12)]
    job = Running(driver.engine, driver.spec())
    job.until("post", lambda: driver.server.posted)
    ours = driver.server.posted[0]["prompt_id"]
    assert driver.server.order() == [ours, *waiting], "one of theirs, one of ours"
    assert first not in driver.server.order()
    assert job.end().fact == "completed"
    planned = next(one.stages for one in job.reports if one.fact == "planned")
    assert planned[0] == ("wait for ComfyUI", 0)
    assert ("KSampler", STEPS) in planned, "what is to come counts too"


def test_one_that_waits_for_its_turn_can_be_cancelled(driver: Driver) -> None:
    driver.server.post(graph(seed=10, step_s=0.2))
    job = Running(driver.engine, driver.spec())
    job.until("post", lambda: driver.server.posted)
    job.control.end("cancel")
    assert job.end().fact == "cancelled"
    assert driver.server.order() == []


def test_a_killed_agents_prompt_is_taken_up_again(driver: Driver, server: StandIn, tmp_path: Path) -> None:
    first = Running(driver.engine, job_of(graph(step_s=0.2)))
    first.stepped()
    first.control.end("stop")  # it leaves the prompt where it is, as one that was killed does
    assert first.end().fact == "released"
    driver.engine.close()
    next_agent = ComfyUI(tmp_path, "comfyui", server.url)
    again = Running(next_agent, job_of(graph(step_s=0.2)))
    assert again.end().fact == "completed"
    assert len(server.posted) == 1
    ended = Running(next_agent, job_of(graph(step_s=0.2)))
    assert ended.end().fact == "completed", "what was made while nobody looked is taken as it is"
    assert len(server.posted) == 1
    next_agent.close()


def test_models_are_let_go(driver: Driver) -> None:
    assert "free" in driver.engine.info().extras
    driver.engine.free()
    assert driver.server.freed == 1


def test_a_server_that_is_no_comfyui_says_so(tmp_path: Path) -> None:
    engine = ComfyUI(tmp_path, "big", "http://user:secret@127.0.0.1:9")
    info = engine.info()
    assert info.reason.startswith("nothing answers at http://127.0.0.1:9 (")
    assert "secret" not in str(info)
    assert info.since_s > 0
    engine.close()


# --- jobs of others ---


@pytest.fixture
def said() -> list[say.Say]:
    return []


@pytest.fixture
def watcher(engine: ComfyUI, said: list[say.Say]) -> Iterator[Watcher]:
    made = Watcher(engine, "here/comfyui/others", "here", said.append, lambda: 0.0)
    thread = threading.Thread(target=engine.watch, args=(made,), daemon=True)
    engine.info()
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


def adopted(said: list[say.Say], job_id: str) -> list[say.Adopt]:
    return [one for one in said if isinstance(one, say.Adopt) and one.job_id == job_id]


def facts(said: list[say.Say], job_id: str) -> list[str]:
    return [one.fact for one in said if isinstance(one, say.JobReport) and one.job_id == job_id]


def steps(said: list[say.Say], job_id: str) -> list[int]:
    return [one.step for one in said if isinstance(one, say.JobProgress) and one.job_id == job_id]


def test_others_jobs_appear_wait_run_and_end(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    first, second = server.post(graph(seed=5, step_s=0.1)), server.post(graph(seed=6))
    until("both", lambda: adopted(said, first) and adopted(said, second))
    seen = adopted(said, second)[0]
    assert (seen.state, seen.origin, seen.spec.model, seen.spec.steps, seen.spec.seed) == (
        "pending", "observed", "sdxl", STEPS, 6)
    assert seen.workflow == graph(seed=6)
    assert "own queue" in seen.cannot["pause"]
    until("their ends", lambda: {"completed"} <= {*facts(said, first)} and {"completed"} <= {*facts(said, second)})
    assert adopted(said, second)[-1].state == "running"
    report = next(one for one in said if isinstance(one, say.JobReport) and one.fact == "completed")
    assert report.outputs[0].link


def test_their_steps_are_seen_with_the_extension_even_when_they_are_away(server: StandIn, watcher: Watcher, said: Any,
                                                                      until: Any) -> None:
    job_id = server.post(graph(seed=5), client_id="a browser that has been closed")
    until("its end", lambda: "completed" in facts(said, job_id))
    if server.extension:
        assert steps(said, job_id) == list(range(1, STEPS + 1))
        assert [one for one in said if isinstance(one, say.JobPreview) and one.job_id == job_id]
    else:
        assert steps(said, job_id) == []
        assert [one.stages for one in said if isinstance(one, say.JobReport) and one.fact == "planned"] == [
            [("generate", 0)]]


def test_a_prompt_of_nobody_is_seen_by_everybody(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    job_id = server.post(graph(seed=5, step_s=0.1), client_id="")
    until("its end", lambda: "completed" in facts(said, job_id))
    assert steps(said, job_id)[-1] == STEPS


def test_a_quick_one_is_not_missed(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    job_id = server.post(graph(seed=5, steps=1, step_s=0.0))
    until("it", lambda: "completed" in facts(said, job_id))
    bad = server.post(broken("builtins.ValueError", "no"))
    until("its failure", lambda: "failed" in facts(said, bad))


def test_the_extension_holds_others_too(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                        until: Any) -> None:
    job_id = server.post(graph(seed=5, step_s=0.1))
    until("it", lambda: adopted(said, job_id) and adopted(said, job_id)[-1].state == "running")
    if not server.extension:
        with pytest.raises(EngineError, match="comfyui install"):
            engine.steer(job_id, "pause")
        return
    engine.steer(job_id, "pause")
    until("hold", lambda: "paused" in facts(said, job_id))
    engine.steer(job_id, "resume")
    until("its end", lambda: "completed" in facts(said, job_id))
    assert "resumed" in facts(said, job_id)


def test_others_jobs_are_cancelled_running_and_waiting(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                                       until: Any) -> None:
    runs, waits, last = (server.post(graph(seed=seed, step_s=0.1)) for seed in (5, 6, 7))
    until("them", lambda: all(adopted(said, one) for one in (runs, waits, last)))
    for job_id in (waits, runs):
        engine.steer(job_id, "cancel")
        until("its end", lambda job_id=job_id: "cancelled" in facts(said, job_id))
    until("the last", lambda: "completed" in facts(said, last))


def test_one_that_its_owner_takes_out_is_cancelled(server: StandIn, watcher: Watcher, said: Any, until: Any) -> None:
    server.post(graph(seed=5, step_s=0.1))
    job_id = server.post(graph(seed=6))
    until("it", lambda: adopted(said, job_id))
    server.delete(job_id)
    server.say({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}})
    until("its end", lambda: "cancelled" in facts(said, job_id))


def test_the_foreign_queue_is_reordered(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                        until: Any) -> None:
    server.post(graph(seed=5, step_s=0.3))
    a, b, c = (server.post(graph(seed=seed), client_id="browser-7") for seed in (6, 7, 8))
    until("them", lambda: adopted(said, c))
    engine.steer(c, "move", before=b)
    assert server.order() == [a, c, b]
    engine.steer(b, "move", before=a)
    assert server.order() == [b, a, c]
    engine.steer(b, "move", after=c)
    assert server.order() == [a, c, b]
    assert server.posted[0]["client_id"] == "browser-7"
    assert server.posted[0]["prompt"] == graph(seed=8)
    until("the new place", lambda: adopted(said, b)[-1].place > adopted(said, c)[-1].place)
    assert "cancelled" not in facts(said, b)


def test_one_that_is_being_moved_is_not_taken_for_gone(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                                       until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.post(graph(seed=5, step_s=0.3))
    a, b = (server.post(graph(seed=seed)) for seed in (6, 7))
    until("them", lambda: adopted(said, b))
    inside, looks = engine.__dict__["_server"], 0
    queue, post = inside.queue, inside.post

    def looked() -> Any:
        nonlocal looks
        found = queue()
        looks += b not in {item.prompt_id for item in found.pending}
        return found

    def late(*args: Any, **fields: Any) -> Any:
        """The watching looks three times before it is queued again."""
        for wanted in range(looks + 1, looks + 4):
            server.say({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}}})
            until("a look", lambda wanted=wanted: looks >= wanted)
        return post(*args, **fields)

    monkeypatch.setattr(inside, "queue", looked)
    monkeypatch.setattr(inside, "post", late)
    engine.steer(b, "move", before=a)
    until("the new place", lambda: adopted(said, b)[-1].place < adopted(said, a)[-1].place)
    assert facts(said, b) == []


def test_a_job_whose_keys_would_be_lost_is_not_moved(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                                     until: Any) -> None:
    server.partners = ("FluxProNode",)
    server.post(graph(seed=5, step_s=0.3))
    partner = {"5": {"class_type": "FluxProNode", "inputs": {"images": ["3", 0]}}}
    hidden = server.post(graph(seed=6, **partner))
    shown = server.post(graph(seed=7, **partner), api_key_comfy_org="k3y")
    until("them", lambda: adopted(said, shown))
    assert "would be lost" in adopted(said, hidden)[0].cannot["move"]
    with pytest.raises(EngineError, match="would be lost"):
        engine.steer(hidden, "move", after=shown)
    engine.steer(shown, "move", before=hidden)
    assert server.posted[0]["extra_data"]["api_key_comfy_org"] == "k3y"
    assert "k3y" not in repr(said), "it is handed on, and told to nobody"


def test_what_a_restart_forgot_is_lost(server: StandIn, engine: ComfyUI, watcher: Watcher, said: Any,
                                       until: Any) -> None:
    jobs = [server.post(graph(seed=seed, step_s=0.3)) for seed in (5, 6)]
    until("them", lambda: all(adopted(said, one) for one in jobs))
    server.kill()
    until("reason", lambda: engine.info().reason)
    server.start()
    for job_id in jobs:
        until("its end", lambda job_id=job_id: "failed" in facts(said, job_id))
    errors = [one.error for one in said if isinstance(one, say.JobReport) and one.error is not None]
    assert {error.kind for error in errors} == {"lost"}
    assert "forgotten" in errors[0].message


def test_our_own_jobs_are_not_seen_as_others(driver: Driver, watcher: Watcher, said: Any) -> None:
    assert Running(driver.engine, driver.spec()).end().fact == "completed"
    time.sleep(0.2)  # several looks: what must not come cannot be waited for
    assert [one for one in said if isinstance(one, say.Adopt)] == []
