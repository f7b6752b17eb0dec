"""Files: what is written in them, and what happens when they cannot be written."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from echodeck.engines import files
from echodeck.engines.files import parameters, png, webp, write
from echodeck.engines.sketch import Sketch
from echodeck.engines.sketch.picture import preview
from echodeck.errors import EngineError
from echodeck.model.job import JobSpec
from echodeck.version import __version__

from .conftest import Recorder

Make = Callable[..., JobSpec]
PIXELS = np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8)


def test_a_png_says_how_it_was_made(sketch: Sketch, spec: Make) -> None:
    control = Recorder()
    sketch.run("job", spec(prompt="dusk hills, very wide — 山", seed=41, batch=2, sampler="heun"), control)
    with Image.open(control.outputs[1].path) as image:
        text = image.text
    assert text["prompt"] == "dusk hills, very wide — 山"
    assert (text["model"], text["seed"], text["steps"], text["sampler"]) == ("sketch-s", "42", "3", "heun")
    assert (text["size"], text["engine"], text["version"]) == ("64x64", "sketch", __version__)
    assert text["parameters"].splitlines() == [
        "dusk hills, very wide — 山",
        f"Steps: 3, Sampler: heun, Seed: 42, Size: 64x64, Model: sketch-s, Version: echodeck {__version__}",
    ]


def test_a_negative_prompt_has_a_line_of_its_own(spec: Make) -> None:
    facts = parameters(replace(spec(prompt="hills"), options={"negative_prompt": "people"}), 0)
    assert facts["parameters"].splitlines()[:2] == ["hills", "Negative prompt: people"]


@pytest.mark.parametrize("prompt", ["", "a\x00b", "\ud800", "<b>&amp;</b>\nnext", "長" * 5000])
def test_any_prompt_can_be_written_and_read_again(spec: Make, prompt: str) -> None:
    facts = parameters(spec(prompt=prompt), 0)
    with Image.open(io.BytesIO(png(PIXELS, facts))) as image:
        assert image.text == facts
        assert np.array_equal(np.asarray(image), PIXELS)
    with Image.open(io.BytesIO(webp([PIXELS, PIXELS[::-1]], facts))) as film:
        root = ElementTree.fromstring(film.info["xmp"])
    assert (root.findtext(".//{urn:echodeck}prompt") or "") == facts["prompt"]


def test_a_preview_is_small_and_keeps_the_aspect() -> None:
    mime, data = preview(np.zeros((3, 16, 128), np.float32))
    assert mime == "image/jpeg"
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (192, 24)
        assert image.getpixel((0, 0)) == pytest.approx((128, 128, 128), abs=2)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "job" / "00.png"
    write(path, b"one")
    write(path, b"two")
    assert path.read_bytes() == b"two"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(EngineError, match=r"cannot save 00\.png: No space left on device") as caught:
        write(path, b"three")
    assert caught.value.retryable
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["00.png"]


def test_a_directory_that_cannot_be_is_an_error_that_a_retry_may_mend(tmp_path: Path, spec: Make) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(EngineError, match=r"cannot save 00\.png") as caught:
        Sketch(blocked).run("job", spec(steps=1), Recorder())
    assert caught.value.retryable
    assert caught.value.code == "cannot_save"
