"""What a call is, without any pipeline."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from echodeck.pipelines.facts import describe, model_of, sampler_of, size_of


def scheduler(name: str, **config: Any) -> Any:
    made = type(name, (), {})()
    made.config = SimpleNamespace(**config)
    return made


def pipe(**parts: Any) -> Any:
    return SimpleNamespace(**parts)


@pytest.mark.parametrize(("kind", "name"), [
    ("EulerDiscreteScheduler", "euler"), ("EulerAncestralDiscreteScheduler", "euler_ancestral"),
    ("DDIMScheduler", "ddim"), ("DDPMScheduler", "ddpm"), ("HeunDiscreteScheduler", "heun"), ("PNDMScheduler", "pndm"),
    ("UniPCMultistepScheduler", "unipc"), ("DPMSolverMultistepScheduler", "dpmpp_2m"), ("LCMScheduler", "lcm"),
    ("KDPM2AncestralDiscreteScheduler", "dpm_2_ancestral"), ("FlowMatchEulerDiscreteScheduler", "euler"),
    ("LMSDiscreteScheduler", "lms"), ("DEISMultistepScheduler", "deis_multistep"), ("MyOwn", "my_own")])
def test_samplers_have_the_fields_names(kind: str, name: str) -> None:
    assert sampler_of(pipe(scheduler=scheduler(kind))) == name


def test_a_solver_that_adds_noise_is_another_sampler() -> None:
    made = scheduler("DPMSolverMultistepScheduler", algorithm_type="sde-dpmsolver++")
    assert sampler_of(pipe(scheduler=made)) == "dpmpp_2m_sde"
    assert sampler_of(pipe()) == ""


@pytest.mark.parametrize(("path", "name"), [("stabilityai/sdxl", "sdxl"), ("/models/dreamy/", "dreamy"),
                                            ("C:\\models\\dreamy", "dreamy"), ("", "SimpleNamespace")])
def test_a_model_is_called_as_its_folder(path: str, name: str) -> None:
    assert model_of(pipe(name_or_path=path)) == name
    assert model_of(pipe(config=SimpleNamespace(_name_or_path=path))) == name


def test_a_size_that_is_not_given_is_the_usual_one() -> None:
    network = SimpleNamespace(config=SimpleNamespace(sample_size=64))
    assert size_of(pipe(unet=network, vae_scale_factor=8), None, 256) == (512, 256)
    assert size_of(pipe(default_sample_size=[60, 90], vae_scale_factor=8), None, None) == (480, 720)
    assert size_of(pipe(), None, None) == (0, 0)
    assert size_of(pipe(default_sample_size=64), 32, None) == (32, 0)


def test_a_call_is_described_by_its_arguments() -> None:
    generator = SimpleNamespace(initial_seed=lambda: 0)
    given = {"prompt": ["dusk", "dawn"], "height": 64, "width": 96, "num_inference_steps": 20, "num_frames": 9,
             "num_videos_per_prompt": 2, "generator": [generator], "latents": None}
    assert describe(pipe(scheduler=scheduler("DDIMScheduler")), given) == {
        "model": "SimpleNamespace", "height": 64, "width": 96, "steps": 20, "frames": 9, "batch": 2, "prompt": "dusk",
        "sampler": "ddim", "seed": 0}


def test_what_cannot_be_told_is_left_out() -> None:
    given = {"prompt": None, "generator": None, "num_inference_steps": None, "height": "tall"}
    assert describe(pipe(), given) == {"model": "SimpleNamespace"}
    assert describe(pipe(), {"prompt": []}) == {"model": "SimpleNamespace"}
