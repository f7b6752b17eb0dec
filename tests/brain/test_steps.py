"""How many steps are few for a model."""

from __future__ import annotations

import pytest

from echodeck.brain.steps import few, span, usual


@pytest.mark.parametrize(("model", "default", "expected"), [
    ("sketch-s", 20, 20),
    ("sdxl-Turbo-1.0", 20, 4),
    ("flux1-schnell", 2, 2),
    ("workflow", 0, 0),
])
def test_the_usual_steps_are_the_engines_unless_the_model_is_made_for_less(model: str, default: int,
                                                                            expected: int) -> None:
    assert usual(model, default) == expected


def test_few_is_less_than_a_third_of_the_usual() -> None:
    assert [few(steps, 20) for steps in (1, 6, 7, 20)] == [True, True, False, False]
    assert not few(0, 20), "not known"
    assert not few(2, 0), "nothing to compare it with"
    assert not few(2, 4)


def test_it_is_said_in_words_where_it_begins() -> None:
    assert (span(20, lacking=True), span(20, lacking=False)) == ("less than 7 steps", "7 steps or more")
    assert (span(0, lacking=False), span(3, lacking=False)) == ("", "")
    assert [steps for steps in range(1, 21) if few(steps, 20)] == list(range(1, 7))
