"""Questions, messages and workflows on the page, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from echodeck.model.job import JobState

from .conftest import FakeHub, a_job, a_view, frame, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def ask(page: Any, what: str) -> Any:
    form = page.get_by_test_id("ask-form")
    form.wait_for()
    form.get_by_test_id("ask-what").select_option(what)
    return form


def asked(hub: FakeHub) -> dict[str, Any]:
    wait_for("the question", lambda: hub.of("query"))
    payload: dict[str, Any] = hub.of("query")[-1]["payload"]
    return payload


def test_why_a_job_waits_is_told_as_text(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", "dusk")))
    hub.answers["query"] = {"answer": {"text": ["2 jobs are <b>before</b> it", "it should begin in about 4 min"]}}
    page = open_page("brain")
    form = ask(page, "why")
    assert form.get_by_test_id("ask-more").is_hidden(), "only what the question needs"
    form.get_by_test_id("ask-button").click()
    page.locator(".reasons li").nth(1).wait_for()
    assert page.locator(".reasons li").all_inner_texts()[0] == "2 jobs are <b>before</b> it"
    assert asked(hub) == {"what": "why", "jobId": "one"}


def test_what_if_more_were_added_is_a_table_too(hub: FakeHub, open_page: Open) -> None:
    rows = [{"jobId": f"j{n}", "title": f"job {n}", "start": "2026-11-24T10:00:00.000Z", "duration": 30.0,
             "shift": 60.0 * n} for n in range(15)]
    hub.answers["query"] = {"answer": {"text": ["with 20 jobs more all is done in about 2 h"], "jobs": rows}}
    page = open_page("brain")
    form = ask(page, "plan")
    form.get_by_test_id("ask-more").fill("20")
    form.get_by_test_id("ask-button").click()
    table = page.locator(".figures-table")
    table.wait_for()
    assert table.locator("tbody tr").count() == 12
    assert "and 3 more" in table.inner_text()
    assert asked(hub)["add"] == [{"model": "sketch-s", "count": 20}]


def test_a_refusal_is_said_where_the_answer_would_be(hub: FakeHub, open_page: Open) -> None:
    hub.refuse["query"] = {"code": "bad_field", "message": "deadline: is past already", "field": "deadline"}
    page = open_page("brain")
    form = ask(page, "recommend")
    form.get_by_test_id("ask-by").fill("18:00")
    form.get_by_test_id("ask-quality").select_option("final")
    form.get_by_test_id("ask-button").press("Enter")
    page.get_by_text("deadline: is past already").wait_for()
    payload = asked(hub)
    assert payload["quality"] == "final"
    assert payload["deadline"].endswith(":00.000Z")


def test_messages_are_shown_found_and_sent(hub: FakeHub, open_page: Open) -> None:
    page = open_page("logs")
    page.get_by_text("Nobody has said anything yet.").wait_for()
    for number, text in enumerate(("the lake is done", "come to the <i>studio</i>")):
        hub.tell(frame("communication", {"id": f"m{number}", "source": "ada", "message": text, "level": "warning",
                                         "to": "bob", "jobId": "", "at": f"2026-11-24T10:00:0{number}.000Z"}))
    rows = page.get_by_test_id("message")
    wait_for("both", lambda: rows.count() == 2)
    assert "come to the <i>studio</i>" in rows.nth(1).inner_text()
    assert "to bob" in rows.nth(1).inner_text()
    page.get_by_test_id("message-find").fill("LAKE")
    wait_for("one is found", lambda: rows.count() == 1)
    page.get_by_test_id("message-text").fill("on my way")
    page.get_by_test_id("message-text").press("Enter")
    wait_for("it is sent", lambda: hub.of("communicate"))
    assert hub.of("communicate")[0]["payload"] == {"message": "on my way", "to": ""}
    wait_for("the line is empty again", lambda: page.get_by_test_id("message-text").input_value() == "")


def test_a_job_says_what_it_waits_for_and_why_it_was_called_off(hub: FakeHub, open_page: Open) -> None:
    hub.put(a_view(a_job("one", "lake")))
    hub.put(a_view(a_job("two", "hills", after=("one",), waits=("one",))))
    hub.put(a_view(a_job("three", "sea", JobState.CANCELLED, finished_s=1.0, called_off="lake, which it comes after, "
                                                                                       "failed")))
    page = open_page("queue")
    row = page.locator('[data-job="two"]')
    row.wait_for()
    assert "waits for lake" in row.inner_text()
    page.get_by_text("cancelled: lake, which it comes after, failed").wait_for()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_telephone(hub: FakeHub, open_page: Open, theme: str) -> None:
    hub.put(a_view(a_job("one", "unbreakable" * 15)))
    hub.answers["query"] = {"answer": {"text": ["unbreakable" * 20], "kinds": [{
        "engine": "sketch", "model": "unbreakable" * 5, "resolution": "512×512", "steps": 20, "duration": 36.0,
        "perHour": 100.0}]}}
    page = open_page("brain", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    ask(page, "capacity").get_by_test_id("ask-button").tap()
    page.locator(".figures-table").wait_for()
    hub.tell(frame("communication", {"id": "m", "source": "unbreakable" * 9, "message": "unbreakable" * 30,
                                     "level": "info", "to": "", "jobId": "", "at": "2026-11-24T10:00:00.000Z"}))
    for view in ("brain", "logs"):
        page.get_by_test_id(f"nav-{view}").tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_a_job_to_ask_about_is_found_among_hundreds(hub: FakeHub, open_page: Open) -> None:
    long = "a harbour at dusk with cranes, ships and gulls, wide angle"
    for n in range(400):
        hub.jobs[f"job-{n:03}"] = a_view(a_job(f"job-{n:03}", f"hills {n}"), position=n + 1)
    hub.jobs["next"] = a_view(a_job("next", long), position=0)
    hub.jobs["over"] = a_view(a_job("over", "sea", JobState.COMPLETED, finished_s=1.0))
    hub.jobs["now"] = a_view(a_job("now", "lake", JobState.RUNNING))
    order = ["now", "next", *(f"job-{n:03}" for n in range(400))]
    hub.answers["query"] = {"answer": {"text": ["2 jobs are before it"]}}
    page = open_page("brain", viewport={"width": 1280, "height": 800})
    hub.tell(frame("queue_update", {**hub.queue(), "order": order}))
    form = ask(page, "why")
    picker = form.get_by_test_id("ask-job")
    offered = picker.locator("option")
    wait_for("in turn", lambda: offered.all_inner_texts()[:3] == [
        "lake · running · now", f"{long} · number 1 · next", "hills 0 · number 2 · job-000"])
    assert offered.count() == 100
    assert "402, the first 100 here" in form.inner_text()
    picker.select_option("next")
    drawn_px = page.evaluate("""([select, text]) => {
        const context = document.createElement("canvas").getContext("2d");
        const style = getComputedStyle(select);
        context.font = `${style.fontSize} ${style.fontFamily}`;
        return context.measureText(text).width;
    }""", [picker.element_handle(), f"{long} · number 1 · next"])
    assert drawn_px < picker.bounding_box()["width"] - 24, "its title is whole"
    assert picker.get_attribute("title") == f"{long} · number 1 · next", "for one that is longer still"
    find = form.get_by_test_id("ask-job-find")
    find.fill("HILLS 37")
    wait_for("it is found", lambda: offered.count() == 14)  # 37, 137, 237, 337, and 370 to 379
    find.fill("hills 377")
    find.press("Enter")
    wait_for("one", lambda: offered.count() == 1)
    assert not hub.of("query"), "to search is not to ask"
    form.get_by_test_id("ask-button").click()
    assert asked(hub) == {"what": "why", "jobId": "job-377"}


def test_what_was_chosen_stays_while_jobs_go_on(hub: FakeHub, open_page: Open) -> None:
    for name in ("one", "two", "three"):
        hub.put(a_view(a_job(name, name)))
    page = open_page("brain")
    form = ask(page, "why")
    assert form.get_by_test_id("ask-job-find").is_hidden(), "three need no search"
    form.get_by_test_id("ask-job").select_option("two")
    hub.put(a_view(a_job("four", "four", JobState.RUNNING)))
    wait_for("it is offered", lambda: form.get_by_test_id("ask-job").locator("option").count() == 4)
    assert form.get_by_test_id("ask-job").input_value() == "two"


def test_decisions_are_filtered_by_part_and_one_that_goes_on_is_drawn_anew(hub: FakeHub, open_page: Open) -> None:
    def decide(id_: str, part: str, title: str, second: int) -> None:
        hub.tell(frame("decision", {"id": id_, "at": f"2026-11-24T10:00:{second:02}.000Z", "part": part, "jobId": "one",
                                    "title": title, "reason": "its model is loaded", "data": {}}))

    page = open_page("brain")
    page.get_by_text("Nothing has been decided yet", exact=False).wait_for()
    decide("d1", "order", "a1 goes first", 1)
    rows = page.get_by_test_id("decision")
    part = page.get_by_test_id("decisions-part")
    wait_for("one", lambda: rows.count() == 1)
    assert part.is_hidden(), "there is nothing to choose from"
    decide("d2", "preempt", "hills is held", 2)
    decide("d1", "order", "a1 and a2 go first", 3)
    wait_for("the newest first", lambda: [one.locator(".name").inner_text() for one in rows.all()] == [
        "a1 and a2 go first", "hills is held"])
    part.select_option("preempt")
    wait_for("one part", lambda: rows.count() == 1)
    decide("d1", "order", "a1, a2 and a3 go first", 4)
    part.select_option("")
    wait_for("all", lambda: rows.count() == 2)
    wait_for("as it is now", lambda: rows.first.locator(".name").inner_text() == "a1, a2 and a3 go first")
