"""The page in Chromium, against a scripted hub: what it shows, what it says, and how it takes a hub that goes away."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echodeck.model.job import JobError, JobState, Output
from echodeck.model.record import Alert, Disk, Gpu, Host, LogLine

from .conftest import PATIENCE_MS, Dashboard, FakeHub, a_job, a_view, frame, live, wait_for

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
Open = Callable[..., Any]


def card(page: Any, job_id: str) -> Any:
    return page.locator(f"[data-testid=job-card][data-job='{job_id}']")


def row(page: Any, job_id: str) -> Any:
    return page.locator(f"[data-testid=queue-row][data-job='{job_id}']")


def machine(**more: Any) -> Host:
    return Host("atelier", time.time(), cpu_percent=22.0, cores_percent=(10.0, 34.0), memory_used_bytes=8 << 30,
                memory_total_bytes=32 << 30, disks=(Disk("/", 500 << 30, 100 << 30, 400 << 30),),
                **{"gpu_reason": "No NVIDIA driver is installed.", **more})


def test_a_running_job_is_shown_whole(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", "hero shot", JobState.RUNNING)))
    page = open_page()
    one = card(page, "one")
    one.wait_for()
    assert one.get_by_test_id("job-title").text_content() == "hero shot"
    bar = one.get_by_test_id("job-progress")
    assert (bar.get_attribute("aria-valuenow"), bar.get_attribute("data-state")) == ("25.0", "running")
    assert one.get_by_test_id("job-step").text_content() == "5 / 20"
    first = float(one.get_by_test_id("job-eta").get_attribute("data-eta-s"))
    assert 20 < first <= 40
    wait_for("the estimate to count down by itself",
             lambda: float(one.get_by_test_id("job-eta").get_attribute("data-eta-s")) < first - 1)
    wait_for("the tab's title", lambda: page.title() == "25 % · hero shot — echodeck")
    assert "load model" in one.get_by_test_id("job-stages").text_content()
    one.get_by_test_id("job-spark-steps").wait_for()
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    hub.tell(frame("generation_preview", {"jobId": "one", "attempt": 1, "step": 5, "at": None, "image": pixel}))
    wait_for("the preview", lambda: one.get_by_test_id("job-preview").locator("img").get_attribute("src") == pixel)


def test_a_stage_without_steps_has_its_name_and_no_step(hub: FakeHub, open_page: Open) -> None:
    job = a_job("one", state=JobState.RUNNING)
    hub.put(a_view(replace(job, stage_index=0), speed=0.0))
    page = open_page()
    one = card(page, "one")
    one.wait_for()
    assert one.get_by_test_id("job-stage").text_content() == "load model"
    assert one.get_by_test_id("job-step").is_hidden()
    assert one.get_by_test_id("job-step").text_content() == ""
    assert one.get_by_test_id("job-speed").is_hidden()


def test_what_people_type_is_text(hub: FakeHub, open_page: Open) -> None:
    failed = a_job("bad", NASTY, JobState.FAILED, finished_s=time.time(), attempt=1, error=JobError("x", NASTY))
    for job in (a_job("one", NASTY, JobState.RUNNING), a_job("two", NASTY), failed):
        hub.put(a_view(job))
    hub.alerts = [Alert("a", "a", "error", NASTY, NASTY, time.time())]
    hub.logs = [LogLine("l", time.time(), "error", NASTY, NASTY)]
    hub.hosts = [machine(gpu_reason=NASTY, gpus=(Gpu(0, NASTY, "nvidia", util_percent=3.0),))]
    page = open_page()
    assert card(page, "one").get_by_test_id("job-title").text_content() == NASTY
    assert NASTY in row(page, "two").text_content()
    assert NASTY in card(page, "bad").text_content()
    assert NASTY in page.get_by_test_id("alert").text_content()
    assert NASTY in page.get_by_test_id("machine").text_content()
    page.evaluate("location.hash = 'logs'")
    assert NASTY in page.get_by_test_id("log-row").text_content()
    page.evaluate("location.hash = 'machines'")
    page.get_by_test_id("plots").get_by_test_id("plot").first.wait_for()
    assert page.evaluate("window.hacked") is None


def test_commands_go_to_the_hub_and_refusals_are_said(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    hub.put(a_view(a_job("two")))
    page = open_page()
    card(page, "one").get_by_test_id("job-pause").click()
    wait_for("the command", lambda: hub.of("generation_command"))
    said = hub.of("generation_command")[0]
    assert said["payload"] == {"jobId": "one", "command": "pause"}
    assert said["id"]
    hub.put(a_view(a_job("one", state=JobState.PAUSED, paused_by="Jonas", paused_s=time.time())))
    card(page, "one").get_by_test_id("job-resume").wait_for()
    assert card(page, "one").get_by_test_id("job-progress").get_attribute("data-state") == "paused"
    assert "Jonas" in card(page, "one").text_content()
    hub.refuse["move"] = {"code": "illegal_transition", "message": "it is at the top already"}
    row(page, "two").get_by_test_id("queue-up").click()
    page.get_by_text("it is at the top already").wait_for()
    row(page, "two").press("Alt+ArrowDown")
    wait_for("the keyboard's move", lambda: len(hub.of("move")) == 2)
    assert hub.of("move")[1]["payload"] == {"jobId": "two", "direction": "down"}


def test_the_form_is_the_engines_and_says_what_is_wrong_at_its_field(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    page.get_by_test_id("new-job").click()
    form = page.get_by_test_id("submit-form")
    form.wait_for()
    form.get_by_test_id("submit-prompt").fill("hills at dusk")
    form.get_by_test_id("submit-width").fill("100")
    hub.refuse["submit"] = {"code": "bad_field", "message": "width: must be a multiple of 8", "field": "width"}
    form.get_by_test_id("submit-button").click()
    form.get_by_text("must be a multiple of 8").wait_for()
    assert form.get_by_test_id("submit-width").get_attribute("aria-invalid") == "true"
    hub.refuse.clear()
    form.get_by_test_id("submit-width").fill("64")
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    payload = hub.of("submit")[-1]["payload"]
    assert (payload["prompt"], payload["engine"], payload["model"], payload["width"], payload["height"]) == (
        "hills at dusk", "sketch", "sketch-s", 64, 192)
    assert isinstance(payload["seed"], int)


def test_the_form_says_at_once_what_is_no_number_and_what_is_too_long(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    page.get_by_test_id("new-job").click()
    form = page.get_by_test_id("submit-form")
    prompt = form.get_by_test_id("submit-prompt")
    prompt.fill("a" * 16383)
    prompt.press_sequentially("bcd")
    form.get_by_text("At most 16384 characters").wait_for()
    assert len(prompt.input_value()) == 16384
    for empty in ("", "100.5"):
        form.get_by_test_id("submit-width").fill(empty)
        form.get_by_test_id("submit-button").click()
        form.get_by_text("width: give a whole number, 64 to 512").wait_for()
        assert form.get_by_test_id("submit-button").is_enabled()
    assert not hub.of("submit")
    form.get_by_test_id("submit-width").fill("64")
    prompt.evaluate("node => { node.value = 'a'.repeat(2000000); }")
    form.get_by_test_id("submit-button").click()
    form.get_by_text("too long to be sent").wait_for()
    assert form.get_by_test_id("submit-button").is_enabled()
    assert not hub.of("submit")


def test_a_failed_job_turns_red_and_can_be_tried_again(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    page = open_page()
    card(page, "one").wait_for()
    gone = a_job("one", state=JobState.FAILED, finished_s=time.time(), attempt=1, error=JobError("x", "out of memory"))
    hub.put(a_view(gone), "generation_failed")
    bar = card(page, "one").get_by_test_id("job-progress")
    wait_for("the red bar", lambda: bar.get_attribute("data-state") == "error")
    assert "out of memory" in card(page, "one").text_content()
    card(page, "one").get_by_test_id("job-retry").click()
    wait_for("the command", lambda: hub.of("retry"))


def test_what_is_done_links_to_its_picture(hub: FakeHub, open_page: Open) -> None:
    done = a_job("one", state=JobState.COMPLETED, finished_s=time.time(), progress=100.0, attempt=1,
                 outputs=(Output("/x.png"),))
    hub.put(a_view(done))
    hub.pictures = True
    page = open_page()
    link = card(page, "one").get_by_test_id("job-output")
    assert link.get_attribute("href") == f"{hub.url}/api/generations/one/outputs/0"
    page.get_by_test_id("clear-completed").click()
    wait_for("the command", lambda: hub.of("clear_completed"))


def test_each_picture_of_a_batch_can_be_opened(hub: FakeHub, open_page: Open) -> None:
    outputs = tuple(Output(f"/x{n}.png", host="atelier") for n in range(3))
    hub.put(a_view(a_job("one", state=JobState.COMPLETED, finished_s=time.time(), attempt=1, outputs=outputs)))
    hub.pictures = True
    links = card(open_page(), "one").get_by_test_id("job-output-n")
    wait_for("the links", lambda: links.count() == 3)
    assert [link.get_attribute("href") for link in links.all()] == [
        f"{hub.url}/api/generations/one/outputs/{n}" for n in range(3)]
    assert links.nth(2).get_attribute("title") == "on atelier: /x2.png"


def test_a_picture_that_lies_elsewhere_is_named_by_its_place(hub: FakeHub, open_page: Open) -> None:
    done = a_job("one", state=JobState.COMPLETED, finished_s=time.time(), attempt=1,
                 outputs=(Output("/far/x.png", host="atelier"),))
    hub.put(a_view(done))
    hub.pictures = False
    page = open_page()
    card(page, "one").get_by_text("on atelier: /far/x.png").wait_for()
    assert card(page, "one").get_by_test_id("job-output").get_attribute("href") is None


def test_alerts_are_acknowledged_and_fade_when_resolved(hub: FakeHub, open_page: Open) -> None:
    alert = Alert("a", "disk", "warning", "disk full soon", "9 GB an hour", time.time())
    hub.alerts = [alert]
    page = open_page()
    shown = page.get_by_test_id("alert")
    shown.get_by_test_id("alert-acknowledge").click()
    wait_for("the command", lambda: hub.of("acknowledge_alert"))
    assert hub.of("acknowledge_alert")[0]["payload"] == {"alertId": "a"}
    shown.get_by_test_id("alert-silence").select_option("28800")
    wait_for("the silence", lambda: hub.of("silence_alert"))
    assert hub.of("silence_alert")[0]["payload"] == {"alertId": "a", "seconds": 28800}
    silent = {**hub.state()["alerts"][0], "silencedBy": "ada", "silencedUntil": "2099-01-05T10:00:00.000Z"}
    hub.tell(frame("system_alert", silent))
    shown.get_by_text("by ada").wait_for()
    assert "seen" in (shown.get_attribute("class") or "")
    assert shown.get_by_test_id("alert-silence").locator("option").all_inner_texts()[:2] == ["Silent", "call again"]
    resolved = {**hub.state()["alerts"][0], "resolvedAt": "2026-01-05T10:00:00.000Z"}
    hub.tell(frame("alert_resolved", resolved))
    shown.wait_for(state="detached")
    page.get_by_text("All is well.").wait_for()


def test_an_alert_leads_to_its_jobs_and_keeps_the_error_apart(hub: FakeHub, open_page: Open) -> None:
    for number in range(12):
        hub.put(a_view(a_job(f"job-{number}", state=JobState.FAILED, finished_s=time.time() - number, attempt=1)))
    hub.alerts = [Alert("a", "failed:sketch:studio:crash", "error", "12 jobs failed", "sketch on studio: no layer",
                        time.time(), 12, jobs=tuple(f"job-{number}" for number in range(12)),
                        detail="no layer\n  at line 7")]
    page = open_page("logs")
    shown = page.get_by_test_id("alert")
    shown.get_by_text("and 4 more").wait_for()
    assert shown.get_by_test_id("alert-job").count() == 8
    assert "12 times" not in shown.inner_text()
    shown.get_by_test_id("alert-detail").locator("summary").click()
    shown.get_by_text("at line 7").wait_for()
    shown.get_by_test_id("alert-job").nth(3).click()
    wait_for("the job", lambda: "#queue" in page.url)
    wait_for("its place", lambda: page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap((one) => [...(one.shadowRoot?.querySelectorAll(
             '[data-job="job-8"]') ?? [])]).some((node) => node.getBoundingClientRect().top > 0
             && node.getBoundingClientRect().bottom < innerHeight)"""))


def test_the_log_is_filtered_cleared_and_taken_home(hub: FakeHub, open_page: Open, tmp_path: Path) -> None:
    levels = ["debug", "info", "warning", "error"]
    hub.logs = [LogLine(level, time.time() + n, level, "hub", f"a {level} line") for n, level in enumerate(levels)]
    page = open_page("logs")
    rows = page.get_by_test_id("log-row")
    rows.first.wait_for()
    assert rows.count() == 3
    page.get_by_test_id("log-level").select_option("error")
    wait_for("the filter", lambda: rows.count() == 1)
    page.get_by_test_id("log-level").select_option("debug")
    with page.expect_download() as waiting:
        page.get_by_test_id("log-download-json").click()
    waiting.value.save_as(tmp_path / "log.json")
    assert [line["level"] for line in json.loads((tmp_path / "log.json").read_text())] == levels
    page.get_by_test_id("log-clear").click()
    wait_for("an empty list", lambda: rows.count() == 0)
    hub.logs = [LogLine("new", time.time(), "info", "hub", "new")]
    hub.tell(frame("log", hub.state()["logs"][0]))
    wait_for("the next line", lambda: rows.count() == 1)


def test_machines_with_plots_that_grow(hub: FakeHub, open_page: Open) -> None:
    hub.hosts = [machine()]
    page = open_page("machines")
    assert "No NVIDIA driver is installed." in page.get_by_test_id("machine").text_content()
    plot = page.get_by_test_id("plots").get_by_test_id("plot").first
    plot.wait_for()
    count = "node => Object.values(node.sources ?? {})[0]?.data.cpu.length ?? 0"
    wait_for("the first row", lambda: plot.evaluate(count) == 1)
    at = time.time()
    for n in range(1, 4):
        hub.tell(frame("host_metrics", {**json.loads(json.dumps(hub.state()["hosts"][0])), "at_s": at + n}))
        wait_for("a row a message", lambda n=n: plot.evaluate(count) == n + 1)


def test_a_silent_machine_can_be_forgotten(hub: FakeHub, open_page: Open) -> None:
    hub.hosts = [machine(), replace(machine(), name="attic", at_s=time.time() - 3600)]
    page = open_page("machines")
    here, gone = (page.locator(f"[data-testid=machine][data-host={name}]") for name in ("atelier", "attic"))
    gone.wait_for()
    assert "silent for 1:00" in gone.text_content()
    assert not here.get_by_test_id("machine-forget").is_visible()
    gone.get_by_test_id("machine-forget").click()
    wait_for("the command", lambda: [said["payload"] for said in hub.of("forget_host")] == [{"host": "attic"}])
    hub.tell(frame("host_forgotten", {"name": "attic"}, hub.seq + 1))
    wait_for("its card to go", lambda: gone.count() == 0)
    assert here.count() == 1


def test_plots_begin_with_what_the_hub_remembers(hub: FakeHub, open_page: Open) -> None:
    hub.hosts = [machine()]
    row = json.loads(json.dumps(hub.state()["hosts"][0]))
    hub.recent = {row["name"]: [{**row, "at_s": row["at_s"] - n} for n in range(300, -1, -1)]}
    page = open_page("machines")
    plot = page.get_by_test_id("plots").get_by_test_id("plot").first
    plot.wait_for()
    times = "node => [...(Object.values(node.sources ?? {})[0]?.data.time ?? [])]"
    wait_for("the remembered rows", lambda: len(plot.evaluate(times)) == 301)
    hub.tell(frame("host_metrics", {**row, "at_s": row["at_s"] + 1}))
    wait_for("the next row", lambda: len(plot.evaluate(times)) == 302)
    seen = plot.evaluate(times)
    assert seen == sorted(set(seen))


def test_a_hub_that_comes_back_finds_the_page_live_without_a_reload(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    page = open_page()
    card(page, "one").wait_for()
    page.evaluate("window.same = true")
    hub.stop()
    badge = page.get_by_test_id("connection")
    wait_for("the page to notice", lambda: badge.get_attribute("data-state") == "waiting")
    assert page.title().startswith("⚠")
    hub.name, hub.jobs = "hub-2", {}
    hub.put(a_view(a_job("two", "another", JobState.RUNNING)))
    hub.start()
    live(page, 5000)
    card(page, "two").wait_for()
    assert card(page, "one").count() == 0
    assert page.evaluate("window.same")


def test_a_command_given_meanwhile_is_sent_once_it_is_back(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    page = open_page()
    card(page, "one").wait_for()
    hub.stop()
    wait_for("the page to notice", lambda: page.get_by_test_id("connection").get_attribute("data-state") == "waiting")
    card(page, "one").get_by_test_id("job-cancel").click()
    hub.start()
    wait_for("the command", lambda: hub.of("generation_command"))
    live(page)
    assert len(hub.of("generation_command")) == 1


class RestOnly(http.server.ThreadingHTTPServer):
    """A hub behind something that lets no WebSocket through."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        super().__init__(("127.0.0.1", hub.port), Answer)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/api/ws"):
            self.reply({}, 501)
        else:
            self.reply({"initial": self.server.hub.state()})  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.hub.said.append(said)  # type: ignore[attr-defined]
        self.reply({"type": "ack", "payload": {"id": said["id"], "result": {}}})

    def do_OPTIONS(self) -> None:
        self.reply({})

    def reply(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(data))),
                            ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "*")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def rest_only(hub: FakeHub) -> Iterator[FakeHub]:
    hub.stop()
    server = RestOnly(hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


def test_without_a_websocket_it_polls_and_still_steers(rest_only: FakeHub, open_page: Open) -> None:
    rest_only.jobs["one"] = a_view(a_job("one", state=JobState.RUNNING))
    page = open_page(wait=False)
    page.locator("[data-testid=connection][data-state=polling]").wait_for(timeout=PATIENCE_MS)
    card(page, "one").wait_for()
    rest_only.jobs["one"] = a_view(a_job("one", state=JobState.RUNNING, progress=55.0))
    bar = card(page, "one").get_by_test_id("job-progress")
    wait_for("the next look", lambda: bar.get_attribute("aria-valuenow") == "55.0")
    card(page, "one").get_by_test_id("job-cancel").click()
    wait_for("the command", lambda: rest_only.of("generation_command"))


ELSEWHERE = """() => {
  addEventListener("securitypolicyviolation", (event) => { window.refused = event.blockedURI; });
  const sheet = document.createElement("link");
  Object.assign(sheet, { rel: "stylesheet", href: "https://cdn.example.invalid/loading.css" });
  document.head.append(sheet);
}"""
"""Asks for a stylesheet as Panel does for a session that no page was rendered for."""


def test_live_values_go_on_without_the_pages_own_server(hub: FakeHub, chromium: Any, tmp_path: Path) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    server = Dashboard(tmp_path, ECHODECK_HUB=hub.url)
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        url = server.url()
        page.goto(url)
        card(page, "one").wait_for()
        server.kill()
        hub.put(a_view(a_job("one", state=JobState.RUNNING, progress=77.0)))
        bar = card(page, "one").get_by_test_id("job-progress")
        wait_for("the next value", lambda: bar.get_attribute("aria-valuenow") == "77.0")
        page.get_by_text("Live values and commands go on.").wait_for()
        page.evaluate("window.same = true")
        server = Dashboard(tmp_path, ECHODECK_HUB=hub.url, ECHODECK_DASH_PORT=url.split(":")[-1].strip("/"))
        page.get_by_text("server is back").wait_for()
        hub.put(a_view(a_job("one", state=JobState.RUNNING, progress=88.0)))
        wait_for("the next value", lambda: bar.get_attribute("aria-valuenow") == "88.0")
        assert page.evaluate("window.same")
        page.wait_for_load_state("networkidle")
        assert not [url for url in asked if not url.startswith(("http://127.0.0.1", "data:", "blob:"))]
        page.evaluate(ELSEWHERE)
        wait_for("the refusal", lambda: page.evaluate("window.refused"))
    finally:
        page.close()
        server.stop()


def test_a_long_queue_stays_whole(hub: FakeHub, open_page: Open) -> None:
    for n in range(400):
        hub.jobs[f"job{n}"] = a_view(a_job(f"job{n}", f"picture {n}"))
    page = open_page("queue")
    wait_for("all rows", lambda: page.get_by_test_id("queue-row").count() == 400)
    hub.jobs = {"job399": hub.jobs["job399"], **hub.jobs}
    hub.tell(frame("queue_update", {**hub.queue(), "order": ["job399", *[f"job{n}" for n in range(399)]]}))
    wait_for("the new order", lambda: page.get_by_test_id("queue-row").first.get_attribute("data-job") == "job399")
    assert page.get_by_test_id("queue-row").count() == 400
    page.evaluate("location.hash = 'now'")
    wait_for("only the next ones", lambda: page.get_by_test_id("queue-row").count() == 8)


def test_the_queue_says_why_a_job_is_at_its_place_and_who_put_it_there(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", moved_by=NASTY), why="needs about 14 GB of VRAM; the largest here has 12"))
    hub.put(a_view(a_job("two")))
    hub.put(a_view(a_job("three", state=JobState.PAUSED, paused_by="Ada"), why="begun before"))
    page = open_page("queue")
    page.set_viewport_size({"width": 390, "height": 800})
    row(page, "one").wait_for()
    assert row(page, "one").get_by_test_id("queue-moved").text_content() == f"moved by {NASTY}"
    why = row(page, "one").get_by_test_id("queue-why")
    assert why.get_attribute("title") == why.text_content() == "needs about 14 GB of VRAM; the largest here has 12"
    for name in ("two", "three"):
        assert row(page, name).get_by_test_id("queue-why").is_hidden()
        assert row(page, name).get_by_test_id("queue-moved").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("window.hacked") is None


def test_views_and_theme_by_keyboard(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    page.get_by_test_id("nav-logs").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("logs").wait_for()
    assert page.get_by_test_id("queue").is_hidden()
    assert page.get_by_test_id("nav-logs").get_attribute("aria-current") == "page"
    page.get_by_test_id("theme").press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    unnamed = page.locator("button").evaluate_all(
        "all => all.filter(b => !(b.getAttribute('aria-label') || b.textContent.trim())).length")
    assert unnamed == 0


def test_who_prefers_light_gets_light(hub: FakeHub, open_page: Open) -> None:
    page = open_page(color_scheme="light")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_decisions_are_told_and_parts_switched(hub: FakeHub, open_page: Open) -> None:
    part = {"name": "order", "label": "Orders waiting jobs.", "on": True, "by": "", "at": None}
    hub.parts = [part]
    page = open_page("brain")
    page.get_by_text("Nothing has been decided yet", exact=False).wait_for()
    hub.tell(frame("decision", {"id": "d1", "at": "2026-11-24T10:00:00.000Z", "part": "order", "jobId": "one",
                                "title": "dusk goes first", "reason": "its model <b>is</b> loaded", "data": {}}))
    page.get_by_test_id("decision").wait_for()
    assert page.get_by_test_id("decision").locator("small").inner_text() == "its model <b>is</b> loaded"
    switch = page.get_by_role("switch")
    assert switch.get_attribute("aria-checked") == "true"
    switch.press("Enter")
    wait_for("the switch is asked for", lambda: hub.of("brain_switch"))
    assert hub.of("brain_switch")[0]["payload"] == {"part": "order", "on": False}
    hub.tell(frame("brain_part", {**part, "on": False, "by": "ada", "at": "2026-11-24T10:00:01.000Z"}))
    wait_for("it is off", lambda: switch.get_attribute("aria-checked") == "false")
    assert "by ada" in page.get_by_test_id("part").inner_text()


def test_a_decision_can_be_taken_back_while_that_makes_sense(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", "dusk", JobState.PAUSED, paused_s=time.time())))
    page = open_page("brain")
    undo = {"label": "Let it go on", "type": "generation_command", "payload": {"jobId": "one", "command": "resume"}}
    hub.tell(frame("decision", {"id": "d1", "at": "2026-11-24T10:00:00.000Z", "part": "preempt", "jobId": "one",
                                "title": "dusk is held", "reason": "one is urgent", "data": {"undo": undo}}))
    button = page.get_by_role("button", name="Let it go on")
    button.click()
    wait_for("it is asked for", lambda: hub.of("generation_command"))
    assert hub.of("generation_command")[0]["payload"] == undo["payload"]
    hub.put(a_view(a_job("one", "dusk", JobState.RUNNING)))
    wait_for("nothing to take back", button.is_hidden)


@pytest.mark.parametrize("width", [390, 768])
def test_nothing_scrolls_sideways(hub: FakeHub, open_page: Open, width: int) -> None:
    hub.put(a_view(a_job("one", "a title that is quite long for a telephone to show in one line", JobState.RUNNING)))
    hub.put(a_view(a_job("two", "unbreakable" * 15)))
    hub.put(a_view(a_job("three", "unbreakable" * 15, JobState.PAUSED, paused_s=time.time())))
    hub.hosts = [machine()]
    page = open_page(viewport={"width": width, "height": 844}, is_mobile=True, has_touch=True)
    card(page, "one").wait_for()
    for view in ("now", "queue", "machines", "brain", "logs"):
        page.get_by_test_id(f"nav-{view}").tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
