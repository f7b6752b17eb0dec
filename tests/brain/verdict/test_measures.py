"""Pictures whose faults are known from how they were made, and what is measured of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from echodeck.brain.verdict.bands import banding
from echodeck.brain.verdict.film import film
from echodeck.brain.verdict.focus import edge_width
from echodeck.brain.verdict.grain import grain, octaves, speckle
from echodeck.brain.verdict.measure import measure
from echodeck.brain.verdict.pixels import CROP, crops, light_of, normal, reduced
from echodeck.brain.verdict.tone import tone

Field = NDArray[np.floating[Any]]


def scene(height: int = 160, width: int = 200) -> Field:
    """Sky, a bright disc and a dark hill: edges, smooth parts and contrast. (height, width, 3), 0 to 1."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([0.3 + 0.4 * y / height, 0.4 + 0.3 * y / height, 0.7 - 0.2 * y / height], axis=-1)
    disc = np.clip(20.5 - np.hypot(y - 50, x - 120), 0, 1)[..., None]
    hill = np.clip(y - 110 - 20 * np.sin(x / 30), 0, 1)[..., None]
    picture = picture + disc * (np.array([0.95, 0.9, 0.7]) - picture)
    return picture + hill * (np.array([0.08, 0.12, 0.1]) - picture)


# --- pixels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("raw", "expected"), [
    (np.full((2, 3), 255, np.uint8), 1.0),
    (np.full((2, 3, 1), 65535, np.uint16), 1.0),
    (np.full((2, 3, 3), 51, np.uint8), 0.2),
    (np.ones((2, 3), bool), 1.0),
    (np.full((2, 3, 3), 0.25), 0.25),
    (np.zeros((2, 3, 4), np.uint8), 1.0),  # all transparent: white paper
    (np.zeros((2, 3, 2), np.uint8), 1.0),
])
def test_every_kind_of_pixel_becomes_the_same(raw: NDArray[Any], expected: float) -> None:
    picture = normal(raw)
    assert picture.shape == (2, 3, 3)
    assert picture == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_crops_lie_inside_and_a_reduced_picture_is_small(height: int, width: int) -> None:
    picture = np.broadcast_to(np.float32(0.5), (height, width, 3))
    found = crops(picture)
    assert all(crop.size for crop in found)
    assert len(found) == 1 or all(max(crop.shape[:2]) <= CROP for crop in found)
    small = reduced(picture, 256)
    assert max(small.shape[:2]) <= 512
    assert small == pytest.approx(0.5)


# --- grain -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.03, 0.1, 0.2])
def test_grain_is_the_deviation_of_white_noise(strength: float) -> None:
    noise = np.random.default_rng(1).normal(0.5, strength, (256, 256, 3))
    one, *_ = octaves(noise[..., 0], 0.5)
    assert one == pytest.approx(strength, rel=0.1)
    assert grain(noise) > 0.5 * strength


def test_noise_on_a_picture_is_seen_in_single_pixels_and_in_blobs() -> None:
    picture, rng = scene(), np.random.default_rng(2)
    assert grain(picture) < 0.002
    assert grain(picture + rng.normal(0, 0.08, picture.shape)) > 0.03
    blobs = ndimage.zoom(rng.normal(0, 0.1, (40, 50, 3)), (4, 4, 1), order=1)
    assert grain(picture + blobs) > 0.02


def test_lines_in_grey_are_no_noise_and_grey_noise_is() -> None:
    hatched = np.repeat((np.add.outer(np.arange(128), np.arange(128)) % 7 < 2)[..., None], 3, axis=2).astype(float)
    assert grain(hatched) == 0.0
    noise = np.random.default_rng(3).normal(0.5, 0.1, (128, 128, 1))
    assert grain(np.repeat(noise, 3, axis=2)) > 0.05


def test_raggedness_grows_with_ragged_edges() -> None:
    light = light_of(scene())
    rows = np.arange(160)[:, None] + np.random.default_rng(4).integers(-3, 4, (160, 200))
    ragged = light[np.clip(rows, 0, 159), np.arange(200)]
    assert speckle(ragged) > 3 * speckle(light)


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [2.0, 3.0, 5.0])
def test_an_edge_is_as_wide_as_it_was_blurred(sigma: float) -> None:
    step = np.zeros((80, 130))
    step[:, 72:] = 0.8
    assert edge_width(step, 0.8) == pytest.approx(1.0)
    blurred = ndimage.gaussian_filter(step, (0, sigma))
    assert edge_width(blurred, 0.8) == pytest.approx(min(2.5 * sigma, 13), rel=0.25)


def test_without_an_edge_nothing_is_said_of_blur() -> None:
    assert edge_width(np.linspace(0, 1, 4096).reshape(64, 64) * 0.01, 0.01) is None
    assert edge_width(np.zeros((8, 8)), 0.0) is None


# --- bands -----------------------------------------------------------------------------------------------------------


def test_a_gradient_in_steps_has_bands_and_a_smooth_one_has_none() -> None:
    ramp = np.repeat(np.repeat(np.linspace(0.1, 0.9, 200)[:, None], 160, axis=1)[..., None], 3, axis=2)
    eight_bits = np.round(ramp * 255) / 255
    assert banding(eight_bits) == 0.0
    assert banding(np.round(ramp * 20) / 20) > 0.02


def test_two_flat_colours_are_no_bands() -> None:
    checks = np.repeat(np.repeat(np.indices((10, 10)).sum(0) % 2, 16, axis=0), 16, axis=1)[..., None]
    assert banding(0.5 + 0.05 * np.repeat(checks, 3, axis=2)) == 0.0


# --- tone ------------------------------------------------------------------------------------------------------------


def test_light_that_runs_over_is_cut_off_and_white_paper_is_not() -> None:
    assert tone(np.clip(scene() * 2.2, 0, 1)).cut > 0.1
    paper = np.ones((160, 160, 3))
    paper[20:140:12, 20:140] = 0.05
    assert tone(paper).cut == 0.0


def beside_white(colour: float) -> Field:
    """Half of it white, half in one even colour."""
    return np.broadcast_to(np.where(np.arange(160) < 80, colour, 1.0)[None, :, None], (160, 160, 3))


@pytest.mark.parametrize("colour", [0.05, 0.5, 0.84, 0.9])
def test_a_colour_beside_pure_white_is_drawn_and_a_ramp_into_it_is_cut_off(colour: float) -> None:
    assert tone(beside_white(colour)).cut == 0.0
    ramp = np.clip(np.linspace(colour, 2 - colour, 160), 0, 1)
    assert tone(np.broadcast_to(ramp[None, :, None], (160, 160, 3))).cut == pytest.approx(0.5, abs=0.2)


def test_an_area_that_ran_over_behind_sharp_edges_counts_and_one_that_was_drawn_does_not() -> None:
    rows, columns = np.mgrid[0:160, 0:160]
    leaf = (np.hypot(rows - 80, columns - 50) < 40)[..., None]
    glow = np.clip(1.6 - np.abs(rows - 70) / 60, 0, 1)[..., None]
    drawn = np.where(leaf, 1.0, 0.4) * np.ones(3)
    assert tone(drawn).cut == 0.0
    assert tone(np.where(leaf, glow, 0.4) * np.ones(3)).cut > 0.05


def test_pixels_that_are_no_numbers_are_counted_and_passed_over() -> None:
    picture = scene()
    picture[:40] = np.nan
    found = tone(picture)
    assert found.bad == pytest.approx(0.25)
    assert np.isfinite(found.span)
    assert measure(picture).bad == pytest.approx(0.25)


# --- the whole -------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), channels=st.integers(1, 4), seed=st.integers(0, 99))
def test_any_picture_can_be_measured(height: int, width: int, channels: int, seed: int) -> None:
    raw = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    found = measure(raw)
    assert (found.width, found.height) == (width, height)
    assert 0.0 <= found.low <= found.high <= 1.0
    assert np.isfinite([found.grain, found.speckle, found.bands, found.cut]).all()


def test_a_large_picture_is_measured_like_a_small_one() -> None:
    tiled = np.tile(scene(), (9, 8, 1))
    large, small = measure(tiled), measure(scene())
    assert large.edge_px == pytest.approx(small.edge_px, abs=0.3)
    assert large.span == pytest.approx(small.span, abs=0.05)


# --- films -----------------------------------------------------------------------------------------------------------


def frames(count: int = 12) -> Field:
    light = light_of(scene())
    return np.stack([light[:, 40 + number : 140 + number] for number in range(count)])


def test_a_film_that_moves_is_good() -> None:
    found = film(frames())
    assert (found.frames, found.still, found.longest_still) == (12, 0.0, 0.0)
    assert found.flicker < 0.01
    assert found.jump < 3


def test_a_film_that_stands_still_flickers_or_jumps() -> None:
    assert film(np.stack([frames()[0]] * 8)).still == 1.0
    dimmed = frames() * np.where(np.arange(12) % 2, 0.7, 1.0)[:, None, None]
    assert film(dimmed).flicker > 0.05
    light = light_of(scene())
    jumped = np.stack([light[:, x : x + 100] for x in (0, 1, 2, 2, 2, 2, 60, 61, 62)])
    assert film(jumped).jump > 6
    assert film(jumped).longest_still == pytest.approx(3 / 8)


def test_one_frame_is_no_film() -> None:
    assert film(frames(1)).still == 0.0
