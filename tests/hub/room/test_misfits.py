"""A ladder for what no agent has is told, and resolved when one has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from echodeck.hub.misfits import PATIENCE_S

from .conftest import ENGINE

TABLES = {"quick": {"engine": "sketch", "rungs": [{"model": "sketch-s"}, {"model": "sketch-xl"}]},
          "fine": {"engine": "difusers", "rungs": [{"model": "sdxl"}]}}


async def test_a_ladder_that_fits_no_engine_is_told_once_an_agent_is_there(place: Any) -> None:
    place.settings = replace(place.settings, ladders=TABLES)
    await place.restart()
    await place.wait_s(PATIENCE_S)
    assert place.alerts() == [], "nobody has told what there is"
    hand = await place.hand()
    await place.wait_s(1.0)
    assert place.alerts() == [], "another may be about to come"
    for _ in range(6):
        await place.wait_s(PATIENCE_S / 6)
        await hand.say("heartbeat", jobs=[])
    await place.wait_s(1.0)
    found = {one["cause"]: one for one in place.alerts()}
    assert found.keys() == {"ladder:quick", "ladder:fine"}
    assert found["ladder:quick"]["message"].startswith("sketch has no model 'sketch-xl'")
    assert found["ladder:fine"]["title"] == "The ladder fine cannot be used"
    assert {one["count"] for one in found.values()} == {1}
    views = {one.name: one.problem for one in place.room.staff.ladders.view().ladders}
    assert "no agent has the engine 'difusers'" in views["fine"]
    await hand.say("announce", engines=[replace(ENGINE, models=(*ENGINE.models, replace(ENGINE.models[0],
                                                                                       name="sketch-xl")))])
    await place.wait_s(1.0)
    assert [one["cause"] for one in place.alerts()] == ["ladder:fine"]
    place.settings = replace(place.settings, ladders={})
    await place.restart()
    await place.hand("agent-2")
    await place.wait_s(1.0)
    assert place.alerts() == [], "it is set up no more"
