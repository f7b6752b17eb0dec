"""The report: right in its words, safe with anybody's titles, and whole in a browser that has no network."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from bokeh.util.paths import bokehjs_path

from echodeck.analysis import report
from echodeck.analysis.thumbnail import data_url
from echodeck.errors import ConfigError
from echodeck.model.job import JobState

from .conftest import NASTY, NOON, Day, picture


def test_an_empty_day_is_said_in_words(day: Day) -> None:
    text = report.render(**day.rows())
    for sentence in ("No jobs today.", "No job has ended today.", "No job has finished a stage today.",
                     "No steps were taken today.", "No finished job has estimates to judge today.",
                     "No job has completed today.", "No machine has reported."):
        assert sentence in text
    assert "Monday 5 January 2026" in text


def test_another_days_jobs_are_not_counted(day: Day) -> None:
    day.add("old", NOON.replace(day=3))
    assert "No jobs today." in report.render(**day.rows())


def test_a_day_of_waiting_only(day: Day) -> None:
    day.add("waits", NOON, JobState.PENDING)
    text = report.render(**day.rows())
    assert "<b>1</b><span>not ended yet</span>" in text
    assert "No job has ended today." in text


def test_no_text_becomes_markup(busy_day: Day) -> None:
    text = report.render(**busy_day.rows())
    assert "&lt;/script&gt;&lt;img" in text
    assert "<img src=x" not in text
    assert "</script><img" not in text


def test_jobs_of_others_errors_and_originals(day: Day) -> None:
    day.add("seen", NOON, engine="comfyui")
    day.add("bad", NOON, JobState.FAILED, error="KSampler: no 3 GB left")
    day.add("script", NOON)
    link = "http://127.0.0.1:8188/view?filename=a.png&type=output"
    day.jobs[0] |= {"origin": "observed", "outputs": [{"path": "", "kind": "video/mp4", "link": link}]}
    day.jobs[1] |= {"errorKind": "out_of_memory", "errorDetail": f"first line\n{NASTY}"}
    day.jobs[2] |= {"origin": "script", "outputs": [{"path": "", "kind": "image/png", "link": "javascript:alert(1)"}]}
    text = report.render(**day.rows())
    assert "seen in comfyui</small>" in text
    assert "a script</small>" in text
    assert "out of memory: KSampler: no 3 GB left" in text
    assert "<summary>Details</summary><pre>first line\n&lt;/script&gt;" in text
    assert f'<a href="{link.replace("&", "&amp;")}" rel="noreferrer">' in text
    assert "<a>javascript:alert(1)</a>" in text


def test_pictures_are_in_the_file_and_small(busy_day: Day, tmp_path: Path) -> None:
    text = report.render(**busy_day.rows())
    assert text.count("data:image/webp;base64,") >= 30
    assert "gone.png" in text, "a file that is not here is named"
    assert len(report.render(**busy_day.rows())) < 2_000_000


@pytest.mark.parametrize("bad", ["text", "missing", "folder", "nul"])
def test_what_is_no_picture_has_no_thumbnail(bad: str, tmp_path: Path) -> None:
    path = tmp_path / "file.png"
    if bad == "text":
        path.write_text("not a picture")
    assert data_url({"folder": str(tmp_path), "nul": "a\0b"}.get(bad, str(path))) is None


def test_a_thumbnail_is_small(tmp_path: Path) -> None:
    url = data_url(picture(tmp_path / "a.png", 1))
    assert url is not None
    assert url.startswith("data:image/webp;base64,")
    assert len(url) < 20_000


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1:00"), (3599.7, "1:00:00"),
                                               (7385.0, "2:03:05"), (float("nan"), "–")])
def test_span(seconds: float, said: str) -> None:
    assert report.span(seconds) == said


def test_a_path_that_cannot_be_written_is_one_sentence(day: Day, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        report.write(tmp_path / "no such folder" / "r.html", **day.rows())


def test_a_report_made_beside_panel_fetches_nothing_either(busy_day: Day) -> None:
    importlib.import_module("panel")  # which changes what bokeh's own resources are
    drawing = (bokehjs_path() / "js" / "bokeh.min.js").read_text("utf-8")
    own = report.render(**busy_day.rows()).replace(drawing, "")
    assert "</script>" in own
    assert not re.search(r"<(script|link)[^>]+(src|href)=", own)
    assert "http" not in own.replace("http-equiv", "")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_it_opens_with_no_network_and_no_complaint(width: int, chromium: Any, busy_day: Day, tmp_path: Path,
                                                   test_output: Path) -> None:
    path = tmp_path / "report.html"
    report.write(path, **busy_day.rows())
    context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    problems, asked = [], []
    page.on("console", lambda message: message.type in ("error", "warning") and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.bk-Figure').length === 4")
    page.screenshot(path=test_output / f"report-{width}.png")
    assert page.title() == "echodeck · 05 January 2026"
    assert page.get_by_text(NASTY, exact=True).count() >= 10
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "no sideways scroll"
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert problems == []
    context.close()
