"""The texts in a PNG, against what Pillow writes."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from echodeck.model.png import SIGNATURE, texts

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Nothing is timed here: other tests may run beside these."""

LIMIT = 1 << 20
KEYWORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
LATIN = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=200)
ANY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=200)


def written(info: PngImagePlugin.PngInfo) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "png", pnginfo=info)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@unhurried
@given(st.dictionaries(KEYWORDS, LATIN, max_size=4), st.booleans())
def test_latin_texts_come_back_as_pillow_wrote_them(given_texts: dict[str, str], packed: bool) -> None:
    info = PngImagePlugin.PngInfo()
    for name, text in given_texts.items():
        info.add_text(name, text, zip=packed)
    assert texts(written(info), LIMIT) == given_texts


@unhurried
@given(KEYWORDS, ANY, st.booleans())
def test_texts_in_any_script_come_back(name: str, text: str, packed: bool) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(name, text, lang="en", tkey="x", zip=packed)
    assert texts(written(info), LIMIT) == {name: text}


def test_the_beginning_of_a_file_is_enough() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "a" * 500)
    info.add_text("workflow", "b" * 500)
    data = written(info)
    middle = data.index(b"b" * 100)
    assert texts(data[:middle], LIMIT) == {"prompt": "a" * 500}
    assert texts(data[:20], LIMIT) == {}


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    data = SIGNATURE + chunk(b"zTXt", b"prompt\0\0" + bomb)
    with pytest.raises(ValueError, match="more than 1,048,576 bytes"):
        texts(data, LIMIT)
    many = SIGNATURE + chunk(b"tEXt", b"prompt\0" + b"x" * 1000) * 2000
    with pytest.raises(ValueError, match="more than"):
        texts(many, LIMIT)


def test_a_text_that_cannot_be_unpacked_is_left_out() -> None:
    data = SIGNATURE + chunk(b"zTXt", b"prompt\0\0not packed") + chunk(b"tEXt", b"workflow\0{}")
    assert texts(data, LIMIT) == {"workflow": "{}"}


def test_the_first_text_of_a_keyword_counts() -> None:
    assert texts(SIGNATURE + chunk(b"tEXt", b"a\0one") + chunk(b"tEXt", b"a\0two"), LIMIT) == {"a": "one"}


@unhurried
@given(st.binary(max_size=400))
def test_any_bytes_can_follow_the_signature(data: bytes) -> None:
    assert isinstance(texts(SIGNATURE + data, LIMIT), dict)


@unhurried
@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt"]), st.binary(max_size=200))
def test_any_bytes_can_be_in_a_text_chunk(kind: bytes, body: bytes) -> None:
    assert isinstance(texts(SIGNATURE + chunk(kind, body), LIMIT), dict)
