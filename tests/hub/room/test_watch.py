"""Watching over in the room: alerts come, are brought up to date and go; people acknowledge and silence them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echodeck import wire
from echodeck.errors import BadField, ConfigError, UnknownRecord
from echodeck.hub.ledger import Change
from echodeck.model.record import Gpu, Host

HOUR_S = 3600.0


async def hot(place: Any, agent: Any, seconds: int, temp_c: float) -> None:
    """The card of the agent's machine has this temperature for so long, measured every second."""
    for _ in range(seconds):
        place.clock.now_s += 1.0
        host = Host("studio", place.clock.now_s, gpus=(Gpu(0, "card", "nvidia", temp_c=temp_c),))
        await agent.say("host_metrics", host=wire.plain(host))
        place.room.tick(place.clock.now_s)
    await place.settle()


async def settings(place: Any, **tables: Any) -> None:
    place.settings = replace(place.settings, **tables)
    await place.restart()


async def test_a_rule_raises_tells_and_resolves(place: Any, agent: Any) -> None:
    await hot(place, agent, 62, 95.0)
    [alert] = place.alerts()
    assert (alert["cause"], alert["level"], alert["host"], alert["count"]) == (
        "rule:gpu_hot:studio:0", "warning", "studio", 1)
    [decision] = place.told("decision")
    assert (decision["part"], decision["data"]) == ("watch", {"cause": "rule:gpu_hot:studio:0"})
    await hot(place, agent, 30, 97.0)
    assert len(place.told("system_alert")) == 1, "what only gets worse is told now and then"
    await hot(place, agent, 62, 70.0)
    assert place.alerts() == []
    assert len(place.told("alert_resolved")) == 1
    await hot(place, agent, 62, 95.0)
    assert [one["count"] for one in place.alerts()] == [2]


async def test_a_job_that_hangs_is_told_of_once_and_forgotten_when_it_goes_on(place: Any, ada: Any, agent: Any) -> None:
    for _ in range(3):
        await ada.submit()
        await agent.finish(await agent.claim())
    await ada.submit(title="dusk")
    job = await agent.claim()
    await agent.begin(job)
    await agent.step(job, 1)
    for _ in range(14):
        await agent.say("heartbeat", jobs=[job["id"]])
        await place.wait_s(5.0)
    [alert] = place.alerts()
    assert (alert["cause"], alert["jobId"]) == (f"stall:{job['id']}", job["id"])
    assert alert["title"] == "dusk does not get any further"
    await agent.step(job, 2)
    await place.wait_s(1.0)
    assert place.alerts() == []


async def test_a_queue_that_nobody_takes_from_is_told_of_but_not_jobs_that_are_paused(place: Any, ada: Any,
                                                                                       agent: Any) -> None:
    ids = await ada.submit(2)
    for _ in range(62):
        await place.wait_s(5.0)
    [alert] = place.alerts()
    assert (alert["cause"], alert["message"]) == (
        "queue:sketch", "2 jobs wait and none is being worked on: its workers are there, but ask for none")
    for job_id in ids:
        await ada.command(job_id, "pause")
    await place.wait_s(1.0)
    assert place.alerts() == []


async def test_a_restart_takes_up_what_was_open(place: Any, agent: Any) -> None:
    await hot(place, agent, 62, 95.0)
    await place.restart()
    again = await place.hand("agent-2")
    await hot(place, again, 62, 95.0)
    assert [(one["cause"], one["count"]) for one in place.alerts()] == [("rule:gpu_hot:studio:0", 1)]
    assert not place.told("decision")
    await place.restart()
    third = await place.hand("agent-3")
    await hot(place, third, 62, 60.0)
    assert len(place.alerts()) == 1, "what was open is given the time to show"
    await place.wait_s(600.0)
    assert place.alerts() == [] or {one["cause"] for one in place.alerts()} == {"silent:studio"}


async def test_switched_off_it_is_as_if_it_were_not_there(place: Any, ada: Any, agent: Any) -> None:
    await hot(place, agent, 62, 95.0)
    await ada.say("brain_switch", part="watch", on=False)
    await place.wait_s(1.0)
    assert place.alerts() == []
    await hot(place, agent, 100, 95.0)
    assert place.alerts() == []
    await ada.say("brain_switch", part="watch", on=True)
    await hot(place, agent, 62, 95.0)
    assert len(place.alerts()) == 1


async def test_rules_come_from_the_settings(place: Any) -> None:
    await settings(place, alerts={"gpu_hot": {"off": True},
                                  "warm": {"when": "gpu.temp_c > 50 for 3 s", "level": "info"}})
    await hot(place, await place.hand("agent-2"), 5, 95.0)
    assert [(one["cause"], one["level"]) for one in place.alerts()] == [("rule:warm:studio:0", "info")]


async def test_a_hub_does_not_start_with_a_rule_that_cannot_be_read(place: Any) -> None:
    place.settings = replace(place.settings, alerts={"hot": {"when": "gpu.heat_c > 80"}})
    with pytest.raises(ConfigError, match=r"alerts\.hot\.when: there is no figure 'gpu.heat_c'"):
        place._room()


async def test_a_mistake_in_watching_costs_nobody_a_report(place: Any, ada: Any, agent: Any,
                                                           monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*given: Any) -> None:
        raise RuntimeError("a mistake")

    for name in ("followed", "stepped", "findings"):
        monkeypatch.setattr(f"echodeck.brain.watch.watcher.Watcher.{name}", broken)
    [job_id] = await ada.submit()
    await agent.finish(await agent.claim())
    await place.wait_s(1.0)
    assert place.job(job_id)["status"] == "completed"
    assert "could be watched" in caplog.text


# --- silence ---------------------------------------------------------------------------------------------------------


async def failed(place: Any, ada: Any, agent: Any) -> dict[str, Any]:
    [job_id] = await ada.submit(title="dusk")
    await agent.report(await agent.claim(), "failed", error={"kind": "crash", "message": "it broke"})
    [alert] = [one for one in place.alerts() if one["jobId"] == job_id]
    return alert


async def test_a_silenced_alert_calls_nobody_for_its_time(place: Any, ada: Any, agent: Any) -> None:
    alert = await failed(place, ada, agent)
    await ada.say("silence_alert", alertId=alert["id"], seconds=HOUR_S)
    [known] = place.alerts()
    assert (known["silencedBy"], known["acknowledgedAt"]) == ("ada", None)
    assert place.told("user_action")[-1]["action"] == "silenced for 60 min:"
    await place.restart()
    assert [one["silencedUntil"] for one in place.alerts()] == [known["silencedUntil"]]
    lines = len(place.told("log"))
    change = Change(place.clock.now_s + 10.0)
    place.room.desk.raise_alert(change, alert["cause"], "error", "Generation failed", "again")
    await place.room.desk.ledger.put(change)
    assert len(place.told("log")) == lines
    [again] = place.alerts()
    assert (again["count"], again["silencedBy"]) == (2, "ada")
    late = Change(place.clock.now_s + 2 * HOUR_S)
    place.room.desk.raise_alert(late, alert["cause"], "error", "Generation failed", "once more")
    await place.room.desk.ledger.put(late)
    assert len(place.told("log")) == lines + 1


async def test_by_cause_and_back_again(place: Any, ada: Any, agent: Any) -> None:
    alert = await failed(place, ada, agent)
    await ada.say("silence_alert", cause=alert["cause"], seconds=60)
    assert place.alerts()[0]["silencedUntil"] is not None
    await ada.say("silence_alert", cause=alert["cause"], seconds=0)
    [known] = place.alerts()
    assert (known["silencedBy"], known["silencedUntil"]) == ("", None)


async def test_a_silence_outlives_the_alert(place: Any, ada: Any, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.hub.desk.ENDED_ALERTS", 0)
    alert = await failed(place, ada, agent)
    await ada.say("silence_alert", alertId=alert["id"], seconds=HOUR_S)
    await ada.say("retry", jobId=alert["jobId"])
    assert place.alerts() == []
    await failed_again(agent)
    assert [(one["id"], one["silencedBy"]) for one in place.alerts()] == [(alert["id"], "ada")]


async def failed_again(agent: Any) -> None:
    await agent.report(await agent.claim(), "failed", error={"kind": "crash", "message": "it broke"})


async def test_what_cannot_be_silenced(place: Any, ada: Any) -> None:
    for given in ({}, {"alertId": "a", "cause": "b"}):
        with pytest.raises(BadField, match="give either alertId or cause"):
            await ada.say("silence_alert", seconds=1, **given)
    for given in ({"alertId": "a"}, {"cause": "b"}):
        with pytest.raises(UnknownRecord):
            await ada.say("silence_alert", seconds=1, **given)
