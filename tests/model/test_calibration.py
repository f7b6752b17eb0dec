"""Intervals that hold as often as they say, whatever the estimates are like."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.model.calibration import (
    FIRST,
    KEPT_KINDS,
    LEAST_Z,
    MOST_TIMES,
    MOST_Z,
    SHARES,
    WINDOW,
    Calibration,
    Score,
    score,
)
from echodeck.model.span import Z80, Total, deviation_of

KIND = ("sketch", "sketch-m", "256×256")
PLAIN = Total(10.0, 10.0 * math.exp(-0.1 * Z80), 10.0 * math.exp(0.1 * Z80))
"""An estimate of 10 s whose log has, it says, a deviation of 0.1."""


def lived(calibration: Calibration, truths_s: list[float], share: float = 0.5) -> list[bool]:
    """Whether each truth was in the interval that was told of it, one after the other, each learnt from."""
    held = []
    for truth_s in truths_s:
        one = score(share, truth_s, PLAIN, calibration.set(KIND, share, PLAIN))
        calibration.learn(KIND, [one])
        held.append(one.held)
    return held


def part(held: list[bool]) -> float:
    return sum(held) / len(held)


def test_nothing_is_changed_where_nothing_is_known() -> None:
    told = Calibration().set(KIND, 0.5, PLAIN)
    assert (told.median_s, told.low_s, told.high_s) == pytest.approx((PLAIN.median_s, PLAIN.low_s, PLAIN.high_s))
    assert Calibration().set(KIND, 0.5, Total(0.0, 0.0, 0.0)) == Total(0.0, 0.0, 0.0)


def test_what_is_sure_of_itself_is_widened_and_what_doubts_is_narrowed() -> None:
    rng = Random(1)
    bold, shy = Calibration(), Calibration()
    lived(bold, [10.0 * rng.lognormvariate(0.0, 0.4) for _ in range(100)])
    lived(shy, [10.0 * rng.lognormvariate(0.0, 0.02) for _ in range(100)])
    assert deviation_of(bold.set(KIND, 0.5, PLAIN)) == pytest.approx(0.4, rel=0.35)
    assert deviation_of(shy.set(KIND, 0.5, PLAIN)) == pytest.approx(0.02, rel=0.35)
    assert bold.set(KIND, 0.5, PLAIN).median_s == 10.0, "the estimate itself stays"


def test_each_side_by_itself() -> None:
    """Nothing is ever faster, and sometimes something takes half as long again."""
    rng, calibration = Random(2), Calibration()
    lived(calibration, [10.0 * rng.choice([1.0, 1.0, 1.0, 1.5]) for _ in range(100)])
    told = calibration.set(KIND, 0.5, PLAIN)
    assert told.low_s > 9.8
    assert told.high_s == pytest.approx(15.0, rel=0.03)


@pytest.mark.parametrize("deviation", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("bias", [0.9, 1.0, 1.3])
def test_coverage_of_truths_that_are_alike(deviation: float, bias: float) -> None:
    rng, held = Random(4), list[bool]()
    for _ in range(20):
        held += lived(Calibration(), [10.0 * bias * rng.lognormvariate(0.0, deviation) for _ in range(150)])[20:]
    if deviation < abs(math.log(bias)):
        assert part(held) > 0.75, "the interval always holds its estimate, so it may hold more"
    else:
        assert 0.75 < part(held) < 0.85


def test_coverage_while_the_world_changes() -> None:
    """The truths spread three times as far from one day to the next, and later drift away for good."""
    rng, calibration = Random(5), Calibration()
    lived(calibration, [10.0 * rng.lognormvariate(0.0, 0.1) for _ in range(200)])
    wider = lived(calibration, [10.0 * rng.lognormvariate(0.0, 0.3) for _ in range(200)])
    assert 0.7 < part(wider) < 0.85
    drifting = lived(calibration, [10.0 * math.exp(n / 400) * rng.lognormvariate(0.0, 0.3) for n in range(400)])
    assert 0.7 < part(drifting) < 0.87


def test_one_job_does_not_upset_what_is_told() -> None:
    calibration = Calibration()
    lived(calibration, [10.0])
    before = deviation_of(calibration.set(KIND, 0.5, PLAIN))
    assert 0.03 < before < 0.1
    lived(calibration, [100.0])
    assert deviation_of(calibration.set(KIND, 0.5, PLAIN)) < 6.0 * 0.1


def test_a_new_kind_is_told_as_its_model_is() -> None:
    rng, calibration = Random(6), Calibration()
    lived(calibration, [10.0 * rng.lognormvariate(0.0, 0.3) for _ in range(100)])
    for kind in ((*KIND[:2], "512×512"), ("sketch", "sketch-s", "256×256"), ("other", "m", "")):
        assert deviation_of(calibration.set(kind, 0.5, PLAIN)) == pytest.approx(0.3, rel=0.3)
    for number in range(100):
        calibration.learn(("calm", "m", ""), [score(0.5, 10.0 + number % 2 / 10, PLAIN, PLAIN)])
    assert deviation_of(calibration.set(("calm", "m", ""), 0.5, PLAIN)) < 0.02, "its own scores count for more"
    assert deviation_of(calibration.set(KIND, 0.5, PLAIN)) > 0.2


def test_shares_are_told_apart_and_between_them_it_is_between() -> None:
    rng, calibration = Random(7), Calibration()
    lived(calibration, [10.0 * rng.lognormvariate(0.0, 0.4) for _ in range(100)], 0.25)
    lived(calibration, [10.0 * rng.lognormvariate(0.0, 0.05) for _ in range(100)], 0.5)
    widths = [deviation_of(calibration.set(KIND, share, PLAIN)) for share in (0.25, 0.3, 0.4, 0.5)]
    assert widths == sorted(widths, reverse=True)
    assert calibration.ends(KIND, 0.9) == calibration.ends(KIND, 0.75) == calibration.ends(KIND, 7.0)
    assert calibration.ends(KIND, 0.0) == calibration.ends(KIND, -1.0)


def test_the_record_is_of_what_was_told() -> None:
    calibration = Calibration()
    told = Total(10.0, 9.0, 11.0)
    calibration.learn(KIND, [score(0.5, truth_s, told, told) for truth_s in (8.0, 10.0, 10.5, 20.0)])
    [record] = calibration.record(KIND)
    errors = [2.0 / 8.0, 0.0, -0.5 / 10.5, -0.5]
    assert (record.share, record.count) == (0.5, 4)
    assert record.error == pytest.approx(sum(map(abs, errors)) / 4)
    assert record.bias == pytest.approx(sum(errors) / 4)
    assert record.coverage == 0.5
    assert calibration.kinds() == [(), KIND[:1], KIND[:2], KIND]
    assert [calibration.record(kind)[0].count for kind in calibration.kinds()] == [4, 4, 4, 4]
    assert calibration.record(("nobody",)) == []


def test_memory_is_bounded() -> None:
    calibration = Calibration()
    for number in range(KEPT_KINDS):
        calibration.learn(("e", f"m{number}", "r"), [Score(share, 0.0, 0.0, True) for share in SHARES])
    assert len(calibration.kinds()) <= KEPT_KINDS + 1
    assert calibration.record(("e", "m0", "r")) == []
    assert calibration.record(())[0].count == WINDOW


zs = st.floats(-100.0, 100.0) | st.sampled_from([math.inf, -math.inf, math.nan])
scores = st.builds(Score, st.sampled_from([*SHARES, 0.3]), zs, zs, st.booleans())


@given(st.lists(scores, max_size=60), st.floats(-0.5, 1.5), st.floats(1e-3, 1e6), st.floats(0.0, 3.0))
@settings(deadline=None, max_examples=50)
def test_ends_are_bounded_whatever_is_learnt(learnt: list[Score], share: float, middle_s: float, spread: float) -> None:
    calibration = Calibration()
    calibration.learn(KIND, learnt)
    assert all(LEAST_Z * 0.999 <= end <= MOST_Z * 1.001 for end in calibration.ends(KIND, share))
    told = calibration.set(KIND, share, Total(middle_s, middle_s / math.exp(spread), middle_s * math.exp(spread)))
    assert 0 <= told.low_s <= told.median_s == middle_s <= told.high_s < math.inf


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=40), st.floats(1.0, 4.0))
@settings(deadline=None, max_examples=50)
def test_worse_estimates_never_make_narrower_intervals(zs: list[float], worse: float) -> None:
    """The ends grow with the scores, so long as they are learnt at once (told after one another, others are held)."""
    first, second = Calibration(), Calibration()
    for calibration, factor in ((first, 1.0), (second, worse)):
        calibration.learn(KIND, [Score(0.5, z, z * factor, True) for z in zs])
    for mild, bad in zip(first._ends(KIND, 0.5), second._ends(KIND, 0.5), strict=True):
        assert bad >= mild * 0.75, "but for the levels, which also follow what was beyond"


def test_first_jobs_and_repeated_ones_set_each_other_s_intervals_never() -> None:
    """Repeated jobs are off by a hundredth, first ones by half; all of them are on the record together."""
    rng, calibration = Random(8), Calibration()
    for number in range(100):
        for kind, deviation in ((KIND, 0.01), ((FIRST, *KIND[:2]), 0.5)):
            truth_s = 10.0 * rng.lognormvariate(0.0, deviation)
            calibration.learn((*kind[:2], f"{kind[2]} {number}"), [score(0.0, truth_s, PLAIN, PLAIN)])
    other = ("sketch", "sketch-m", "512×512")
    assert deviation_of(calibration.set(other, 0.0, PLAIN)) < 0.05
    assert deviation_of(calibration.set((FIRST, *other[:2]), 0.0, PLAIN)) > 0.3
    assert deviation_of(calibration.set((FIRST, "another", "model"), 0.0, PLAIN)) > 0.3
    assert calibration.record(())[0].count == calibration.record((FIRST,))[0].count == WINDOW
    assert 0.2 < calibration.record(())[0].error < calibration.record((FIRST,))[0].error


def test_the_same_few_scores_narrow_once_not_once_a_level() -> None:
    """As on a new hub, where everything that is known is of one kind."""
    calibration = Calibration()
    lived(calibration, [10.0] * 3)
    assert calibration.ends(KIND, 0.5) == calibration.ends((), 0.5)
    assert calibration.ends(KIND, 0.5)[0] > Z80 / 2


def test_an_interval_that_says_nothing_any_more_is_not_widened_further() -> None:
    """Of some hundred jobs behind each other the ends are added up: without a bound that made years."""
    calibration = Calibration()
    wild = Total(10.0, 4.0, 25.0)
    lived(calibration, [10_000.0, 0.001] * 40)
    told = calibration.set(KIND, 0.5, wild)
    assert told.low_s == pytest.approx(10.0 / MOST_TIMES)
    assert told.high_s == pytest.approx(10.0 * MOST_TIMES)
    unsure = Total(10.0, 0.1, 1000.0)
    assert calibration.set(KIND, 0.5, unsure).high_s == pytest.approx(1000.0, rel=1e-6), "it was so without it"
