"""Rows become frames with the columns and dtypes that are promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from echodeck.analysis import frames
from echodeck.model.job import JobState

from .conftest import NOON, Day

PROMISED = {"jobs": frames.JOBS, "steps": frames.STEPS, "runs": frames.RUNS, "estimates": frames.ESTIMATES}


@pytest.mark.parametrize("kind", PROMISED)
def test_columns_and_dtypes_hold_with_and_without_rows(kind: str, busy_day: Day) -> None:
    full, empty = (frames.KINDS[kind](rows) for rows in (getattr(busy_day, kind), []))
    for frame in (full, empty):
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dict(PROMISED[kind])
    assert len(full) == len(getattr(busy_day, kind))


def test_a_job_row(day: Day) -> None:
    day.add("j", NOON, paused_s=3.0, step_s=0.5, steps=10)
    row = frames.jobs(day.jobs).iloc[0]
    assert row["created"] == pd.Timestamp(NOON.astimezone(UTC))
    assert (row["wait_s"], row["paused_s"]) == (5.0, pytest.approx(3.0))
    assert row["elapsed_s"] == pytest.approx(0.6 + 0.8 + 0.1 + 11 * 0.5)
    assert (row["seed"], row["resolution"], row["outputs"]) == (2**64 - 1, "256×192", 0)
    assert row["output_path"] is pd.NA


def test_what_has_not_happened_is_missing(day: Day) -> None:
    day.add("waits", NOON, JobState.PENDING)
    row = frames.jobs(day.jobs).iloc[0]
    assert row[["started", "finished", "wait_s", "paused_s", "error"]].isna().all()


def test_jobs_are_in_order_of_creation_and_moments_in_utc(day: Day) -> None:
    for hours in (2, 0, 1):
        day.add(f"j{hours}", NOON + timedelta(hours=hours))
    assert list(frames.jobs(reversed(day.jobs))["id"]) == ["j0", "j1", "j2"]
    steps = frames.steps(reversed(day.steps))
    assert steps["at"].is_monotonic_increasing
    assert steps["at"].iloc[0] > pd.Timestamp(NOON)


def test_moments_as_text_or_seconds_and_none(day: Day) -> None:
    row = {"job_id": "j", "attempt": 1, "progress": 1.0, "eta_s": 1.0, "low_s": 1.0, "high_s": 1.0}
    frame = frames.estimates([{**row, "at_s": 1.5}, {**row, "at_s": None}])
    assert frame["at"].iloc[0] == pd.Timestamp(datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC))
    assert pd.isna(frame["at"].iloc[1])
    text = frames.jobs([{"createdAt": "2026-01-05T10:00:00.250Z"}, {"createdAt": "2026-01-05T10:00:00Z"}, {}])
    assert text["created"].notna().sum() == 2
