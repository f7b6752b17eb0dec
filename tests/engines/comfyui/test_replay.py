"""The engine against what a real ComfyUI 0.33.0 sent, played again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck.engines.comfyui import ComfyUI
from echodeck.model.workflow import spec_of, stages

from ..contract import Running
from .replay import Replay


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Replay, Running]]]:
    """Runs a recorded prompt as a job of ours."""
    monkeypatch.setattr("echodeck.engines.comfyui.feed.FIRST_S", 0.05)
    opened: list[Any] = []

    def start(scenario: str, number: int = 0, pace: float = 10.0) -> tuple[Replay, Running]:
        server = Replay(scenario, number, pace)
        engine = ComfyUI(tmp_path, "comfyui", server.url)
        opened.extend((engine, server))
        assert engine.info().reason == ""
        spec = replace(spec_of(server.graph, "comfyui"), options={"workflow": json.dumps(server.graph)})
        return server, Running(engine, spec)

    yield start
    for one in opened:
        one.close()


def stage_names(job: Running) -> list[str]:
    """The stages that ran, by the plan that held at the end."""
    plan = [one.stages for one in job.reports if one.fact == "planned"][-1]
    return [plan[one.index][0] for one in job.reports if one.fact == "stage_started"]


@pytest.mark.parametrize(("scenario", "fact", "kind"), [
    ("success", "completed", ""), ("error", "failed", "node_error"), ("oom", "failed", "out_of_memory"),
    ("interrupted", "cancelled", ""), ("ksampler", "completed", ""),
])
def test_a_recorded_prompt_ends_as_it_did(play: Any, scenario: str, fact: str, kind: str) -> None:
    _, job = play(scenario)
    end = job.end()
    assert (end.fact, end.error.kind if end.error else "") == (fact, kind)
    assert stage_names(job)


def test_what_was_cached_is_skipped(play: Any) -> None:
    server, job = play("cached", 1)
    assert job.end().fact == "completed"
    assert stage_names(job) == []
    skipped = [one for one in job.reports if one.fact == "stage_done" and one.skipped]
    assert len(skipped) == len(stages(server.graph))


def test_a_real_sampler_at_its_real_pace(play: Any) -> None:
    server, job = play("ksampler", pace=1.0)
    assert job.end().fact == "completed"
    assert stage_names(job) == [node.title for node in stages(server.graph)]
    [sampler] = [node for node in stages(server.graph) if node.class_type == "KSampler"]
    assert job.steps == list(range(1, sampler.steps + 1))
    assert job.previews
    assert job.reports[-1].outputs[0].link


def test_an_interrupted_prompt_says_at_which_step(play: Any) -> None:
    server, job = play("interrupted")
    job.end()
    total = max(node.steps or int(server.graph[node.id]["inputs"].get("steps", 0)) for node in stages(server.graph))
    assert 0 < max(job.steps) < total
