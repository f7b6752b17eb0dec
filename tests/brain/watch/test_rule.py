"""The language of rules."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.watch.rule import RATE_OVER_S, Term, rule_of


def test_a_threshold_with_hysteresis_and_durations() -> None:
    rule = rule_of("hot", "gpu.temp_c > 85 for 30 s", "< 80 for 1 min")
    assert rule.term == Term("value", "gpu.temp_c")
    assert (rule.above, rule.bound, rule.for_s, rule.clear, rule.clear_for_s) == (True, 85.0, 30.0, 80.0, 60.0)
    assert [rule.bad(value) for value in (85.0, 85.1)] == [False, True]
    assert [rule.good(value) for value in (80.0, 82.0, 90.0)] == [True, False, False]


def test_without_clear_the_opposite_clears_after_the_same_time() -> None:
    rule = rule_of("low", "disk.used_bytes <= 2 GB for 5 s")
    assert (rule.above, rule.bound, rule.clear, rule.clear_for_s) == (False, 2e9, 2e9, 5.0)
    assert [(rule.bad(value), rule.good(value)) for value in (2e9, 2.1e9)] == [(True, False), (False, True)]


@pytest.mark.parametrize(("when", "term"), [
    ("gpu.0.temp_c > 85", Term("value", "gpu.temp_c", "0")),
    ("gpu.*.temp_c > 85", Term("value", "gpu.temp_c", "*")),
    ("disk./home.used_bytes > 1 TB", Term("value", "disk.used_bytes", "/home")),
    ("gpu.vram_used_bytes / gpu.vram_total_bytes > 97 %", Term("share", "gpu.vram_used_bytes", "*",
                                                               "gpu.vram_total_bytes")),
    ("rate(disk.used_bytes) > 1 GB/min", Term("rate", "disk.used_bytes", over_s=RATE_OVER_S)),
    ("rate(gpu.temp_c, 10 s) > 1", Term("rate", "gpu.temp_c", over_s=10.0)),
    ("absent(host) for 30 s", Term("absent", "host")),
    ("absent( engine )", Term("absent", "engine")),
    ("absent(gpu) for 60 s", Term("absent", "gpu")),
])
def test_terms(when: str, term: Term) -> None:
    assert rule_of("x", when).term == term


@pytest.mark.parametrize(("when", "clear", "said"), [
    ("hot", "", "cannot be read"),
    ("gpu.heat_c > 85", "", "there is no figure 'gpu.heat_c'; there are gpu.util_percent"),
    ("gpu.temp_c > warm", "", "expected a number, or one in C"),
    ("gpu.temp_c > 85 for ever", "", "expected a duration"),
    ("gpu.temp_c > 85", "> 80", "`clear` must lie below"),
    ("gpu.temp_c > 85", "< 90", "`clear` must lie below"),
    ("gpu.temp_c < 5", "> 1", "`clear` must lie above"),
    ("gpu.temp_c > 85", "cool", "`clear` cannot be read"),
    ("absent(moon) for 3 s", "", "nothing is known of 'moon'"),
    ("absent(host) for 3 s", "< 3", "leave `clear` out"),
    ("gpu.vram_used_bytes / memory.total_bytes > 1", "", "not of the same thing"),
    ("gpu.vram_used_bytes / gpu.power_w > 1", "", "not in the same unit"),
    ("rate(disk.used_bytes, soon) > 1", "", "expected a duration"),
])
def test_what_cannot_be_read_is_told_with_the_mend(when: str, clear: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        rule_of("x", when, clear)
    assert said in str(caught.value)


@given(st.sampled_from([">", ">=", "<", "<="]), st.floats(-1e3, 1e3), st.floats(0, 100), st.floats(-2e3, 2e3))
def test_no_value_is_bad_and_good(op: str, bound: float, gap: float, value: float) -> None:
    clear = bound - gap if ">" in op else bound + gap
    rule = rule_of("x", f"temp.c {op} {bound:.6f}", f"{'<' if '>' in op else '>'} {clear:.6f}" if gap > 1e-3 else "")
    assert not (rule.bad(value) and rule.good(value))
    assert not math.isnan(rule.bound)


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_refused_in_words(text: str) -> None:
    with suppress(ValueError):
        assert rule_of("x", text).name == "x"
