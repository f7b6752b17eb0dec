"""News on the page and in the browser's own notifications, and the channels of messages out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from echodeck.model.job import JobError, JobState
from echodeck.model.record import Alert
from echodeck.wire import plain, show
from echodeck.wire.notify import ChannelView, TryView

from .conftest import FakeHub, a_job, a_view, frame, wait_for

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
NASTY = "<img src=x onerror='window.hacked=1'>"


def alert(alert_id: str = "a1", level: str = "error", title: str = "The disk is full", **more: Any) -> Alert:
    return Alert(alert_id, f"disk:{alert_id}", level, title, "3 GB are left", time.time(), **more)


def tell(hub: FakeHub, one: Alert, type_: str = "system_alert", ago_s: float = 0.0) -> None:
    message = frame(type_, show.alert_view(one))
    hub.tell({**message, "timestamp": show.iso(time.time() - ago_s)})


def ended(hub: FakeHub, job_id: str, user: str, state: JobState = JobState.COMPLETED) -> None:
    error = JobError("error", "it broke") if state is JobState.FAILED else None
    job = replace(a_job(job_id, f"hills {job_id}", state), user=user, finished_s=time.time(), error=error)
    hub.put(a_view(job), "generation_failed" if error else "generation_complete")


def toasts(page: Any) -> list[str]:
    return list(page.get_by_test_id("toast").all_inner_texts())


def as_mika(open_page: Open, view: str = "", **context: Any) -> Any:
    """A page whose reader is called Mika."""
    page = open_page(view, **context)
    page.evaluate("localStorage.setItem('echodeck.user', 'Mika')")
    page.reload()
    page.get_by_test_id("connection").and_(page.locator("[data-state=live]")).wait_for()
    return page


def test_new_errors_and_warnings_are_told_once(hub: FakeHub, open_page: Open) -> None:
    hub.alerts = [alert("old", title="It was so before")]
    page = open_page()
    page.get_by_test_id("alert").wait_for()
    tell(hub, alert("old", title="It was so before", count=2))
    tell(hub, alert("late"), ago_s=60.0)
    tell(hub, alert("seen", acknowledged_by="ada", acknowledged_s=time.time()))
    tell(hub, alert("hint", "info"))
    silenced = {"silencedBy": "ada", "silencedUntil": show.iso(time.time() + 3600)}
    hub.tell(frame("system_alert", {**plain(show.alert_view(alert("hushed"))), **silenced}))
    tell(hub, replace(alert("new", title=NASTY), message=NASTY))
    page.get_by_test_id("toast").wait_for()
    assert toasts(page) == [f"{NASTY}\n{NASTY}"]
    assert page.evaluate("window.hacked") is None
    tell(hub, alert("new", title=NASTY, count=2))
    tell(hub, alert("more", title="Another disk is full"))
    wait_for("both in one", lambda: toasts(page) == ["2 × Another disk is full\nAnother disk is full"])
    page.get_by_test_id("toast-dismiss").click()
    assert toasts(page) == []
    tell(hub, alert("hot", "warning", "The GPU is hot"))
    wait_for("a warning", lambda: toasts(page) == ["The GPU is hot\n3 GB are left"])
    page.get_by_test_id("toast-dismiss").click()
    tell(hub, alert("new", resolved_s=time.time()), "alert_resolved")
    tell(hub, alert("new", title="It is so again"))
    wait_for("what came back", lambda: toasts(page) == ["It is so again\n3 GB are left"])
    assert page.get_by_role("log", name="News").get_attribute("aria-live") == "polite"


def test_how_ones_own_jobs_ended_is_told(hub: FakeHub, open_page: Open) -> None:
    page = as_mika(open_page)
    ended(hub, "theirs", "Ada")
    ended(hub, "one", "Mika")
    page.get_by_test_id("toast").wait_for()
    assert toasts(page) == ["hills one is done"]
    ended(hub, "two", "Mika")
    wait_for("both", lambda: toasts(page) == ["2 generations are done\nhills two is done"])
    ended(hub, "three", "Mika", JobState.FAILED)
    tell(hub, replace(alert("f"), cause="failed:three", job_id="three"))
    wait_for("the failure once", lambda: toasts(page)[0] == "hills three failed\nit broke")
    assert len(toasts(page)) == 2


def test_switched_off_there_is_no_news(hub: FakeHub, open_page: Open) -> None:
    hub.parts = [{"name": "notify", "label": "Tells.", "on": False, "by": "", "at": None}]
    page = open_page()
    tell(hub, alert())
    page.get_by_test_id("alert").wait_for()
    assert toasts(page) == []


STAND_IN = """() => {
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { window.asked = (window.asked ?? 0) + 1; this.permission = "granted"; }
    constructor(title, options) { window.told.push([title, options.body, options.tag]); }
  };
}"""


def hide(page: Any, hidden: bool) -> None:
    page.evaluate("yes => Object.defineProperty(document, 'hidden', {value: yes, configurable: true})", hidden)


def test_the_browser_notifies_who_asked_for_it_and_does_not_look(hub: FakeHub, open_page: Open) -> None:
    page = as_mika(open_page)
    page.evaluate(STAND_IN)
    hide(page, True)
    tell(hub, alert("before"))
    page.get_by_test_id("toast").wait_for()
    assert page.evaluate("window.told") == []
    assert page.evaluate("window.asked ?? 0") == 0, "nobody is asked who has not pressed the bell"
    page.get_by_test_id("bell").click()
    page.get_by_test_id("bell-error").check()
    page.get_by_test_id("bell-ending").check()
    page.keyboard.press("Escape")
    assert page.get_by_test_id("bell-error").is_hidden()
    assert page.evaluate("window.asked") == 1
    tell(hub, alert("one"))
    tell(hub, alert("two", "warning"))
    ended(hub, "mine", "Mika")
    wait_for("the notifications", lambda: len(page.evaluate("window.told")) == 2)
    assert page.evaluate("window.told") == [["The disk is full", "3 GB are left", "echodeck-alert:error:disk"],
                                            ["hills mine is done", "", "echodeck-generation_complete"]]
    hide(page, False)
    tell(hub, alert("three"))
    wait_for("it is on the page", lambda: any("3 ×" in text for text in toasts(page)))
    assert len(page.evaluate("window.told")) == 2
    stored = json.loads(page.evaluate("localStorage.getItem('echodeck.notifications')"))
    assert stored == {"error": True, "ending": True}
    page.reload()
    page.get_by_test_id("bell").and_(page.locator(".on, :not(.on)")).wait_for()
    assert page.get_by_test_id("bell-error").is_checked()


def test_a_browser_that_does_not_allow_it_says_so(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    page.evaluate("() => { window.Notification = { permission: 'denied' }; }")
    page.get_by_test_id("bell").click()
    page.get_by_text("No notifications: the browser does not allow it for this page", exact=False).wait_for()
    assert page.get_by_test_id("bell-error").is_hidden()


def test_channels_are_shown_and_tested(hub: FakeHub, open_page: Open) -> None:
    phone = ChannelView("phone", "ntfys", "ntfys://…", waiting=2, error="ntfys answered 500", error_at=show.iso(0.0))
    hub.channels = [plain(phone), plain(ChannelView("mail", "mailto", "mailto://…", trouble=NASTY))]
    hub.answers["notify_test"] = {"testId": "t1"}
    page = open_page("brain")
    rows = page.get_by_test_id("channel")
    rows.first.wait_for()
    mail, first = rows.all_inner_texts()
    assert NASTY in mail
    assert "ntfys://…" in first
    assert "2 waiting" in first
    assert "ntfys answered 500" in first
    page.get_by_test_id("channel-test-mail").click(force=True)
    assert hub.of("notify_test") == []
    page.get_by_test_id("channel-test-phone").click()
    wait_for("the test is asked for", lambda: hub.of("notify_test"))
    assert hub.of("notify_test")[0]["payload"] == {"channel": "phone"}
    done = ChannelView("phone", "ntfys", "ntfys://…", test=TryView("t1", "ada", show.iso(time.time())))
    hub.tell(frame("notify_channel", plain(done)))
    wait_for("how it went", lambda: "the test by ada arrived" in rows.nth(1).inner_text())


@pytest.mark.parametrize("width", [390, 1440])
def test_news_and_bell_fit(hub: FakeHub, open_page: Open, width: int) -> None:
    page = open_page("brain", viewport={"width": width, "height": 844})
    page.evaluate(STAND_IN)
    tell(hub, alert("one", title="A title that is quite long for a telephone, and goes on for a while, and on"))
    page.get_by_test_id("toast").wait_for()
    page.get_by_test_id("bell").click()
    for shown in (page.get_by_test_id("toast"), page.locator(".bell-menu")):
        box = shown.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
