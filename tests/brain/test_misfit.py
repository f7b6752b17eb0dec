"""Ladders beside the engines there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echodeck.brain.ladder import Ladder, Rung
from echodeck.brain.misfit import misfit
from echodeck.model.engine import EngineInfo, ModelInfo, Param

ENGINE = EngineInfo("sketch", models=(ModelInfo("small"), ModelInfo("large")), params=(Param("steps", 1, 100, 4, 2),))
GOOD = Ladder("quick", "sketch", (Rung("small", {"steps": 20}), Rung("large", {"steps": 40})))


@pytest.mark.parametrize(("ladder", "said"), [
    (GOOD, ""),
    (replace(GOOD, engine="sketsch"),
     "no agent has the engine 'sketsch'; there is sketch: change engine in [ladders.quick]"),
    (replace(GOOD, rungs=(Rung("smal"),)),
     "sketch has no model 'smal'; there are small, large: change rungs in [ladders.quick]"),
    (replace(GOOD, rungs=(Rung("small", {"steps": 300}),)),
     "sketch takes steps from 1 to 100 in steps of 2, not 300: change 'small steps 300' in [ladders.quick]"),
    (replace(GOOD, rungs=(Rung("small", {"frames": 300}),)), ""),
])
def test_what_is_wrong_is_said_with_the_mend(ladder: Ladder, said: str) -> None:
    assert misfit(ladder, {"sketch": ENGINE}) == said


def test_an_engine_that_is_away_says_nothing() -> None:
    away = replace(ENGINE, models=(), reason="no agent that has it is online")
    assert misfit(GOOD, {"sketch": away}) == ""
    assert "there are none" in misfit(GOOD, {})


def test_many_names_are_cut() -> None:
    many = replace(ENGINE, models=tuple(ModelInfo(str(n)) for n in range(40)))
    assert misfit(GOOD, {"sketch": many}).endswith("10, 11 and 28 more: change rungs in [ladders.quick]")
