"""Jobs on the page: counted once each, by engine and outcome, as they wait, run and end."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.hub.fanout import Fanout
from echodeck.hub.keeper import Keeper
from echodeck.hub.metrics import Metrics
from echodeck.hub.session import Shown
from echodeck.store.series.memory import MemorySeries

STUDIO = {"name": "studio", "gpus": [{"index": 0, "name": "g", "vendor": "nvidia", "power_w": 100.0}]}


@pytest.fixture
def metrics(rig: Any) -> Metrics:
    fanout = Fanout(lambda: Shown("initial_state", {}, 0.0))
    return Metrics(rig.room, fanout, Keeper(MemorySeries()))


async def complete(rig: Any, agent: Any, seconds: int = 20) -> None:
    """The next job, in two stages, with a sample and a tick a second."""
    job = await rig.claim(agent)
    await rig.report(agent, job, "planned", stages=[["sample", seconds - 1], ["save", 0]])
    await rig.report(agent, job, "stage_started", index=0)
    for step in range(1, seconds):
        await rig.ask(agent, "host_metrics", {"host": {**STUDIO, "at_s": rig.now_s}})
        await rig.tick(1.0)
        await rig.ask(agent, "job_progress", {
            "jobId": job["id"], "attempt": job["attempt"], "workerId": "w1", "index": 0, "step": step,
            "atS": rig.now_s, "samples": [[0, step, rig.now_s, 1.0]]})
    await rig.report(agent, job, "stage_done", index=0, durationS=seconds - 1.0)
    await rig.report(agent, job, "stage_started", index=1)
    await rig.tick(1.0)
    await rig.report(agent, job, "completed")
    await rig.ask(agent, "host_metrics", {"host": {**STUDIO, "at_s": rig.now_s}})
    await rig.tick()


async def test_a_completed_job(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent(pid=5)
    await rig.submit(ann)
    rig.now_s += 30.0
    assert value(metrics, "queue_oldest_seconds") == 30.0
    assert value(metrics, "jobs", state="pending") == 1.0
    await complete(rig, agent)
    assert value(metrics, "jobs_finished_total", engine="sketch", outcome="completed") == 1.0
    assert value(metrics, "jobs_finished_total", engine="sketch", outcome="failed") == 0.0, "it says so from the start"
    assert value(metrics, "job_duration_seconds_sum", engine="sketch") == 20.0
    assert value(metrics, "job_queue_wait_seconds_sum", engine="sketch") == 30.0
    assert value(metrics, "job_queue_wait_seconds_bucket", engine="sketch", le="15.0") == 0.0
    assert value(metrics, "job_energy_joules_total", engine="sketch") == pytest.approx(2000.0, rel=0.01)
    assert value(metrics, "queue_oldest_seconds") == 0.0
    for done in ("0.1", "0.25", "0.5", "0.75"):
        assert value(metrics, "job_eta_error_ratio_count", engine="sketch", done=done) == 1.0


async def test_a_steady_job_is_foreseen(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent()
    await rig.submit(ann, count=3)
    for _ in range(3):
        await complete(rig, agent)
    assert value(metrics, "job_eta_error_ratio_bucket", engine="sketch", done="0.5", le="0.5") >= 2.0
    assert value(metrics, "job_duration_seconds_count", engine="sketch") == 3.0


async def test_every_end_is_counted_once(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent()
    waiting, failing = await rig.submit(ann, count=2)
    await rig.ask(ann, "generation_command", {"jobId": waiting, "command": "cancel"})
    for _ in range(2):
        job = await rig.claim(agent)
        assert job["id"] == failing
        await rig.report(agent, job, "failed", error={"kind": "oom", "message": "no"})
        await rig.ask(ann, "retry", {"jobId": failing})
    await rig.ask(ann, "remove", {"jobId": failing})
    await rig.ask(ann, "remove", {"jobId": waiting})
    ends = {outcome: value(metrics, "jobs_finished_total", engine="sketch", outcome=outcome)
            for outcome in ("completed", "failed", "cancelled")}
    assert ends == {"completed": 0.0, "failed": 2.0, "cancelled": 1.0}
    assert value(metrics, "job_duration_seconds_count", engine="sketch") == 0.0, "of completed ones only"


async def test_a_job_that_was_queued_again_waits_anew(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent()
    [job_id] = await rig.submit(ann)
    rig.now_s += 5.0
    job = await rig.claim(agent)
    rig.now_s += 100.0
    await rig.report(agent, job, "released")
    rig.now_s += 2.0
    job = await rig.claim(agent)
    assert value(metrics, "job_queue_wait_seconds_sum", engine="sketch") == 7.0
    await rig.report(agent, job, "failed", error={"kind": "oom", "message": "no"})
    await rig.ask(ann, "retry", {"jobId": job_id})
    rig.now_s += 3.0
    await rig.claim(agent)
    assert value(metrics, "job_queue_wait_seconds_sum", engine="sketch") == 10.0
    assert value(metrics, "job_queue_wait_seconds_count", engine="sketch") == 3.0


async def test_what_scripts_call_their_engine_is_no_label(rig: Any, metrics: Metrics, read: Any) -> None:
    agent = await rig.agent()
    for number in range(3):
        job = {"jobId": f"x{number}", "workerId": "w1", "spec": {"engine": f"engine {number}", "model": "m"},
               "origin": "script", "state": "running"}
        await rig.ask(agent, "adopt", job)
        await rig.report(agent, {"id": job["jobId"], "attempt": 1, "worker_id": "w1"}, "completed")
    page = read(metrics)
    assert page["echodeck_jobs_finished_total", frozenset({("engine", "script"), ("outcome", "completed")})] == 3.0
    assert {value for _, labels in page for name, value in labels if name == "engine"} == {"script", "sketch"}
    assert not [1 for _, labels in page for _, value in labels if value.startswith(("x", "engine "))]


async def test_verdicts_are_counted(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent()
    await rig.submit(ann)
    job = await rig.claim(agent)
    await rig.report(agent, job, "planned", stages=[["sample", 0]])
    await rig.report(agent, job, "completed", outputs=[{"path": "a.png"}, {"path": "b.png"}, {"path": "c.mp4"}])
    noise = {"defect": "noise", "severity": 0.6, "sentence": "noise left over", "measure": 0.2}
    await rig.report(agent, job, "judged", verdicts=[{"output": 0, "score": 97}, {
        "output": 1, "score": 38, "reasons": [noise]}, {"output": 2, "score": None}])
    assert value(metrics, "output_score_count", engine="sketch") == 2.0
    assert value(metrics, "output_score_bucket", engine="sketch", le="40.0") == 1.0
    assert value(metrics, "output_defects_total", engine="sketch", defect="noise") == 1.0


async def test_what_nobody_measured_is_not_told_as_nothing(rig: Any, metrics: Metrics, value: Any) -> None:
    ann, agent = rig.session(), await rig.agent()
    await rig.submit(ann)
    job = await rig.claim(agent)
    await rig.report(agent, job, "completed")
    await rig.tick()
    assert value(metrics, "jobs_finished_total", engine="sketch", outcome="completed") == 1.0
    assert value(metrics, "job_energy_joules_total", engine="sketch") is None, "no GPU's power is known"
