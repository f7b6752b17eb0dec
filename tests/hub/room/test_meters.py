"""What a job took of its machine: counted while it runs, kept with it when it has ended, and shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echodeck.hub.desk import RECENT_SAMPLES
from echodeck.hub.meters import KIND, MOST_AT_ONCE, WAIT_S, WRITE_EVERY_S, port_of
from echodeck.model.record import Gpu, GpuProcess, Host, Process
from echodeck.model.usage import NOT_LISTED

GB = 1 << 30
GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=80.0, vram_used_bytes=4 * GB, power_w=360.0)


async def sample(place: Any, agent: Any, *gpus: Gpu, host: str = "studio", **fields: Any) -> None:
    await agent.say("host_metrics", host=Host(host, place.clock.now_s, gpus=gpus or (GPU,), **fields))


async def work(place: Any, agent: Any, job: dict[str, Any], seconds: int, *gpus: Gpu, **fields: Any) -> None:
    """One stage of so long, a sample and a tick a second."""
    await sample(place, agent, *gpus, **fields)
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    for _ in range(seconds):
        await place.wait_s(1.0)
        await agent.say("heartbeat", jobs=[job["id"]])
        await sample(place, agent, *gpus, **fields)
    await agent.report(job, "stage_done", index=0, durationS=float(seconds))
    await agent.report(job, "completed")


async def test_what_it_took_is_kept_and_shown(place: Any, ada: Any, agent: Any) -> None:
    place.room.desk.settings = replace(place.settings, price_per_kwh=0.5, currency="EUR", gco2_per_kwh=400.0)
    [job_id] = await ada.submit()
    await work(place, agent, await agent.claim(), 10)
    await place.wait_s(1.0)
    await sample(place, agent)
    assert place.job(job_id)["usage"]["energyWh"] == pytest.approx(1.0)
    [told] = place.told("generation_usage")
    assert (told["jobId"], told["status"], told["usage"]["cost"]) == (job_id, "completed", 0.0005)
    usage = told["usage"]
    assert (usage["powerPeakW"], usage["powerMeanW"], usage["emissionG"], usage["currency"]) == (360, 360, 0.4, "EUR")
    assert (usage["vramPeakBytes"], usage["byProcess"], usage["unmeasured"]) == (4 * GB, False, 0.0)
    assert usage["diskReadBytes"] is None, "it has told of no disk"
    await place.settle()
    assert (await place.stored())[job_id].usage[0].name == "sample"


async def test_the_time_to_its_end_counts_when_the_next_sample_has_come(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await sample(place, agent)
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    place.clock.now_s += 0.5
    await agent.report(job, "stage_done", index=0, durationS=0.5)
    await agent.report(job, "completed")
    await place.wait_s(0.5)
    assert place.told("generation_usage") == []
    await sample(place, agent)
    await place.wait_s(0.5)
    usage = place.job(job_id)["usage"]
    assert (usage["length"], usage["unmeasured"], usage["energyWh"]) == (0.5, 0.0, pytest.approx(0.05))


async def test_it_waits_only_so_long(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    await sample(place, agent)
    place.clock.now_s += 1.0
    await sample(place, agent)
    place.clock.now_s += 0.5
    await agent.report(job, "completed")
    await place.wait_s(11.0)
    assert place.job(job_id)["usage"] is None
    await place.wait_s(1.0)
    assert (place.job(job_id)["usage"]["length"], place.job(job_id)["usage"]["unmeasured"]) == (1.5, 0.5)


async def test_a_job_longer_than_the_samples_in_memory_is_counted_whole(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    seconds = RECENT_SAMPLES + 200
    await work(place, agent, await agent.claim(), seconds)
    await place.wait_s(1.0)
    usage = place.job(job_id)["usage"]
    assert (usage["length"], usage["unmeasured"]) == (seconds, 0.0)
    assert usage["energyWh"] == pytest.approx(seconds / 10.0)


async def test_of_a_shared_gpu_by_process_where_it_is_known(place: Any, ada: Any, agent: Any) -> None:
    [first, second] = await ada.submit(2)
    shared = replace(GPU, processes=(GpuProcess(70, "python", 3 * GB), GpuProcess(9, "game", GB)))
    engine = (Process("sketch", 70, 5.0, 1, "sketch"),)
    await work(place, agent, await agent.claim(), 3, shared, replace(GPU, index=1), generators=engine)
    await place.wait_s(1.0)
    usage = place.job(first)["usage"]
    assert (usage["byProcess"], usage["vramPeakBytes"], usage["powerMeanW"]) == (True, 3 * GB, 360.0)
    engines = [place.room.board.get("engines", "sketch")]
    await agent.say("register", agentId=agent.name, host="studio", engines=engines, slots=1, running=[], pid=9)
    await place.wait_s(1.0)
    await work(place, agent, await agent.claim(), 3, shared)
    await place.wait_s(1.0)
    assert place.job(second)["usage"]["vramPeakBytes"] == GB, "the worker's own process"


async def test_of_two_servers_of_a_kind_the_one_at_the_engines_address(place: Any, ada: Any, agent: Any) -> None:
    known = replace(place.room.board.get("engines", "sketch"), kind="comfyui", address="http://127.0.0.1:8189")
    await agent.say("announce", engines=[known])
    shared = replace(GPU, processes=(GpuProcess(70, "python", 3 * GB), GpuProcess(80, "python", GB)))
    servers = tuple(Process("comfyui", pid, 5.0, 1, "comfyui", ports=(port,)) for pid, port in ((70, 8188), (80, 8189)))
    [job_id] = await ada.submit()
    await work(place, agent, await agent.claim(), 3, shared, generators=servers)
    await place.wait_s(1.0)
    usage = place.job(job_id)["usage"]
    assert (usage["byProcess"], usage["vramPeakBytes"]) == (True, GB)


@pytest.mark.parametrize(("address", "port"), [
    ("http://127.0.0.1:8188", 8188), ("http://box/sd", 80), ("https://box", 443), ("http://[::1]:7860", 7860), ("", 0),
    ("http://box:port", 0)])
def test_the_port_of_an_address(address: str, port: int) -> None:
    assert port_of(address) == port


async def test_another_machines_samples_are_not_its(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    await work(place, agent, await agent.claim(), 3, host="attic")
    await place.wait_s(13.0)
    assert place.job(job_id)["usage"] is None
    assert place.told("generation_usage") == [], "nothing was measured, so there is nothing to say"


async def test_a_failed_one_is_metered_and_a_second_attempt_begins_anew(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await sample(place, agent)
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    place.clock.now_s += 1.0
    await sample(place, agent)
    await agent.report(job, "failed", error={"kind": "oom", "message": "no"})
    await place.wait_s(1.0)
    assert place.job(job_id)["usage"]["energyWh"] == pytest.approx(0.1)
    await ada.say("retry", jobId=job_id)
    assert place.job(job_id)["usage"] is None
    await work(place, agent, await agent.claim(), 2)
    await place.wait_s(1.0)
    assert place.job(job_id)["usage"]["energyWh"] == pytest.approx(0.2)


async def test_one_that_was_retried_or_removed_before_it_was_metered(place: Any, ada: Any, agent: Any) -> None:
    for command in ("retry", "remove"):
        [job_id] = await ada.submit()
        job = await agent.claim()
        await agent.report(job, "failed", error={"kind": "oom", "message": "no"})
        await ada.say(command, jobId=job_id)
        await sample(place, agent)
        await place.wait_s(1.0)
        if command == "retry":
            await ada.command(job_id, "cancel")
    assert place.told("generation_usage") == []


async def test_what_is_lost_and_found_again_keeps_what_was_counted(place: Any, ada: Any, agent: Any) -> None:
    await agent.say("adopt", jobId="x1", workerId=agent.worker, spec={"engine": "script", "model": "m"},
                    origin="script", state="running")
    job = {"id": "x1", "attempt": 1}
    await sample(place, agent)
    await agent.report(job, "planned", stages=[["train", 0]])
    await agent.report(job, "stage_started", index=0)
    for _ in range(100):
        await place.wait_s(1.0)
        await agent.say("heartbeat", jobs=["x1"])
        await sample(place, agent)
    await agent.report(job, "lost")
    assert place.job("x1")["status"] == "failed"
    await agent.say("adopt", jobId="x1", workerId=agent.worker, spec={"engine": "script", "model": "m"},
                    origin="script", state="running")
    await agent.report(job, "stage_done", index=0, durationS=100.0)
    await agent.report(job, "completed")
    await place.wait_s(1.0)
    assert place.job("x1")["usage"]["energyWh"] == pytest.approx(10.0)


async def test_what_it_took_so_far(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    assert place.room.usage(job_id).stages == []
    job = await agent.claim()
    await sample(place, agent)
    await agent.report(job, "planned", stages=[["load", 0], ["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    place.clock.now_s += 1.0
    await sample(place, agent)
    await agent.report(job, "stage_done", index=0, durationS=1.0)
    await agent.report(job, "stage_started", index=1)
    place.clock.now_s += 1.0
    await sample(place, agent)
    used = place.room.usage(job_id)
    assert [(one.name, one.length) for one in used.stages] == [("load", 1.0), ("sample", 1.0)]
    assert used.total.energy_wh == pytest.approx(0.2)
    await place.settle()


async def under_way(place: Any, agent: Any, job: dict[str, Any], seconds: int, gpu: Gpu = GPU) -> None:
    """One stage, and so long of it, a sample and a tick a second."""
    await sample(place, agent, gpu)
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    await more(place, agent, job, seconds, gpu)


async def more(place: Any, agent: Any, job: dict[str, Any], seconds: int, gpu: Gpu = GPU) -> None:
    for _ in range(seconds):
        await agent.say("heartbeat", jobs=[job["id"]])
        place.clock.now_s += 1.0
        await sample(place, agent, gpu)
        place.room.tick(place.clock.now_s)
    await place.settle()


async def back(place: Any, job: dict[str, Any]) -> Any:
    """The hub starts anew, and the agent comes back with the job in hand."""
    await place.restart()
    again = await place.hand("agent-1")
    await again.register([again.named(job)])
    return again


async def test_a_hub_that_starts_anew_goes_on_with_what_it_had_counted(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    peak = replace(GPU, power_w=720.0, vram_used_bytes=7 * GB)
    await under_way(place, agent, job, 31, peak)
    again = await back(place, job)
    assert place.room.usage(job_id).stages == [], "no sample has come yet"
    place.clock.now_s += 4.0
    await more(place, again, job, 10)
    so_far = place.room.usage(job_id).total
    assert so_far.length == pytest.approx(45.0)
    again = await back(place, job)  # and once more, after the sums were written again
    await more(place, again, job, 1)
    await again.report(job, "stage_done", index=0, durationS=46.0)
    await again.report(job, "completed")
    await place.wait_s(1.0)
    usage = place.job(job_id)["usage"]
    assert usage["length"] == 46.0
    assert 4.0 <= usage["unmeasured"] <= 4.0 + 1.0 + 2 * WRITE_EVERY_S, "the hub was away, and seconds before it wrote"
    assert (usage["powerPeakW"], usage["vramPeakBytes"]) == (720.0, 7 * GB), "its peak was before"
    at_least_wh = (720.0 * (31 - WRITE_EVERY_S) + 360.0 * (10 - WRITE_EVERY_S)) / 3600.0
    assert at_least_wh <= usage["energyWh"] <= (720.0 * 31 + 360.0 * 15) / 3600.0
    lines = [line["message"] for line in place.told("log") if line["jobId"] == job_id]
    assert [line for line in lines if "the hub was away" in line and "were not measured" in line]
    assert await place.store.records(KIND) == {}, "nothing is left of what has ended"


async def test_one_that_ended_just_before_the_hub_did_has_its_usage_all_the_same(place: Any, ada: Any,
                                                                               agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await under_way(place, agent, job, 20)
    await agent.report(job, "stage_done", index=0, durationS=20.0)
    await agent.report(job, "completed")
    await place.settle()
    await place.restart()
    await place.wait_s(WAIT_S + 1.0)
    usage = place.job(job_id)["usage"]
    assert usage["length"] == 20.0
    assert 0.0 <= usage["unmeasured"] <= WRITE_EVERY_S + 1.0
    assert len(place.told("generation_usage")) == 1
    await place.settle()
    assert await place.store.records(KIND) == {}


async def test_sums_of_another_attempt_do_not_count(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await under_way(place, agent, job, 20)
    assert list(await place.store.records(KIND)) == [job_id]
    await agent.report(job, "failed", error={"kind": "oom", "message": "no"})
    await ada.say("retry", jobId=job_id)
    await place.settle()
    await place.restart()
    again = await place.hand("agent-1")
    await work(place, again, await again.claim(), 3)
    await place.wait_s(1.0)
    assert place.job(job_id)["usage"]["energyWh"] == pytest.approx(0.3)


async def test_the_sums_of_many_are_written_in_turns(place: Any, agent: Any) -> None:
    many = 2 * MOST_AT_ONCE + 1
    jobs = [{"id": f"x{n}", "attempt": 1} for n in range(many)]
    for job in jobs:
        await agent.say("adopt", jobId=job["id"], workerId=agent.worker, spec={"engine": "script", "model": "m"},
                        origin="script", state="running")
        await agent.report(job, "planned", stages=[["train", 0]])
        await agent.report(job, "stage_started", index=0)
    counts = []
    for _ in range(3):
        await agent.say("heartbeat", jobs=[job["id"] for job in jobs])
        await sample(place, agent)
        await place.wait_s(1.0)
        await place.settle()
        counts.append(len(await place.store.records(KIND)))
    assert counts == [MOST_AT_ONCE, 2 * MOST_AT_ONCE, many]


async def test_a_hub_that_starts_anew_says_what_it_has_not_measured(place: Any, ada: Any, agent: Any) -> None:
    [job_id] = await ada.submit()
    job = await agent.claim()
    await sample(place, agent)
    await agent.report(job, "planned", stages=[["sample", 0]])
    await agent.report(job, "stage_started", index=0)
    place.clock.now_s += 4.0
    await place.restart()
    again = await place.hand("agent-1")
    await sample(place, again)
    await work_on(place, again, job)
    usage = place.job(job_id)["usage"]
    assert (usage["length"], usage["unmeasured"]) == (5.0, 4.0)
    assert usage["energyWh"] == pytest.approx(0.1)


async def work_on(place: Any, agent: Any, job: dict[str, Any]) -> None:
    """One more second, and it is done."""
    await agent.say("heartbeat", jobs=[job["id"]])
    place.clock.now_s += 1.0
    await sample(place, agent)
    await agent.report(job, "stage_done", index=0, durationS=5.0)
    await agent.report(job, "completed")
    await place.wait_s(1.0)


async def test_an_ended_job_is_counted_once_whatever_is_said_of_it_later(place: Any, ada: Any, agent: Any) -> None:
    await ada.submit()
    await work(place, agent, await agent.claim(), 1)
    await place.wait_s(1.0)
    assert len(place.told("generation_usage")) == 1
    await ada.say("clear_completed")
    await place.wait_s(1.0)
    assert place.room.initial_state().metrics.generations_per_hour == 1.0


async def test_two_jobs_at_once_share_the_energy_of_their_gpu(place: Any, ada: Any, agent: Any) -> None:
    other = await place.hand("agent-2")
    await ada.say("brain_switch", part="order", on=False)  # else the second waits for the loaded model
    first, second = await ada.submit(2)
    jobs = [(agent, await agent.claim()), (other, await other.claim())]
    await sample(place, agent)
    for hand, job in jobs:
        await hand.report(job, "planned", stages=[["sample", 0]])
        await hand.report(job, "stage_started", index=0)
    for _ in range(10):
        await place.wait_s(1.0)
        for hand, job in jobs:
            await hand.say("heartbeat", jobs=[job["id"]])
        await sample(place, agent)
    assert place.room.usage(first).total.shared
    for hand, job in jobs:
        await hand.report(job, "stage_done", index=0, durationS=10.0)
        await hand.report(job, "completed")
    await place.wait_s(1.0)
    await sample(place, agent)
    await place.wait_s(1.0)
    usages = [place.job(job_id)["usage"] for job_id in (first, second)]
    assert [usage["energyWh"] for usage in usages] == [pytest.approx(0.5), pytest.approx(0.5)], "1 Wh in all"
    assert [usage["shared"] for usage in usages] == [True, True]
    [third] = await ada.submit()
    await work(place, agent, await agent.claim(), 10)
    await place.wait_s(1.0)
    usage = place.job(third)["usage"]
    assert (usage["energyWh"], usage["shared"]) == (pytest.approx(1.0), False), "nobody else is there any more"


async def test_a_job_that_works_on_no_gpu_has_none_of_its_figures(place: Any, ada: Any, agent: Any) -> None:
    engines = [place.room.board.get("engines", "sketch")]
    await agent.say("register", agentId=agent.name, host="studio", engines=engines, slots=1, running=[], pid=70)
    [job_id] = await ada.submit()
    used = replace(GPU, processes=(GpuProcess(9, "game", GB),))
    await work(place, agent, await agent.claim(), 3, used, net_sent_bytes_per_s=7.0)
    await place.wait_s(1.0)
    usage = place.job(job_id)["usage"]
    assert (usage["energyWh"], usage["vramPeakBytes"], usage["gpuPeakPercent"]) == (None, None, None)
    assert (usage["gpuReason"], usage["netSentBytes"]) == (NOT_LISTED, 21)
