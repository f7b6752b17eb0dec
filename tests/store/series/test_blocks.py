"""What goes into a block comes out of it."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.series import Columns, roll_up, samples
from echodeck.store.series import blocks

START_S = 1_700_006_400
floats = st.floats(width=32, allow_infinity=False)
offsets = st.lists(st.integers(0, 599_999), min_size=1, max_size=100, unique=True).map(sorted)


@given(st.data(), offsets)
def test_samples(data: st.DataObject, offsets_ms: list[int]) -> None:
    values = data.draw(st.lists(floats, min_size=len(offsets_ms), max_size=len(offsets_ms)))
    at_ms = [START_S * 1000 + offset_ms for offset_ms in offsets_ms]
    moments = blocks.unpack_moments(blocks.pack_moments(at_ms, START_S), START_S)
    found = blocks.unpack_samples(blocks.pack_samples(values), moments)
    expected = [(one_ms / 1000.0, value) for one_ms, value in zip(at_ms, values, strict=True) if value == value]
    assert list(zip(found.at_s, found.mean, strict=True)) == expected
    assert found.low == found.mean == found.high
    assert set(found.n) <= {1}


@given(offsets, st.sampled_from([(10, 7_200), (60, 43_200), (900, 864_000)]))
def test_buckets(offsets_ms: list[int], size: tuple[int, int]) -> None:
    step_s, span_s = size
    at_s = [START_S // span_s * span_s + offset_ms / 600_000 * span_s for offset_ms in offsets_ms]
    made = roll_up(samples(at_s, [float(offset_ms % 97) for offset_ms in offsets_ms]), step_s)
    start_s = START_S // span_s * span_s
    assert blocks.unpack_buckets(blocks.pack_buckets(made, start_s, step_s, span_s), start_s, step_s) == made


def test_an_empty_block() -> None:
    body = blocks.pack_buckets(Columns(), START_S, 10, 7_200)
    assert len(blocks.unpack_buckets(body, START_S, 10)) == 0
    assert len(body) < 100


def test_a_full_block_of_noise_is_as_small_as_it_says() -> None:
    values = array("f", ((n * 7919 % 1000) / 10.0 for n in range(600)))
    assert len(blocks.pack_samples(values)) < 2_400, "less than the floats themselves"
    assert len(blocks.pack_samples([24e9] * 600)) < 50
