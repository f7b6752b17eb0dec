"""In Chromium: leaving the model to the hub, what was tried of a job, and the ladders."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.job import JobError, JobState, Try, Wish

from .conftest import FakeHub, a_job, a_view, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
LADDER = {"name": "ladder", "label": "Chooses models.", "on": True, "by": "", "at": None}
MODELS = EngineInfo("sketch", "Sketch", models=(ModelInfo("sketch-s", "S"), ModelInfo("sketch-m", "M")),
                    params=(Param("steps", 1, 99, 20), Param("seed", 0, 2**31 - 1, 0)))


@pytest.fixture(autouse=True)
def engine(hub: FakeHub) -> None:
    hub.engines, hub.parts = [MODELS], [LADDER]


def form_of(page: Any) -> Any:
    page.get_by_test_id("new-job").click()
    form = page.get_by_test_id("submit-form")
    form.wait_for()
    return form


def sent(hub: FakeHub, form: Any) -> dict[str, Any]:
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    return dict(hub.of("submit")[-1]["payload"])


def test_the_model_is_left_to_the_hub(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = form_of(page)
    quality, deadline = form.get_by_test_id("submit-quality"), form.get_by_test_id("submit-deadline")
    assert quality.is_hidden()
    form.get_by_test_id("submit-model").select_option("auto")
    quality.select_option("final")
    deadline.fill("2037-05-04T18:30")
    payload = sent(hub, form)
    assert (payload["model"], payload["quality"]) == ("auto", "final")
    moment = datetime.fromisoformat(payload["deadline"])
    assert moment.timestamp() == pytest.approx(datetime(2037, 5, 4, 18, 30).timestamp(), abs=1)
    assert "steps" not in payload, "a rung may set what was left as it is"
    assert "seed" in payload
    form = form_of(page)
    form.get_by_test_id("submit-steps").fill("33")
    assert sent(hub, form)["steps"] == 33
    form = form_of(page)
    form.get_by_test_id("submit-model").select_option("sketch-m")
    assert quality.is_hidden()
    assert not {"quality", "deadline"} & set(sent(hub, form))


def test_without_the_ladder_there_is_nothing_to_leave_open(hub: FakeHub, open_page: Open) -> None:
    hub.parts = [{**LADDER, "on": False}]
    form = form_of(open_page())
    assert form.get_by_test_id("submit-model").locator("option").all_inner_texts() == ["S", "M"]


def test_what_was_tried_and_when_it_goes_on_is_told_in_its_row(hub: FakeHub, open_page: Open) -> None:
    error = JobError("out_of_memory", "out of memory")
    tried = (Try(1.0, 1, "studio", error, "free", "lets the models go"),
             Try(2.0, 2, "studio", error, "batch", "makes 2 pictures instead of 4 <b>now</b>"))
    job = replace(a_job("one"), tries=tried, not_before_s=time.time() + 600, wish=Wish(True, "final"))
    hub.jobs = {"one": a_view(job)}
    page = open_page("queue")
    row = page.get_by_test_id("queue-row")
    row.wait_for()
    assert "auto: final · failed 2 times, makes 2 pictures instead of 4 <b>now</b>" in row.inner_text()
    assert row.get_by_test_id("queue-start").inner_text().startswith("tried again at")
    hub.put(a_view(replace(a_job("one", state=JobState.RUNNING), tries=tried[:1], follows="zero")))
    page = open_page("now")
    card = page.get_by_test_id("job-card")
    card.wait_for()
    assert "failed once, lets the models go" in card.inner_text()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_ladders_are_shown_with_what_is_believed(hub: FakeHub, open_page: Open, width: int) -> None:
    known = {"kind": "sketch/image/small", "score": 66.4, "seen": 11.8,
             "likely": {"draft": 0.93, "standard": 0.61, "final": 0.2}}
    few = {**known, "kind": "sketch/image/small/few steps", "seen": 0.8}
    why = "sketch-s takes no longer and its pictures score no worse: 66 to 60 (from 12 and 9 verdicts)"
    rungs = [{"name": "sketch-s", "model": "sketch-s", "changes": {}, "usable": True, "leftOut": "", "kinds": [known]},
             {"name": "sketch-m", "model": "sketch-m", "changes": {}, "usable": True, "leftOut": why, "kinds": [few]},
             {"name": "sketch-x", "model": "sketch-x", "changes": {}, "usable": False, "leftOut": "", "kinds": []}]
    hub.ladders = [{"name": "sketch", "engine": "sketch", "learnt": True, "lowest": 0, "highest": 1, "moves": 2,
                    "longest": 0.0, "rungs": rungs, "more": 1}]
    page = open_page("brain", viewport={"width": width, "height": 800})
    wait_for("the rungs", lambda: page.get_by_test_id("rung").count() == 3)
    first, out, gone = page.get_by_test_id("rung").all_inner_texts()
    assert "image, small: draft 93 %, standard 61 %, final 20 %; mean score 66 from 12 verdicts" in first
    assert "left out" not in first
    assert f"left out: {why}" in out
    assert "image, small, few steps: " in out
    assert "from 1 verdict" in out
    assert "sketch-x (not there)" in gone
    assert "and 1 model more, which found no place on it" in page.get_by_test_id("ladder").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
