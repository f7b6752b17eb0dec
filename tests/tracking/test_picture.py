"""Pictures as scripts have them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from echodeck.tracking.picture import SIDE, opened, save, small

RED = Image.new("RGB", (40, 20), (255, 0, 0))


def png(image: Image.Image = RED) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


class Tensor:
    """What torch's can do, as far as it matters."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def detach(self) -> Tensor:
        return self

    float = cpu = detach

    def numpy(self) -> Any:
        return self.array


FULL = np.zeros((20, 40, 3), np.uint8)
FULL[..., 0] = 255
UNIT = FULL.astype(np.float32) / 255


@pytest.mark.parametrize("picture", [
    RED, png(), lambda: RED, FULL, UNIT, UNIT * 2 - 1, UNIT.transpose(2, 0, 1), UNIT[None],
    Tensor(UNIT.transpose(2, 0, 1)), np.concatenate([FULL, FULL[..., :1]], axis=2),
], ids=["image", "bytes", "callable", "uint8", "unit", "signed", "channels first", "batch", "tensor", "rgba"])
def test_every_kind_is_the_same_picture(picture: Any) -> None:
    image = opened(picture)
    assert (image.mode, image.size) == ("RGB", (40, 20))
    assert image.getpixel((5, 5)) == (255, 0, 0)


def test_a_grey_one_and_a_file(tmp_path: Path) -> None:
    assert opened(np.full((4, 4), 128, np.uint8)).getpixel((0, 0)) == (128, 128, 128)
    file = tmp_path / "a.png"
    file.write_bytes(png())
    assert opened(file).size == opened(str(file)).size == (40, 20)


def test_a_large_one_is_made_small_and_the_caller_keeps_its_own() -> None:
    large = Image.new("RGB", (2000, 1000))
    mime, data = small(large)
    assert mime == "image/jpeg"
    assert Image.open(io.BytesIO(data)).size == (SIDE, SIDE // 2)
    assert large.size == (2000, 1000)
    assert small(png()) == ("image/png", png())


@pytest.mark.parametrize("picture", [np.zeros(7), np.zeros((2, 2, 2)), np.zeros((0, 4, 3)), b"nonsense", 5])
def test_what_is_no_picture_says_so(picture: Any) -> None:
    with pytest.raises((ValueError, TypeError, OSError)):
        small(picture)


def test_one_is_saved_whole(tmp_path: Path) -> None:
    path = tmp_path / "out" / "a.png"
    assert save(UNIT, path) == (40, 20, path.stat().st_size)
    assert [one.name for one in path.parent.iterdir()] == ["a.png"]
