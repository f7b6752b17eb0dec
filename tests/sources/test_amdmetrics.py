"""amdgpu's binary table: what it says of throttling, and any bytes at all."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.sources.amdmetrics import ALL_ONES, THROTTLE_AT, WORDS, is_apu, throttle


def table(layout: int, content: int, bits: int, size: int = 200) -> bytes:
    at = THROTTLE_AT.get((layout, content), 112)
    return (struct.pack("<HBB", size, layout, content) + bytes(at - 4) + struct.pack("<Q", bits)).ljust(size, b"\xff")


@pytest.mark.parametrize("version", THROTTLE_AT)
@given(places=st.sets(st.sampled_from([place for _, places in WORDS for place in places])))
def test_every_bit_has_its_word(version: tuple[int, int], places: set[int]) -> None:
    words = throttle(table(*version, sum(1 << place for place in places)))
    assert set(words) == {word for word, of in WORDS if places & set(of)}
    assert len(set(words)) == len(words)


def test_no_bit_means_two_things() -> None:
    places = [place for _, of in WORDS for place in of]
    assert len(set(places)) == len(places)


def test_which_tables_are_of_an_apu() -> None:
    assert [is_apu(table(layout, 0, 0)) for layout in (1, 2, 3)] == [False, True, True]


def test_a_table_without_bits_that_can_be_read_has_none() -> None:
    for data in (table(1, 1, 1), table(3, 0, 1), table(1, 3, ALL_ONES)):
        with pytest.raises(LookupError):
            throttle(data)


@given(st.binary(max_size=130))
def test_any_bytes_are_words_or_an_error(data: bytes) -> None:
    try:
        words = throttle(data)
    except (ValueError, LookupError):
        return
    assert all(words)
