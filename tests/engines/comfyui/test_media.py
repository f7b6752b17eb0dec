"""Files, their types and their addresses."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.comfyui.media import File, mime_of, parse_outputs, view_path


@pytest.mark.parametrize(("name", "mime"), [
    ("a.png", "image/png"), ("a.JPG", "image/jpeg"), ("x\\b.webp", "image/webp"), ("clip.mp4", "video/mp4"),
    ("a.tar.webm", "video/webm"), ("song.flac", "audio/flac"), ("mesh.glb", "model/gltf-binary"),
    ("noend", "application/octet-stream"), (".png", "application/octet-stream"), ("a.xyz", "application/octet-stream"),
    ("", "application/octet-stream"),
])
def test_the_suffix_says_what_it_is(name: str, mime: str) -> None:
    assert mime_of(name) == mime


def test_outputs_of_all_kinds_are_files_and_texts_are_not() -> None:
    outputs = {
        "9": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}], "animated": [False]},
        "61": {"gifs": [{"filename": "b.mp4", "subfolder": "v", "type": "temp", "fullpath": "/secret/b.mp4"}]},
        "7": {"text": ["hello"], "audio": [{"filename": "c.flac"}, {"filename": 5.5}, None]}, "8": None,
    }
    assert parse_outputs(outputs) == (
        File("9", "a.png", "", "output", "images", "image/png"),
        File("61", "b.mp4", "v", "temp", "gifs", "video/mp4"),
        File("7", "c.flac", "", "output", "audio", "audio/flac"),
    )
    assert parse_outputs([]) == ()


def test_an_address_can_ask_for_a_small_picture() -> None:
    assert view_path(File("1", "a.png")) == "/view?filename=a.png&subfolder=&type=output"
    assert view_path(File("1", "a.png"), "webp;90").endswith("&preview=webp%3B90")


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), st.text("ab/&?=.é ☃"))
def test_any_name_comes_through_an_address_whole(filename: str, subfolder: str) -> None:
    address = urlsplit(view_path(File("1", filename, subfolder)))
    assert address.path == "/view"
    assert address.fragment == ""
    query = parse_qs(address.query, keep_blank_values=True)
    assert query == {"filename": [filename], "subfolder": [subfolder], "type": ["output"]}
