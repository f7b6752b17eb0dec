"""Near-duplicates, by a hash and a tiny picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from echodeck.brain.verdict.likeness import alike, nearest
from echodeck.brain.verdict.sign import signature

RNG = np.random.default_rng(5)
PICTURE = np.clip(ndimage.gaussian_filter(RNG.random((120, 160, 3)), (9, 9, 0)) * 6 - 2.5, 0, 1)
OTHER = np.clip(ndimage.gaussian_filter(RNG.random((120, 160, 3)), (9, 9, 0)) * 6 - 2.5, 0, 1)


def test_the_same_again_in_another_size_and_lighter_is_known_again() -> None:
    one = signature(PICTURE, "the first")
    for again in (PICTURE, PICTURE[2:-2, 2:-2], ndimage.zoom(PICTURE, (0.5, 0.5, 1), order=1), PICTURE * 0.97 + 0.02):
        near, of = nearest(signature(np.clip(again, 0, 1)), [signature(OTHER, "another"), one])
        assert near > 0.8
        assert of == "the first"


def test_another_picture_is_not() -> None:
    assert nearest(signature(OTHER), [signature(PICTURE, "it")]) == (0.0, "")
    assert nearest(signature(OTHER), []) == (0.0, "")


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_pictures_of_nothing_are_no_duplicates(level: float) -> None:
    empty = signature(np.full((64, 64, 3), level))
    assert alike(empty, empty) == 0.0


def test_a_signature_is_small_whatever_the_picture() -> None:
    for shape in ((1, 1), (7, 300, 4), (40, 40, 3)):
        found = signature(np.full(shape, 200, np.uint8))
        assert len(found.tiny) == 768
        assert 0 <= found.hash < 2**64
