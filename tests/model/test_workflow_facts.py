"""What a workflow will make, read out of its graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from echodeck.model import workflow
from echodeck.model.workflow import Graph, facts

GraphOf = Callable[[str], Graph]
BIG = "an evening sunset over a lake"


@pytest.mark.parametrize(("name", "expected"), [
    ("sd15", {"model": "v1-5-pruned-emaonly-fp16", "width": 512, "height": 768, "batch": 2, "steps": 20,
              "sampler": "euler", "scheduler": "normal", "seed": 156680208700286, "cfg": 8.0, "negative":
              "text, watermark", "prompt": "beautiful scenery nature glass bottle landscape, purple galaxy bottle"}),
    ("sdxl_refiner", {"model": "sd_xl_base_1.0", "width": 1024, "height": 1024, "steps": 25, "prompt": BIG,
                      "negative": "watermark, text", "seed": 721897303308196}),
    ("flux", {"model": "flux1-dev", "width": 1344, "height": 768, "steps": 28, "sampler": "euler", "cfg": None,
              "scheduler": "simple", "seed": 2**64 - 1, "negative": "", "denoise": 1.0,
              "prompt": "cute anime girl with massive fluffy fennec ears"}),
    ("img2img", {"model": "dreamshaper_8", "width": 0, "height": 0, "denoise": 0.87, "sampler": "dpmpp_2m",
                 "scheduler": "karras", "prompt": "photograph of victorian woman with wings", "negative": ""}),
    ("lora_chain", {"model": "juggernautXL_v9", "loras": ("pixel-art-xl", "lcm-lora-sdxl", "detail"), "batch": 4,
                    "width": 832, "height": 1216, "steps": 8, "seed": 42, "negative": "blurry",
                    "prompt": "a tiny knight, pixel art, 16 bit"}),
    ("wan_video", {"model": "wan2.2_i2v_high_noise_14B_fp8_scaled", "width": 640, "height": 640, "frames": 81,
                   "steps": 20, "seed": 636787045983965, "prompt": "a white dragon opens its eyes",
                   "negative": "色调艳丽，过曝，静态"}),
    ("controlnet", {"prompt": "a girl with flowers\nmasterpiece", "negative": "nsfw, ugly", "steps": 24}),
    ("subgraph", {"model": "qwen-image-Q4_K_M", "width": 1328, "negative": "",
                  "prompt": "a coffee shop entrance with a chalkboard sign"}),
    ("ltx_split", {"model": "ltx-video-2b-v0.9.5", "frames": 97, "steps": 30, "sampler": "euler_ancestral",
                   "scheduler": "ltxv", "seed": 497797676867141, "cfg": 3.0}),
    ("wan_wrapper", {"model": "wan2.1_t2v_14B_fp8", "loras": ("steamboat",), "width": 832, "frames": 49,
                     "steps": 25, "scheduler": "unipc", "prompt": "a cat on a skateboard",
                     "negative": "static, blurry"}),
    ("partner", {"prompt": "a glass house in the desert", "seed": 77, "steps": 0, "model": ""}),
])
def test_the_facts_of_real_workflows(graph_of: GraphOf, name: str, expected: dict[str, Any]) -> None:
    found = facts(graph_of(name))
    assert {field: getattr(found, field) for field in expected} == expected


@pytest.mark.parametrize(("name", "steps"), [
    ("sd15", [20]), ("sdxl_refiner", [20, 5]), ("flux", [28]), ("lora_chain", [8, 4]), ("wan_video", [10, 10]),
    ("ltx_split", [22, 8]), ("wan_wrapper", [25]), ("partner", []),
])
def test_every_sampler_has_the_steps_it_takes(graph_of: GraphOf, name: str, steps: list[int]) -> None:
    assert [node.steps for node in workflow.stages(graph_of(name)) if node.steps] == steps


def sampler(**inputs: Any) -> Graph:
    return {"1": {"class_type": "Sampler", "inputs": {"seed": 1, "steps": 20, **inputs}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}


@pytest.mark.parametrize(("inputs", "steps"), [
    ({}, 20), ({"denoise": 0.5}, 20), ({"denoise": 0}, 0), ({"start_at_step": 5}, 15), ({"end_at_step": 8}, 8),
    ({"start_at_step": 12, "end_at_step": 8}, 0), ({"end_step": -1}, 20), ({"steps": "20"}, 0), ({"steps": True}, 0),
    ({"steps": 10**30}, 1_000_000), ({"steps": ["9", 0]}, 0), ({"steps": float("nan")}, 0),
])
def test_steps_are_counted_as_the_sampler_takes_them(inputs: dict[str, Any], steps: int) -> None:
    assert workflow.steps_of("1", sampler(**inputs)) == steps


@pytest.mark.parametrize(("cut", "slot", "steps"), [
    ({"class_type": "SplitSigmasDenoise", "inputs": {"denoise": 0.25, "sigmas": ["3", 0]}}, 0, 15),
    ({"class_type": "SplitSigmasDenoise", "inputs": {"denoise": 0.25, "sigmas": ["3", 0]}}, 1, 5),
    ({"class_type": "SplitSigmas", "inputs": {"step": 50, "sigmas": ["3", 0]}}, 1, 0),
    ({"class_type": "FlipSigmas", "inputs": {"sigmas": ["3", 0]}}, 0, 20),
    ({"class_type": "ManualSigmas", "inputs": {"sigmas": "14.6, 3.1, 0.5, 0"}}, 0, 3),
])
def test_noise_levels_that_are_cut_have_fewer_steps(cut: dict[str, Any], slot: int, steps: int) -> None:
    graph: Graph = {"1": {"class_type": "SamplerCustom", "inputs": {"sampler": ["9", 0], "sigmas": ["2", slot]}},
                    "2": cut, "3": {"class_type": "KarrasScheduler", "inputs": {"steps": 20}}}
    assert workflow.steps_of("1", graph) == steps


def test_what_is_no_sampler_has_no_steps(graph_of: GraphOf) -> None:
    assert workflow.steps_of("17", graph_of("flux")) == 0
    assert workflow.steps_of("nowhere", graph_of("flux")) == 0


@pytest.mark.parametrize(("name", "said"), [
    ("a/b\\c.safetensors", "c"), ("flux1.dev", "flux1.dev"), ("x.GGUF", "x"), ("folder/svdq-int4-flux.1-dev/",
     "svdq-int4-flux.1-dev"), ("None", ""), ("\x1b[31mred.ckpt", "[31mred"), ("y" * 500, "y" * 120),
])
def test_a_model_is_called_as_people_call_it(name: str, said: str) -> None:
    graph = {**sampler(model=["3", 0]), "3": {"class_type": "NunchakuFluxDiTLoader", "inputs": {"model_path": name}}}
    assert facts(graph).model == said


def test_the_size_is_followed_through_what_changes_it() -> None:
    graph = {**sampler(latent_image=["3", 0]),
             "3": {"class_type": "LatentUpscaleBy", "inputs": {"scale_by": 1.5, "samples": ["4", 0]}},
             "4": {"class_type": "SDXLEmptyLatentSizePicker+", "inputs": {"resolution": "1024x640 (1.6)",
                                                                           "batch_size": 3}}}
    found = facts(graph)
    assert (found.width, found.height, found.batch) == (1536, 960, 3)


def test_an_unknown_node_may_make_the_latent() -> None:
    graph = {**sampler(latent_image=["3", 0]), "3": {"class_type": "Mystery", "inputs": {}},
             "4": {"class_type": "MyEmptyLatent", "inputs": {"width": 640, "height": 480}},
             "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}}}
    assert (facts(graph).width, facts(graph).height) == (640, 480)


def test_a_seed_that_means_any_is_none() -> None:
    assert facts(sampler(seed=-1)).seed == 0


def test_the_first_of_equal_samplers_is_the_main_one(graph_of: GraphOf) -> None:
    graph = graph_of("wan_video")
    graph["58"]["inputs"]["start_at_step"] = 4  # the second takes 16 steps now, but adds no noise of its own
    found = facts(graph)
    assert found.model == "wan2.2_i2v_low_noise_14B_fp8_scaled"
    assert found.seed == 636787045983965


def test_no_graph_is_too_strange() -> None:
    assert facts({}).steps == 0
    assert workflow.stages({}) == ()
    ring: Graph = {str(i): {"class_type": "KSampler", "inputs": {"model": [str((i + 1) % 5), 0], "steps": 3, "seed":
                                                                [str((i + 1) % 5), 0]}} for i in range(5)}
    assert facts(ring).steps == 3
    assert len(workflow.stages(ring)) == 5
    assert len(workflow.shape(ring)) == 16
