"""Rows of the hub's history as tidy DataFrames: one row a job, step, stage or estimate; UTC datetimes; units in names.

The rows are what `GET /api/history/jobs|steps|runs|estimates` answers: jobs as the wire shows them (camelCase, ISO
times), the others as their records' fields (snake_case, seconds since 1970). A frame always has all its columns, in the
order and with the dtypes listed here, also when there are no rows. A key that a row lacks is missing (NA, NaN, NaT).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

Row = Mapping[str, Any]
MOMENT = "datetime64[ms, UTC]"

JOBS: Mapping[str, str] = {
    "id": "string", "title": "string", "engine": "string", "model": "string", "resolution": "string", "type": "string",
    "prompt": "string", "width": "Int64", "height": "Int64", "steps": "Int64", "seed": "object", "batch": "Int64",
    "frames": "Int64", "sampler": "string", "scheduler": "string", "status": "string", "user": "string",
    "host": "string", "origin": "string", "priority": "Int64", "attempt": "Int64", "progress": "float64",
    "created": MOMENT, "started": MOMENT, "finished": MOMENT, "wait_s": "float64", "elapsed_s": "float64",
    "paused_s": "float64", "error": "string", "error_kind": "string", "error_detail": "string", "outputs": "Int64",
    "output_path": "string", "output_kind": "string", "output_link": "string", "score": "Int64", "defects": "object",
    "stages": "object",
}
"""`elapsed_s` is work, `paused_s` the rest of started to finished, `wait_s` created to started; `output_*` is the first
of `outputs` files, its `link` the address of the original where another program keeps it; `score` is the least of
the verdicts on them, `defects` the names of all that were seen, as a tuple; `stages` are the names of its stages in
order, as a tuple. `seed` is a Python int: some engines' seeds do not fit 64 bits."""

STEPS: Mapping[str, str] = {
    "job_id": "string", "attempt": "Int64", "stage": "Int64", "step": "Int64", "at": MOMENT, "duration_s": "float64",
}
RUNS: Mapping[str, str] = {
    "job_id": "string", "attempt": "Int64", "engine": "string", "model": "string", "width": "Int64", "height": "Int64",
    "resolution": "string", "steps": "Int64", "frames": "Int64", "batch": "Int64", "stage": "string", "at": MOMENT,
    "duration_s": "float64", "first_s": "float64", "step_s": "float64",
}
ESTIMATES: Mapping[str, str] = {
    "job_id": "string", "attempt": "Int64", "at": MOMENT, "progress": "float64", "eta_s": "float64", "low_s": "float64",
    "high_s": "float64",
}


def jobs(rows: Iterable[Row]) -> pd.DataFrame:
    """Columns as in JOBS, the oldest creation first."""
    frame = _frame(rows, _job, JOBS)
    frame["wait_s"] = (frame["started"] - frame["created"]).dt.total_seconds()
    took = (frame["finished"] - frame["started"]).dt.total_seconds()
    frame["paused_s"] = (took - frame["elapsed_s"]).clip(lower=0.0)
    return frame.sort_values("created", kind="stable", ignore_index=True)


def steps(rows: Iterable[Row]) -> pd.DataFrame:
    """Columns as in STEPS, in the order of time. `stage` is the stage's place in its job, from 0."""
    return _frame(rows, _sample, STEPS).sort_values("at", kind="stable", ignore_index=True)


def runs(rows: Iterable[Row]) -> pd.DataFrame:
    """Columns as in RUNS, in the order of time. `first_s` and `step_s` are 0 for stages without steps."""
    return _frame(rows, _sample, RUNS).sort_values("at", kind="stable", ignore_index=True)


def estimates(rows: Iterable[Row]) -> pd.DataFrame:
    """Columns as in ESTIMATES, in the order of time. Durations count from `at`."""
    return _frame(rows, _sample, ESTIMATES).sort_values("at", kind="stable", ignore_index=True)


KINDS: Mapping[str, Callable[[Iterable[Row]], pd.DataFrame]] = {
    "jobs": jobs, "steps": steps, "runs": runs, "estimates": estimates,
}
"""The histories that the hub has, and what makes a frame of each."""


def _job(row: Row) -> dict[str, Any]:
    outputs = row.get("outputs") or []
    first = outputs[0] if outputs else {}
    judged = [one for one in row.get("verdicts") or [] if one["score"] is not None]
    return {
        **row, "created": row.get("createdAt"), "started": row.get("startedAt"), "finished": row.get("finishedAt"),
        "elapsed_s": row.get("elapsed"), "error_kind": row.get("errorKind"),
        "error_detail": row.get("errorDetail"), "outputs": len(outputs), "output_path": first.get("path"),
        "output_kind": first.get("kind"), "output_link": first.get("link"),
        "score": min((one["score"] for one in judged), default=None),
        "defects": tuple(dict.fromkeys(reason["defect"] for one in judged for reason in one["reasons"])),
        "stages": tuple(stage["name"] for stage in row.get("stages") or ()),
    }


def _sample(row: Row) -> dict[str, Any]:
    width, height = row.get("width"), row.get("height")
    return {**row, "at": row.get("at_s"), "resolution": f"{width}×{height}" if width and height else ""}


def _frame(rows: Iterable[Row], tidy: Callable[[Row], dict[str, Any]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    tidied = [tidy(row) for row in rows]
    return pd.DataFrame({column: _column([row.get(column) for row in tidied], dtype)
                         for column, dtype in dtypes.items()})


def _column(values: list[Any], dtype: str) -> pd.Series[Any]:
    if dtype != MOMENT:
        return pd.Series(values, dtype=dtype)
    raw = pd.Series(values, dtype="object")
    if any(isinstance(value, int | float) for value in values):
        return pd.to_datetime(raw, utc=True, unit="s").dt.as_unit("ms")
    return pd.to_datetime(raw, utc=True, format="ISO8601").dt.as_unit("ms")
