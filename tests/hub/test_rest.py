"""REST beyond the fixed table: refusals, bounds, the door, the fallback transport, history, outputs, documents."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck import wire
from echodeck.config import Settings
from echodeck.errors import BadField, ConfigError
from echodeck.hub.app import Hub, bind
from echodeck.hub.auth import Door
from echodeck.hub.generations import inside
from echodeck.hub.moment import moment
from echodeck.hub.tally import tally
from echodeck.model.board import Board
from echodeck.model.calibration import score
from echodeck.model.job import Job, JobSpec, JobState
from echodeck.model.span import Total
from echodeck.store.memory import MemoryStore

SPEC = {"engine": "sketch", "prompt": "hills", "width": 128, "height": 128, "steps": 4}


@pytest.fixture
async def agent(meet: Any) -> Any:
    talk = await meet("/api/coordination/ws")
    await talk.register()
    return talk


async def test_submit_and_look(web: Any, agent: Any) -> None:
    made = await web.post("/api/generations", {**SPEC, "count": 3, "title": "<b>x</b>"}, 201)
    assert len(made["jobIds"]) == len(made["jobs"]) == 3
    one = await web.get(f"/api/generations/{made['jobIds'][0]}")
    assert (one["title"], one["status"]) == ("<b>x</b>", "pending")
    assert len((await web.get("/api/generations?state=pending,running"))["jobs"]) == 3
    assert (await web.get("/api/generations?state=failed"))["jobs"] == []
    assert len((await web.get("/api/generations?limit=2"))["jobs"]) == 2


@pytest.mark.parametrize(("body", "field"), [
    ({"width": 63}, "width"), ({"steps": 0}, "steps"), ({"count": -1}, "count"), ({"width": "128"}, "width"),
    ({"engine": "none"}, "engine"), ({"model": "none"}, "model"), ({"prompt": 7}, "prompt"),
    ({"prompt": "x" * 20_000}, "prompt"), ({"priority": "soon"}, "priority"),
])
async def test_a_bad_job_names_the_field_and_changes_nothing(web: Any, agent: Any, body: dict[str, Any],
                                                            field: str) -> None:
    refused = await web.post("/api/generations", {**SPEC, **body}, 400)
    assert refused["error"]["field"] == field
    assert refused["error"]["code"] == "bad_field"
    assert (await web.get("/api/generations"))["jobs"] == []


async def test_bad_requests(web: Any) -> None:
    cases: list[tuple[str, str, Any, int, str]] = [
        ("POST", "/api/generations", b"{", 400, "bad_json"),
        ("POST", "/api/generations", b"[]", 400, "bad_field"),
        ("POST", "/api/generations", b"x" * (3 << 20), 413, "too_large"),
        ("POST", "/api/generations/queue/x/move", b"7", 400, "bad_json"),
        ("POST", "/api/generations/queue/x/move", {"direction": "sideways"}, 400, "bad_field"),
        ("POST", "/api/generations/queue/x/move", {"direction": "up"}, 404, "unknown_job"),
        ("POST", "/api/generations/queue/x/priority", {"priority": 1}, 404, "unknown_job"),
        ("POST", "/api/generations/x/retry", {}, 404, "unknown_job"),
        ("POST", "/api/alerts/x/acknowledge", {}, 404, "unknown_alert"),
        ("POST", "/api/alerts/x/silence", {"seconds": 60}, 404, "unknown_alert"),
        ("POST", "/api/alerts/x/silence", {"seconds": -1}, 400, "bad_field"),
        ("DELETE", f"/api/generations/queue/{'x' * 500}", None, 404, "unknown_job"),
        ("GET", "/api/generations/x", None, 404, "unknown_job"),
        ("GET", "/api/generations/x/trail", None, 404, "unknown_job"),
        ("GET", "/api/generations/x/outputs/0", None, 404, "unknown_job"),
        ("GET", "/api/generations?limit=0", None, 400, "bad_field"),
        ("GET", "/api/generations?state=asleep", None, 400, "bad_field"),
        ("GET", "/api/events?after=-1", None, 400, "bad_field"),
        ("GET", "/api/state?after=x", None, 400, "bad_field"),
        ("GET", "/api/status/metrics?timeframe=2h", None, 400, "bad_field"),
        ("GET", "/api/status/logs?level=loud", None, 400, "bad_field"),
        ("GET", "/api/history/jobs?since=yesterday", None, 400, "bad_field"),
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("PUT", "/api/generations", {}, 405, "not_allowed"),
        ("POST", "/api/commands", b"{", 400, "bad_json"),
        ("POST", "/api/commands", {"type": "retry", "payload": {"jobId": "x"}}, 404, "unknown_job"),
    ]
    for method, path, body, status, code in cases:
        reply = await web(method, path, body)
        told = reply.json.get("error") or reply.json["payload"]
        assert (reply.status, told["code"]) == (status, code), (method, path)
        assert told["message"]


async def test_commands_answer_like_a_socket(web: Any, agent: Any) -> None:
    frame = {"type": "submit", "payload": SPEC, "id": "one"}
    first = await web.post("/api/commands?client=me", frame)
    assert (first["type"], first["payload"]["id"]) == ("ack", "one")
    again = await web.post("/api/commands?client=me", frame)
    assert again["payload"] == first["payload"]
    assert len((await web.get("/api/generations"))["jobs"]) == 1
    asked = await web.post("/api/commands", {"type": "request_queue_status"})
    assert [message["type"] for message in asked["messages"]] == ["queue_update"]
    refused = await web("POST", "/api/commands", {"type": "nonsense", "id": "two"})
    assert (refused.json["type"], refused.json["payload"]["id"]) == ("error", "two")


async def test_a_data_directory_that_cannot_be_written_stops_no_watching(tmp_path: Path, settings: Settings,
                                                                          web_at: Any) -> None:
    (tmp_path / "file").write_text("no directory")
    hub = Hub(replace(settings, data=tmp_path / "file"))
    await hub.start()
    try:
        web = web_at(hub.url)
        refused = await web.post("/api/generations", SPEC, 503)
        assert refused["error"]["code"] == "store_unavailable"
        assert str(tmp_path / "file") in refused["error"]["message"]
        assert (await web.get("/api/echo/health"))["accepting"] is False
        health = await web.get("/api/status/system-health")
        assert (health["status"], health["reasons"][1]) == ("error", refused["error"]["message"])
        alerts = (await web.get("/api/state"))["initial"]["alerts"]
        assert [alert["level"] for alert in alerts] == ["error"]
        seen = await web.post(f"/api/alerts/{alerts[0]['id']}/acknowledge?user=Ada")
        assert seen["acknowledgedBy"] == "Ada"
        silent = await web.post(f"/api/alerts/{alerts[0]['id']}/silence?user=Ada", {"seconds": 3600})
        assert silent["silencedBy"] == "Ada"
        assert silent["silencedUntil"] is not None
    finally:
        await hub.stop()


async def test_an_idempotency_key_makes_repeating_harmless(web: Any, agent: Any) -> None:
    for _ in range(2):
        reply = await web("POST", "/api/generations?client=me", SPEC, Idempotency_Key="k")
        assert reply.status == 201
    assert len((await web.get("/api/generations"))["jobs"]) == 1


async def test_polling_gives_what_a_socket_would(web: Any, agent: Any, meet: Any) -> None:
    initial = (await web.get("/api/state"))["initial"]
    board = Board()
    wire.apply(board, wire.Message("initial_state", initial))
    viewer = await meet()
    job_id = (await web.post("/api/generations", SPEC, 201))["jobIds"][0]
    await web.post(f"/api/generations/{job_id}/pause")
    answer = await web.get(f"/api/state?after={board.seq}")
    for one in answer["messages"]:
        wire.apply(board, wire.Message(one["type"], one["payload"], one["timestamp"], one.get("seq")))
    assert board.get("jobs", job_id)["status"] == "paused"
    assert answer["seq"] > initial["seq"]
    await viewer.until("generation_paused", jobId=job_id)
    assert "initial" in await web.get("/api/state?after=999999")


async def test_a_socket_resumes_without_a_gap_or_a_repeat(web: Any, agent: Any, meet: Any) -> None:
    viewer = await meet()
    seq = (await viewer.until("initial_state"))["payload"]["seq"]
    await viewer.socket.close()
    for _ in range(5):
        await web.post("/api/generations", SPEC, 201)
    log = (await web.get(f"/api/events?after={seq}"))["events"]
    back = await meet("/api/ws", f"?after={seq}")
    await web.post("/api/generations", {**SPEC, "title": "the last"}, 201)
    await back.until("generation_queued", title="the last")
    seqs = [message["seq"] for message in back.seen if message.get("seq")]
    assert seqs[: len(log)] == [event["seq"] for event in log]
    assert seqs == list(range(seq + 1, seqs[-1] + 1))
    assert "initial_state" not in {message["type"] for message in back.seen}


async def test_events_are_paged(web: Any, agent: Any) -> None:
    await web.post("/api/generations", {**SPEC, "count": 5}, 201)
    everything = (await web.get("/api/events?after=0"))["events"]
    paged: list[Any] = []
    seq = 0
    while found := (await web.get(f"/api/events?after={seq}&limit=2"))["events"]:
        paged += found
        seq = found[-1]["seq"]
    assert paged == everything
    assert [event["seq"] for event in paged] == sorted({event["seq"] for event in paged})


async def test_outputs_come_from_the_output_directory_only(web: Any, agent: Any, settings: Settings,
                                                          tmp_path: Path) -> None:
    settings.output_dir.mkdir(parents=True)
    (settings.output_dir / "a.png").write_bytes(b"picture")
    (settings.output_dir / "page.html").write_bytes(b"<script>")
    (tmp_path / "secret").write_bytes(b"secret")
    (settings.output_dir / "link.png").symlink_to(tmp_path / "secret")
    paths = [str(settings.output_dir / "a.png"), str(settings.output_dir / "page.html"), str(tmp_path / "secret"),
             "../../secret", "/etc/passwd", str(settings.output_dir / "link.png"), str(settings.output_dir), "a\0b"]
    await web.post("/api/generations", SPEC, 201)
    job = await agent.claim()
    kinds = ["image/png", "text/html", *["image/png"] * 6]
    await agent.report(job, "completed", outputs=[{"path": path, "kind": kind, "host": "studio"}
                                                  for path, kind in zip(paths, kinds, strict=True)])
    base = f"/api/generations/{job['id']}/outputs"
    picture = await web("GET", f"{base}/0")
    assert (picture.body, picture.headers["content-type"]) == (b"picture", "image/png")
    page = await web("GET", f"{base}/1")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment")
    for number in range(2, len(paths)):
        refused = await web("GET", f"{base}/{number}")
        assert refused.status == 404, paths[number]
    assert "studio" in refused.json["error"]["message"]
    assert (await web("GET", f"{base}/99")).status == 404


def test_inside(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert inside(tmp_path / "out", "a") == (tmp_path / "out" / "a").resolve()
    assert inside(tmp_path / "out", "../b") is None
    assert inside(tmp_path / "out", "x" * 5000) is None


async def test_history_and_trail(web: Any, agent: Any) -> None:
    began = time.time()
    await web.post("/api/generations", SPEC, 201)
    job = await agent.claim()
    await agent.report(job, "planned", stages=[["sample", 4]])
    await agent.report(job, "stage_started", index=0)
    for step in range(1, 5):
        await agent.ask("job_progress", {"jobId": job["id"], "attempt": job["attempt"], "workerId": "worker-1",
                                         "index": 0, "step": step, "atS": time.time(),
                                         "samples": [[0, step, time.time(), 0.25]]})
    await agent.report(job, "stage_done", index=0, durationS=1.0)
    await agent.report(job, "completed")
    trail = await web.get(f"/api/generations/{job['id']}/trail")
    assert trail["steps"] == [[1, 0.25], [2, 0.25], [3, 0.25], [4, 0.25]]
    assert all(len(estimate) == 4 for estimate in trail["estimates"])
    for since in (began, "", "1970-01-01T00:00:00Z"):
        rows = await web.get(f"/api/history/jobs?since={since}")
        assert [(row["id"], row["status"]) for row in rows] == [(job["id"], "completed")]
    assert await web.get(f"/api/history/jobs?since={began + 3600}") == []
    steps = await web.get("/api/history/steps")
    assert [(row["step"], row["duration_s"]) for row in steps] == [(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.25)]
    runs = await web.get("/api/history/runs?engine=sketch")
    assert [(row["stage"], row["duration_s"]) for row in runs] == [("sample", 1.0)]
    assert {row["job_id"] for row in await web.get("/api/history/estimates")} <= {job["id"]}


def test_moments() -> None:
    assert moment("") == 0.0
    assert moment("1700000000.5") == 1700000000.5
    assert moment("2023-11-14T22:13:20Z") == moment("2023-11-14T22:13:20") == 1700000000.0
    assert moment("2023-11-14T23:13:20 01:00") == 1700000000.0
    for bad in ("nan", "inf", "-5", "soon", "1e300"):
        with pytest.raises(BadField):
            moment(bad)


def ended(age_s: float, state: JobState, work_s: float = 10.0) -> Job:
    at = 1e9 - age_s
    return Job("x", JobSpec("sketch", "m"), state, started_s=at - work_s, finished_s=at)


def test_tally_compares_with_the_span_before() -> None:
    jobs = [ended(60, JobState.COMPLETED, 10), ended(120, JobState.COMPLETED, 20), ended(180, JobState.FAILED),
            ended(4000, JobState.COMPLETED, 30), ended(9000, JobState.FAILED)]
    found = tally(jobs, "1h", 1e9)
    assert (found.generations_per_hour, found.avg_generation_time) == (2.0, 15.0)
    assert (found.success_rate, found.error_rate) == (pytest.approx(200 / 3), pytest.approx(100 / 3))
    assert (found.generation_trend, found.generation_change) == ("up", 100.0)
    assert (found.time_trend, found.time_change) == ("down", -50.0)
    assert found.success_trend == "down"
    assert (found.error_trend, found.error_change) == ("neutral", 0.0)


def test_tally_of_nothing_is_zero_and_neutral() -> None:
    found = tally([], "24h", 1e9)
    assert (found.generations_per_hour, found.success_rate, found.generation_trend) == (0.0, 0.0, "neutral")


# --- the door --------------------------------------------------------------------------------------------------------


async def test_pages_of_ours_may_use_it_and_others_may_not(web: Any) -> None:
    ours, theirs = "http://127.0.0.1:8310", "http://evil.example"
    allowed = await web("GET", "/api/state", Origin=ours)
    assert allowed.headers["access-control-allow-origin"] == ours
    assert "Origin" in allowed.headers["vary"]
    foreign = await web("GET", "/api/state", Origin=theirs)
    assert foreign.headers["access-control-allow-origin"] is None
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    preflight = await web("OPTIONS", "/api/commands", Origin=ours, **asked)
    assert preflight.status == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    foreign = await web("OPTIONS", "/api/commands", Origin=theirs, **asked)
    assert foreign.headers["access-control-allow-origin"] is None
    assert (await web("POST", "/api/commands", {"type": "ping"}, Origin=ours)).status == 200
    for method, path in (("POST", "/api/commands"), ("DELETE", "/api/generations/queue/x")):
        refused = await web(method, path, {}, Origin=theirs)
        assert refused.status == 403
        assert "allow_origin" in refused.json["error"]["message"]


async def test_a_name_that_is_not_ours_gets_nothing(web: Any) -> None:
    refused = await web("GET", "/api/state", Host="rebound.example:8309")
    assert refused.status == 403
    assert "allow_host" in refused.json["error"]["message"]
    for host in ("localhost:8309", "[::1]:8309", "192.168.1.5", "deck.localhost"):
        assert (await web("GET", "/api/echo/health", Host=host)).status == 200


def test_the_door_can_be_opened_by_settings() -> None:
    door = Door(Settings(allow_origin="https://deck.example/, null", allow_host="deck.example"))
    assert door.host_problem("deck.example:443") == ""
    assert door.host_problem("other.example")
    assert door.knows("https://deck.example", "10.0.0.1:8309")
    assert door.knows("null", "10.0.0.1:8309")
    assert not door.knows("https://other.example", "10.0.0.1:8309")
    assert door.knows("http://10.0.0.1:8310", "10.0.0.1:8309")
    assert not door.knows("http://10.0.0.2:8310", "10.0.0.1:8309")
    assert not door.knows("http://[", "[")


# --- documents -------------------------------------------------------------------------------------------------------


async def test_documents_need_no_network(web: Any) -> None:
    page = await web("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(rb"(src|href)=\"(https?:)?//", page.body)
    api = await web.get("/openapi.json")
    assert {"/api/generations/queue", "/api/echo/health", "/api/commands", "/api/state"} <= set(api["paths"])
    text = json.dumps(api)
    for ref in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert ref in api["components"]["schemas"], ref
    assert "422" not in text
    schema = await web.get("/api/schema")
    assert {"initial_state", "ack"} <= set(schema["hub"])
    assert set(schema["client"]) == {"/api/ws", "/api/echo/ws", "/api/coordination/ws"}


# --- the process -----------------------------------------------------------------------------------------------------


async def test_a_taken_port_is_said(hub: Hub, settings: Settings) -> None:
    port = int(hub.url.rsplit(":", 1)[1])
    second = Hub(replace(settings, port=port), MemoryStore())
    with pytest.raises(ConfigError, match=rf"port {port}.*--port"):
        await second.start()


def test_an_address_that_is_not_ours_is_said() -> None:
    for host in ("203.0.113.7", "no.such.host.invalid"):
        with pytest.raises(ConfigError, match="--host"):
            bind(host, 0)


async def test_a_page_just_opened_gets_the_last_samples(web: Any, agent: Any) -> None:
    for second in range(3):
        await agent.say("host_metrics", {"host": {"name": "atelier", "at_s": 100.0 + second, "cpu_percent": 7.5}})
    await agent.answer("ping")
    recent = (await web.get("/api/hosts/recent"))["hosts"]["atelier"]
    assert [sample["at_s"] for sample in recent] == [100.0, 101.0, 102.0]


async def test_a_machine_is_forgotten_when_it_is_away_and_known(web: Any, agent: Any, hub: Any) -> None:
    await agent.ask("host_metrics", {"host": {"name": "studio", "at_s": 1.0}})
    there = await web("DELETE", "/api/hosts/studio")
    assert (there.status, there.json["error"]["code"]) == (409, "illegal_transition")
    unknown = await web("DELETE", "/api/hosts/at/tic%20(2)")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "unknown_host")
    assert "'at/tic (2)'" in unknown.json["error"]["message"]
    for worker in hub.room.desk.workers.agents.values():
        worker.agent = replace(worker.agent, status="offline")
    assert (await web("DELETE", "/api/hosts/studio")).status == 204
    assert (await web.get("/api/hosts/recent"))["hosts"] == {}


async def test_a_seq_beyond_the_log_is_told_so(web: Any) -> None:
    newest = (await web.get("/api/state"))["seq"]
    assert (await web.get("/api/events?after=9000000"))["seq"] == newest
    assert (await web("GET", f"/api/events?after={10**30}")).status == 400


async def test_clearing_the_list_keeps_the_history(web: Any, agent: Any) -> None:
    await web.post("/api/generations", SPEC, 201)
    job = await agent.claim()
    await agent.report(job, "completed")
    assert (await web.post("/api/generations/queue/clear-completed"))["cleared"] == 1
    assert (await web.get("/api/generations"))["jobs"] == []
    assert [row["jobId"] for row in await web.get("/api/history/jobs")] == [job["id"]]
    assert (await web.get("/api/status/metrics?timeframe=1h"))["successRate"] == 100.0


async def test_only_jobs_in_hand_are_told_as_progress(meet: Any, agent: Any, web: Any) -> None:
    viewer = await meet("/api/ws")
    await web.post("/api/generations", {**SPEC, "count": 3}, 201)
    taken = (await agent.claim())["id"]
    ended = False
    while not ended:
        message = await viewer.next()
        if message["type"] == "generation_progress":
            assert message["payload"]["jobId"] == taken
        ended = message["type"] == "metrics_update"


async def test_a_job_given_back_waits_where_it_was(web: Any, agent: Any) -> None:
    await web.post("/api/generations", {**SPEC, "count": 2}, 201)
    job = await agent.claim()
    await agent.report(job, "released")
    queue = await web.get("/api/generations/queue")
    assert queue["order"][0] == job["id"]
    assert (await web.get("/api/state"))["initial"]["alerts"] == []


async def test_ladders_over_rest(web: Any) -> None:
    found = await web.get("/api/brain/ladders")
    assert (found["on"], found["frozen"], found["bounds"]) == (True, False, {"draft": 40, "standard": 60, "final": 80})


async def test_parts_of_the_brain_over_rest(web: Any) -> None:
    found = await web.get("/api/brain")
    assert all(part["on"] for part in found["parts"])
    assert found["decisions"] == []
    found = await web.post("/api/brain/order?user=ada", {"on": False})
    [order] = [part for part in found["parts"] if part["name"] == "order"]
    assert (order["on"], order["by"]) == (False, "ada")
    refused = await web.post("/api/brain/ordre", {"on": False}, 400)
    assert refused["error"]["field"] == "part"


async def test_how_good_the_estimates_were_over_rest(hub: Any, web: Any) -> None:
    assert await web.get("/api/estimates") == {"kinds": []}
    told = Total(10.0, 8.0, 12.0)
    hub.room.desk.outlooks.calibration.learn(("sketch", "sketch-s", "64×64"), [score(0.5, 12.5, told, told)])
    kinds = (await web.get("/api/estimates"))["kinds"]
    assert [(one["engine"], one["model"], one["resolution"]) for one in kinds] == [
        ("", "", ""), ("sketch", "", ""), ("sketch", "sketch-s", ""), ("sketch", "sketch-s", "64×64")]
    [half] = kinds[3]["shares"]
    assert {"share": 0.5, "count": 1, "error": 0.2, "bias": -0.2, "coverage": 0.0}.items() <= half.items()
    assert half["factorHigh"] > 1.0
