"""A job beside one that is held."""

from __future__ import annotations

from typing import Any

from echodeck.agent import crew
from echodeck.config import Settings
from echodeck.model.job import JobState


async def held(hub: Any, engine: Any, until: Any) -> None:
    """Job a, paused at its second step."""
    engine.allow(2)
    await until("two steps", lambda: hub.jobs["a"].stage and hub.jobs["a"].stage.step == 2)
    await hub.ask("a", "pause")
    await until("paused", lambda: hub.jobs["a"].state is JobState.PAUSED)


async def test_a_guest_does_one_job_beside_the_one_that_is_held(hub: Any, engine: Any, settings: Any, start: Any,
                                                                until: Any) -> None:
    hub.queue("a")
    agent = start(settings, engine)
    await held(hub, engine, until)
    hub.queue("b")
    hub.queue("c")
    await hub.say("work_available", {"beside": "a"})
    await hub.say("work_available", {"beside": "a"})
    await until("b in hand", lambda: hub.jobs["b"].worker_id == "here/fake/1+")
    assert [claim.beside for claim in hub.of("claim")] == ["", "a"]
    await until("a heartbeat for both", lambda: any({"a", "b"} <= set(beat.jobs) for beat in hub.of("heartbeat")))
    engine.free = True
    await until("b done", lambda: hub.jobs["b"].state is JobState.COMPLETED)
    await until("the guest gone", lambda: not list(agent.guests))
    assert hub.jobs["a"].state is JobState.PAUSED
    assert hub.jobs["c"].state is JobState.PENDING, "one, and no more"
    await hub.ask("a", "resume")
    await until("all done", lambda: all(job.state is JobState.COMPLETED for job in hub.jobs.values()))
    assert hub.jobs["c"].worker_id == "here/fake/1"
    assert hub.refused == []


async def test_without_a_held_job_nobody_is_invited(hub: Any, engine: Any, settings: Any, start: Any,
                                                    until: Any) -> None:
    hub.queue("a")
    agent = start(settings, engine)
    await until("a in hand", lambda: hub.jobs["a"].in_hand)
    await hub.say("work_available", {"beside": "a"})
    await hub.say("work_available", {"beside": "gone"})
    beats = len(hub.of("heartbeat"))
    await until("further heartbeats", lambda: len(hub.of("heartbeat")) > beats + 2)
    assert not list(agent.guests)
    assert len(hub.of("claim")) == 1
    engine.free = True


async def test_an_agent_that_stops_gives_back_a_guests_job_too(hub: Any, engine: Any, settings: Any, start: Any,
                                                               until: Any) -> None:
    hub.queue("a")
    agent = start(settings, engine)
    await held(hub, engine, until)
    hub.queue("b")
    await hub.say("work_available", {"beside": "a"})
    await until("b in hand", lambda: hub.jobs["b"].in_hand)
    agent.stop()
    await until("both given back", lambda: not any(job.in_hand for job in hub.jobs.values()))
    assert hub.facts("b")[-1] == hub.facts("a")[-1] == "released"


def test_a_spare_lane_has_new_engines_of_this_process_only() -> None:
    [local, server] = crew.lanes(Settings(comfyui="http://127.0.0.1:1"))
    spare = crew.spare(local, Settings())
    assert spare.keys() == {"sketch"}
    assert spare["sketch"] is not local["sketch"]
    assert crew.spare(server, Settings()) == {}
