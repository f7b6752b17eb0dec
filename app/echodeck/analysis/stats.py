"""Figures from the frames: durations, success, step times, and how good the estimates were.

Every function takes frames as `frames` makes them and gives a frame (or a small record) whose columns its docstring
lists; without rows the frame is empty but has its columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

KEY = ["engine", "model", "resolution"]
ENDS = ("completed", "failed", "cancelled")
LOW, HIGH = 0.1, 0.9
LEAST_TRUTH_S = 1.0
MOST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Success:
    """How many jobs ended how. `rate` is completed of completed and failed, 0-1; None when neither happened."""

    completed: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.cancelled

    @property
    def rate(self) -> float | None:
        judged = self.completed + self.failed
        return self.completed / judged if judged else None


def between(jobs: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """The jobs that were created, or ended, in start <= moment < end (both aware)."""
    inside = pd.Series(False, index=jobs.index)
    for column in ("created", "finished"):
        inside |= (jobs[column] >= start) & (jobs[column] < end)
    return jobs[inside]


def durations(jobs: pd.DataFrame) -> pd.DataFrame:
    """How long completed jobs took, of work: engine, model, resolution, count, low_s, median_s, high_s, total_s.

    `low_s` and `high_s` are the 10 % and 90 % quantiles; the most time in all comes first.
    """
    done = jobs[jobs["status"] == "completed"]
    return _spread(done, KEY, "elapsed_s").sort_values("total_s", ascending=False, ignore_index=True)


def stage_durations(runs: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Seconds a stage took: engine, model, resolution, stage, count, low_s, median_s, high_s, total_s.

    Stages are in the order that the jobs give them: the runs of one job are all of the moment it completed.
    """
    place: dict[str, int] = {}
    for names in jobs["stages"]:
        for number, name in enumerate(names):
            place[name] = max(number, place.get(name, 0))
    spread = _spread(runs, [*KEY, "stage"], "duration_s")
    order = spread["stage"].map(lambda name: place.get(name, len(place)))
    keys = spread.groupby(KEY, sort=False).ngroup()
    return spread.iloc[pd.DataFrame({"key": keys, "stage": order}).sort_values(["key", "stage"]).index].reset_index(
        drop=True)


def step_quantiles(steps: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Seconds a step: engine, model, resolution, count, low_s, median_s, high_s, total_s.

    A stage's first step is left out: it pays for warming up.
    """
    later = steps[steps["step"] > 1].merge(jobs[["id", *KEY]], left_on="job_id", right_on="id", how="inner")
    return _spread(later, KEY, "duration_s")


def success(jobs: pd.DataFrame) -> Success:
    """How the jobs ended."""
    counts = jobs["status"].value_counts()
    return Success(*(int(counts.get(end, 0)) for end in ENDS))


def success_by_hour(jobs: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """Jobs that ended in start..end by the hour: time, completed, failed, cancelled.

    `time` is the hour's start on the clock of `start`'s zone, without a zone, as Bokeh's axes show it. Hours without
    any are left out.
    """
    ended = jobs[(jobs["finished"] >= start) & (jobs["finished"] < end)]
    hour = ended["finished"].dt.tz_convert(start.tzinfo).dt.tz_localize(None).dt.floor("h")
    table = pd.DataFrame({state: (ended["status"] == state).astype("int64").groupby(hour).sum() for state in ENDS})
    return table.rename_axis("time").reset_index()


def estimate_errors(estimates: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Each estimate beside what came: job_id, progress, eta_s, low_s, high_s, truth_s, error, covered.

    `error` is |eta - truth| / truth, `covered` whether the truth lay in the interval. Only completed jobs count, in
    their last attempt, and only those that were not paused (an estimate is of work, and when a pause lay is not kept);
    nor the last second, where a fraction of it is noise.
    """
    known = jobs[(jobs["status"] == "completed") & ~(jobs["paused_s"] > MOST_PAUSE_S)]
    both = estimates.merge(known[["id", "attempt", "finished"]], left_on=["job_id", "attempt"],
                           right_on=["id", "attempt"], how="inner")
    both["truth_s"] = (both["finished"] - both["at"]).dt.total_seconds()
    both = both[both["truth_s"] >= LEAST_TRUTH_S]
    both = both.assign(
        error=(both["eta_s"] - both["truth_s"]).abs() / both["truth_s"],
        covered=(both["low_s"] <= both["truth_s"]) & (both["truth_s"] <= both["high_s"]),
    )
    columns = ["job_id", "progress", "eta_s", "low_s", "high_s", "truth_s", "error", "covered"]
    return both[columns].reset_index(drop=True)


def error_by_progress(errors: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """`estimate_errors` in equal bins of progress: progress (the bin's middle), count, low, median, high, mean (all
    fractions of the truth), coverage (0-1). Bins without estimates are left out."""
    width = 100.0 / bins
    place = (errors["progress"] // width).clip(0, bins - 1)
    grouped = errors.groupby((place + 0.5) * width)
    table = pd.DataFrame({
        "count": grouped["error"].count(), "low": grouped["error"].quantile(LOW), "median": grouped["error"].median(),
        "high": grouped["error"].quantile(HIGH), "mean": grouped["error"].mean(),
        "coverage": grouped["covered"].mean(),
    })
    return table.rename_axis("progress").reset_index()


def labels(table: pd.DataFrame) -> list[str]:
    """What to call each row of a table by KEY: model and size, with the engine where a name is used by several."""
    models = table[["engine", "model"]].drop_duplicates()
    shared = set(models["model"][models["model"].duplicated()])
    rows = zip(table["engine"], table["model"], table["resolution"], strict=True)
    return [" · ".join(part for part in (engine if model in shared else "", model, size) if part)
            for engine, model, size in rows]


def _spread(table: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
    """Count and quantiles of one column by some others, in the order in which the groups first appear."""
    grouped = table.groupby(list(by), sort=False, dropna=False)[column]
    spread: Any = pd.DataFrame({
        "count": grouped.count(), "low_s": grouped.quantile(LOW), "median_s": grouped.median(),
        "high_s": grouped.quantile(HIGH), "total_s": grouped.sum(),
    })
    frame: pd.DataFrame = spread.reset_index()
    return frame[frame["count"] > 0].reset_index(drop=True)


def local_day(moment: datetime) -> tuple[datetime, datetime]:
    """The day that an aware moment lies in, on its own clock: its midnight and the next one."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)
