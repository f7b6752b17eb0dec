"""Which trouble a job belongs to, and what is said of all of one trouble."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echodeck.brain import causes
from echodeck.model.job import BRAIN, Job, JobError, JobSpec, JobState

JOB = Job("a", JobSpec("comfyui", "sdxl", title="hills"), host="studio", state=JobState.FAILED)
GONE = JobError("unreachable", "ComfyUI does not answer", retryable=True)
BROKEN = JobError("node_error", "KSampler (3): 'hills.png' has 4 channels")


def test_one_reason_at_one_engine_of_a_machine_is_one_cause() -> None:
    same = replace(BROKEN, message="KSampler (7): 'sea.png' has 3 channels")
    assert causes.failed(JOB, BROKEN, "studio") == causes.failed(replace(JOB, id="b"), same, "studio")
    others = [causes.failed(JOB, BROKEN, "attic"), causes.failed(JOB, replace(BROKEN, kind="refused"), "studio"),
              causes.failed(JOB, replace(BROKEN, message="VAEDecode: no such tensor"), "studio"),
              causes.failed(replace(JOB, spec=JobSpec("sketch", "")), BROKEN, "studio")]
    assert len({causes.failed(JOB, BROKEN, "studio"), *others}) == 5


def test_that_a_server_is_away_is_one_cause_whoever_finds_out() -> None:
    assert causes.failed(JOB, GONE, "studio") == causes.lost(JOB, "studio") == "worker_lost:comfyui:studio"
    full = JobError("out_of_memory", "Lacks 400 MiB")
    assert causes.failed(JOB, full, "studio") == "failed:comfyui:studio:out_of_memory"


@pytest.mark.parametrize(("cause", "done", "host", "left"), [
    ("worker_lost:comfyui:studio", JobSpec("comfyui", "flux"), "studio", ""),
    ("worker_lost:comfyui:studio", JobSpec("comfyui", "flux"), "attic", "ab"),
    ("worker_lost:comfyui:studio-2", JobSpec("comfyui", "sdxl"), "studio", "ab"),
    ("failed:comfyui:studio:node_error:1", JobSpec("comfyui", "flux"), "studio", "a"),
    ("failed:comfyui:studio:node_error:1", JobSpec("comfyui", "sdxl"), "studio", "b"),
    ("failed:comfyui:studio:node_error:1", JobSpec("sketch", "sdxl"), "studio", "ab"),
])
def test_what_a_success_shows_to_be_over(cause: str, done: JobSpec, host: str, left: str) -> None:
    jobs = [JOB, replace(JOB, id="b", spec=JobSpec("comfyui", "flux"))]
    assert "".join(job.id for job in causes.over(cause, jobs, Job("c", done), host)) == left


def test_of_one_job_its_name_and_the_reason_are_told() -> None:
    said = causes.telling([JOB], "studio", "No such layer.\nTraceback: …")
    assert (said.level, said.title, said.message) == ("error", "A job failed", "hills: No such layer")
    assert said.detail == "No such layer.\nTraceback: …"
    held = replace(JOB, state=JobState.PAUSED)
    assert causes.telling([held], "studio", "gone").message == "hills: gone; it stays paused at the front of the queue"
    assert causes.silent("studio", [held]).message.endswith("; hills stays paused at the front of the queue")
    let_go = replace(held, paused_by=BRAIN)
    assert causes.telling([let_go], "studio", "gone").message == "hills: gone; it is queued again, at the front"
    seen = causes.telling([replace(JOB, origin="observed")], "studio", "gone")
    assert (seen.level, seen.title) == ("warning", "Lost sight of a job")


def test_of_many_jobs_they_are_counted_and_the_last_is_named() -> None:
    waiting = replace(JOB, id="b", state=JobState.PENDING, host="")
    said = causes.telling([waiting, JOB, replace(JOB, id="c", spec=replace(JOB.spec, title="sea"))], "studio",
                          "ComfyUI does not answer")
    assert (said.level, said.title) == ("error", "2 jobs failed, 1 job was interrupted")
    assert said.message == "comfyui on studio: ComfyUI does not answer; last: sea; 1 is queued again, at the front"
    assert causes.telling([waiting, waiting], "", "gone").message == \
        "comfyui: gone; last: hills; 2 are queued again, at the front"


def test_a_long_reason_is_cut_and_kept_as_detail() -> None:
    said = causes.telling([JOB], "studio", "no " * 500)
    assert len(said.message) < causes.MOST_CHARS + 20
    assert said.detail == "no " * 500


def test_a_silent_machine_tells_what_waits_again() -> None:
    assert causes.silent("studio", []).message.endswith("or the network is cut")
    assert causes.silent("studio", [JOB]).message.endswith("; hills is queued again, at the front")
    assert causes.silent("studio", [JOB, JOB]).message.endswith("; 2 jobs are queued again, at the front")
