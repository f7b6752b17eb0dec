"""Who measures, and under which name: as the hub says."""

from __future__ import annotations

from typing import Any


async def test_it_tells_the_hub_which_machine_it_is_on(hub: Any, settings: Any, engine: Any, start: Any,
                                                       until: Any) -> None:
    start(settings, engine)
    [hello] = await until("hello", lambda: hub.of("register"))
    assert hello.host == "here"
    assert hello.machine
    await until("samples", lambda: hub.of("host_metrics"))


async def test_an_agent_that_is_not_to_measure_does_when_the_other_has_gone(
        hub: Any, settings: Any, engine: Any, start: Any, until: Any) -> None:
    hub.says = {"measure": False}
    start(settings, engine)
    await until("some heartbeats", lambda: len(hub.of("heartbeat")) > 3)
    assert hub.of("host_metrics") == []
    hub.says = {"measure": True}
    await until("samples", lambda: hub.of("host_metrics"))
    hub.says = {"measure": False}
    beats = len(hub.of("heartbeat"))
    await until("it to hear of it", lambda: len(hub.of("heartbeat")) > beats + 2)
    told = len(hub.of("host_metrics"))
    await until("more heartbeats", lambda: len(hub.of("heartbeat")) > beats + 6)
    assert len(hub.of("host_metrics")) == told


async def test_a_name_that_is_taken_is_given_up_for_the_hubs(hub: Any, settings: Any, engine: Any, start: Any,
                                                             until: Any) -> None:
    hub.says = {"host": "here (2)"}
    hub.queue("a")
    agent = start(settings, engine)
    engine.allow(5)
    await until("the end", lambda: hub.facts("a")[-1:] == ["completed"])
    first, second = hub.of("register")[:2]
    assert (first.host, second.host, second.workers) == ("here", "here", ["here (2)/fake/1"])
    assert {report.worker_id for report in hub.reports} == {"here (2)/fake/1"}
    sample = (await until("samples", lambda: hub.of("host_metrics")))[0]
    assert (sample.host.name, agent.name) == ("here (2)", "here (2)")
