"""Jobs as requests, and pictures in and out."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from echodeck.engines.a1111 import picture
from echodeck.engines.a1111.offer import Offer
from echodeck.engines.a1111.request import MOST_IMAGE_BYTES, body_of, hires_steps, kind_of
from echodeck.errors import EngineError
from echodeck.model.job import JobSpec

OFFER = Offer(models={"dreamy": "dreamy.ckpt [abc]"}, upscaler="Latent Nearest")


def spec(**options: Any) -> JobSpec:
    return JobSpec("a1111", "dreamy", prompt="dusk", width=64, height=48, steps=9, seed=5, batch=2, options=options)


def test_each_picture_is_a_round_and_the_seed_is_ours() -> None:
    body = body_of(spec(), "task(x)", OFFER)
    assert (body["n_iter"], body["batch_size"], body["seed"], body["force_task_id"]) == (2, 1, 5, "task(x)")
    assert body["override_settings"] == {"sd_model_checkpoint": "dreamy.ckpt [abc]"}
    assert not {"sampler_name", "scheduler", "enable_hr"} & body.keys()
    assert kind_of(body) == "txt2img"


def test_the_hires_fix_names_an_upscaler_where_one_must_be_named() -> None:
    body = body_of(spec(hires=True, hires_scale=1.5, hires_steps=4.0), "t", OFFER)
    assert (body["enable_hr"], body["hr_scale"], body["hr_second_pass_steps"]) == (True, 1.5, 4)
    assert body["hr_upscaler"] == "Latent Nearest"
    assert "hr_upscaler" not in body_of(spec(hires=True), "t", Offer())
    assert hires_steps(spec(hires=True)) == 0


def test_a_picture_to_begin_with_is_read_here(tmp_path: Path) -> None:
    file = tmp_path / "start.png"
    file.write_bytes(b"picture")
    for given in (str(file), "data:image/png;base64,cGljdHVyZQ=="):
        body = body_of(spec(init_image=given, hires=True, denoising_strength=0.4), "t", OFFER)
        assert (body["init_images"], body["denoising_strength"], kind_of(body)) == (["cGljdHVyZQ=="], 0.4, "img2img")
        assert "enable_hr" not in body


def test_a_picture_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(MOST_IMAGE_BYTES + 1)
    for given in (str(tmp_path / "nowhere.png"), str(tmp_path), str(large), "\0"):
        with pytest.raises(EngineError, match=r"options\.init_image"):
            body_of(spec(init_image=given), "t", OFFER)


def encoded(kind: str, side: int, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 90).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def test_small_previews_are_shown_as_they_are_and_large_ones_smaller() -> None:
    small = encoded("WEBP", 32)
    assert picture.preview(base64.b64encode(small).decode()) == ("image/webp", small)
    mime, data = picture.preview(base64.b64encode(encoded("PNG", 900, "RGBA")).decode())
    with Image.open(io.BytesIO(data)) as shown:
        assert (mime, shown.size) == ("image/jpeg", (picture.SIDE, picture.SIDE))
    assert len(data) < 290_000
    with pytest.raises(EngineError, match="is none"):
        picture.preview("aGk=")


@pytest.mark.parametrize(("kind", "suffix", "mime"), [("PNG", "png", "image/png"), ("JPEG", "jpg", "image/jpeg"),
                                                      ("WEBP", "webp", "image/webp")])
def test_pictures_are_kept_as_they_came(tmp_path: Path, kind: str, suffix: str, mime: str) -> None:
    content = encoded(kind, 40)
    output = picture.save(content, tmp_path / "job", 3)
    assert (output.path, output.kind) == (str(tmp_path / "job" / f"03.{suffix}"), mime)
    assert (output.width, output.height, output.size_bytes) == (40, 40, len(content))
    assert Path(output.path).read_bytes() == content
    assert [file.name for file in (tmp_path / "job").iterdir()] == [f"03.{suffix}"]


def test_what_cannot_be_kept_says_why(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is none"):
        picture.save(b"text", tmp_path, 0)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EngineError, match="cannot be written"):
        picture.save(encoded("PNG", 8), tmp_path / "file", 0)
