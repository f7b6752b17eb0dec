"""The figures, against days small enough to reckon by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from echodeck.analysis import frames, stats
from echodeck.model.job import JobState

from .conftest import NOON, ZONE, Day

SAMPLE = "sample"


def test_a_day_holds_what_was_made_or_ended_in_it(day: Day) -> None:
    start, end = stats.local_day(NOON)
    assert (start, end) == (datetime(2026, 1, 5, tzinfo=ZONE), datetime(2026, 1, 6, tzinfo=ZONE))
    day.add("yesterday", start - timedelta(hours=1))
    day.add("over midnight", start - timedelta(seconds=3))
    day.add("today", NOON)
    day.add("still waits", start - timedelta(days=3), JobState.PENDING)
    day.add("tomorrow", end)
    assert list(stats.between(frames.jobs(day.jobs), start, end)["id"]) == ["over midnight", "today"]


def test_durations_of_completed_jobs_by_model_and_size(day: Day) -> None:
    for number, step_s in enumerate((0.1, 0.2, 0.3)):
        day.add(f"s{number}", NOON, step_s=step_s, steps=9)
    day.add("l", NOON, model="sketch-l", step_s=2.0)
    day.add("f", NOON, JobState.FAILED, step_s=50.0)
    table = stats.durations(frames.jobs(day.jobs))
    assert list(table["model"]) == ["sketch-l", "sketch-s"], "the most time in all first"
    small = table.iloc[1]
    assert (small["count"], small["resolution"]) == (3, "256×192")
    assert small["median_s"] == pytest.approx(1.5 + 10 * 0.2)
    assert small["low_s"] == pytest.approx(2.5 + 0.2)
    assert small["total_s"] == pytest.approx(3 * 1.5 + 10 * 0.6)


def test_stage_durations_keep_the_order_of_the_stages(day: Day) -> None:
    day.add("a", NOON)
    day.add("b", NOON + timedelta(minutes=5))
    for run in day.runs:  # as the hub keeps them: all of the moment when the job completed
        run["at_s"] = NOON.timestamp()
    table = stats.stage_durations(frames.runs(sorted(day.runs, key=lambda run: run["stage"])), frames.jobs(day.jobs))
    assert list(table["stage"]) == ["load model", SAMPLE, "decode", "save"]
    assert list(table["count"]) == [2, 2, 2, 2]
    assert table["median_s"].iloc[0] == pytest.approx(0.6)


def test_stages_of_an_unknown_job_come_last(day: Day) -> None:
    day.add("a", NOON)
    table = stats.stage_durations(frames.runs([*day.runs, {**day.runs[0], "stage": "a stage of old"}]),
                                  frames.jobs(day.jobs))
    assert list(table["stage"])[-1] == "a stage of old"


def test_step_quantiles_leave_the_first_step_out(day: Day) -> None:
    day.add("a", NOON, step_s=0.5, steps=11)
    row = stats.step_quantiles(frames.steps(day.steps), frames.jobs(day.jobs)).iloc[0]
    assert (row["count"], row["median_s"], row["high_s"]) == (10, pytest.approx(0.5), pytest.approx(0.5))


def test_success_counts_what_completed_of_what_was_judged(day: Day) -> None:
    for number, state in enumerate([JobState.COMPLETED] * 3 + [JobState.FAILED, JobState.CANCELLED]):
        day.add(f"j{number}", NOON, state)
    day.add("waits", NOON, JobState.PENDING)
    ended = stats.success(frames.jobs(day.jobs))
    assert ended == stats.Success(3, 1, 1)
    assert (ended.ended, ended.rate) == (5, 0.75)
    assert stats.success(frames.jobs([])).rate is None


def test_success_by_hour_is_on_the_days_own_clock(day: Day) -> None:
    start, end = stats.local_day(NOON)
    day.add("a", NOON)
    day.add("b", NOON + timedelta(minutes=59, seconds=55), JobState.FAILED)
    day.add("c", end + timedelta(hours=1))
    table = stats.success_by_hour(frames.jobs(day.jobs), start, end)
    assert list(table["time"]) == [pd.Timestamp(2026, 1, 5, 12), pd.Timestamp(2026, 1, 5, 13)]
    assert list(table["completed"]) == [1, 0]
    assert list(table["failed"]) == [0, 1]


def test_estimate_errors_against_the_truth(day: Day) -> None:
    day.add("a", NOON, off=1.1)
    errors = stats.estimate_errors(frames.estimates(day.estimates), frames.jobs(day.jobs))
    assert len(errors) == 19, "the last of 20 steps is within a second of the end"
    assert list(errors["error"]) == pytest.approx([0.1] * len(errors), abs=0.002)
    assert errors["covered"].all()
    assert errors["truth_s"].is_monotonic_decreasing


def test_estimate_errors_leave_out_what_has_no_truth(day: Day) -> None:
    day.add("paused", NOON, paused_s=60.0)
    day.add("failed", NOON, JobState.FAILED)
    day.add("late", NOON, off=2.0)
    day.jobs[-1]["attempt"] = 2
    assert stats.estimate_errors(frames.estimates(day.estimates), frames.jobs(day.jobs)).empty


def test_error_by_progress_bins_and_covers() -> None:
    errors = pd.DataFrame({"progress": [0.0, 9.9, 10.0, 99.9, 100.0], "error": [0.1, 0.3, 0.5, 0.2, 0.4],
                           "covered": [True, False, True, True, True]})
    table = stats.error_by_progress(errors)
    assert list(table["progress"]) == [5.0, 15.0, 95.0]
    assert list(table["count"]) == [2, 1, 2]
    assert list(table["median"]) == pytest.approx([0.2, 0.5, 0.3])
    assert list(table["coverage"]) == [0.5, 1.0, 1.0]


def test_labels_name_the_engine_only_where_needed() -> None:
    table = pd.DataFrame({"engine": ["a", "b", "b"], "model": ["same", "same", "own"],
                          "resolution": ["64×64", "64×64", ""]})
    assert stats.labels(table) == ["a · same · 64×64", "b · same · 64×64", "own"]


def test_every_figure_of_an_empty_history_is_an_empty_table() -> None:
    jobs, steps, runs, estimates = (frames.KINDS[kind]([]) for kind in ("jobs", "steps", "runs", "estimates"))
    errors = stats.estimate_errors(estimates, jobs)
    for table in (stats.durations(jobs), stats.stage_durations(runs, jobs), stats.step_quantiles(steps, jobs), errors,
                  stats.error_by_progress(errors), stats.success_by_hour(jobs, *stats.local_day(NOON))):
        assert table.empty
        assert len(table.columns) >= 4
