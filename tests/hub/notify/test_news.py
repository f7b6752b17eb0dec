"""Which events are news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echodeck.hub.notify.news import News
from echodeck.model.record import Alert
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
