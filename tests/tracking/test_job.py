"""A job as a script holds it, without a link: nothing that is said raises, and nothing grows without bound."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from echodeck.tracking import job as jobs
from echodeck.tracking.job import Job


def kinds(job: Job) -> list[str]:
    return [event[0] for _, _, event in job.events]


def test_steps_are_counted_and_what_is_said_has_those_before_it() -> None:
    job = Job("a")
    job.step()
    job.step(3)
    job.stage("decode")
    job.step()
    assert job.made == 5
    assert [(made, event[0]) for made, _, event in job.events] == [(4, "stage")]


def test_a_million_steps_take_no_memory_and_pictures_only_the_newest() -> None:
    job = Job("a")
    for n in range(1000):
        job.step(preview=n)
        job.metric("loss", n)
    assert len(job.events) == 0
    assert (job.shown, job.figures) == (999, {"loss": 999.0})


def test_what_is_said_faster_than_told_is_dropped_and_counted_but_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_QUEUED", 5)
    job = Job("a")
    monkeypatch.setitem(jobs.living, job.id, job)
    for _ in range(8):
        job.log("x")
    job.end()
    assert kinds(job) == ["log"] * 5 + ["end"]
    assert job.dropped == 3


def test_pictures_that_cannot_be_written_fast_enough_are_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    job = Job("a")
    for _ in range(jobs.MOST_PICTURES + 5):
        job.output(object())
    job.output("a.png")  # a file is not held in memory
    assert kinds(job).count("made") == jobs.MOST_PICTURES + 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, "many", None, 10**400])
def test_a_figure_that_is_none_is_said_once_and_left_out(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    job = Job("a")
    with caplog.at_level(logging.WARNING):
        job.metric("loss", value)
        job.metric("loss", value)
    assert job.figures == {}
    assert len(caplog.records) == 1


def test_only_so_many_figures_are_kept() -> None:
    job = Job("a")
    for n in range(100):
        job.metric(f"f{n}", n)
    assert len(job.figures) == jobs.MOST_FIGURES


def test_what_is_said_wrongly_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    job = Job("a", total=3)
    job.step("many")  # type: ignore[arg-type]
    job.step(-1)
    job.total = -5
    job.stage("a", total="many")  # type: ignore[arg-type]
    for _ in range(3):
        job.describe(width="wide")
        job.describe(colour="red")
    job.log("hello", level=None)  # type: ignore[arg-type]
    assert job.made == 0
    assert job.total == 0
    assert kinds(job) == ["total", "stage", "log"]
    assert len(caplog.records) == 4


def test_what_is_known_later_is_told_once_it_is() -> None:
    job = Job("a")
    job.describe(model="sdxl", width=64, height=None)
    assert (job.spec.model, job.spec.width, job.title, job.url) == ("sdxl", 64, "a", "")


def test_one_that_cannot_be_watched_goes_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("echodeck.tracking.link.link", refuse)
    with Job("a", total=2) as job:
        job.step()
        job.log("x")
        job.wish.ask("cancel")
    assert kinds(job) == []
    assert "can't start new thread" in caplog.text
