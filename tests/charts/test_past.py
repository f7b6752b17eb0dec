"""Charts drawn once: the columns become the bars and lines they should, also when there are none."""

from __future__ import annotations

from datetime import datetime

from echodeck import charts


def test_stages_stack_in_the_order_given_with_gaps_as_zero() -> None:
    chart = charts.durations({"label": ["a", "a", "b"], "stage": ["load", "sample", "sample"],
                              "median_s": [1.0, 4.0, 3.0]})
    data = chart.sources["durations"].data
    assert data == {"label": ["a", "b"], "row": ["a", "b"], "stage0": [1.0, 0.0], "stage1": [4.0, 3.0]}
    assert list(chart.notes) == ["load", "sample"]
    assert chart.figure.y_range.factors == ["b", "a"], "the first label is on top"


def test_long_labels_are_cut_and_stay_different() -> None:
    columns = {"label": ["a" * 60, "a" * 30 + "x" + "a" * 30, "b"], "low_s": [1, 1, 1], "median_s": [1, 1, 1],
               "high_s": [1, 1, 1], "count": [1, 1, 1]}
    chart = charts.step_times(columns)
    rows = chart.sources["step_times"].data["row"]
    assert len(set(rows)) == 3
    assert max(map(len, rows)) <= 24
    assert chart.sources["step_times"].data["label"] == columns["label"], "the tooltip has all of it"


def test_jobs_that_ended_stack_by_state() -> None:
    hour = datetime(2026, 1, 5, 9)
    chart = charts.success({"time": [hour], "completed": [3], "failed": [2], "cancelled": [1]})
    data = chart.sources["success"].data
    assert (data["completed_bottom"], data["completed_top"]) == ([0.0], [3.0])
    assert (data["failed_bottom"], data["failed_top"]) == ([3.0], [5.0])
    assert (data["cancelled_bottom"], data["cancelled_top"]) == ([5.0], [6.0])
    assert data["middle"] == [datetime(2026, 1, 5, 9, 30)]
    assert chart.figure.y_range.end >= 6


def test_error_shows_what_is_there_but_not_an_outlier_of_thousands() -> None:
    columns = {"progress": [5], "median": [20.0], "low": [1.0], "high": [9000.0], "count": [3]}
    assert charts.error(columns).figure.y_range.end == 200
    assert charts.error({**columns, "high": [4.0]}).figure.y_range.end == 10


def test_empty_columns_make_empty_charts() -> None:
    charts.to_json(charts.durations({"label": [], "stage": [], "median_s": []}))
    charts.to_json(charts.step_times({"label": [], "low_s": [], "median_s": [], "high_s": [], "count": []}))
    charts.to_json(charts.success({"time": [], "completed": [], "failed": [], "cancelled": []}))
    charts.to_json(charts.error({"progress": [], "median": [], "low": [], "high": [], "count": []}))


def test_a_series_is_filled_where_it_is_shown() -> None:
    chart = charts.series()
    assert {name: list(column) for name, column in chart.sources["series"].data.items()} == {
        "time": [], "low": [], "mean": [], "high": []}
    assert not chart.bindings
    assert chart.figure.select_one({"name": "series"}) is not None, "the page finds the source by its name"
