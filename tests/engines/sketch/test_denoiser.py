"""The denoiser against a brute-force softmax over patches, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

from echodeck.engines.sketch import denoiser
from echodeck.engines.sketch.denoiser import Denoiser, box_sum, patch_distances


def pictures(count: int, height: int = 7, width: int = 9, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3, height, width)).astype(np.float32)


def brute(scenes: np.ndarray, noisy: np.ndarray, sigma: float, side: int, window: int) -> np.ndarray:
    """The definition, entry by entry, in double precision."""
    _, _, height, width = scenes.shape
    half = side // 2
    edge = ((0, 0), (0, 0), (window, window), (window, window))
    padded = np.pad(scenes.astype(float), edge, mode="edge")
    result = np.zeros((3, height, width))
    for y in range(height):
        for x in range(width):
            rows = slice(max(0, y - half), min(height, y + half + 1))
            columns = slice(max(0, x - half), min(width, x + half + 1))
            logits, centres = [], []
            for scene in padded:
                for dy in range(2 * window + 1):
                    for dx in range(2 * window + 1):
                        moved = scene[:, dy : dy + height, dx : dx + width]
                        logits.append(-np.sum((moved[:, rows, columns] - noisy[:, rows, columns]) ** 2) / 2 / sigma**2)
                        centres.append(moved[:, y, x])
            weights = np.exp(np.array(logits) - max(logits))
            result[:, y, x] = weights @ np.array(centres) / weights.sum()
    return result


@pytest.mark.parametrize(
    ("sigma", "side", "window"), [(0.1, 3, 0), (0.5, 3, 1), (2.0, 5, 1), (8.0, 7, 2), (1.0, 21, 1)]
)
def test_denoiser_is_the_softmax_mean_of_patch_centres(sigma: float, side: int, window: int) -> None:
    scenes = pictures(5)
    rng = np.random.default_rng(2)
    noisy = (scenes[2] + sigma * rng.standard_normal(scenes[2].shape)).astype(np.float32)
    found = Denoiser(scenes, window)(noisy, sigma, side)
    np.testing.assert_allclose(found, brute(scenes, noisy, sigma, side, window), atol=2e-4)


def test_working_in_small_blocks_changes_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes, noisy = pictures(6), pictures(1, seed=3)[0]
    whole = Denoiser(scenes, 1)(noisy, 0.7, 3)
    monkeypatch.setattr(denoiser, "BLOCK_FLOATS", 1)
    np.testing.assert_allclose(Denoiser(scenes, 1)(noisy, 0.7, 3), whole, atol=1e-5)


def test_without_noise_the_nearest_patch_wins() -> None:
    scenes = pictures(6)
    found = Denoiser(scenes, 0)(scenes[4] + np.float32(0.01), 1e-3, 3)
    np.testing.assert_array_equal(found, scenes[4])


def test_with_endless_noise_it_is_the_mean_of_all() -> None:
    scenes = pictures(6)
    found = Denoiser(scenes, 0)(scenes[4], 1e4, 3)
    np.testing.assert_allclose(found, scenes.mean(axis=0), atol=1e-5)


def test_far_from_every_scene_it_still_answers_with_numbers() -> None:
    found = Denoiser(pictures(3), 1)(np.full((3, 7, 9), 1e4, np.float32), 0.03, 3)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1.0


def test_parts_of_two_scenes_are_combined() -> None:
    scenes = pictures(2, 8, 24)
    half = np.concatenate([scenes[0, :, :, :12], scenes[1, :, :, 12:]], axis=2)
    found = Denoiser(scenes, 0)(half, 0.05, 3)
    np.testing.assert_allclose(found[:, :, :10], scenes[0, :, :, :10], atol=1e-4)
    np.testing.assert_allclose(found[:, :, 14:], scenes[1, :, :, 14:], atol=1e-4)


def test_nearest_finds_the_scene_and_the_offset() -> None:
    scenes = pictures(4, 10, 12)
    moved = np.roll(scenes[3], (-1, 1), axis=(1, 2))
    scene, down, right = Denoiser(scenes, 1).nearest(moved, 3)
    inner = (slice(2, -2), slice(2, -2))
    assert (scene[inner] == 3).all()
    assert (down[inner] == 1).all()
    assert (right[inner] == -1).all()


@pytest.mark.parametrize("side", [1, 3, 5, 7, 11, 31])
@pytest.mark.parametrize("axis", [1, 2])
def test_box_sum_adds_the_neighbours_that_exist(side: int, axis: int) -> None:
    field = np.random.default_rng(side).uniform(0, 1, (2, 9, 11)).astype(np.float32)
    half = side // 2
    lines = np.moveaxis(field, axis, -1)
    wanted = [lines[..., max(0, i - half) : i + half + 1].sum(axis=-1) for i in range(lines.shape[-1])]
    np.testing.assert_allclose(box_sum(field, side, axis), np.moveaxis(np.stack(wanted, -1), -1, axis), rtol=1e-5)


def test_distance_to_itself_is_nothing() -> None:
    scenes = pictures(2)
    assert patch_distances(scenes, scenes[0], 5)[0].max() == 0.0
    assert patch_distances(scenes, scenes[0], 5)[1].min() > 0.0
