"""The machines: known over a restart, measured by one agent each, told apart when they share a name, and forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.errors import IllegalTransition, UnknownRecord
from echodeck.hub.hosts import KIND, WRITTEN_EVERY_S
from echodeck.hub.metrics.families import Families
from echodeck.hub.metrics.machines import tell_machines
from echodeck.model.record import Host
from echodeck.wire import FORGOTTEN


async def sample(place: Any, agent: Any, host: str = "studio", **fields: Any) -> None:
    await agent.say("host_metrics", host=Host(host, place.clock.now_s, **fields))


@pytest.fixture
async def agent(place: Any) -> Any:
    """An agent that tells which machine it is on."""
    hand = place.hand_of("agent-1")
    await hand.greet(machine="id-1", boot="boot-1")
    return hand


def alerts(place: Any) -> list[str]:
    return sorted(alert["cause"] for alert in place.alerts())


def up(place: Any) -> dict[str, float]:
    families = Families()
    tell_machines(families, place.room.board.all("hosts").values(), place.room.pulse.hosts())
    samples = [one for family in families for one in family.samples if one.name.endswith("host_up")]
    return {one.labels["host"]: one.value for one in samples}


# --- over a restart --------------------------------------------------------------------------------------------------


async def test_a_machine_that_is_away_is_known_after_a_restart(place: Any, agent: Any) -> None:
    await sample(place, agent, cpu_percent=20.0)
    at_s = place.clock.now_s
    agent.leave()
    await place.wait_s(11.0)
    assert alerts(place) == ["silent:studio"]
    await place.restart()
    [host] = place.room.initial_state().hosts
    assert (host.name, host.at_s, host.cpu_percent) == ("studio", at_s, 20.0)
    assert up(place) == {"studio": 0.0}
    assert place.room.pulse.hosts() == []
    assert [one.at_s for one in place.room.staff.hosts.recent()["studio"]] == [at_s]
    await place.wait_s(60.0)
    assert alerts(place) == ["silent:studio"]
    assert [alert["count"] for alert in place.alerts()] == [1], "it is the same trouble, told once"


async def test_one_whose_agent_ended_while_the_hub_was_away_is_silent(place: Any, agent: Any) -> None:
    await sample(place, agent)
    await place.restart()
    await place.wait_s(5.0)
    assert alerts(place) == []
    await place.wait_s(6.0)
    assert alerts(place) == ["silent:studio"]


async def test_one_that_is_back_in_time_was_never_silent(place: Any, agent: Any) -> None:
    await sample(place, agent)
    await place.restart()
    again = place.hand_of("agent-1")
    await again.greet(machine="id-1", boot="boot-1")
    await place.wait_s(11.0)
    assert alerts(place) == []


async def test_the_last_sample_is_written_now_and_then(place: Any, agent: Any) -> None:
    await sample(place, agent, cpu_percent=1.0)
    place.clock.now_s += WRITTEN_EVERY_S / 2
    await sample(place, agent, cpu_percent=2.0)
    assert (await place.store.records(KIND))["studio"]["host"]["cpu_percent"] == 1.0
    place.clock.now_s += WRITTEN_EVERY_S / 2
    await sample(place, agent, cpu_percent=3.0)
    assert (await place.store.records(KIND))["studio"]["host"]["cpu_percent"] == 3.0


# --- forgetting ------------------------------------------------------------------------------------------------------


async def test_one_that_was_taken_away_is_forgotten(place: Any, ada: Any, agent: Any) -> None:
    await sample(place, agent)
    agent.leave()
    await place.wait_s(11.0)
    assert await ada.say("forget_host", host="studio") == {"host": "studio"}
    assert [one["name"] for one in place.told(FORGOTTEN)] == ["studio"]
    assert place.alerts() == []
    assert (place.room.initial_state().hosts, place.room.initial_state().agents) == ([], [])
    assert place.room.staff.hosts.recent() == {}
    assert up(place) == {}
    await place.restart()
    await place.wait_s(60.0)
    assert (place.room.initial_state().hosts, place.alerts()) == ([], [])


async def test_one_that_is_heard_from_is_not(place: Any, ada: Any, agent: Any) -> None:
    await sample(place, agent)
    with pytest.raises(IllegalTransition, match="studio: it is heard from; stop its agent first"):
        await ada.say("forget_host", host="studio")
    with pytest.raises(UnknownRecord, match="none is called 'attic'; there are studio"):
        await ada.say("forget_host", host="attic")
    assert [host.name for host in place.room.initial_state().hosts] == ["studio"]


async def test_one_that_comes_back_is_known_anew(place: Any, ada: Any, agent: Any) -> None:
    await sample(place, agent)
    agent.leave()
    await place.wait_s(11.0)
    await ada.say("forget_host", host="studio")
    again = place.hand_of("agent-2")
    assert (await again.greet(machine="id-1", boot="boot-1"))["host"] == "studio"
    await sample(place, again)
    assert up(place) == {"studio": 1.0}


# --- two of one name -------------------------------------------------------------------------------------------------


async def test_a_namesake_gets_another_name_and_people_are_told_once(place: Any, agent: Any) -> None:
    other = place.hand_of("agent-2")
    for _ in range(2):
        answer = await other.greet(machine="id-2", boot="boot-2")
        assert (answer["host"], answer["measure"]) == ("studio (2)", True)
    await sample(place, agent, cpu_percent=1.0)
    await sample(place, other, cpu_percent=2.0)
    assert {host.name: host.cpu_percent for host in place.room.initial_state().hosts} == {
        "studio": 1.0, "studio (2)": 2.0}
    [alert] = place.alerts()
    assert (alert["title"], alert["count"], alert["host"]) == ("Two machines are called studio", 1, "studio (2)")
    assert "shown as studio (2)" in alert["message"]
    assert "echodeck agent --name NAME" in alert["message"]


async def test_it_keeps_that_name_over_a_restart(place: Any, agent: Any) -> None:
    other = place.hand_of("agent-2")
    await other.greet(machine="id-2", boot="boot-2")
    await sample(place, other)
    await place.restart()
    again = place.hand_of("agent-3")
    assert (await again.greet(machine="id-2", boot="boot-2"))["host"] == "studio (2)"


async def test_one_that_got_a_name_of_its_own_leaves_none_behind(place: Any, agent: Any) -> None:
    other = place.hand_of("agent-2")
    await other.greet(machine="id-2", boot="boot-2")
    await sample(place, other)
    other.leave()
    await place.wait_s(11.0)
    assert alerts(place) == ["same_name:studio (2)", "silent:studio (2)"]
    renamed = place.hand_of("agent-3")
    assert (await renamed.greet(host="attic", machine="id-2", boot="boot-2"))["host"] == "attic"
    assert place.alerts() == []
    assert place.room.initial_state().hosts == []


# --- who measures ----------------------------------------------------------------------------------------------------


async def test_of_two_agents_of_one_machine_the_first_measures(place: Any, agent: Any) -> None:
    second = place.hand_of("agent-2")
    answer = await second.greet(machine="id-1", boot="boot-1")
    assert (answer["host"], answer["measure"]) == ("studio", False)
    await sample(place, agent, cpu_percent=1.0)
    await sample(place, second, cpu_percent=2.0)
    assert [host.cpu_percent for host in place.room.initial_state().hosts] == [1.0]
    assert (await agent.say("heartbeat"))["measure"] is True
    assert (await second.say("heartbeat"))["measure"] is False
    agent.leave()
    assert (await second.say("heartbeat"))["measure"] is True
    assert (await agent.greet(machine="id-1", boot="boot-1"))["measure"] is False, "nothing changes hands twice"


async def test_a_script_neither_measures_nor_is_a_machine(place: Any) -> None:
    script = place.hand_of("script-1")
    answer = await script.greet(kind="script")
    assert (answer["host"], answer["measure"]) == ("studio", False)
    assert place.room.initial_state().hosts == []
