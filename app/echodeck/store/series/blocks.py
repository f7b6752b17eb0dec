"""How a block of one figure lies in a BLOB. Pure.

Samples: 32-bit floats, one for each moment of the host's block of moments, NaN where the figure was missing.
Moments: milliseconds from each to the next, the first from the block's beginning.
Buckets: the columns low, mean, high (32-bit floats) and n (32-bit), one place for each step of the block's span, with
n = 0 where there is none. All in the machine's own byte order, then deflated.

Ten minutes of one noisy figure (600 samples) take about 1.9 kB so, where narrow rows take 17 kB; sorting the bytes by
place first would save less than a tenth, and doubles cost twice.
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Iterable
from itertools import accumulate, compress, pairwise

from ...model.series import Columns, samples


def pack_samples(values: Iterable[float]) -> bytes:
    return _deflate(array("f", values))


def pack_moments(at_ms: list[int], start_s: int) -> bytes:
    """`at_ms`: milliseconds since the epoch, in order, from the block's beginning on."""
    return _deflate(array("I", (after - before for before, after in pairwise([start_s * 1000, *at_ms]))))


def pack_buckets(columns: Columns, start_s: int, step_s: int, span_s: int) -> bytes:
    """`columns` is rolled up to `step_s` and lies within the block."""
    places = span_s // step_s
    low, mean, high = (array("f", [0.0]) * places for _ in range(3))
    n = array("I", [0]) * places
    for i, at_s in enumerate(columns.at_s):
        place = int(at_s - start_s) // step_s
        low[place], mean[place], high[place], n[place] = columns.low[i], columns.mean[i], columns.high[i], columns.n[i]
    return _deflate(low, mean, high, n)


def unpack_samples(body: bytes, moments: array[float]) -> Columns:
    """`moments`: as `unpack_moments` gives them."""
    (values,) = _inflate(body, "f")
    return present(moments, values)


def unpack_moments(body: bytes, start_s: int) -> array[float]:
    """Seconds since the epoch."""
    (steps_ms,) = _inflate(body, "I")
    return array("d", (at_ms / 1000.0 for at_ms in accumulate(steps_ms[1:], initial=start_s * 1000 + steps_ms[0])))


def unpack_buckets(body: bytes, start_s: int, step_s: int) -> Columns:
    low, mean, high, n = _inflate(body, "fffI")
    at_s = array("d", range(start_s, start_s + len(n) * step_s, step_s))
    if 0 not in n:
        return Columns(at_s, low, mean, high, n)  # type: ignore[arg-type]
    columns = (array(column.typecode, compress(column, n)) for column in (at_s, low, mean, high, n))
    return Columns(*columns)  # type: ignore[arg-type]


def present(moments: array[float], values: array[float] | array[int]) -> Columns:
    """The samples that are not NaN."""
    if not math.isnan(sum(values)):  # nearly always, and at the speed of C
        return samples(moments, values)
    there = [value == value for value in values]
    return samples(compress(moments, there), compress(values, there))


def _deflate(*columns: array[float] | array[int]) -> bytes:
    return zlib.compress(b"".join(column.tobytes() for column in columns))


def _inflate(body: bytes, codes: str) -> list[array[float] | array[int]]:
    """Columns of these codes, all of one length."""
    data = zlib.decompress(body)
    size = len(data) // len(codes)
    return [array(code, data[i * size : (i + 1) * size]) for i, code in enumerate(codes)]
