"""What the hub decides by itself is told and kept; its parts are switched by people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echodeck.errors import BadField, ConfigError
from echodeck.hub.desk import LINES
from echodeck.hub.ledger import Change


async def decide(place: Any, title: str) -> None:
    change = Change(place.clock.now_s)
    place.room.desk.decide(change, "order", title, "it is shorter", "job-1", {"wasAt": 3})
    await place.room.desk.ledger.put(change)


async def test_a_decision_is_told_with_its_reason_and_known_after_a_restart(place: Any) -> None:
    await decide(place, "dusk goes first")
    [told] = place.told("decision")
    assert (told["part"], told["title"], told["reason"], told["jobId"], told["data"]) == (
        "order", "dusk goes first", "it is shorter", "job-1", {"wasAt": 3})
    assert [one["id"] for one in place.room.initial_state().decisions] == [told["id"]]
    await place.restart()
    assert place.room.initial_state().decisions == [told]


async def test_the_oldest_decisions_leave_the_board(place: Any) -> None:
    for number in range(LINES["decisions"] + 5):
        await decide(place, str(number))
    titles = [one["title"] for one in place.room.initial_state().decisions]
    assert titles == [str(number) for number in range(5, LINES["decisions"] + 5)]


async def test_a_part_is_switched_by_a_person_and_stays_so(place: Any, ada: Any) -> None:
    assert place.room.desk.parts.on("order")
    await ada.say("brain_switch", part="order", on=False)
    assert not place.room.desk.parts.on("order")
    [told] = place.told("brain_part")
    assert (told["name"], told["on"], told["by"]) == ("order", False, "ada")
    await ada.say("brain_switch", part="order", on=False)
    assert len(place.told("brain_part")) == 1, "it is so already"
    await place.restart()
    assert not place.room.desk.parts.on("order")
    assert [part["name"] for part in place.room.initial_state().parts if not part["on"]] == ["order"]


async def test_what_a_person_says_counts_for_more_than_the_settings(place: Any, ada: Any) -> None:
    place.settings = replace(place.settings, brain={"off": ["order", "ladder"]})
    await place.restart()
    assert not place.room.desk.parts.on("order")
    await ada.say("brain_switch", part="order", on=True)
    await place.restart()
    assert place.room.desk.parts.on("order")
    assert not place.room.desk.parts.on("ladder")


async def test_an_unknown_part_is_refused(place: Any, ada: Any) -> None:
    with pytest.raises(BadField, match="part: no part is called 'ordre'; there are foresight, "):
        await ada.say("brain_switch", part="ordre", on=False)


async def test_a_hub_does_not_start_with_an_unknown_part(place: Any) -> None:
    await place.room.stop()
    place.settings = replace(place.settings, brain={"off": ["ordre"]})
    with pytest.raises(ConfigError, match=r"brain\.off"):
        place._room()
    place.settings = replace(place.settings, brain={})
    place.room = place._room()
    await place.room.start()
