"""The reactive state for Python: pulled, never pushed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.client import Live, connect
from echodeck.model.job import JobState
from echodeck.model.record import Host
from echodeck.view.studio import Studio, Submission, shared

from .conftest import PATIENCE_S, FakeHub, a_job, a_view, frame, wait_for


@pytest.fixture
def live(hub: FakeHub) -> Iterator[Live]:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    with connect(hub.url, wait_s=PATIENCE_S) as made:
        wait_for("the first job", lambda: made.board.get("jobs", "one"))
        yield made


@pytest.fixture
def studio(live: Live) -> Studio:
    return Studio(live)


def arrived(studio: Studio, job: str, **wanted: Any) -> bool:
    seen = studio.live.board.get("jobs", job)
    return seen is not None and all(seen[name] == value for name, value in wanted.items())


def test_a_job_is_a_set_of_parameters(studio: Studio) -> None:
    job = studio.jobs["one"]
    assert (job.title, job.status, job.progress, job.step, job.steps, job.stage) == ("hills", "running", 25.0, 5, 20,
                                                                                    "sample")
    assert (job.eta, job.eta_low, job.eta_high) == (40.0, 36.0, 45.0)
    assert job.eta_at.tzinfo is not None
    assert studio.connection.state == "live"


def test_nothing_changes_until_it_is_pulled(hub: FakeHub, studio: Studio) -> None:
    job, seen = studio.jobs["one"], []
    job.param.watch(lambda *events: seen.append({event.name: event.new for event in events}), ["progress", "step"])
    hub.put(a_view(a_job("one", state=JobState.RUNNING, progress=50.0)))
    wait_for("the message", lambda: arrived(studio, "one", progress=50.0))
    assert (job.progress, seen) == (25.0, [])
    assert studio.pull()
    assert job.progress == 50.0
    assert seen == [{"progress": 50.0}]
    assert studio.jobs["one"] is job
    assert not studio.pull()


def test_watchers_run_in_the_thread_that_pulls(hub: FakeHub, studio: Studio) -> None:
    threads = []
    studio.param.watch(lambda event: threads.append(threading.current_thread()), "jobs")
    hub.put(a_view(a_job("two")))
    studio.wait(lambda: "two" in studio.jobs, PATIENCE_S)
    assert threads == [threading.current_thread()]


def test_two_studios_on_one_connection_keep_their_own_place(hub: FakeHub, studio: Studio, live: Live) -> None:
    other = Studio(live)
    hub.put(a_view(a_job("one", state=JobState.RUNNING, progress=60.0)))
    wait_for("the message", lambda: arrived(studio, "one", progress=60.0))
    studio.pull()
    assert (studio.jobs["one"].progress, other.jobs["one"].progress) == (60.0, 25.0)
    other.pull()
    assert other.jobs["one"].progress == 60.0


def test_a_watcher_that_raises_harms_only_its_own(hub: FakeHub, studio: Studio, live: Live) -> None:
    other = Studio(live)

    def broken(_: Any) -> None:
        raise RuntimeError("a session's own fault")

    studio.jobs["one"].param.watch(broken, "progress")
    hub.put(a_view(a_job("one", state=JobState.RUNNING, progress=70.0)))
    wait_for("the message", lambda: arrived(studio, "one", progress=70.0))
    with pytest.raises(RuntimeError):
        studio.pull()
    other.pull()
    assert other.jobs["one"].progress == 70.0
    assert live.connection.state == "live"


def test_jobs_come_and_go(hub: FakeHub, studio: Studio) -> None:
    hub.put(a_view(a_job("two")))
    hub.tell(frame("queue_update", hub.queue()), frame("host_metrics", Host("atelier", 1.0, cpu_percent=7.0)))
    studio.wait(lambda: "atelier" in studio.hosts, PATIENCE_S)
    assert (list(studio.jobs), studio.queue, studio.stats["pending"]) == (["one", "two"], ["one", "two"], 1)
    assert studio.hosts["atelier"]["cpu_percent"] == 7.0
    hub.tell(frame("generation_removed", {"jobId": "two"}))
    studio.wait(lambda: "two" not in studio.jobs, PATIENCE_S)


def test_commands_take_a_job_or_its_id(hub: FakeHub, studio: Studio) -> None:
    studio.pause(studio.jobs["one"])
    studio.resume("one")
    assert [said["payload"] for said in hub.of("generation_command")] == [
        {"jobId": "one", "command": "pause"}, {"jobId": "one", "command": "resume"}]
    studio.skip("one")
    assert hub.of("generation_command")[2]["payload"] == {"jobId": "one", "command": "skip"}
    studio.free("sketch")
    assert hub.of("engine_command")[0]["payload"] == {"engine": "sketch", "command": "free"}
    studio.move("one", "top")
    assert hub.of("move")[0]["payload"]["direction"] == "top"


def test_waiting_has_an_end(studio: Studio) -> None:
    with pytest.raises(TimeoutError):
        studio.wait(lambda: False, 0.0)


def test_a_submission_says_what_was_given_and_what_was_wrong(hub: FakeHub, studio: Studio) -> None:
    form = Submission(prompt="hills", width=63)
    hub.refuse["submit"] = {"code": "bad_field", "message": "width: must be a multiple of 8", "field": "width"}
    assert form.submit(studio) == []
    assert "multiple of 8" in form.problems["width"]
    hub.refuse.clear()
    form.width = 64
    assert form.submit(studio) == ["new"]
    assert form.problems == {}
    payload = hub.of("submit")[-1]["payload"]
    assert (payload["prompt"], payload["width"]) == ("hills", 64)
    assert "height" not in payload


def test_a_workflow_is_submitted_with_its_values(hub: FakeHub, studio: Studio, tmp_path: Path) -> None:
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20}}}
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(graph))
    form = Submission(engine="comfyui", workflow=graph, values={"3.steps": 4})
    assert form.submit(studio) == ["new"]
    payload = hub.of("submit")[-1]["payload"]
    assert (payload["engine"], payload["workflow"], payload["values"]) == ("comfyui", graph, {"3.steps": 4})
    form.workflow = path
    assert form.submit(studio) == ["new"]
    assert hub.of("submit")[-1]["payload"]["workflow"] == graph
    form.workflow = tmp_path / "nothing.json"
    assert form.submit(studio) == []
    assert "nothing.json" in form.problems["workflow"]
    other = Submission(prompt="hills", scheduler="karras", options={"cfg": 6.5}).fields()
    assert (other["scheduler"], other["options"]) == ("karras", {"cfg": 6.5})
    assert not {"workflow", "values"} & set(other)


def test_a_job_that_lives_elsewhere_says_what_cannot_be_done(hub: FakeHub, studio: Studio) -> None:
    hub.put(a_view(a_job("theirs", state=JobState.RUNNING, origin="script", metrics={"loss": 0.5},
                         cannot={"pause": "it does not look"})))
    studio.wait(lambda: "theirs" in studio.jobs, PATIENCE_S)
    job = studio.jobs["theirs"]
    assert (job.origin, job.metrics, job.cannot) == (
        "script", {"loss": 0.5}, {"pause": "it does not look"})
    assert studio.jobs["one"].origin == "echodeck"


def test_one_connection_a_process(hub: FakeHub) -> None:
    first = shared(hub.url)
    try:
        assert shared(hub.url) is first
        first.close()
        assert shared(hub.url) is not first
    finally:
        shared(hub.url).close()
