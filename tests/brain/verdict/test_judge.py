"""The rules: which figures make which verdict, and what is normal for a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.verdict.figures import FilmMeasures, Measures
from echodeck.brain.verdict.judge import Asked, judge, unreadable
from echodeck.brain.verdict.norms import FEWEST, GREATEST, Norms, norms
from echodeck.model.verdict import DEFECTS

GOOD = Measures(512, 512, 0.05, 0.95, 0.5, 0.1, 0.0, 0.0, 0.0005, 0.1, 1.2, 0.0)
ASKED = Asked(512, 512, 30)
MOVING = FilmMeasures(16, 0.0, 0.0, 0.002, 1.8)


def defects(measures: Measures = GOOD, asked: Asked = ASKED, limits: Norms | None = None, **more: Any) -> list[str]:
    return [reason.defect for reason in judge(0, measures, asked, limits or Norms(), **more).reasons]


def test_a_good_picture_has_no_reasons_and_nearly_a_hundred() -> None:
    verdict = judge(3, GOOD, ASKED, Norms())
    assert (verdict.output, verdict.reasons) == (3, ())
    assert 90 <= verdict.score <= 100


@pytest.mark.parametrize(("change", "expected"), [
    ({"low": 0.0, "high": 0.01, "middle": 0.005}, "black"),
    ({"low": 0.499, "high": 0.502, "middle": 0.5, "tint": 0.0}, "nan_grey"),
    ({"bad": 0.9}, "nan_grey"),
    ({"low": 0.7, "high": 0.705, "middle": 0.7, "tint": 0.3}, "blank"),
    ({"grain": 0.05}, "noise"),
    ({"edge_px": 6.0}, "blur"),
    ({"cut": 0.3}, "clipped"),
    ({"low": 0.4, "high": 0.5}, "low_contrast"),
    ({"bands": 0.03}, "banding"),
    ({"width": 256}, "wrong_size"),
])
def test_each_defect_has_its_figure(change: dict[str, Any], expected: str) -> None:
    verdict = judge(0, replace(GOOD, **change), ASKED, Norms())
    assert [reason.defect for reason in verdict.reasons] == [expected]
    assert expected in DEFECTS
    assert verdict.score <= 70
    assert verdict.reasons[0].sentence


@pytest.mark.parametrize(("width", "height", "expected"), [
    (512, 512, []), (512, 505, []), (1024, 1024, []), (768, 768, []), (512, 384, ["wrong_size"]),
    (256, 256, ["wrong_size"]), (1024, 512, ["wrong_size"]),
])
def test_engines_round_sizes_and_people_enlarge(width: int, height: int, expected: list[str]) -> None:
    assert defects(replace(GOOD, width=width, height=height)) == expected
    assert defects(replace(GOOD, width=width, height=height), Asked()) == [], "nobody knows what was asked"


def test_ragged_is_noise_left_over_only_with_few_steps() -> None:
    ragged = replace(GOOD, speckle=0.15)
    assert defects(ragged, replace(ASKED, steps=30)) == []
    assert defects(ragged, replace(ASKED, steps=0)) == [], "not known"
    [reason] = judge(0, ragged, replace(ASKED, steps=2), Norms()).reasons
    assert (reason.defect, reason.sentence) == ("noise", "noise left over: 2 steps")
    assert defects(ragged, replace(ASKED, steps=2), norms("sdxl-turbo", [])) == [], "made for few steps"


@pytest.mark.parametrize(("film", "frames", "expected"), [
    (MOVING, 16, []),
    (replace(MOVING, still=1.0, longest_still=1.0), 16, ["frozen"]),
    (replace(MOVING, still=0.4, longest_still=0.4), 16, ["frozen"]),
    (replace(MOVING, flicker=0.1), 16, ["flicker"]),
    (replace(MOVING, frames=9), 16, ["missing_frames"]),
    (replace(MOVING, still=0.2, jump=12.0), 16, ["missing_frames"]),
    (None, 16, ["frozen"]),
    (replace(MOVING, frames=4, still=1.0, longest_still=1.0), 16, ["frozen"]),
])
def test_films(film: FilmMeasures | None, frames: int, expected: list[str]) -> None:
    assert defects(asked=replace(ASKED, frames=frames), film=film) == expected


def test_what_is_nearly_the_same_says_as_what() -> None:
    [reason] = judge(0, GOOD, ASKED, Norms(), alike=(0.97, "picture 1 of “hills”")).reasons
    assert (reason.defect, reason.sentence) == ("duplicate", "nearly the same as picture 1 of “hills”")


def test_a_file_that_is_cut_off_is_worth_nothing() -> None:
    verdict = unreadable(1, "image file is truncated")
    assert (verdict.output, verdict.score, verdict.reasons[0].defect) == (1, 0, "truncated")


measures = st.builds(
    Measures, width=st.integers(1, 4096), height=st.integers(1, 4096), low=st.floats(0, 0.5), high=st.floats(0.5, 1),
    middle=st.floats(0, 1), tint=st.floats(0, 1), bad=st.floats(0, 1), cut=st.floats(0, 1), grain=st.floats(0, 1),
    speckle=st.floats(0, 10), edge_px=st.none() | st.floats(0.5, 40), bands=st.floats(0, 1))


@given(measures, st.integers(0, 200), st.integers(1, 50))
def test_any_figures_make_a_verdict(seen: Measures, steps: int, frames: int) -> None:
    verdict = judge(0, seen, Asked(512, 512, steps, frames), Norms())
    assert 0 <= verdict.score <= 100
    assert all(0 < reason.severity <= 1 and reason.defect in DEFECTS for reason in verdict.reasons)
    severities = [reason.severity for reason in verdict.reasons]
    assert severities == sorted(severities, reverse=True)


# --- what is normal --------------------------------------------------------------------------------------------------


def test_limits_move_with_what_a_model_usually_makes_but_not_far() -> None:
    soft = [(replace(GOOD, edge_px=3.0 + 0.1 * (n % 5)), 30) for n in range(40)]
    assert defects(replace(GOOD, edge_px=3.4)) == ["blur"]
    assert defects(replace(GOOD, edge_px=3.4), limits=norms("dreamy", soft)) == []
    assert norms("dreamy", soft).edge_px <= GREATEST * Norms().edge_px
    worst = [(replace(GOOD, edge_px=30.0), 30)] * 40
    assert norms("broken", worst).edge_px == pytest.approx(GREATEST * Norms().edge_px)


def test_a_few_pictures_change_nothing_and_some_bad_ones_little() -> None:
    assert norms("m", [(replace(GOOD, grain=0.5), 30)] * (FEWEST - 1)) == Norms()
    mixed = [(replace(GOOD, grain=0.5 if n % 4 == 0 else 0.001), 30) for n in range(40)]
    assert norms("m", mixed).grain <= Norms().grain


def test_usual_steps_are_learnt() -> None:
    assert norms("m", [(GOOD, 4)] * 20).steps == 4
    assert norms("m", [(GOOD, 0)] * 20).steps == Norms().steps, "not known"
    assert norms("SDXL-Lightning-4step", []).steps == 4


@given(st.lists(st.tuples(measures, st.integers(0, 100)), max_size=80))
def test_any_history_gives_sound_limits(seen: list[tuple[Measures, int]]) -> None:
    found, start = norms("m", seen), Norms()
    for name in ("grain", "edge_px", "bands", "cut"):
        assert 0.8 * getattr(start, name) <= getattr(found, name) <= 2.01 * getattr(start, name)
    assert start.span / 2.01 <= found.span <= start.span / 0.8
