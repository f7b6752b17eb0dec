"""What agents think of pictures: kept with the job, told once, and not asked for while that is switched off."""

from __future__ import annotations

from typing import Any

import pytest

NOISE = {"defect": "noise", "severity": 0.6, "sentence": "noise left over: 2 steps", "measure": 0.19}
POOR = {"output": 0, "score": 38, "reasons": [NOISE]}
SHOWN = {**POOR, "reasons": (NOISE,)}


async def done(ada: Any, agent: Any) -> dict[str, Any]:
    await ada.submit()
    job: dict[str, Any] = await agent.claim()
    await agent.finish(job)
    return job


async def test_a_verdict_is_kept_and_told(place: Any, ada: Any, agent: Any) -> None:
    job = await done(ada, agent)
    assert place.job(job["id"])["verdicts"] == []
    await agent.report(job, "judged", verdicts=[POOR])
    [told] = place.told("quality_report")
    assert (told["jobId"], told["status"], told["verdicts"]) == (job["id"], "completed", [SHOWN])
    assert place.job(job["id"])["verdicts"] == [SHOWN]
    [line] = [line for line in place.told("log") if "scores" in line["message"]]
    assert line["level"] == "warning"
    assert line["message"].endswith("output 1 scores 38 of 100: noise left over: 2 steps")
    await place.settle()
    assert (await place.stored())[job["id"]].verdicts[0].reasons[0].defect == "noise"


async def test_a_good_verdict_is_no_line_in_the_log(place: Any, ada: Any, agent: Any) -> None:
    job = await done(ada, agent)
    await agent.report(job, "judged", verdicts=[{"output": 0, "score": 97, "reasons": []}])
    assert place.job(job["id"])["verdicts"][0]["score"] == 97
    assert not [line for line in place.told("log") if "scores" in line["message"]]


async def test_what_could_not_be_judged_is_told_without_a_score(place: Any, ada: Any, agent: Any) -> None:
    job = await done(ada, agent)
    why = {"defect": "unjudged", "severity": 0.0, "sentence": "not judged: no decoder", "measure": 0.0}
    await agent.report(job, "judged", verdicts=[{"output": 0, "score": None, "reasons": [why]}])
    assert place.job(job["id"])["verdicts"][0]["score"] is None
    [line] = [line for line in place.told("log") if "judged" in line["message"]]
    assert (line["level"], line["message"].partition(": ")[2]) == ("info", "output 1 is not judged: no decoder")


@pytest.mark.parametrize("change", [{"attempt": 7}, {"workerId": "studio/sketch/another"}, {"jobId": "nobody's"}])
async def test_only_who_made_it_judges_it(place: Any, ada: Any, agent: Any, change: dict[str, Any]) -> None:
    job = await done(ada, agent)
    fields = {**agent.named(job), "fact": "judged", "atS": place.clock.now_s, "verdicts": [POOR], **change}
    assert await agent.say("job_report", **fields) == {"stale": True}
    assert place.job(job["id"])["verdicts"] == []


async def test_outputs_that_there_are_not_and_jobs_that_run_have_no_verdict(place: Any, ada: Any, agent: Any) -> None:
    job = await done(ada, agent)
    assert await agent.report(job, "judged", verdicts=[{**POOR, "output": 5}]) == {"stale": True}
    await ada.submit()
    running = await agent.claim()
    await agent.begin(running)
    assert await agent.report(running, "judged", verdicts=[POOR]) == {"stale": True}
    assert place.told("quality_report") == []


async def test_switched_off_agents_are_told_not_to_judge(place: Any, ada: Any, agent: Any) -> None:
    assert (await agent.register())["judge"] is True
    assert (await agent.say("heartbeat", jobs=[]))["judge"] is True
    job = await done(ada, agent)
    await ada.say("brain_switch", part="verdicts", on=False)
    assert (await agent.say("heartbeat", jobs=[]))["judge"] is False
    assert (await agent.register())["judge"] is False
    assert await agent.report(job, "judged", verdicts=[POOR]) == {"stale": True}
    assert place.told("quality_report") == []
