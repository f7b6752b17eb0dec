"""The page in Chromium: how good the estimates were."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from echodeck import wire
from echodeck.model.calibration import Record
from echodeck.wire.foresight import score_view

from .conftest import FakeHub, a_job, a_view, frame, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def score(kind: tuple[str, ...], count: int, error: float, coverage: float) -> dict[str, Any]:
    records = [Record(share, count, error, -0.02, coverage, 0.4, 1.5) for share in (0.0, 0.5)]
    return frame("estimate_score", wire.plain(score_view(kind, records)))


def test_how_good_the_estimates_were(hub: FakeHub, open_page: Open) -> None:
    page = open_page("brain")
    page.get_by_text("Nothing to compare yet", exact=False).wait_for()
    hub.tell(score((), 30, 0.123, 0.55), score(("sketch", "<b>m</b>"), 3, 0.02, 0.55))
    wait_for("both kinds", lambda: page.get_by_test_id("estimate-kind").count() == 2)
    everything, model = page.get_by_test_id("estimate-kind").all()
    assert everything.locator("caption").inner_text() == "all jobs"
    assert model.locator("caption").inner_text() == "sketch <b>m</b> · still learning"
    waiting, half = everything.get_by_test_id("estimate-share").all()
    assert waiting.locator("th").inner_text() == "waiting"
    assert [cell.strip() for cell in half.locator("td.right").all_inner_texts()] == ["12 %", "55 %", "30"]
    assert half.locator(".bar i").evaluate("i => i.style.width") == "24.6%"
    assert half.locator(".odd").count() == 1, "an interval of 80 % that holds every second truth"
    assert model.locator(".odd").count() == 0, "three jobs say nothing of it"
    assert everything.locator("i.poor").count() == 0
    hub.tell(score((), 31, 0.3, 0.8))
    wait_for("the newer", lambda: "31" in half.inner_text())
    assert half.locator(".odd").count() == 0
    assert everything.locator("i.poor").count() == 2, "it is off by more than one would plan with"
    assert page.get_by_text("Nothing to compare yet", exact=False).is_hidden()


def test_a_waiting_job_says_how_sure_its_start_is(hub: FakeHub, open_page: Open) -> None:
    now_s = time.time()
    view = a_view(a_job("one"), start_bounds_s=(now_s + 60, now_s + 120), end_s=now_s + 200,
                  end_bounds_s=(now_s + 180, now_s + 240))
    hub.put(view)
    page = open_page("queue")
    page.get_by_title("80 % likely to start between", exact=False).wait_for()
    hub.put(a_view(a_job("one")))
    wait_for("nothing is known", lambda: not page.get_by_title("80 % likely to start", exact=False).count())
