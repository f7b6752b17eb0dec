"""Moments as JavaScript reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from echodeck.wire.base import iso


@given(st.floats(0.0, 4e9))
@example(1.8e9 - 1e-7)
@example(1.8e9 + 59.9999996)
def test_a_moment_is_written_as_datetime_writes_it(at_s: float) -> None:
    written = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
    assert iso(at_s) == written.replace("+00:00", "Z")
