"""What the terminal says of jobs that live elsewhere, of errors, and of engines that are not ready."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.cli import overview, show


def view(job_id: str, state: str = "running", **more: Any) -> dict[str, Any]:
    return {"jobId": job_id, "title": f"title of {job_id}", "status": state, "request": "", "progress": 0.0,
            "stage": "", "currentStep": 0, "totalSteps": 0, "eta": None, "etaAt": None, "model": "xl",
            "engine": "comfyui", "origin": "echodeck", "resolution": "64×64", "priority": 0, "user": "ann",
            "position": None, "expectedStart": None, "error": None, **more}


def table(capsys: pytest.CaptureFixture[str], *jobs: dict[str, Any], **engines: Any) -> list[str]:
    show.queue_table(list(jobs), {}, engines)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_queue_says_where_jobs_live_and_what_they_were_asked(capsys: pytest.CaptureFixture[str]) -> None:
    lines = table(capsys, view("one", origin="observed", request="cancel"),
                  view("two", origin="script", currentStep=12), view("three", "pending", request="move"))
    assert lines[1:] == ["one cancelling… 0 % – title of one xl 64×64 seen in comfyui",
                         "two running step 12 – title of two xl 64×64 a script",
                         "three moving… – – title of three xl 64×64 0 ann"]


def test_the_queue_says_why_what_failed_failed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = table(capsys, view("bad", "failed", error="KSampler: [no] memory"), view("two"))
    assert lines[0].endswith("by why")
    assert lines[1].endswith("KSampler: [no] memory")


def test_the_queue_says_what_pictures_are_worth(capsys: pytest.CaptureFixture[str]) -> None:
    noisy = {"output": 1, "score": 38, "reasons": [{"defect": "noise", "sentence": "noise left over: 2 steps"}]}
    unknown = {"output": 0, "score": None, "reasons": [{"defect": "unjudged", "sentence": "not judged: no decoder"}]}
    lines = table(capsys, view("one", "completed", verdicts=[{"output": 0, "score": 97, "reasons": []}, noisy]),
                  view("two", "completed", verdicts=[]), view("six", "completed", verdicts=[unknown]))
    assert lines[0].endswith("by verdict")
    assert lines[1].endswith("ann 38 · noise left over: 2 steps")
    assert lines[2].endswith("ann")
    assert lines[3].endswith("ann not judged: no decoder")


def test_the_queue_says_which_engine_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    down, ready = {"reason": "it does not answer"}, {"reason": ""}
    waiting = [view("one", "pending"), view("two", "pending"), view("three", "pending", engine="sketch")]
    lines = table(capsys, *waiting, comfyui=down, sketch=ready)
    assert lines[-1] == "what is for comfyui waits: it does not answer"
    assert len(lines) == 5
    assert len(table(capsys, view("theirs", "pending", origin="observed"), view("here"), comfyui=down)) == 3


def test_a_line_says_where_a_job_lives_and_its_step() -> None:
    line = show.job_line(view("two", origin="script", stage="train", currentStep=12))
    assert line == "two running step 12 (train)  title of two (a script)"


def test_a_line_says_what_is_done_about_a_failure() -> None:
    line = show.job_line(view("two", "pending", tries=[{"told": "makes 1 picture instead of 2"}]))
    assert "pending" in line
    assert ": it failed, and makes 1 picture instead of 2" in line


@pytest.mark.parametrize(("engine", "lines"), [
    ({"reason": ""}, ["engine    comfyui: ready"]),
    ({"reason": "", "address": "http://a:1", "version": "0.33.0", "note": "no extension"},
     ["engine    comfyui at http://a:1 0.33.0: ready", "          no extension"]),
    ({"reason": "it does not answer", "since_s": 0.0}, ["engine    comfyui: it does not answer"]),
])
def test_status_has_the_engines(engine: dict[str, Any], lines: list[str]) -> None:
    assert overview._engine({"name": "comfyui", **engine}) == lines


def test_status_says_since_when_an_engine_is_away() -> None:
    [line] = overview._engine({"name": "comfyui", "reason": "it does not answer", "since_s": 1_700_000_000.0})
    assert line.startswith("engine    comfyui: it does not answer (since 2023-11-1")
