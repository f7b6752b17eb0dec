"""The decoder: detail comes back, and the fading of blocks adds up."""

from __future__ import annotations

import numpy as np
import pytest

from echodeck.engines.sketch.bank import Bank, draw, enlarge, shrink
from echodeck.engines.sketch.decoder import decode
from echodeck.engines.sketch.models import Model
from echodeck.engines.sketch.prompt import read
from echodeck.engines.sketch.size import Grid

MODEL = Model("tiny", "Tiny", 4, 1)


def bank(prompt: str, factor: int) -> Bank:
    return Bank(MODEL, read(prompt), Grid(32, 40, factor), lambda: None)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_scene_that_is_in_the_bank_is_restored_better_than_by_enlarging(factor: int, mirrored: bool) -> None:
    made = bank("dusk forest", factor)
    size = (32 * factor, 40 * factor)
    scene = draw(made.theme, 2, *size)
    scene = scene[:, ::-1] if mirrored else scene
    low = shrink(scene, factor)
    restored = decode(made, low).astype(np.float32) / 255
    smooth = np.clip((enlarge(low, size) + 1) / 2, 0, 1)
    assert np.abs(restored - scene).mean() < 0.4 * np.abs(smooth - scene).mean()
    assert np.abs(restored - scene).mean() < 0.01


def test_a_grid_as_fine_as_the_picture_needs_no_detail() -> None:
    made = bank("dusk hills", 1)
    low = shrink(draw(made.theme, 1, 32, 40), 1)
    assert made.details.size == 0
    assert np.abs(decode(made, low) / 255 - (low.transpose(1, 2, 0) + 1) / 2).max() < 0.003


@pytest.mark.parametrize("factor", [2, 4])
def test_blocks_fade_into_each_other_without_a_seam(factor: int) -> None:
    made = bank("dusk hills", factor)
    made.details[:] = 51
    flat = np.zeros((3, 32, 40), np.float32)
    inner = decode(made, flat)[factor:-factor, factor:-factor].astype(int)
    assert np.abs(inner - round(255 * 0.5 + 51)).max() <= 1


def test_smaller_noise_compares_smaller_patches() -> None:
    for prompt in ("hills", "face"):
        made = bank(prompt, 1)
        sides = [made.patch_side(sigma) for sigma in (12.0, 3.0, 1.0, 0.5, 0.2, 0.1, 0.03, 0.0)]
        assert sides == sorted(sides, reverse=True)
        assert all(side % 2 == 1 for side in sides)
        assert sides[0] > 3 * sides[-1] >= 9


def test_the_bank_of_a_larger_model_begins_with_the_smaller_ones() -> None:
    larger = Bank(Model("more", "More", 6, 1), read("dusk hills"), Grid(32, 40, 2), lambda: None)
    assert np.array_equal(larger.details[:4], bank("dusk hills", 2).details)
