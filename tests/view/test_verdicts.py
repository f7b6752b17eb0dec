"""The page in Chromium: what pictures are worth, as a chip that opens by mouse and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echodeck.brain.verdict.judge import unjudged
from echodeck.model.job import JobState, Output
from echodeck.model.verdict import Reason, Verdict

from .conftest import FakeHub, a_job, a_view

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror='window.hacked=1'>"
POOR = Verdict(1, 38, (Reason("noise", 0.6, "noise left over: 2 steps", 0.2), Reason("wrong_size", 0.6, EVIL, 0.5)))


def test_a_chip_says_what_a_picture_is_worth(hub: FakeHub, open_page: Callable[..., Any], test_output: Path) -> None:
    made = {"state": JobState.COMPLETED, "finished_s": time.time(), "attempt": 1}
    hub.put(a_view(a_job("good", outputs=(Output("a.png"),), verdicts=(Verdict(0, 97),), **made)))
    hub.put(a_view(a_job("poor", outputs=(Output("a.png"), Output("b.png")), verdicts=(Verdict(0, 97), POOR), **made)))
    hub.put(a_view(a_job("film", outputs=(Output("a.mp4"),), verdicts=(unjudged(0, "no decoder"),), **made)))
    hub.put(a_view(a_job("none", outputs=(Output("a.png"),), **made)))
    page = open_page(viewport={"width": 390, "height": 844})

    def chip(job_id: str) -> Any:
        return page.locator(f"[data-testid=job-card][data-job='{job_id}']").get_by_test_id("job-verdict")

    chip("poor").wait_for()
    assert chip("good").inner_text() == "97"
    assert chip("poor").inner_text() == "38 · noise left over: 2 steps"
    assert chip("film").inner_text() == "not judged: no decoder"
    assert not chip("none").is_visible()
    chip("poor").focus()
    page.keyboard.press("Enter")
    lines = page.locator("[data-job='poor'] .verdict li")
    lines.last.wait_for()
    assert lines.all_inner_texts() == ["output 1, 97: nothing wrong was seen",
                                       "output 2, 38: noise left over: 2 steps", f"output 2, 38: {EVIL}"]
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=test_output / "verdicts-390.png")
