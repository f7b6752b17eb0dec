"""Which events are news."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from echodeck.hub.notify.news import News, of_job
from echodeck.model.job import Job, JobSpec
from echodeck.model.record import Alert
from echodeck.model.verdict import Verdict
from echodeck.wire import show

ALERT = Alert("a1", "rule:gpu_hot:studio:0", "warning", "The GPU is hot", "91 °C", 100.0, job_id="j", host="studio")


def heard(*alerts: Alert, news: News | None = None) -> list[tuple[str, str]]:
    """Kind and level of what was news of these, in order."""
    news = news or News()
    found = [news.of_alert("alert_resolved" if one.resolved_s else "system_alert", show.alert_view(one), "ann", 100.0)
             for one in alerts]
    return [(one.kind, one.level) for one in found if one is not None]


@pytest.mark.parametrize(("alerts", "news"), [
    ([ALERT], [("alert", "warning")]),
    ([ALERT, replace(ALERT, count=2)], [("alert", "warning")]),
    ([ALERT, replace(ALERT, message="92 °C")], [("alert", "warning")]),
    ([ALERT, replace(ALERT, level="error")], [("alert", "warning"), ("alert", "error")]),
    ([ALERT, replace(ALERT, level="error"), ALERT, replace(ALERT, level="error")],
     [("alert", "warning"), ("alert", "error")]),
    ([ALERT, replace(ALERT, resolved_s=1.0), replace(ALERT, resolved_s=1.0)],
     [("alert", "warning"), ("resolved", "warning")]),
    ([ALERT, replace(ALERT, resolved_s=1.0), replace(ALERT, count=2)],
     [("alert", "warning"), ("resolved", "warning"), ("alert", "warning")]),
    ([replace(ALERT, resolved_s=1.0)], []),
    ([replace(ALERT, acknowledged_by="ada", acknowledged_s=1.0)], []),
    ([replace(ALERT, cause="failed:j")], []),
])
def test_an_alert_is_news_when_it_begins_gets_graver_or_ends(alerts: list[Alert], news: list[tuple[str, str]]) -> None:
    assert heard(*alerts) == news


def test_what_was_open_when_the_hub_began_is_known() -> None:
    news = News()
    news.know([ALERT, replace(ALERT, id="a2", resolved_s=1.0)])
    assert heard(ALERT, replace(ALERT, id="a2"), news=news) == [("alert", "warning")]


def test_a_notice_has_what_the_alert_says() -> None:
    notice = News().of_alert("system_alert", show.alert_view(ALERT), "ann", 100.0)
    assert notice is not None
    assert (notice.rule, notice.title, notice.message, notice.user, notice.job_id, notice.host) == (
        "gpu_hot", "The GPU is hot", "91 °C", "ann", "j", "studio")


@pytest.mark.parametrize(("type_", "more", "said"), [
    ("generation_complete", {"elapsed": 7.6}, "sketch-s, in 7.6 s"),
    ("generation_complete", {"elapsed": 120.0, "verdicts": [Verdict(0, 82)]}, "sketch-s, in 2 min, score 82"),
    ("generation_complete", {"verdicts": [Verdict(0, 82), Verdict(1, 40)]}, "sketch-s, scores 40 to 82"),
    ("generation_complete", {"elapsed": 7.6, "verdicts": [Verdict(0, None)]}, "sketch-s, in 7.6 s"),
    ("generation_failed", {"elapsed": 3.0, "error": "out of memory"}, "sketch-s, after 3.0 s: out of memory"),
    ("generation_failed", {"model": "", "error": "no worker"}, "sketch: no worker"),
    ("generation_cancelled", {"cancelled_by": "ann"}, "sketch-s, by ann"),
])
def test_the_end_of_a_job_says_how_it_went(type_: str, more: dict[str, Any], said: str) -> None:
    view = show.job_view(Job("a", JobSpec("sketch", "sketch-s", "w1")), show.Outlook(at_s=0.0))
    notice = of_job(type_, msgspec.structs.replace(view, **more), 100.0)
    assert notice is not None
    assert (notice.title, notice.message) == ("w1", said)
