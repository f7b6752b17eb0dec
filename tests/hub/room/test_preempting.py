"""An urgent job takes the place of a running one, which goes on afterwards whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echodeck.hub.preempting import PATIENCE_S
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.record import Gpu, Host
from echodeck.wire import plain

ENGINE = EngineInfo("sketch", models=(ModelInfo("a"),), params=(Param("steps", 1, 100, 4),), aside=True)


@pytest.fixture
async def worker(agent: Any) -> Any:
    """An agent whose engine can begin a job beside one that is paused."""
    await agent.say("register", agentId="agent-1", host="studio", engines=[ENGINE], workers=[agent.worker])
    return agent


@pytest.fixture
async def running(ada: Any, worker: Any) -> Any:
    """A job under way that has minutes left."""
    await ada.submit(steps=100)
    job = await worker.claim()
    await worker.report(job, "planned", stages=[["sample", 100]])
    for step in range(1, 4):
        worker.place.clock.now_s += 5.0
        await worker.step(job, step, 5.0, index=0)
    return job


async def urgent(ada: Any, place: Any) -> str:
    [job_id] = await ada.submit(priority="urgent")
    await place.wait_s(1.0)
    return str(job_id)


async def guest(worker: Any, beside: str) -> Any:
    """What the worker's guest is given."""
    found = await worker.say("claim", workerId=worker.worker + "+", engines=["sketch"], beside=beside)
    return found["job"]


async def beside(place: Any, ada: Any, worker: Any, running: Any) -> Any:
    """An urgent job that the worker's guest has begun, beside the one that is held."""
    await urgent(ada, place)
    await worker.report(running, "paused")
    return await guest(worker, running["id"])


async def told(worker: Any, job: Any, fact: str) -> None:
    """The guest's report."""
    named = {"jobId": job["id"], "attempt": job["attempt"], "workerId": worker.worker + "+"}
    await worker.say("job_report", **named, fact=fact, atS=worker.place.clock.now_s)


async def ends(worker: Any, job: Any) -> None:
    await told(worker, job, "completed")


def state(place: Any, job: Any) -> tuple[str, str, str]:
    view = place.job(job if isinstance(job, str) else job["id"])
    return view["status"], view["request"], view["pausedBy"]


def offers(worker: Any) -> list[str]:
    return [told["beside"] for told in worker.heard("work_available") if "beside" in told]


async def test_it_is_held_at_its_step_and_goes_on_when_the_urgent_one_has_ended(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    wanted = await urgent(ada, place)
    assert state(place, running) == ("running", "pause", "brain")
    assert worker.heard("job_command")[-1]["command"] == "pause"
    assert offers(worker) == []
    await worker.report(running, "paused")
    await place.wait_s(1.0)
    assert offers(worker) == [running["id"]]
    begun = await guest(worker, running["id"])
    assert begun["id"] == wanted
    assert await guest(worker, running["id"]) is None, "once"
    await place.wait_s(1.0)
    assert state(place, running) == ("paused", "", "brain")
    await ends(worker, begun)
    await place.wait_s(1.0)
    assert state(place, running)[:2] == ("paused", "resume")
    await worker.report(running, "resumed")
    await place.wait_s(1.0)
    assert state(place, running) == ("running", "", "")
    titles = [one["title"] for one in place.told("decision") if one["part"] == "preempt"]
    assert [title.split()[-1] for title in titles] == ["hills", "on"]


async def test_an_urgent_one_is_not_told_to_wait_for_what_will_be_held(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    async def why(job_id: str) -> list[str]:
        return list((await ada.say("query", what="why", jobId=job_id))["answer"]["text"])

    [wanted] = await ada.submit(title="lake", priority="urgent")
    [other] = await ada.submit(title="dusk")
    said = await why(wanted)
    assert said[0] == "hills will be held for it at its next step"
    assert not any("should begin" in one for one in said)
    assert any("should begin" in one for one in await why(other))
    await place.wait_s(1.0)
    assert (await why(wanted))[0] == "hills is held for it: it begins as soon as that has paused"


async def test_a_person_who_pauses_it_keeps_it(place: Any, ada: Any, worker: Any, running: Any) -> None:
    wanted = await urgent(ada, place)
    await worker.report(running, "paused")
    await ada.command(running["id"], "pause")
    assert state(place, running) == ("paused", "", "ada")
    await ada.command(wanted, "cancel")
    await place.wait_s(2 * PATIENCE_S)
    assert state(place, running) == ("paused", "", "ada")


async def test_a_person_who_resumes_it_has_it_left_alone(place: Any, ada: Any, worker: Any, running: Any) -> None:
    await urgent(ada, place)
    await worker.report(running, "paused")
    await ada.command(running["id"], "resume")
    await worker.report(running, "resumed")
    for _ in range(3):
        await place.wait_s(1.0)
        await worker.say("heartbeat", jobs=[running["id"]])
    await urgent(ada, place)
    assert state(place, running) == ("running", "", "")


@pytest.mark.parametrize("how", ["cancelled", "never begun", "switched off"])
async def test_it_goes_on_when_there_is_nothing_to_be_held_for(
        place: Any, ada: Any, worker: Any, running: Any, how: str) -> None:
    wanted = await urgent(ada, place)
    await worker.report(running, "paused")
    if how == "cancelled":
        await ada.command(wanted, "cancel")
    elif how == "switched off":
        await ada.say("brain_switch", part="preempt", on=False)
    else:
        for _ in range(int(PATIENCE_S) + 2):
            await worker.say("heartbeat", jobs=[running["id"]])
            await place.wait_s(1.0)
    await place.wait_s(1.0)
    assert state(place, running)[:2] == ("paused", "resume")
    await worker.report(running, "resumed")
    await place.wait_s(1.0)
    assert state(place, running) == ("running", "", ""), "and is not held for the same one again"


async def test_it_goes_on_when_a_person_pauses_the_urgent_one(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    begun = await beside(place, ada, worker, running)
    await ada.command(begun["id"], "pause")
    await place.wait_s(1.0)
    assert state(place, running) == ("paused", "", "brain"), "the urgent one is still at its step"
    await told(worker, begun, "paused")
    await place.wait_s(1.0)
    assert state(place, begun) == ("paused", "", "ada")
    assert state(place, running)[:2] == ("paused", "resume")
    await worker.report(running, "resumed")
    again = await urgent(ada, place)
    assert state(place, running) == ("running", "", ""), "there is no room for another guest"
    await ada.command(again, "cancel")
    await ada.command(begun["id"], "resume")
    await told(worker, begun, "resumed")
    await place.wait_s(1.0)
    assert state(place, begun) == state(place, running) == ("running", "", ""), "beside each other"


async def test_an_urgent_one_that_a_person_paused_stops_nobody(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    begun = await beside(place, ada, worker, running)
    await ada.command(begun["id"], "pause")
    await told(worker, begun, "paused")
    [normal] = await ada.submit()
    await place.wait_s(1.0)
    assert state(place, running)[:2] == ("paused", "resume")
    await worker.report(running, "resumed")
    await place.wait_s(1.0)
    assert place.job(normal)["expectedStart"] is not None
    await worker.report(running, "completed", outputs=[{"path": "a.png"}])
    assert (await worker.claim())["id"] == normal


@pytest.mark.parametrize("fact", ["completed", "cancelled", "failed", "released"])
async def test_it_goes_on_however_the_urgent_one_ends(
        place: Any, ada: Any, worker: Any, running: Any, fact: str) -> None:
    begun = await beside(place, ada, worker, running)
    await told(worker, begun, fact)
    for _ in range(int(PATIENCE_S) + 2):
        await worker.say("heartbeat", jobs=[running["id"]])
        await place.wait_s(1.0)
    assert state(place, running)[:2] == ("paused", "resume")


async def test_why_a_job_waits_does_not_count_the_guest_as_a_slot(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    begun = await beside(place, ada, worker, running)
    [normal] = await ada.submit()
    await place.wait_s(1.0)

    async def text() -> list[str]:
        return list((await ada.say("query", what="why", jobId=normal))["answer"]["text"])

    said = await text()
    assert "1 of 1 slot that can do it is taken" in said[0]
    assert {one.split(",")[0] for one in said[1:3]} == {
        "studio holds hills for an urgent job", "studio works on hills"}
    capacity = (await ada.say("query", what="capacity"))["answer"]
    assert (capacity["slots"], capacity["free"]) == (1, 0)
    assert (await ada.say("query", what="health"))["answer"]["working_memory"] == "1/1"
    await ada.command(begun["id"], "pause")
    await told(worker, begun, "paused")
    assert any(one.startswith("studio keeps hills, which ada paused") for one in await text())


async def test_after_a_restart_of_the_hub_it_is_held_while_the_urgent_one_runs(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    await urgent(ada, place)
    await worker.report(running, "paused")
    begun = await guest(worker, running["id"])
    await place.restart()
    await worker.say("register", agentId="agent-1", host="studio", engines=[ENGINE], workers=[worker.worker], running=[
        worker.named(running), {**worker.named(begun), "workerId": worker.worker + "+"}])
    await place.wait_s(1.0)
    assert state(place, running) == ("paused", "", "brain")
    await ends(worker, begun)
    await place.wait_s(1.0)
    assert state(place, running)[:2] == ("paused", "resume")


async def test_after_a_restart_of_the_hub_it_goes_on_if_nothing_runs_beside_it(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    await urgent(ada, place)
    await worker.report(running, "paused")
    await place.restart()
    await worker.say("register", agentId="agent-1", host="studio", engines=[ENGINE], workers=[worker.worker],
                     running=[worker.named(running)])
    assert state(place, running)[:2] == ("paused", "resume")


async def test_if_its_agent_dies_it_waits_in_the_queue_and_is_not_left_paused(
        place: Any, ada: Any, worker: Any, running: Any) -> None:
    await urgent(ada, place)
    await worker.report(running, "paused")
    worker.leave()
    await place.wait_s(11.0)
    await place.wait_s(1.0)
    assert state(place, running) == ("pending", "", "")
    last = place.told("decision")[-1]
    assert (last["title"], last["reason"]) == (
        "hills is queued again", "its worker was lost while it was held, so it begins anew")
    alerts = [one["message"] for one in place.told("system_alert") if "hills" in one["message"]]
    assert alerts, "people are told"
    assert all("hills is queued again, at the front" in one and "stays paused" not in one for one in alerts)


async def test_nothing_is_held_that_cannot_be(place: Any, ada: Any, worker: Any, running: Any) -> None:
    await worker.say("announce", engines=[replace(ENGINE, aside=False)])
    await urgent(ada, place)
    assert state(place, running) == ("running", "", "")
    await worker.say("announce", engines=[replace(ENGINE, cannot={"pause": "it goes on"})])
    await place.wait_s(1.0)
    assert state(place, running) == ("running", "", "")
    await worker.say("announce", engines=[ENGINE])
    gpu = Gpu(0, "GPU", "nvidia", vram_used_bytes=0, vram_total_bytes=12 << 30)
    await worker.say("host_metrics", host=plain(Host("studio", place.clock.now_s, gpus=(gpu,))))
    await place.wait_s(1.0)
    assert state(place, running) == ("running", "", ""), "nobody knows whether both fit in the GPU's memory"


async def test_a_normal_job_holds_nobody(place: Any, ada: Any, worker: Any, running: Any) -> None:
    await ada.submit(priority="high")
    await place.wait_s(1.0)
    assert state(place, running) == ("running", "", "")
