"""Jobs that live elsewhere: adopted, told of, asked through who tells of them, lost and found again."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.errors import BadField, IllegalTransition, InputError

OTHERS = "studio/comfyui/others"
GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20}},
         "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}}}
REPORT = {"attempt": 1, "workerId": OTHERS}


def sight(job_id: str, **fields: Any) -> dict[str, Any]:
    spec = {"engine": "comfyui", "model": "sdxl", "title": f"shot {job_id}"}
    return {"jobId": job_id, "workerId": OTHERS, "spec": spec, "origin": "observed", **fields}


async def waiting(agent: Any, *ids: str, **fields: Any) -> None:
    for place, job_id in enumerate(ids):
        await agent.say("adopt", **sight(job_id, state="pending", place=place, **fields))


async def test_a_sighted_job_is_on_the_board_and_never_given_out(place: Any, ada: Any, agent: Any) -> None:
    await waiting(agent, "a", "b")
    [mine] = await ada.submit()
    assert place.order() == ["a", "b", mine]
    view = place.job("a")
    assert (view["status"], view["origin"], view["engine"], view["workerId"]) == (
        "pending", "observed", "comfyui", OTHERS)
    got = await agent.say("claim", workerId="studio/comfyui/1", engines=["comfyui", "sketch"])
    assert got["job"]["id"] == mine


async def test_it_starts_steps_and_completes_as_it_is_told(place: Any, agent: Any) -> None:
    await waiting(agent, "a")
    await agent.say("adopt", **sight("a", state="running", startedS=place.clock.now_s - 3.0))
    assert place.job("a")["status"] == "running"
    assert place.job("a")["elapsed"] == pytest.approx(3.0)
    told = {"jobId": "a", "atS": place.clock.now_s, **REPORT}
    await agent.say("job_report", fact="planned", stages=[["KSampler", 20], ["save", 0]], **told)
    await agent.say("job_report", fact="stage_started", index=0, **told)
    await agent.say("job_progress", index=0, step=7, samples=[], metrics={"loss": 0.5}, **told)
    view = place.job("a")
    assert (view["stage"], view["currentStep"], view["metrics"]) == ("KSampler", 7, {"loss": 0.5})
    await agent.say("job_report", fact="completed", outputs=[{"path": "a.webp", "link": "http://c/view"}], **told)
    assert place.job("a")["status"] == "completed"
    assert place.job("a")["outputs"][0]["link"] == "http://c/view"
    assert await agent.say("adopt", **sight("a", state="running")) == {"stale": True}


async def test_commands_go_to_who_tells_of_it(place: Any, ada: Any, agent: Any) -> None:
    await waiting(agent, "a", "b", "c")
    await ada.command("b", "cancel")
    assert place.job("b")["request"] == "cancel"
    assert place.job("b")["status"] == "pending"
    assert agent.heard("job_command")[-1] == {"jobId": "b", "attempt": 1, "command": "cancel"}
    await agent.say("job_report", jobId="b", fact="cancelled", atS=place.clock.now_s, **REPORT)
    assert place.job("b")["status"] == "cancelled"
    await ada.say("move", jobId="c", direction="top")
    assert agent.heard("job_command")[-1] == {"jobId": "c", "attempt": 1, "command": "move", "before": "a"}
    assert (place.job("c")["request"], place.job("c")["movedBy"]) == ("move", "ada")
    await agent.say("adopt", **sight("c", state="pending", place=-1.0))
    assert place.order() == ["c", "a"]
    assert place.job("c")["request"] == ""


async def test_foreign_and_own_jobs_are_not_mixed_by_a_move(place: Any, ada: Any, agent: Any) -> None:
    await waiting(agent, "a")
    [mine] = await ada.submit()
    with pytest.raises(BadField, match="another program's"):
        await ada.say("move", jobId="a", before=mine)
    assert place.job("a")["request"] == ""
    with pytest.raises(IllegalTransition, match="priority"):
        await ada.say("set_priority", jobId="a", priority="high")
    with pytest.raises(IllegalTransition, match="cancel it first"):
        await ada.say("remove", jobId="a")


async def test_what_cannot_be_done_is_refused_with_its_reason(place: Any, ada: Any, agent: Any) -> None:
    await agent.say("adopt", **sight("a", state="running", cannot={"pause": "the extension is not installed"}))
    with pytest.raises(IllegalTransition, match="because the extension is not installed"):
        await ada.command("a", "pause")
    assert place.job("a")["cannot"]["pause"] == "the extension is not installed"
    with pytest.raises(IllegalTransition, match="skip"):
        await ada.command("a", "skip")


async def test_a_refusal_that_comes_later_is_told(place: Any, ada: Any, agent: Any) -> None:
    await agent.say("adopt", **sight("a", state="running"))
    await ada.command("a", "pause")
    await agent.say("job_report", jobId="a", fact="refused", command="pause", atS=place.clock.now_s,
                    error={"kind": "refused", "message": "it has no steps"}, **REPORT)
    assert place.job("a")["request"] == ""
    [said] = [one for one in place.told("communication") if one["jobId"] == "a"]
    assert (said["level"], said["message"]) == ("warning", "cannot pause shot a: it has no steps")


async def test_what_is_not_heard_of_any_more_is_lost_and_can_be_found(place: Any, agent: Any) -> None:
    await agent.say("adopt", **sight("a", state="running"))
    await waiting(agent, "b")
    await place.wait_s(11.0)
    assert [place.job(one)["status"] for one in "ab"] == ["failed", "failed"]
    assert place.job("a")["errorKind"] == "lost"
    assert {alert["level"] for alert in place.alerts()} == {"warning"}
    assert (await agent.say("adopt", **sight("b", state="pending")))["attempt"] == 1
    await agent.say("job_report", jobId="a", fact="completed", atS=place.clock.now_s, **REPORT)
    assert [place.job(one)["status"] for one in "ab"] == ["completed", "pending"]
    assert place.alerts() == []


async def test_a_restarted_hub_waits_for_who_tells_of_them(place: Any, agent: Any) -> None:
    await waiting(agent, "a")
    await place.restart()
    assert place.job("a")["status"] == "pending"
    again = await place.hand("agent-2")
    await again.say("adopt", **sight("a", state="running"))
    await place.wait_s(5.0)
    assert (await again.say("heartbeat", jobs=["a"]))["abandon"] == []
    await place.wait_s(8.0)
    assert place.job("a")["status"] == "running"


async def test_a_job_made_from_a_workflow_can_be_tried_again_as_ours(place: Any, ada: Any, agent: Any) -> None:
    await agent.say("adopt", **sight("a", state="running", workflow=GRAPH))
    told = {"jobId": "a", "atS": place.clock.now_s, **REPORT}
    await agent.say("job_report", fact="failed", error={"kind": "error", "message": "boom"}, **told)
    await ada.say("retry", jobId="a")
    assert (place.job("a")["status"], place.job("a")["origin"]) == ("pending", "echodeck")
    await place.restart()
    again = await place.hand("agent-2")
    job = (await again.say("claim", workerId="studio/comfyui/1", engines=["comfyui"]))["job"]
    assert '"KSampler"' in job["spec"]["options"]["workflow"]


async def test_a_script_is_forgotten_when_it_has_gone_and_its_job_cannot_be_tried_again(place: Any, ada: Any,
                                                                                      agent: Any) -> None:
    await agent.say("register", agentId="agent-1", host="studio", kind="script")
    await agent.say("adopt", **sight("a", state="running", origin="script"))
    await agent.say("job_report", jobId="a", fact="failed", atS=place.clock.now_s,
                    error={"kind": "ValueError", "message": "no"}, **REPORT)
    with pytest.raises(IllegalTransition, match="run the script again"):
        await ada.say("retry", jobId="a")
    agent.leave()
    await place.wait_s(11.0)
    assert place.room.board.all("agents") == {}


async def test_a_job_of_our_own_cannot_be_adopted(place: Any, ada: Any, agent: Any) -> None:
    [mine] = await ada.submit()
    with pytest.raises(InputError, match="own queue"):
        await agent.say("adopt", **sight(mine, state="running"))


async def test_what_a_server_lost_is_queued_again_if_it_was_ours(place: Any, ada: Any, agent: Any) -> None:
    [mine] = await ada.submit()
    job = await agent.claim()
    await agent.report(job, "lost", error={"kind": "lost", "message": "ComfyUI was restarted and has forgotten it"})
    assert place.job(mine)["status"] == "pending"
    [alert] = place.alerts()
    assert "has forgotten it" in alert["message"]
    assert "queued again" in alert["message"]


async def test_odd_specs_of_others_are_held_inside_our_bounds(place: Any, agent: Any) -> None:
    spec = {"engine": "comfyui", "model": "m", "title": "x\u001b[31m\n" * 300, "width": -5, "steps": 10**12,
            "seed": 2**64 - 1, "prompt": "p" * 100_000}
    await agent.say("adopt", **{**sight("a", state="pending"), "spec": spec})
    view = place.job("a")
    assert "\x1b" not in view["title"]
    assert (len(view["title"]), view["width"], len(view["prompt"])) == (200, 0, 16_384)
