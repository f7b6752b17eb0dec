"""Charts of what has been: made once from columns that `analysis` computed, the same on a page and in a report.

Columns are mappings of name to equally long sequences; labels come from people and are only ever drawn as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bokeh.models import BasicTickFormatter, ColumnDataSource, DataRange1d, DatetimeTickFormatter, FactorRange, Range1d
from bokeh.plotting import figure as Figure  # noqa: N812 (a class with a function's name)

from .chart import Chart, source
from .style import COLORS, DARK, STAGES, Theme, blank, hover, line, over_time, plain_numbers

Columns = Mapping[str, Sequence[Any]]
ENDS = ("completed", "failed", "cancelled")
ROW = 26
LABEL = 22
HOUR_MS = 3_600_000
_HALF_HOUR = timedelta(minutes=30)


def durations(columns: Columns, theme: Theme = DARK) -> Chart:
    """Median seconds of each stage, stacked, one bar a `label` (model and size). Columns: label, stage, median_s."""
    labels = list(dict.fromkeys(columns["label"]))
    stages = list(dict.fromkeys(columns["stage"]))
    table = dict(zip(zip(columns["label"], columns["stage"], strict=True), columns["median_s"], strict=True))
    # Stages are columns under neutral names: theirs may hold anything.
    keys = [f"stage{number}" for number, _ in enumerate(stages)]
    rows = {key: [float(table.get((label, stage), 0.0)) for label in labels]
            for key, stage in zip(keys, stages, strict=True)}
    data = source("durations", {"label": labels, "row": _short(labels), **rows})
    fig = _rows(theme, data)
    colors = [STAGES[number % len(STAGES)] for number, _ in enumerate(stages)]
    drawn = fig.hbar_stack(keys, y="row", height=0.55, source=data, color=colors, line_color=None) if labels else []
    for stage, key, bar in zip(stages, keys, drawn, strict=False):
        hover(fig, [("", "@label"), (_plain(stage), f"@{key}{{0.00}} s")], renderers=[bar])
    return Chart("durations", "Where the time goes: median seconds by stage", fig, {"durations": data}, (),
                 dict(zip(stages, colors, strict=True)))


def step_times(columns: Columns, theme: Theme = DARK) -> Chart:
    """Seconds per step by `label`: the median as a dot, the middle 80 % as a line. Columns: label, low_s, median_s,
    high_s, count."""
    data = source("step_times", {**columns, "row": _short(columns["label"])})
    fig = _rows(theme, data)
    color = COLORS["running"]
    fig.segment(x0="low_s", y0="row", x1="high_s", y1="row", source=data, line_color=color, line_width=5,
                line_alpha=0.3, line_cap="round")
    dots = fig.scatter(x="median_s", y="row", source=data, size=9, fill_color=color, line_color=None)
    hover(fig, [("", "@label"), ("median", "@median_s{0.000} s"), ("80 %", "@low_s{0.000}–@high_s{0.000} s"),
                ("steps", "@count")], renderers=[dots])
    return Chart("step_times", "Seconds per step: median and middle 80 %", fig, {"step_times": data})


def success(columns: Columns, theme: Theme = DARK, *, start: Any = None, end: Any = None) -> Chart:
    """How many jobs ended how, hour by hour. Columns: time (the hour's start), completed, failed, cancelled; `start`
    and `end` fix the x axis. Times are shown as given: pass local, naive ones."""
    data = source("success", columns)
    x_range = DataRange1d() if start is None else Range1d(start, end)
    most = max((sum(row) for row in zip(*(columns[end_] for end_ in ENDS), strict=True)), default=0)
    fig = blank(theme, x_axis_type="datetime", x_range=x_range, y_range=Range1d(0, max(1, most) * 1.1))
    fig.xaxis.formatter = DatetimeTickFormatter(hours="%H:%M", hourmin="%H:%M", minutes="%H:%M", days="%H:%M")
    fig.yaxis.ticker.min_interval = 1
    fig.yaxis.ticker.num_minor_ticks = 0
    plain_numbers(fig)
    for end_ in ENDS:
        fig.vbar(x="middle", top=f"{end_}_top", bottom=f"{end_}_bottom", width=HOUR_MS * 0.8, source=data,
                 fill_color=COLORS[end_], line_color=None)
    _stack(data)
    hover(fig, [("from", "@time{%H:%M}"), *((end_, f"@{end_}") for end_ in ENDS)], moments=["@time"])
    return Chart("success", "How jobs ended, hour by hour", fig, {"success": data}, (),
                 {end_: COLORS[end_] for end_ in ENDS})


def error(columns: Columns, theme: Theme = DARK) -> Chart:
    """How far off the estimate of the time left was, in percent of the truth, by progress: median and the middle 80 %
    as a band. Columns: progress (0-100), median, low, high (percent), count."""
    data = source("error", columns)
    highest = max((float(number) for number in columns["high"]), default=0.0)
    fig = blank(theme, x_range=Range1d(0, 100), y_range=Range1d(0, max(10.0, min(200.0, highest * 1.1))))
    fig.xaxis.axis_label = "progress, %"
    fig.yaxis.axis_label = "error, %"
    plain_numbers(fig)
    color = COLORS["running"]
    fig.varea(x="progress", y1="low", y2="high", source=data, fill_color=color, fill_alpha=0.14)
    fig.line(x="progress", y="median", source=data, line_color=color, line_width=1.6)
    dots = fig.scatter(x="progress", y="median", source=data, size=6, fill_color=color, line_color=None)
    hover(fig, [("at", "@progress{0} %"), ("median error", "@median{0.0} %"), ("80 %", "@low{0.0}–@high{0.0} %"),
                ("estimates", "@count")], renderers=[dots])
    return Chart("error", "Error of the estimate by progress", fig, {"error": data})


def series(theme: Theme = DARK) -> Chart:
    """One figure of a machine over any time: the mean as a line, least to greatest as a band. Empty: whoever shows it
    fills its source (columns time in ms, low, mean, high; a row of NaN is a gap) and sets its x range's ends."""
    data = source("series", {"time": [], "low": [], "mean": [], "high": []})
    fig = over_time(theme, window_s=None, height=220)
    fig.x_range = Range1d(0, 1)
    color = COLORS["running"]
    fig.varea(x="time", y1="low", y2="high", source=data, fill_color=color, fill_alpha=0.22)
    drawn = line(fig, data, "time", "mean", color)
    hover(fig, [("at", "@time{%d %b %H:%M:%S}"), ("mean", "@mean{0.00}"), ("least", "@low{0.00}"),
                ("greatest", "@high{0.00}")], mode="vline", moments=["@time"], renderers=[drawn])
    return Chart("series", "", fig, {"series": data})


def _rows(theme: Theme, data: ColumnDataSource) -> Figure:
    """A figure with one horizontal row for each of the source's `row`s, the first on top, x from 0."""
    rows = data.data["row"]
    fig = blank(theme, height=max(90, ROW * len(rows) + 34), y_range=FactorRange(*reversed(rows)),
                x_range=DataRange1d(start=0, range_padding=0.06))
    fig.ygrid.grid_line_color = None
    fig.xgrid.grid_line_color = theme.line
    fig.yaxis.major_label_text_color = theme.text
    fig.xaxis.formatter = BasicTickFormatter(use_scientific=False)
    return fig


def _short(labels: Sequence[str]) -> list[str]:
    """Labels cut to what a phone can show beside the bars, each still different."""
    short: list[str] = []
    for label in labels:
        cut = base = label if len(label) <= LABEL else f"{label[: LABEL // 2]}…{label[-(LABEL // 2 - 1):]}"
        again = 1
        while cut in short:
            again += 1
            cut = f"{base} {again}"
        short.append(cut)
    return short


def _stack(data: ColumnDataSource) -> None:
    """Bars in the middle of their hour, one state above the other."""
    columns = dict(data.data)
    below = [0.0] * len(columns["time"])
    for end in ENDS:
        columns[f"{end}_bottom"] = list(below)
        below = [low + float(count) for low, count in zip(below, columns[end], strict=True)]
        columns[f"{end}_top"] = list(below)
    columns["middle"] = [moment + _HALF_HOUR for moment in columns["time"]]
    data.data = columns


def _plain(text: str) -> str:
    """A label for a tooltip, whose template would read @ and $ as columns."""
    return text.replace("@", "").replace("$", "")
