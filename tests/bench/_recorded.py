"""Jobs as they really went on real machines."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from _jobs import Made, Scenario, Stage

from echodeck.model.job import JobSpec

HERE = Path(__file__).parent
COMFYUI = HERE.parent / "engines" / "comfyui" / "recordings"
BURN_IN = 3


def recorded() -> list[Scenario]:
    """Several kinds of job, in the order in which they really followed one another: there is no chance in them."""
    sketch, comfyui = list(of_sketch()), list(of_comfyui())
    return [Scenario("recorded: the embedded engine", lambda rng: iter(sketch), BURN_IN, len(sketch)),
            Scenario("recorded: ComfyUI", lambda rng: iter(comfyui), BURN_IN, len(comfyui))]


def recorded_firsts() -> list[Scenario]:
    """Two days of the embedded engine on which hardly a job was like another, each begun with nothing known."""
    days = {day: list(of_sketch("sketch_firsts.jsonl", day)) for day in (1, 2)}
    return [Scenario(f"recorded: first of their kind, day {day}", lambda rng, made=made: iter(made),  # type: ignore[misc]
                     count=len(made), firsts=True) for day, made in days.items()]


def of_sketch(name: str = "sketch.jsonl", day: int | None = None) -> Iterator[Made]:
    """What `_record.py` wrote, or what a hub kept."""
    for line in (HERE / "data" / name).read_text(encoding="utf-8").splitlines():
        job = json.loads(line)
        if job.get("day") != day:
            continue
        stages = tuple(Stage(one["name"], max(one["took_s"], sum(one["steps_s"])), tuple(one["steps_s"]))
                       for one in job["stages"])
        yield Made(JobSpec(**job["spec"]), stages)


def of_comfyui() -> Iterator[Made]:
    """The prompts that completed in the recordings of a real server, a node being a stage."""
    prompts: dict[str, list[tuple[float, str, dict[str, Any]]]] = defaultdict(list)
    for path in COMFYUI.glob("*.submitter.jsonl"):
        for frame in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            message = frame["data"] if frame["kind"] == "text" else {}
            data = message.get("data", {})
            if "prompt_id" in data:
                prompts[path.name + data["prompt_id"]].append((frame["t"], message["type"], data))
    for frames in sorted(prompts.values(), key=lambda frames: frames[0][0]):
        if (made := _prompt(frames)) is not None:
            yield made


def _prompt(frames: Iterable[tuple[float, str, dict[str, Any]]]) -> Made | None:
    stages: list[Stage] = []
    node, began_s, stepped_s, steps = "", 0.0, 0.0, list[float]()
    for at_s, type_, data in frames:
        if type_ == "progress" and data["node"] == node:
            steps.append(at_s - stepped_s)
            stepped_s = at_s
        elif type_ in ("executing", "execution_success"):
            if node:
                stages.append(Stage(f"node {node}", at_s - began_s, tuple(steps)))
            if type_ == "execution_success":
                return Made(_spec(stages), tuple(stages)) if any(stage.steps_s for stage in stages) else None
            node, began_s, stepped_s, steps = data["node"] or "", at_s, at_s, []
    return None


def _spec(stages: list[Stage]) -> JobSpec:
    return JobSpec("comfyui", "", steps=max(len(stage.steps_s) for stage in stages))
