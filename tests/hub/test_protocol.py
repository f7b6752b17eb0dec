"""A conversation for every row of the fixed protocol, as its existing clients hold it: over real sockets, plain frames.

The agent is played by the test; what it says is what `wire.say` describes.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

PATIENCE_S = 10.0
ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
HOST = {
    "name": "studio", "cpu_percent": 42.5, "cores_percent": [40.0, 45.0], "load": [1.0, 0.5, 0.25],
    "memory_used_bytes": 6 << 30, "memory_total_bytes": 16 << 30, "memory_available_bytes": 10 << 30,
    "disks": [{"mount": "/", "total_bytes": 100 << 30, "used_bytes": 40 << 30, "free_bytes": 60 << 30}],
    "gpus": [{"index": 0, "name": "RTX 4090", "vendor": "nvidia", "vram_used_bytes": 6 << 30,
              "vram_total_bytes": 24 << 30}],
}
SPEC = {"engine": "sketch", "prompt": "hills at dawn", "width": 128, "height": 128, "steps": 4}


def numbers(record: dict[str, Any], *names: str) -> None:
    """What existing clients call `.toFixed` on, without a guard."""
    for name in names:
        assert isinstance(record[name], int | float), f"{name} is {record[name]!r}"
        assert not isinstance(record[name], bool)


@pytest.fixture
async def agent(meet: Any) -> Any:
    """A registered agent with one worker."""
    talk = await meet("/api/coordination/ws")
    await talk.register()
    return talk


@pytest.fixture
async def viewer(meet: Any, agent: Any) -> Any:
    """A dashboard, its initial_state read."""
    talk = await meet("/api/ws")
    await talk.until("initial_state")
    return talk


@pytest.fixture
async def running(agent: Any, viewer: Any) -> Any:
    """A job in the agent's hands, in its second stage."""
    await viewer.ask("submit", SPEC)
    job = await agent.claim()
    await agent.report(job, "planned", stages=[["load model", 0], ["sample", 4], ["save", 0]])
    await agent.report(job, "stage_started", index=0)
    await agent.report(job, "stage_done", index=0, durationS=0.5)
    await agent.report(job, "stage_started", index=1)
    return job


async def step(agent: Any, job: dict[str, Any], number: int) -> None:
    await agent.say("job_progress", {
        "jobId": job["id"], "attempt": job["attempt"], "workerId": "worker-1", "index": 1, "step": number,
        "atS": time.time(), "samples": [[1, number, time.time(), 0.25]]})


async def measure(agent: Any) -> None:
    await agent.say("host_metrics", {"host": {**HOST, "at_s": time.time()}})


# --- the envelope and the endpoints ----------------------------------------------------------------------------------


async def test_envelope(viewer: Any, agent: Any) -> None:
    await measure(agent)
    await viewer.say("request_system_status", test_id="an extra key")
    await viewer.until("system_status")
    await viewer.say("ping", {})
    await viewer.until("pong")
    for message in viewer.seen:
        assert isinstance(message["type"], str)
        assert isinstance(message["payload"], dict)
        assert ISO.match(message["timestamp"]), message["timestamp"]


@pytest.mark.parametrize("path", ["/api/ws", "/api/echo/ws", "/api/coordination/ws"])
async def test_endpoints(meet: Any, path: str) -> None:
    talk = await meet(path)
    assert (await talk.next())["type"] == "initial_state"
    await talk.say("ping")
    await talk.until("pong")


# --- hub to client ---------------------------------------------------------------------------------------------------


async def test_initial_state_of_a_new_hub(meet: Any) -> None:
    state = (await (await meet()).next())["payload"]
    status = state["system_status"]
    numbers(status, "cpu", "memory")
    numbers(status["vram"], "nvidia", "amd")
    assert isinstance(status["healthy"], bool)
    assert isinstance(status["consciousness"], str)
    assert re.match(r"^\d+/\d+$", status["working_memory"])
    numbers(status, "active_thoughts")
    assert isinstance(status["emotional_state"], str)
    assert [state[name] for name in ("agents", "alerts")] == [[], []]
    assert isinstance(state["logs"], list)


async def test_initial_state_has_the_agents(meet: Any, agent: Any) -> None:
    state = (await (await meet()).next())["payload"]
    (shown,) = state["agents"]
    assert shown["id"] == "agent-1"
    assert shown["status"] in ("online", "busy")
    numbers(shown, "progress")
    assert shown["metadata"]["host"] == "studio"


async def test_system_status(viewer: Any, agent: Any) -> None:
    await viewer.say("request_system_status")
    first = (await viewer.until("system_status"))["payload"]
    numbers(first, "cpu", "memory", "vram")
    stats = first["stats"]
    assert isinstance(stats["healthy"], bool)
    assert isinstance(stats["consciousness"], str)
    assert re.match(r"^\d+/\d+$", stats["working_memory"])
    numbers(stats, "active_thoughts", "agents", "metrics")
    assert isinstance(stats["emotional_state"], str)


async def test_metrics_update(viewer: Any, agent: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await measure(agent)
            metrics = (await viewer.until("metrics_update"))["payload"]["metrics"]
            numbers(metrics, "cpu", "memory", "generationsPerHour", "avgGenerationTime", "successRate", "errorRate")
            numbers(metrics["vram"], "nvidia", "amd")
            if metrics["cpu"] == 42.5:
                break
    assert metrics["memory"] == pytest.approx(37.5)
    assert metrics["vram"] == {"nvidia": pytest.approx(25.0), "amd": 0.0}


async def test_generation_progress(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    seen: list[float] = []
    for number in (1, 2, 3):
        await step(agent, running, number)
        shown = (await viewer.until("generation_progress", jobId=running["id"], currentStep=number))["payload"]
        numbers(shown, "progress", "currentStep", "totalSteps", "eta", "elapsed")
        assert shown["totalSteps"] == 4
        assert shown["stage"] == "sample"
        seen.append(shown["progress"])
    assert 0 < seen[0] <= seen[1] <= seen[2] < 100


async def test_generation_complete(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await agent.report(running, "completed", outputs=[{"path": "a.png", "width": 128, "height": 128}])
    await viewer.until("generation_complete", jobId=running["id"])
    await viewer.ask("ping")
    assert [message["type"] for message in viewer.seen].count("generation_complete") == 1


async def test_generation_failed(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await agent.report(running, "failed", error={"kind": "out_of_memory", "message": "it does not fit"})
    shown = (await viewer.until("generation_failed", jobId=running["id"]))["payload"]
    assert shown["error"] == "it does not fit"


async def test_agent_status_update(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    busy = (await viewer.until("agent_status_update", agent_id="agent-1", status="busy"))["payload"]
    numbers(busy, "progress")
    assert isinstance(busy["metadata"], dict)
    await agent.report(running, "completed")
    await viewer.until("agent_status_update", agent_id="agent-1", status="online")
    await agent.socket.close()
    await viewer.until("agent_status_update", agent_id="agent-1", status="offline")


async def test_system_alert(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await agent.report(running, "failed", error={"kind": "engine_error", "message": "the sampler broke"})
    alert = (await viewer.until("system_alert"))["payload"]
    assert alert["level"] == "error"
    assert alert["title"]
    assert "the sampler broke" in alert["message"]


async def test_communication(viewer: Any, meet: Any) -> None:
    other = await meet("/api/ws", "?user=Ada")
    await other.ask("communicate", {"message": "look at this <b>one</b>", "level": "warning"})
    said = (await viewer.until("communication"))["payload"]
    assert (said["source"], said["message"], said["level"]) == ("Ada", "look at this <b>one</b>", "warning")


async def test_task_completion(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await agent.report(running, "completed")
    done = (await viewer.until("task_completion"))["payload"]
    assert done["agent_id"] == "agent-1"
    assert done["task_name"]


async def test_query_result(meet: Any, agent: Any) -> None:
    asker = await meet("/api/echo/ws")
    for what in ("health", "plan", "capacity"):
        await asker.say("query", {"what": what}, id=f"q-{what}")
        result = (await asker.until("query_result", id=f"q-{what}"))["payload"]
        assert isinstance(result["answer"], dict)


async def test_workflow_result(meet: Any, agent: Any) -> None:
    asker = await meet("/api/echo/ws")
    await asker.say("workflow", {"jobs": [SPEC, SPEC], "name": "a pair"}, id="w")
    await asker.until("ack", id="w")
    for _ in range(2):
        job = await agent.claim()
        assert job is not None
        await agent.report(job, "completed")
    result = (await asker.until("workflow_result", id="w"))["payload"]
    assert isinstance(result["answer"], dict)


# --- client to hub ---------------------------------------------------------------------------------------------------


async def test_ping(viewer: Any) -> None:
    await viewer.say("ping")
    pong = (await viewer.until("pong"))["payload"]
    assert ISO.match(pong["now"])


async def test_subscribe_generation(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await viewer.ask("subscribe_generation", {"jobId": "of-a-job-to-come"})
    await viewer.say("subscribe_generation", {"jobId": running["id"]})
    await viewer.until("generation_progress", jobId=running["id"])


async def test_request_system_status(viewer: Any) -> None:
    await viewer.say("request_system_status")
    await viewer.until("system_status")


async def test_request_queue_status(viewer: Any) -> None:
    job_id = (await viewer.ask("submit", SPEC))["jobIds"][0]
    viewer.seen.clear()
    await viewer.say("request_queue_status")
    queue = (await viewer.until("queue_update"))["payload"]
    assert [item["id"] for item in queue["items"]] == [job_id]


async def test_generation_command(viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    async def command(name: str) -> None:
        await viewer.say("generation_command", {"jobId": running["id"], "command": name})
        await agent.until("job_command", jobId=running["id"], command=name)

    await command("pause")
    await agent.report(running, "paused")
    await viewer.until("generation_paused", jobId=running["id"], status="paused")
    await command("resume")
    await agent.report(running, "resumed")
    await viewer.until("generation_resumed", jobId=running["id"], status="running")
    await command("cancel")
    await agent.report(running, "cancelled")
    await viewer.until("generation_cancelled", jobId=running["id"], status="cancelled")


# --- REST ------------------------------------------------------------------------------------------------------------


async def measured(viewer: Any, agent: Any) -> None:
    await measure(agent)
    await viewer.until("host_metrics", name="studio")


async def test_rest_health(web: Any, viewer: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):  # once the coordinator has noticed its first agent
        while (health := await web.get("/api/echo/health"))["status"] != "healthy":
            await viewer.until("system_status")
    assert isinstance(health["consciousness"], str)
    assert re.match(r"^\d+/\d+$", health["working_memory"])


async def test_rest_system_metrics(web: Any, viewer: Any, agent: Any) -> None:
    await measured(viewer, agent)
    found = await web.get("/api/echo/system/metrics")
    assert isinstance(found["status"], str)
    assert isinstance(found["service"], str)
    assert (found["cpu_percent"], found["memory_percent"]) == (42.5, 37.5)
    assert (found["vram_used_gb"], found["nvidia_vram_total_gb"]) == (6.0, 24.0)


async def test_rest_system_health(web: Any, viewer: Any, agent: Any) -> None:
    await measured(viewer, agent)
    found = await web.get("/api/status/system-health")
    assert found["status"] in ("healthy", "warning", "error")
    assert found["vram"] == {"used": 6 << 30, "total": 24 << 30, "percentage": 25.0, "gpuName": "RTX 4090"}
    assert found["cpu"] == {"percentage": 42.5, "cores": 2, "loadAverage": [1.0, 0.5, 0.25]}
    assert found["memory"] == {"used": 6 << 30, "total": 16 << 30, "available": 10 << 30, "percentage": 37.5}
    assert found["disk"] == {"used": 40 << 30, "total": 100 << 30, "free": 60 << 30, "percentage": 40.0}


async def test_rest_queue(web: Any, viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    waiting = (await viewer.ask("submit", {**SPEC, "title": "the next one"}))["jobIds"][0]
    await step(agent, running, 2)
    await viewer.until("generation_progress", jobId=running["id"], currentStep=2)
    found = await web.get("/api/generations/queue")
    items = {item["id"]: item for item in found["items"]}
    item = items[waiting]
    assert {name: item[name] for name in ("title", "type", "status", "priority")} == {
        "title": "the next one", "type": "image", "status": "pending", "priority": 0}
    assert ISO.match(item["createdAt"])
    assert {name: found["stats"][name] for name in ("pending", "running", "completed")} == {
        "pending": 1, "running": 1, "completed": 0}
    active = found["active"]
    assert (active["id"], active["paused"], active["currentStep"], active["totalSteps"]) == (
        running["id"], False, 2, 4)
    assert isinstance(active["title"], str)
    assert isinstance(active["type"], str)
    numbers(active, "percentage", "eta", "elapsed")
    assert [(stage["name"], stage["status"]) for stage in active["stages"]] == [
        ("load model", "completed"), ("sample", "running"), ("save", "pending")]
    assert active["stages"][0]["duration"] == 0.5
    for stage in active["stages"]:
        numbers(stage, "duration")


async def test_rest_queue_of_an_idle_hub(web: Any) -> None:
    found = await web.get("/api/generations/queue")
    assert (found["items"], found["active"]) == ([], None)


@pytest.mark.parametrize("timeframe", ["1h", "6h", "24h", "7d"])
async def test_rest_metrics(web: Any, viewer: Any, agent: Any, running: dict[str, Any], timeframe: str) -> None:
    await agent.report(running, "completed")
    found = await web.get(f"/api/status/metrics?timeframe={timeframe}")
    hours = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}[timeframe]
    assert found["generationsPerHour"] == pytest.approx(1 / hours)
    assert (found["successRate"], found["errorRate"]) == (100.0, 0.0)
    numbers(found, "avgGenerationTime", "generationChange", "timeChange", "successChange", "errorChange")
    for name in ("generationTrend", "timeTrend", "successTrend", "errorTrend"):
        assert found[name] in ("up", "down", "neutral")


async def test_rest_logs(web: Any, viewer: Any, agent: Any) -> None:
    for n in range(3):
        await agent.ask("log", {"level": "warning" if n else "info", "source": "sampler", "message": f"line {n}",
                                "atS": time.time() + n})
    await viewer.until("log", message="line 2")
    found = (await web.get("/api/status/logs?limit=2"))["logs"]
    assert [line["message"] for line in found] == ["line 1", "line 2"]
    assert ISO.match(found[0]["timestamp"])
    assert (found[0]["level"], found[0]["source"]) == ("warning", "sampler")
    assert found[0]["id"] != found[1]["id"]
    mild = (await web.get("/api/status/logs?level=info"))["logs"]
    assert {line["level"] for line in mild} == {"info"}


async def test_rest_pause_resume_cancel(web: Any, viewer: Any, agent: Any) -> None:
    job_id = (await viewer.ask("submit", SPEC))["jobIds"][0]
    for command, status in (("pause", "paused"), ("resume", "pending"), ("cancel", "cancelled")):
        job = await web.post(f"/api/generations/{job_id}/{command}")
        assert (job["id"], job["status"]) == (job_id, status)
    refused = await web.post(f"/api/generations/{job_id}/pause", status=409)
    assert refused["error"]["code"] == "illegal_transition"
    unknown = await web.post("/api/generations/none/pause", status=404)
    assert unknown["error"]["code"] == "unknown_job"


async def test_rest_move(web: Any, viewer: Any, agent: Any) -> None:
    first, second = (await viewer.ask("submit", {**SPEC, "count": 2}))["jobIds"]
    queue = await web.post(f"/api/generations/queue/{second}/move", {"direction": "up"})
    assert [item["id"] for item in queue["items"]] == [second, first]
    queue = await web.post(f"/api/generations/queue/{second}/move", {"direction": "down"})
    assert [item["id"] for item in queue["items"]] == [first, second]


async def test_rest_remove(web: Any, viewer: Any, agent: Any) -> None:
    job_id = (await viewer.ask("submit", SPEC))["jobIds"][0]
    gone = await web("DELETE", f"/api/generations/queue/{job_id}")
    assert (gone.status, gone.body) == (204, b"")
    assert (await web("DELETE", f"/api/generations/queue/{job_id}")).status == 404
    assert (await web.get("/api/generations/queue"))["items"] == []


async def test_rest_clear_completed(web: Any, viewer: Any, agent: Any, running: dict[str, Any]) -> None:
    await agent.report(running, "completed")
    assert (await web.post("/api/generations/queue/clear-completed"))["cleared"] == 1
    assert (await web.post("/api/generations/queue/clear-completed"))["cleared"] == 0
