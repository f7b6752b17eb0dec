"""The stages of a workflow, in ComfyUI's order, and what two workflows have in common."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from echodeck.model import workflow
from echodeck.model.workflow import Graph

GraphOf = Callable[[str], Graph]


def titles(graph: Graph) -> list[str]:
    return [node.title for node in workflow.stages(graph)]


def test_the_order_is_the_one_a_real_server_ran(graph_of: GraphOf) -> None:
    # As recorded: 4, 5, 7, 6, 3, 8, 9 (see ksampler.submitter.jsonl among the recordings of ComfyUI).
    assert [node.id for node in workflow.stages(graph_of("sd15"))] == ["4", "5", "7", "6", "3", "8", "9"]


def test_every_node_comes_after_what_feeds_it(graph_of: GraphOf) -> None:
    graph = graph_of("flux")
    place = {node.id: index for index, node in enumerate(workflow.stages(graph))}
    assert len(place) == len(graph)
    for node_id, node in graph.items():
        for value in node["inputs"].values():
            if isinstance(value, list):
                assert place[value[0]] < place[node_id]


def test_titles_are_unique_visible_and_short(graph_of: GraphOf) -> None:
    graph = graph_of("sd15")
    graph["6"]["_meta"]["title"] = "KSampler (2)"
    graph["7"]["_meta"]["title"] = "KSampler"
    graph["8"]["_meta"]["title"] = "\x1b[1m" + "long " * 100
    del graph["5"]["_meta"]
    found = titles(graph)
    assert found[1:5] == ["EmptyLatentImage", "KSampler", "KSampler (2)", "KSampler (3)"]
    assert len(set(found)) == len(found)
    assert all(title.isprintable() and len(title) <= 66 for title in found)


def test_only_what_an_output_needs_is_run(graph_of: GraphOf) -> None:
    graph = graph_of("sd15")
    graph["20"] = {"class_type": "VAELoader", "inputs": {"vae_name": "unused"}}
    graph["21"] = {"class_type": "ShowText|pysssss", "inputs": {"text": ["22", 0]}}
    graph["22"] = {"class_type": "PrimitiveString", "inputs": {"value": "a"}}
    assert "20" not in {node.id for node in workflow.stages(graph)}
    assert {"21", "22"} <= {node.id for node in workflow.stages(graph)}


def test_known_outputs_are_taken_at_their_word(graph_of: GraphOf) -> None:
    assert [node.id for node in workflow.stages(graph_of("sd15"), ["6"])] == ["4", "6"]
    assert len(workflow.stages(graph_of("sd15"), ["nowhere"])) == 7


def changed(graph: Graph, place: str, value: Any) -> Graph:
    node_id, _, name = place.rpartition(".")
    other = deepcopy(graph)
    other[node_id]["inputs"][name] = value
    return other


@pytest.mark.parametrize(("name", "place", "value"), [
    ("sd15", "3.seed", 1), ("sd15", "3.steps", 50), ("sd15", "5.width", 1024), ("sd15", "5.batch_size", 8),
    ("sd15", "6.text", "a cat"), ("sd15", "9.filename_prefix", "cats/"), ("sdxl_refiner", "45.value", 40),
    ("sdxl_refiner", "47.value", 30), ("sdxl_refiner", "6.text_g", "x"), ("flux", "25.noise_seed", 5),
    ("flux", "34.value", 512), ("flux", "17.steps", 4), ("img2img", "1.image", "other.png"),
    ("lora_chain", "5.value", "a cat"), ("lora_chain", "12.seed", 3), ("wan_video", "50.length", 41),
    ("wan_wrapper", "4.positive_prompt", "x"), ("wan_wrapper", "5.num_frames", 81), ("ltx_split", "8.step", 11),
    ("partner", "1.prompt", "x"), ("sd15", "3.cfg", 8.0),
])
def test_seeds_prompts_sizes_and_names_do_not_change_the_shape(graph_of: GraphOf, name: str, place: str,
                                                              value: Any) -> None:
    assert workflow.shape(changed(graph_of(name), place, value)) == workflow.shape(graph_of(name))


@pytest.mark.parametrize(("name", "place", "value"), [
    ("sd15", "3.cfg", 7), ("sd15", "3.sampler_name", "heun"), ("sd15", "3.denoise", 0.5),
    ("sd15", "4.ckpt_name", "other.safetensors"), ("sd15", "3.positive", ["7", 0]), ("sd15", "8.vae", ["4", 1]),
    ("lora_chain", "2.lora_name", "other"), ("lora_chain", "4.lora_2", {"on": True, "lora": "x", "strength": 1}),
    ("flux", "11.clip_name1", "other"), ("flux", "12.weight_dtype", "fp8"), ("controlnet", "8.strength", 0.5),
    ("ltx_split", "13.lossless", True), ("lora_chain", "13.scale_by", 2), ("wan_wrapper", "3.precision", "fp32"),
])
def test_whatever_else_is_done_changes_the_shape(graph_of: GraphOf, name: str, place: str, value: Any) -> None:
    assert workflow.shape(changed(graph_of(name), place, value)) != workflow.shape(graph_of(name))


def test_another_class_or_another_node_changes_the_shape(graph_of: GraphOf) -> None:
    graph = graph_of("sd15")
    other = deepcopy(graph)
    other["8"]["class_type"] = "VAEDecodeTiled"
    more = {**graph, "10": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}}
    unused = {**graph, "10": {"class_type": "VAELoader", "inputs": {"vae_name": "x"}}}
    assert len({workflow.shape(each) for each in (graph, other, more)}) == 3
    assert workflow.shape(unused) == workflow.shape(graph)


def test_every_workflow_has_a_shape_of_its_own(graph_of: GraphOf) -> None:
    names = ["sd15", "sdxl_refiner", "flux", "img2img", "lora_chain", "wan_video", "controlnet", "subgraph"]
    shapes = {workflow.shape(graph_of(name)) for name in names}
    assert len(shapes) == len(names)
    assert all(len(shape) == 16 and int(shape, 16) >= 0 for shape in shapes)
