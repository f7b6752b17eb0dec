"""Pictures of latents, without any model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.pipelines.latents import blocks, calmed, colours, fit, samples, shrunk, unpacked


def test_every_packing_is_the_same_latent() -> None:
    latent = np.arange(4 * 6 * 8, dtype=np.float32).reshape(4, 6, 8)
    assert (unpacked(latent[None], 4, 6, 8) == latent).all()
    film = np.stack([latent - 1, latent, latent + 1], axis=1)
    assert (unpacked(film[None], 4, 0, 0) == latent).all()
    assert (unpacked(film.transpose(1, 0, 2, 3)[None], 4, 0, 0) == latent).all(), "frames before channels"
    assert (unpacked(packed(latent), 4, 6, 8) == latent).all()
    assert (unpacked(packed(latent), 4, 7, 9) == latent).all(), "of an odd size the last row is left out"
    ltx = latent.transpose(1, 2, 0).reshape(1, 48, 4)
    assert (unpacked(ltx, 4, 6, 8) == latent).all()
    assert (unpacked(np.concatenate([ltx - 1, ltx, ltx + 1], axis=1), 4, 6, 8) == latent).all()


def packed(latent: Any) -> Any:
    """C×H×W as Flux has it: 2 × 2 latent pixels in one place."""
    channels, height, width = latent.shape
    blocks_ = latent.reshape(channels, height // 2, 2, width // 2, 2).transpose(1, 3, 0, 2, 4)
    return blocks_.reshape(1, height * width // 4, 4 * channels)


def test_packed_latents_of_an_unknown_size_are_a_square() -> None:
    latent = np.arange(4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8)
    assert (unpacked(packed(latent), 4, 0, 0) == latent).all()
    with pytest.raises(ValueError, match="no picture of the size"):
        unpacked(packed(latent)[:, :-1], 4, 0, 0)


@pytest.mark.parametrize("shape", [(4,), (4, 6), (1, 7, 4), (1, 3, 6, 8), (1, 2, 3, 6, 8), (1, 2, 3, 4, 5, 6)])
def test_another_shape_is_none(shape: Any) -> None:
    with pytest.raises(ValueError, match="none of"):
        unpacked(np.zeros(shape, np.float32), 4, 6, 8)


@given(st.integers(0, 2**32 - 1))
def test_a_map_that_is_linear_is_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    true = random.normal(0, 0.1, (5, 3)).astype(np.float32)
    true[4] = 0.5
    flat = samples(4, 16, 2, seed).transpose(0, 2, 3, 1).reshape(-1, 4)
    pictures = np.hstack([flat, np.ones((len(flat), 1), np.float32)]) @ true
    assert np.abs(fit(flat, pictures) - true).max() < 1e-3


def test_colours_have_the_place_of_their_latents() -> None:
    latent = np.zeros((4, 2, 3), np.float32)
    latent[0, 1, 2] = 1.0
    matrix = np.zeros((5, 3), np.float32)
    matrix[0] = (1.0, 0.5, 0.0)
    picture = colours(latent, matrix)
    assert picture.shape == (2, 3, 3)
    assert picture[1, 2].tolist() == [255, 127, 0]
    assert picture[0, 0].tolist() == [0, 0, 0]


def test_a_picture_is_averaged_over_each_latent_pixel() -> None:
    picture = np.full((3, 4, 4), -1.0, np.float32)
    picture[:, :2, 2:] = 1.0
    assert blocks(picture, 2).tolist() == [[0.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0))
def test_noise_is_calmed_and_what_is_calm_stays(seed: int, spread: float) -> None:
    latent = (np.random.default_rng(seed).standard_normal((4, 8, 8)) * spread).astype(np.float32)
    shown = calmed(latent)
    assert shown.std() < 1.001
    if latent.std() <= 1.0:
        assert (shown == latent).all()


def test_what_is_no_number_is_shown_as_nothing() -> None:
    latent = np.full((4, 2, 2), np.nan, np.float32)
    latent[0, 0, 0] = np.inf
    assert (calmed(latent) == 0).all()


@pytest.mark.parametrize(("shape", "side", "smaller"), [((4, 6, 8), 8, (6, 8)), ((4, 6, 8), 4, (3, 4)),
                                                        ((4, 9, 100), 48, (3, 34))])
def test_latents_are_shrunk_to_a_side(shape: Any, side: int, smaller: Any) -> None:
    assert shrunk(np.zeros(shape, np.float32), side).shape[1:] == smaller
