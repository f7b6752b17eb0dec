"""What a step has to do."""

from __future__ import annotations

import pytest

from echodeck.model.workload import Latents, calls


@pytest.mark.parametrize("name", ["heun", "Heun", "DPM2", "DPM2 a", "dpm_2", "dpm_2_ancestral", "DPM++ 2S a",
                                  "dpmpp_2s_ancestral", "DPM++ SDE", "DPM++ SDE Karras", "dpmpp_sde_gpu",
                                  "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler"])
def test_samplers_that_ask_the_model_twice(name: str) -> None:
    assert calls(name) == 2


@pytest.mark.parametrize("name", ["", "euler", "Euler a", "euler_ancestral", "DPM++ 2M", "dpmpp_2m_sde", "DPM++ 3M SDE",
                                  "uni_pc", "lcm", "ddim", "нечто"])
def test_samplers_that_ask_once(name: str) -> None:
    assert calls(name) == 1


def test_cells_are_as_fine_as_the_grid_allows() -> None:
    latents = Latents((1, 2, 4), 128, 64)
    assert [latents.factor(side, 64, 1) for side in (64, 128, 136, 256, 264, 512, 2048)] == [1, 1, 2, 2, 4, 4, 4]
    assert [latents.factor(64, side, 8) for side in (64, 72, 128, 136)] == [1, 2, 2, 4]
