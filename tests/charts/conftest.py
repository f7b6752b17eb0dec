"""Every chart there is, with a little in it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from echodeck import charts
from echodeck.charts import Chart
from echodeck.charts.style import Theme

NASTY = "</script><img src=x onerror=\"document.title='run'\">"


def every_chart(theme: Theme = charts.DARK) -> list[Chart]:
    labels = ["small · 64×64", NASTY]
    midnight = datetime(2026, 1, 5)
    return [
        charts.system("atelier", theme), charts.gpu("atelier", 0, "a card", theme), charts.network("atelier", theme),
        charts.disk("atelier", 1, theme),
        charts.steps("j1", [(1, 1.5), (2, 1.0)], 20, theme), charts.steps("j2", theme=theme),
        charts.estimate("j1", [(1.0, 30.0, 20.0, 45.0)], theme),
        charts.durations({"label": [labels[0], labels[0], labels[1]], "stage": ["load", NASTY, "load"],
                          "median_s": [1.0, 4.0, 2.0]}, theme),
        charts.step_times({"label": labels, "low_s": [0.1, 0.2], "median_s": [0.2, 0.3], "high_s": [0.3, 0.5],
                           "count": [10, 20]}, theme),
        charts.success({"time": [midnight + timedelta(hours=9)], "completed": [3], "failed": [1], "cancelled": [0]},
                       theme, start=midnight, end=midnight + timedelta(days=1)),
        charts.error({"progress": [25, 75], "median": [10.0, 8.0], "low": [1.0, 2.0], "high": [20.0, 30.0],
                      "count": [4, 5]}, theme),
    ]


@pytest.fixture
def all_charts() -> list[Chart]:
    return every_chart()
