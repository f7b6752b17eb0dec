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
