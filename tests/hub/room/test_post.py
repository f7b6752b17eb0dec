"""Messages: told to everybody, brought to whom they are for, kept for whoever is away."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.hub import post


def got(one: Any) -> list[str]:
    return [message["message"] for message in one.heard("communication")]


async def test_everybody_is_told_and_agents_get_what_is_for_them(place: Any, ada: Any) -> None:
    one, two = await place.hand("agent-1"), await place.hand("agent-2")
    await ada.submit()
    job = await one.claim()
    answers = [await ada.say("communicate", message="to all"),
               await ada.say("communicate", message="to one", to="agent-1"),
               await ada.say("communicate", message="to the machine", to="studio"),
               await ada.say("communicate", message="about the job", jobId=job["id"])]
    assert [one["delivered"] for one in answers] == [2, 1, 2, 1]
    assert not any(one["held"] for one in answers)
    assert got(one) == ["to all", "to one", "to the machine", "about the job"]
    assert got(two) == ["to all", "to the machine"]
    assert len(place.told("communication")) == 4, "who watches sees all of it"


async def test_an_agent_that_is_away_gets_it_when_it_is_back(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    job = await agent.claim()
    agent.leave()
    assert (await ada.say("communicate", message="are you there?", to="agent-1"))["held"]
    place.clock.now_s += 1.0
    assert (await ada.say("communicate", message="how is it?", jobId=job["id"]))["held"]
    await place.restart()
    again = await place.hand("agent-9")  # another process of the same machine
    assert got(again) == []
    agent.told.clear()
    await agent.register(running=[agent.named(job)])
    assert got(agent) == ["are you there?", "how is it?"]
    agent.told.clear()
    await agent.register()
    assert got(agent) == [], "once"


async def test_what_is_for_a_person_who_watches_is_not_kept(place: Any, ada: Any) -> None:
    bob = place.person("bob")
    place.room.joined(bob.session)
    answer = await ada.say("communicate", message="hello", to="bob")
    assert (answer["delivered"], answer["held"]) == (0, False)


async def test_who_writes_to_a_name_that_nobody_has_is_told_the_names(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    answer = await ada.say("communicate", message="hello", to="agnet-1")
    assert (answer["delivered"], answer["held"]) == (0, True)
    assert set(answer["names"]) >= {"studio", "agent-1", "ada"}
    assert not (await ada.say("communicate", message="hello", to="agent-1"))["names"]
    assert not (await ada.say("communicate", message="hello"))["names"]


async def test_only_so_many_are_kept(place: Any, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "MOST_HELD", 3)
    for number in range(5):
        await ada.say("communicate", message=str(number), to="agent-1")
    assert len(await place.store.records("mail")) == 3
    hand = await place.hand("agent-1")
    assert got(hand) == ["2", "3", "4"]
    assert await place.store.records("mail") == {}


async def test_an_agent_speaks_too_and_is_not_told_its_own_words(place: Any, agent: Any) -> None:
    other = await place.hand("agent-2")
    answer = await agent.say("communicate", message="low on memory", to="studio", level="warning")
    assert answer["delivered"] == 1
    assert got(agent) == []
    assert [(one["source"], one["level"]) for one in other.heard("communication")] == [("agent-1", "warning")]


async def test_who_comes_sees_the_latest(place: Any, ada: Any) -> None:
    await ada.say("communicate", message="hello")
    for _ in range(2):
        assert [one.message for one in place.room.initial_state().messages] == ["hello"]
        await place.restart()
