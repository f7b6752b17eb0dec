"""The page in Chromium: what a job took of its machine, stage by stage, and the day's sum."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from echodeck import wire
from echodeck.model.job import JobState
from echodeck.model.usage import Figure, Tariff, Usage, total
from echodeck.wire.took import usage_view

from .conftest import FakeHub, a_job, a_view, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
EVIL = "<img src=x onerror='window.hacked=1'>"
TARIFF = Tariff(0.32, "EUR", 380.0)


def stage(name: str, length_s: float, power_w: float, peak_gib: float) -> Usage:
    return Usage(name, length_s, True, vram_bytes=Figure((peak_gib - 1) * 2**30 * length_s, peak_gib * 2**30, length_s),
                 power_w=Figure(power_w * length_s, power_w, length_s), throttled=Figure(2.0, 1.0, length_s),
                 disk_read_bytes_per_s=Figure(6.0 * 2**30, 2.0**30, length_s))


STAGES = (stage("load model", 20.0, 90.0, 6.0), stage(EVIL, 100.0, 306.0, 9.0))


def used(*stages: Usage, tariff: Tariff = TARIFF) -> dict[str, Any]:
    return {"jobId": "one", "total": wire.plain(usage_view(total(stages), tariff)),
            "stages": [wire.plain(usage_view(one, tariff)) for one in stages]}


def an_ended(job_id: str, *stages: Usage, **more: Any) -> dict[str, Any]:
    job = a_job(job_id, state=JobState.COMPLETED, **{"finished_s": time.time(), "attempt": 1, **more})
    return {**a_view(job), "usage": used(*stages)["total"] if stages else None}


def opened(page: Any, job_id: str) -> Any:
    """The block of a job, opened by keyboard."""
    summary = page.locator(f"[data-testid=job-card][data-job='{job_id}']").get_by_test_id("job-took")
    summary.focus()
    page.keyboard.press("Enter")
    return page.locator(f"[data-job='{job_id}'] .took")


@pytest.mark.parametrize("width", [390, 1440])
def test_what_each_stage_took(hub: FakeHub, open_page: Open, width: int) -> None:
    hub.used = used(*STAGES)
    hub.put(an_ended("one", *STAGES))
    page = open_page(viewport={"width": width, "height": 800})
    took = opened(page, "one")
    took.locator("tbody tr").nth(2).wait_for()
    assert took.get_by_test_id("job-took").inner_text() == "9 Wh · 0.0029 EUR"
    assert took.locator("thead th").all_inner_texts() == ["Stage", "Time", "Energy", "Cost", "CO₂", "VRAM", "Power",
                                                          "Throttled", "Disk read"], "what is not known has no column"
    everything, load, sample = [line.locator("th, td").all_inner_texts() for line in took.locator("tbody tr").all()]
    assert everything[:6] == ["in all", "2:00", "9 Wh", "0.0029 EUR", "3.42 g", "9.0 GB 7.5 GB"]
    assert load == ["load model", "20 s", "0.5 Wh", "0.00016 EUR", "0.19 g", "6.0 GB 5.0 GB", "90 W", "2.0 s",
                    "6.0 GB"]
    assert sample[0] == EVIL
    assert "VRAM is that of the job's own processes" in took.inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_why_figures_are_missing(hub: FakeHub, open_page: Open) -> None:
    bare = Usage("sample", 30.0, False, disk_read_bytes_per_s=Figure(1024.0, 512.0, 30.0))
    hub.used = used(bare)
    hub.put(an_ended("one", bare))
    hub.put(an_ended("none"))
    page = open_page()
    took = opened(page, "one")
    took.locator("tbody tr").wait_for()
    assert took.locator("thead th").all_inner_texts() == ["Stage", "Time", "Disk read"]
    assert "No GPU was measured, so the energy is not known." in took.inner_text()
    assert "0 Wh" not in took.inner_text()
    assert not page.locator("[data-job='none'] .took").is_visible(), "of what nobody measured nothing is told"
    assert not page.get_by_test_id("today").inner_text()


def test_a_price_that_is_not_set_is_said(hub: FakeHub, open_page: Open) -> None:
    hub.used = used(*STAGES, tariff=Tariff())
    hub.put(an_ended("one", *STAGES))
    took = opened(open_page(), "one")
    took.get_by_text("set price_per_kwh and gco2_per_kwh in echodeck.toml", exact=False).wait_for()


def test_a_job_in_hand_tells_what_it_took_so_far(hub: FakeHub, open_page: Open) -> None:
    hub.used = used(STAGES[0])
    hub.put(a_view(a_job("one", state=JobState.RUNNING)))
    took = opened(open_page(), "one")
    took.get_by_text("6.0 GB 5.0 GB").wait_for()
    assert took.get_by_test_id("job-took").inner_text() == "What it took so far"
    hub.used = {"jobId": "one", "total": None, "stages": []}
    took.get_by_text("Nothing was measured while it ran.").wait_for()


def test_the_sum_of_the_day(hub: FakeHub, open_page: Open) -> None:
    hub.put(an_ended("one", *STAGES))
    hub.put(an_ended("two", *STAGES))
    hub.put(an_ended("none"))
    hub.put(an_ended("old", *STAGES, finished_s=time.time() - 2 * 86_400))
    page = open_page()
    today = page.get_by_test_id("today")
    wait_for("the sum", lambda: today.inner_text() == "today · 18 Wh · 0.0058 EUR · 6.84 g CO₂")
    assert today.get_attribute("title") == "Measured of 2 of the 3 jobs shown that ended today"
