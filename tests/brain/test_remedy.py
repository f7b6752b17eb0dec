"""What a picture that is not good enough calls for, and what of its verdict is the model's own."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.remedy import NOT_THE_MODELS, UNFINISHED, Steps, fair, remedy
from echodeck.brain.steps import few
from echodeck.model.verdict import DEFECTS, Reason, Verdict

ENOUGH = Steps(20, 20, True)


def verdict(*reasons: tuple[str, float], place: int = 0) -> Verdict:
    """Scored as the judge does."""
    found = tuple(Reason(defect, severity, DEFECTS[defect]) for defect, severity in reasons)
    return Verdict(place, round(100 * prod(1 - severity for _, severity in reasons)), found)


@pytest.mark.parametrize("defect", ["black", "blank", "nan_grey", "noise", "blur", "clipped", "banding", "frozen"])
def test_a_better_model_may_draw_it_better(defect: str) -> None:
    found = remedy([verdict((defect, 0.7))], 60.0, ENOUGH)
    assert (found.kind, found.reason) == ("model", DEFECTS[defect])


@pytest.mark.parametrize("defect", sorted(NOT_THE_MODELS))
def test_what_no_model_mends_costs_nothing_more(defect: str) -> None:
    found = remedy([verdict((defect, 0.7))], 60.0, ENOUGH)
    assert (found.kind, found.reason) == ("none", f"{DEFECTS[defect]}: no better model would mend that")


def test_of_both_the_models_own_counts() -> None:
    assert remedy([verdict(("wrong_size", 0.6), ("blur", 0.5))], 60.0, ENOUGH).reason == "blurred"
    assert remedy([verdict(("wrong_size", 0.6), ("blur", 0.3))], 60.0, ENOUGH).kind == "none"


def test_noise_of_few_steps_calls_for_more_of_them_and_not_for_another_model() -> None:
    noisy = [verdict(("noise", 0.6))]
    assert remedy(noisy, 80.0, Steps(2, 20, True)).kind == "steps"
    refused = remedy(noisy, 80.0, Steps(2, 20, False))
    assert refused.kind == "none"
    assert "2 steps are too few, 20 are usual (noise left over)" in refused.reason
    assert "more steps than were asked for are not allowed" in refused.reason
    assert "1 step is too few" in remedy(noisy, 80.0, Steps(1, 20, False)).reason
    assert remedy(noisy, 80.0, Steps(12, 20, True)).kind == "model"
    assert remedy([verdict(("black", 0.98))], 80.0, Steps(2, 20, True)).kind == "model", "more steps make it no lighter"


def test_models_are_not_blamed_for_what_is_not_theirs() -> None:
    assert fair([verdict(("wrong_size", 0.6))]) == pytest.approx(100.0)
    assert fair([verdict(("duplicate", 0.2), ("blur", 0.5))]) == pytest.approx(50.0)
    assert fair([Verdict(0, 0, (Reason("truncated", 1.0, "cut off"),))]) is None
    assert fair([Verdict(0, 0, (Reason("truncated", 1.0, "cut off"),)), Verdict(1, 80)]) == 80.0


REASONS = st.lists(st.tuples(st.sampled_from(sorted(DEFECTS)), st.floats(0.05, 1.0)), max_size=4,
                   unique_by=lambda one: one[0])
VERDICTS = st.lists(REASONS.map(lambda reasons: verdict(*reasons)), min_size=1, max_size=4)


@given(VERDICTS, st.floats(1, 100), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_more_steps_are_made_only_where_they_lack_and_may_be(verdicts: list[Verdict], least: float, had: int,
                                                             usual: int, may: bool) -> None:
    found, own = remedy(verdicts, least, Steps(had, usual, may)), fair(verdicts)
    defects = {reason.defect for one in verdicts for reason in one.reasons}
    if found.kind == "steps":
        assert few(had, usual)
        assert may
        assert defects & UNFINISHED
        assert remedy(verdicts, least, Steps(usual, usual, may)).kind != "steps", "they are raised once"
    if found.kind == "model":
        assert own is not None
        assert own < least
    if found.kind == "none":
        assert found.reason
    assert own is None or min(one.score for one in verdicts) - 1e-6 <= own <= 100.0
