"""Jobs made from a workflow: read, checked, kept once, and given to the worker whole."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from echodeck.errors import BadField
from echodeck.model.engine import EngineInfo, ModelInfo

GRAPH = json.loads((Path(__file__).parents[2] / "model" / "workflows" / "sd15.json").read_text(encoding="utf-8"))
COMFYUI = EngineInfo("comfyui", kind="comfyui", workflows=True)
SKETCH = EngineInfo("sketch", models=(ModelInfo("sketch-s"),))
WORKER = "studio/comfyui/1"


@pytest.fixture
async def comfyui(place: Any) -> Any:
    hand = await place.hand("agent-c")
    await hand.say("register", agentId="agent-c", host="studio", engines=[COMFYUI, SKETCH])
    return hand


async def claimed(hand: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The next job, and the workflow that it comes with."""
    job = (await hand.say("claim", workerId=WORKER, engines=["comfyui"]))["job"]
    return job["spec"], json.loads(job["spec"]["options"]["workflow"])


def sampler(graph: dict[str, Any]) -> str:
    return next(key for key, node in graph.items() if node["class_type"] == "KSampler")


@pytest.mark.parametrize("given", [GRAPH, json.dumps(GRAPH), {"prompt": GRAPH}], ids=["object", "text", "body"])
async def test_a_workflow_is_a_job_with_its_facts(place: Any, ada: Any, comfyui: Any, given: Any) -> None:
    [job_id] = (await ada.say("submit", engine="comfyui", workflow=given, priority="high"))["jobIds"]
    view = place.job(job_id)
    inputs = GRAPH[sampler(GRAPH)]["inputs"]
    assert (view["steps"], view["seed"], view["sampler"], view["scheduler"]) == (
        inputs["steps"], inputs["seed"], inputs["sampler_name"], inputs["scheduler"])
    assert view["model"]
    assert view["resolution"]
    spec, graph = await claimed(comfyui)
    assert graph == GRAPH
    assert len(spec["shape"]) == 16


async def test_inputs_are_set_and_seeds_count_up(place: Any, ada: Any, comfyui: Any) -> None:
    ids = (await ada.say("submit", engine="comfyui", workflow=GRAPH, count=3, values={"KSampler.steps": "7"},
                         seed=2**64 - 2))["jobIds"]
    assert [place.job(one)["seed"] for one in ids] == [2**64 - 2, 2**64 - 1, 0]
    spec, graph = await claimed(comfyui)
    assert graph[sampler(graph)]["inputs"]["steps"] == spec["steps"] == 7
    assert len(place.room.desk.graphs.__dict__["_texts"]) == 1, "the three share one workflow"


@pytest.mark.parametrize(("payload", "field", "said"), [
    ({"workflow": {"nodes": [], "links": [], "version": 0.4}}, "workflow", "Export"),
    ({}, "workflow", "needs one"),
    ({"workflow": GRAPH, "values": {"KSampler.stpes": 3}}, "values", "stpes"),
    ({"workflow": GRAPH, "width": 512}, "width", "read out of the workflow"),
    ({"workflow": GRAPH, "seed": -1}, "seed", "must be 0"),
    ({"workflow": "{nonsense"}, "workflow", "not JSON"),
])
async def test_what_cannot_be_a_job_is_refused_at_its_field(place: Any, ada: Any, comfyui: Any,
                                                            payload: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(BadField, match=said) as caught:
        await ada.say("submit", engine="comfyui", **payload)
    assert caught.value.field == field
    assert place.order() == []


async def test_an_engine_that_takes_no_workflow_says_so(ada: Any, comfyui: Any) -> None:
    with pytest.raises(BadField, match="takes none"):
        await ada.say("submit", engine="sketch", workflow=GRAPH)


async def test_a_form_asks_what_a_workflow_is(ada: Any, comfyui: Any) -> None:
    found = await ada.say("read_workflow", text=json.dumps(GRAPH))
    again = await ada.say("read_workflow", data=base64.b64encode(json.dumps(GRAPH).encode()).decode())
    assert again == found
    assert found["workflow"] == GRAPH
    assert found["facts"]["steps"] == GRAPH[sampler(GRAPH)]["inputs"]["steps"]
    kinds = {(one["class_type"], one["input"]): one["kind"] for one in found["inputs"]}
    assert kinds["KSampler", "seed"] == "int"
    assert found["inputs"][0]["kind"] == "text", "prompts come first"
    for wrong in ({}, {"text": "{}", "data": "e30="}, {"data": "§"}):
        with pytest.raises(BadField):
            await ada.say("read_workflow", **wrong)


async def test_a_form_is_told_long_seeds_to_the_last_digit(ada: Any, comfyui: Any) -> None:
    seed, key = 2**64 - 3, sampler(GRAPH)
    graph = {**GRAPH, key: {**GRAPH[key], "inputs": {**GRAPH[key]["inputs"], "seed": seed}}}
    found = await ada.say("read_workflow", text=json.dumps(graph))
    [told] = [one for one in found["inputs"] if one["input"] == "seed"]
    assert (told["value"], told["kind"], found["facts"]["seed"]) == (str(seed), "int", str(seed))
    assert json.loads(found["text"]) == graph


async def test_a_workflow_stays_as_long_as_a_job_needs_it(place: Any, ada: Any, comfyui: Any) -> None:
    [job_id] = (await ada.say("submit", engine="comfyui", workflow=GRAPH))["jobIds"]
    await place.restart()
    again = await place.hand("agent-d")
    await again.say("register", agentId="agent-d", host="studio", engines=[COMFYUI])
    assert (await claimed(again))[1] == GRAPH
    await again.say("job_report", jobId=job_id, attempt=1, workerId=WORKER, fact="completed", atS=1.0)
    await ada.say("remove", jobId=job_id)
    await place.room._prune()
    await place.settle()
    assert await place.store.records("graphs") == {}
