"""One look for all charts, and nothing that ranges by itself where the range is known."""

from __future__ import annotations

import pytest
from bokeh.models import FactorRange, HoverTool, Range1d

from echodeck import charts
from echodeck.charts import Chart

from .conftest import every_chart


@pytest.mark.parametrize("theme", [charts.DARK, charts.LIGHT], ids=lambda theme: theme.name)
def test_every_chart_has_the_look(theme: charts.Theme) -> None:
    for chart in every_chart(theme):
        fig = chart.figure
        assert fig.sizing_mode == "stretch_width"
        assert fig.toolbar_location is None
        assert fig.output_backend == "canvas"
        assert fig.background_fill_alpha == fig.border_fill_alpha == 0
        assert fig.title.text in (None, "")
        if not isinstance(fig.y_range, FactorRange):
            assert 120 <= fig.height <= 180
            assert {grid.grid_line_color for grid in fig.ygrid} == {theme.line}


def test_percent_is_always_0_to_100() -> None:
    for chart in (charts.system("a"), charts.gpu("a", 0)):
        assert isinstance(chart.figure.y_range, Range1d)
        assert (chart.figure.y_range.start, chart.figure.y_range.end) == (0, 100)


def test_no_tooltip_runs_html(all_charts: list[Chart]) -> None:
    hovers = [tool for chart in all_charts for tool in chart.figure.tools if isinstance(tool, HoverTool)]
    assert len(hovers) >= len(all_charts)
    for tool in hovers:
        assert all("{safe}" not in shown for _, shown in tool.tooltips)


def test_live_machine_charts_show_the_last_ten_minutes() -> None:
    x_range = charts.network("a").figure.x_range
    assert (x_range.follow, x_range.follow_interval) == ("end", 600_000)
    assert charts.system("a", period_s=2.0).bindings[0].rollover == 301
