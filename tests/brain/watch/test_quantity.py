"""Numbers with units, read and said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.quantity import amount, change, said, seconds, share, size, span


@pytest.mark.parametrize(("text", "wanted"), [
    ("30 s", 30.0), ("5min", 300.0), ("1.5 h", 5400.0), ("1 day", 86_400.0), ("2 days", 172_800.0), (" 0 s ", 0.0)])
def test_durations(text: str, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["30", "soon", "30 parsec", "", "s", "1e999 s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration like 30 s"):
        seconds(text)


@pytest.mark.parametrize(("text", "unit", "wanted"), [
    ("85", "°C", 85.0), ("85 °C", "°C", 85.0), ("85C", "°C", 85.0), ("2 GB", "B", 2e9), ("1 GiB", "B", 1024.0**3),
    ("1 MiB", "B", 1024.0**2), ("90 %", "%", 90.0), ("10 MB/s", "B/s", 1e7), ("1", "", 1.0), ("-3", "°C", -3.0)])
def test_amounts(text: str, unit: str, wanted: float) -> None:
    assert amount(text, unit) == wanted


@pytest.mark.parametrize(("text", "unit", "said_"), [
    ("85 %", "°C", "a number, or one in C, °C"), ("2 apples", "B", "B, kB"), ("1 x", "", "without a unit")])
def test_wrong_units_are_told_with_the_right_ones(text: str, unit: str, said_: str) -> None:
    with pytest.raises(ValueError, match=said_):
        amount(text, unit)


def test_changes_and_shares() -> None:
    assert change("6 GB/min", "B") == pytest.approx(1e8)
    assert change("-1 GB/h", "B") == pytest.approx(-1e9 / 3600)
    assert change("5", "°C") == 5.0
    assert change("10 MB/s", "B/s") == 1e7
    assert share("97 %") == pytest.approx(0.97)
    assert share("0.97") == 0.97


@given(st.floats(-1e15, 1e15))
def test_what_is_said_is_short(value: float) -> None:
    assert len(size(value)) < 20
    assert len(said(value, "W")) < 25
    assert span(abs(value))


def test_what_is_said() -> None:
    assert [size(value) for value in (0, 950, 1.5e9, 2.4e11)] == ["0 B", "950 B", "1.5 GB", "240 GB"]
    assert [span(value) for value in (0.4, 42, 200, 7800, 40_000, 250_000)] == [
        "0.4 s", "42 s", "3 min", "2 h 10 min", "11 h", "3 days"]
