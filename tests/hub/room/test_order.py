"""What workers are given and what people are shown of it: models together, memory, a person's moves, the switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck import wire
from echodeck.brain.memory import GIB
from echodeck.hub.ledger import Change
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.facts import Claimed, Metered, PausedNow
from echodeck.model.record import Gpu, Host
from echodeck.model.usage import Figure, Usage

TWO = EngineInfo("sketch", models=(ModelInfo("a"), ModelInfo("b")), params=(Param("steps", 1, 100, 4),))


@pytest.fixture
async def worker(agent: Any) -> Any:
    """An agent whose engine has two models."""
    await agent.say("register", agentId="agent-1", host="studio", engines=[TWO], workers=[agent.worker])
    return agent


async def mixed(ada: Any, models: str, **fields: Any) -> dict[str, str]:
    """A job for each letter; ids by title: a0, b1, a2, …"""
    found = {}
    for n, model in enumerate(models):
        [found[f"{model}{n}"]] = await ada.submit(model=model, title=f"{model}{n}", **fields)
    return found


async def given(worker: Any) -> str:
    job = await worker.claim()
    await worker.finish(job)
    return str(job["spec"]["title"])


def shown(place: Any) -> list[str]:
    return [place.job(one)["title"] for one in place.order()]


def decided(place: Any) -> list[str]:
    return [one["reason"] for one in place.told("decision") if one["part"] == "order"]


async def test_jobs_of_the_loaded_model_go_on_and_people_see_that_they_will(place: Any, ada: Any, worker: Any) -> None:
    await mixed(ada, "ababab")
    assert await given(worker) == "a0"
    await place.wait_s(1.0)
    assert shown(place) == ["a2", "a4", "b1", "b3", "b5"]
    first = place.job(place.order()[0])
    assert (first["position"], first["why"]) == (0, "same model")
    assert [await given(worker) for _ in range(5)] == ["a2", "a4", "b1", "b3", "b5"]
    assert decided(place) == ["its model is loaded there already", "their model is loaded there already"]


async def test_what_is_decided_again_and_again_is_one_row_that_leaves_room_for_others(
        place: Any, ada: Any, worker: Any) -> None:
    place.room.desk.decide(change := Change(place.clock.now_s), "preempt", "hills is held", "an urgent job came")
    await place.room.desk.ledger.put(change)
    ids = await mixed(ada, "ab" + "a" * 8)
    assert [await given(worker) for _ in range(9)] == ["a0", *(f"a{n}" for n in range(2, 10))]

    def rows() -> list[tuple[str, str]]:
        return [(one["title"], one["jobId"]) for one in place.room.initial_state().decisions
                if one["part"] != "foresight"]

    said = [("hills is held", ""), ("8 jobs of a go first, the last a9", ids["a9"])]
    assert rows() == said
    assert len({one["id"] for one in place.told("decision") if one["part"] == "order"}) == 1
    await place.restart()
    assert rows() == said
    why = (await ada.say("query", what="why", jobId=ids["b1"]))["answer"]["text"]
    assert not any("go first" in one for one in why)


async def test_what_is_shown_is_what_is_given_out(place: Any, ada: Any, worker: Any) -> None:
    await mixed(ada, "abbabaabba")
    await given(worker)
    while expected := shown(place):
        assert await given(worker) == expected[0]


async def test_a_job_that_a_person_moved_keeps_its_place_among_those_it_was_shown_with(
        place: Any, ada: Any, worker: Any) -> None:
    ids = await mixed(ada, "ababab")
    await given(worker)
    await place.wait_s(1.0)
    assert shown(place) == ["a2", "a4", "b1", "b3", "b5"]
    await ada.say("move", jobId=ids["b5"], place=1)
    assert shown(place) == ["a2", "b5", "b1", "b3", "a4"]
    assert place.job(ids["b5"])["movedBy"] == "ada"
    assert [await given(worker) for _ in range(5)] == ["a2", "b5", "b1", "b3", "a4"]


async def test_nobody_s_move_has_a_mark_too(place: Any, worker: Any) -> None:
    nobody = place.person("")
    ids = await mixed(nobody, "ab")
    await nobody.say("move", jobId=ids["b1"], direction="top")
    assert place.job(ids["b1"])["movedBy"] == "somebody"


async def test_switched_off_it_is_the_order_in_which_they_stand(place: Any, ada: Any, worker: Any) -> None:
    await mixed(ada, "ababab")
    await ada.say("brain_switch", part="order", on=False)
    await place.wait_s(1.0)
    assert shown(place) == ["a0", "b1", "a2", "b3", "a4", "b5"]
    assert [place.job(one)["why"] for one in place.order()] == [""] * 6
    assert [await given(worker) for _ in range(6)] == ["a0", "b1", "a2", "b3", "a4", "b5"]
    assert decided(place) == []


async def test_nobody_is_overtaken_more_often_than_the_settings_say(place_of: Callable[..., Any]) -> None:
    place = place_of()
    place.settings = replace(place.settings, brain={"overtake": 2})
    place.room = place._room()
    await place.room.start()
    ada, worker = place.person("ada"), await place.hand("agent-1")
    await worker.say("register", agentId="agent-1", host="studio", engines=[TWO], workers=[worker.worker])
    await mixed(ada, "abaaaa")
    assert [await given(worker) for _ in range(6)] == ["a0", "a2", "a3", "b1", "a4", "a5"]
    await place.room.stop()


async def test_a_job_that_fits_nowhere_waits_and_says_so(place: Any, ada: Any, worker: Any) -> None:
    gpu = Gpu(0, "GPU", "nvidia", vram_used_bytes=0, vram_total_bytes=12 << 30)
    host = Host("studio", place.clock.now_s, gpus=(gpu,))
    await worker.say("host_metrics", host=wire.plain(host))
    for _ in range(3):
        [job_id] = await ada.submit(model="b")
        await given(worker)
        usage = Usage("sample", 1.0, True, vram_bytes=Figure(1.0, 14 * GIB, 1.0))
        place.room.desk.queue.apply(job_id, Metered(place.clock.now_s, (usage,)))
    [big] = await ada.submit(model="b")
    [small] = await ada.submit(model="a")
    await place.wait_s(1.0)
    assert place.job(big)["why"] == "waits: needs about 14.0 GiB of VRAM; the largest here has 12.0 GiB"
    assert place.job(big)["expectedStart"] is None
    assert (await worker.claim())["id"] == small
    assert await worker.claim() is None


async def test_a_guest_that_a_person_keeps_paused_keeps_its_memory_too(place: Any, ada: Any, worker: Any) -> None:
    gpu = Gpu(0, "GPU", "nvidia", vram_used_bytes=0, vram_total_bytes=12 << 30)
    await worker.say("host_metrics", host=wire.plain(Host("studio", place.clock.now_s, gpus=(gpu,))))
    for model, need in [("a", 3)] * 3 + [("b", 8)] * 3:
        [job_id] = await ada.submit(model=model)
        await given(worker)
        place.room.desk.queue.apply(job_id, Metered(place.clock.now_s, (
            Usage("sample", 1.0, True, vram_bytes=Figure(1.0, need * GIB, 1.0)),)))
    [kept] = await ada.submit(model="b")
    place.room.desk.queue.apply(kept, Claimed(place.clock.now_s, worker.worker + "+"))
    place.room.desk.queue.apply(kept, PausedNow(place.clock.now_s))
    [big] = await ada.submit(model="b")
    [small] = await ada.submit(model="a")
    await place.wait_s(1.0)
    assert place.job(big)["why"] == "waits: needs about 8.0 GiB of VRAM; the largest here has 4.0 GiB"
    assert place.job(small)["expectedStart"] is not None
    assert (await worker.claim())["id"] == small


async def test_after_a_restart_it_knows_what_is_loaded(place: Any, ada: Any, worker: Any) -> None:
    await mixed(ada, "abab")
    await given(worker)
    worker.leave()
    await place.restart()
    again = await place.hand("agent-1")
    again.worker = worker.worker
    assert await given(again) == "a2"


async def test_models_that_were_freed_have_to_be_loaded_again(place: Any, ada: Any, worker: Any) -> None:
    freeing = replace(TWO, extras=("free",))
    await worker.say("announce", engines=[freeing])
    await mixed(ada, "abab")
    assert await given(worker) == "a0"
    await ada.say("engine_command", engine="sketch", command="free")
    assert await given(worker) == "b1", "the larger group"


async def test_a_thousand_waiting_jobs_are_foreseen(place: Any, ada: Any, worker: Any) -> None:
    await ada.submit(250, model="a")
    for _ in range(3):
        await ada.submit(250, model="b")
    await place.wait_s(1.0)
    assert len(place.order()) == 1000
    assert all(place.job(one)["expectedStart"] for one in place.order())
