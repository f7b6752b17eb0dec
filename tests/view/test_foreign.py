"""The page in Chromium: jobs that live elsewhere, with many stages, with outputs and errors of other programs; and the
engines that they are in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck.model.engine import EngineInfo, ModelInfo
from echodeck.model.job import Job, JobError, JobState, Output, Stage, StageState

from .conftest import ENGINE, FakeHub, a_job, a_view, frame, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
NO_PAUSE = "without the echodeck extension in it, ComfyUI holds nothing"
COMFYUI = EngineInfo("comfyui", "ComfyUI", kind="comfyui", address="http://127.0.0.1:8188", version="0.33.0",
                     workflows=True, cannot={"pause": NO_PAUSE}, extras=("free",), note="the extension is missing")
FORGE = EngineInfo("forge", "Forge", models=(ModelInfo("xl"), ModelInfo("old")), extras=("skip", "free"),
                   reason="it does not answer.", since_s=time.time() - 600)
VIEW = "http://127.0.0.1:8188/view?filename=a.png"


def observed(job_id: str, state: JobState = JobState.RUNNING, **more: Any) -> Job:
    job = a_job(job_id, state=state, origin="observed", worker_id="atelier/comfyui", user="", **more)
    return replace(job, spec=replace(job.spec, engine="comfyui", sampler="euler", scheduler="karras"))


def ended(job_id: str, state: JobState = JobState.COMPLETED, **more: Any) -> Job:
    return observed(job_id, state, finished_s=time.time(), attempt=1, **more)


def nodes(count: int, at: int) -> tuple[Stage, ...]:
    """Every third of the stages before `at` was skipped."""
    def one(n: int) -> Stage:
        if n < at:
            return Stage(f"node {n}", StageState.COMPLETED if n % 3 else StageState.SKIPPED, duration_s=0.5)
        running = StageState.RUNNING if n == at else StageState.PENDING
        return Stage("KSampler of the second pass" if n == at else f"node {n}", running, step=3 * (n == at), steps=20,
                     expected_s=1.0)

    return tuple(map(one, range(count)))


@pytest.fixture(autouse=True)
def engines(hub: FakeHub) -> None:
    hub.engines = [ENGINE, COMFYUI, FORGE]


def of(page: Any, testid: str, job_id: str) -> Any:
    return page.locator(f"[data-testid={testid}][data-job='{job_id}']")


def card(page: Any, job_id: str) -> Any:
    return of(page, "job-card", job_id)


def test_what_is_impossible_says_why_and_asks_nothing(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(observed("one"), COMFYUI))
    page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    pause = card(page, "one").get_by_test_id("job-pause")
    pause.wait_for()
    assert pause.get_attribute("aria-disabled") == "true"
    assert (pause.get_attribute("aria-label"), pause.get_attribute("title")) == ("Pause", f"W{NO_PAUSE[1:]}")
    pause.tap(force=True)  # playwright waits for what is aria-disabled, a person does not
    page.get_by_role("status").get_by_text("ComfyUI holds nothing").wait_for()
    assert not hub.of("generation_command")
    card(page, "one").get_by_test_id("job-cancel").tap()
    wait_for("the command", lambda: hub.of("generation_command"))


def test_a_job_of_others_says_where_it_was_seen_and_how_it_samples(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(observed("one"), COMFYUI))
    hub.put(a_view(a_job("mine", state=JobState.RUNNING)))
    page = open_page()
    assert card(page, "one").get_by_test_id("job-origin").text_content() == "observed in ComfyUI"
    card(page, "one").get_by_text("euler karras").wait_for()
    assert card(page, "mine").get_by_test_id("job-origin").is_hidden()


def test_a_script_tells_its_step_and_figures_without_an_end(hub: FakeHub, open_page: Open) -> None:
    job = replace(observed("one"), origin="script", progress=0.0, stage_index=0, metrics={"loss": 0.12345, "lr": 1e-4},
                  stages=(Stage("train", StageState.RUNNING, step=1204),), request="cancel")
    hub.put(a_view(job, eta_s=None))
    page = open_page()
    one = card(page, "one")
    assert one.get_by_test_id("job-origin").text_content() == "script"
    one.get_by_text("step 1204", exact=True).wait_for()
    assert one.get_by_test_id("job-metrics").inner_text().split() == ["loss", "0.1235", "lr", "0.0001"]
    assert one.get_by_test_id("job-request").text_content() == "cancelling…"
    assert one.get_by_test_id("job-eta").is_hidden()


def test_a_picture_is_skipped_where_the_engine_can(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", state=JobState.RUNNING), FORGE))
    hub.put(a_view(a_job("two", state=JobState.RUNNING)))
    page = open_page()
    card(page, "one").get_by_test_id("job-skip").click()
    wait_for("the command", lambda: hub.of("generation_command"))
    assert hub.of("generation_command")[0]["payload"] == {"jobId": "one", "command": "skip"}
    assert card(page, "two").get_by_test_id("job-skip").is_hidden()


@pytest.mark.parametrize("count", [30, 150])
def test_many_stages_on_a_telephone(hub: FakeHub, open_page: Open, count: int) -> None:
    hub.put(a_view(replace(observed("one"), stages=nodes(count, 20), stage_index=20), COMFYUI))
    page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    listed = card(page, "one").get_by_test_id("job-stage-list")
    strip = card(page, "one").get_by_test_id("job-stages")
    strip.wait_for()
    assert listed.locator("summary").inner_text().startswith("KSampler of the second pass")
    assert f"20 of {count} stages done" in listed.locator("summary").inner_text()
    assert strip.evaluate("node => node.scrollWidth <= node.clientWidth")
    widths = strip.locator("[data-state=skipped]").evaluate_all("all => all.map((one) => one.offsetWidth)")
    assert len(widths) == 7
    assert max(widths) <= 1
    listed.locator("summary").tap()
    rows = listed.locator("li")
    wait_for("a row a stage", lambda: rows.count() == count)
    assert rows.nth(1).inner_text().split("\n") == ["node 1", "completed", "0.5 s"]
    assert rows.nth(20).inner_text().startswith("KSampler of the second pass\nstep 3 / 20")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_waits_elsewhere_says_where_and_is_moved_where_it_can_be(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(observed("one", JobState.PENDING), COMFYUI))
    stuck = observed("two", JobState.PENDING, cannot={"move": "its keys would be lost"}, request="cancel")
    hub.put(a_view(stuck, COMFYUI))
    hub.put(a_view(a_job("mine")))
    page = open_page()
    one, two = of(page, "queue-row", "one"), of(page, "queue-row", "two")
    assert one.get_by_test_id("queue-origin").text_content() == "in ComfyUI's queue"
    assert one.get_by_test_id("queue-priority").is_hidden()
    assert of(page, "queue-row", "mine").get_by_test_id("queue-priority").is_visible()
    assert two.get_by_test_id("queue-start").text_content() == "cancelling…"
    two.get_by_test_id("queue-up").click(force=True)
    page.get_by_text("Its keys would be lost").wait_for()
    one.get_by_test_id("queue-remove").click(force=True)
    page.get_by_text("cancel it, and it goes from there").wait_for()
    two.press("Alt+ArrowUp")
    one.get_by_test_id("queue-up").click()
    wait_for("the command", lambda: hub.of("move"))
    assert [said["payload"] for said in hub.of("move")] == [{"jobId": "one", "direction": "up"}]
    assert not hub.of("remove")


def test_originals_are_opened_where_they_are_kept(hub: FakeHub, open_page: Open) -> None:
    hub.pictures = True
    film = Output("", "video/mp4", link="http://127.0.0.1:8188/view?filename=a.mp4")
    hub.put(a_view(ended("one", outputs=(Output("/t/0.webp", link=VIEW), film)), COMFYUI))
    hub.put(a_view(ended("film", outputs=(film,)), COMFYUI))
    hub.put(a_view(ended("bad", outputs=(Output("", link="javascript:window.hacked=1"),)), COMFYUI))
    page = open_page()
    link = card(page, "one").get_by_test_id("job-output")
    assert (link.get_attribute("href"), link.get_attribute("target")) == (VIEW, "_blank")
    assert "noopener" in link.get_attribute("rel")
    assert link.locator("img").get_attribute("src") == f"{hub.url}/api/generations/one/outputs/0"
    assert card(page, "one").get_by_test_id("job-output-n").all_inner_texts() == ["1", "2 MP4"]
    assert card(page, "film").get_by_test_id("job-output").inner_text() == "MP4"
    assert card(page, "film").locator("img").get_attribute("src") is None
    assert card(page, "bad").get_by_test_id("job-output").get_attribute("href") is None


def test_a_loopback_address_is_the_pages_own_host_seen_from_elsewhere(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    reach = "([address, here]) => window.echodeckLibrary.then((lib) => lib.reachable(address, here))"
    for address, here, wanted in [
            (VIEW, "studio.lan", VIEW.replace("127.0.0.1", "studio.lan")),
            ("http://[::1]:8188/", "studio.lan", "http://studio.lan:8188/"),
            ("http://render-2:8188/", "studio.lan", "http://render-2:8188/"),
            (VIEW, "localhost", VIEW), (VIEW, "", VIEW), ("file:///etc/passwd", "studio.lan", ""),
            ("http://", "studio.lan", "")]:
        assert page.evaluate(reach, [address, here]) == wanted


def test_an_error_has_its_kind_its_traceback_and_a_reason_against_trying_again(hub: FakeHub, open_page: Open) -> None:
    error = JobError("out_of_memory", "KSampler: no 3 GB could be had", detail="Traceback:\n  <b>line 1</b>")
    hub.put(a_view(ended("one", JobState.FAILED, error=error, cannot={"retry": "what it was made from is not known"}),
                   COMFYUI))
    page = open_page()
    one = card(page, "one")
    one.get_by_text("Out of memory", exact=True).wait_for()
    trace = one.get_by_test_id("job-traceback")
    assert trace.locator("pre").is_hidden()
    trace.locator("summary").click()
    assert trace.locator("pre").inner_text() == "Traceback:\n  <b>line 1</b>"
    one.get_by_test_id("job-retry").click(force=True)
    page.get_by_text("What it was made from is not known").wait_for()
    assert not hub.of("retry")
    hub.put(a_view(ended("two", JobState.FAILED, error=JobError("engine_error", "no such model")), COMFYUI))
    card(page, "two").get_by_text("no such model").wait_for()
    assert card(page, "two").get_by_test_id("job-traceback").is_hidden()


def test_engines_say_how_they_are_and_free_their_memory(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(observed("one"), COMFYUI))
    page = open_page()
    shown = page.get_by_test_id("engine")
    wait_for("what is wrong", lambda: shown.count() == 1)
    assert "it does not answer." in shown.inner_text()
    assert "not ready since" in shown.get_by_test_id("engine-state").inner_text()
    page.evaluate("location.hash = 'machines'")
    wait_for("all of them", lambda: shown.count() == 3)
    by = {name: page.locator(f"[data-testid=engine][data-engine={name}]") for name in ("comfyui", "forge", "sketch")}
    for words in ("version 0.33.0", "127.0.0.1:8188", "The extension is missing", "busy"):
        assert words in by["comfyui"].inner_text()
    assert by["sketch"].get_by_test_id("engine-state").inner_text() == "ready"
    assert by["sketch"].get_by_test_id("engine-free").is_hidden()
    by["forge"].get_by_test_id("engine-free").click(force=True)
    page.get_by_role("status").get_by_text("It does not answer.").wait_for()
    assert not hub.of("engine_command")
    by["comfyui"].get_by_test_id("engine-free").click()
    page.get_by_text("ComfyUI was asked to let go").wait_for()
    assert hub.of("engine_command")[0]["payload"] == {"engine": "comfyui", "command": "free"}


def test_an_engine_that_is_ready_again_leaves_the_first_view(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    page.get_by_test_id("engine").wait_for()
    hub.tell(frame("engine_update", replace(FORGE, reason="", since_s=0.0)))
    wait_for("nothing wrong", lambda: page.get_by_test_id("engines").is_hidden())
