"""How every chart looks: one dark theme and one light, and a colour a quantity or state. Colour is never decoration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.models import (
    BasicTickFormatter,
    ColumnDataSource,
    DataRange1d,
    DatetimeTickFormatter,
    FactorRange,
    HoverTool,
    Range1d,
)
from bokeh.plotting import figure as Figure  # noqa: N812 (a class with a function's name)

COLORS: Mapping[str, str] = {
    "running": "#58a6ff", "paused": "#e3b341", "completed": "#3fb950", "failed": "#ff6b62", "cancelled": "#5b6878",
    "pending": "#8d99a8", "cpu": "#4cc9f0", "memory": "#e58fc4", "vram": "#b48cff", "gpu": "#58a6ff", "temp": "#ff9e64",
    "power": "#f2cc60", "received": "#4cc9f0", "sent": "#b48cff", "read": "#4cc9f0", "write": "#b48cff",
}
STAGES: Sequence[str] = ("#5b6878", "#58a6ff", "#4cc9f0", "#b48cff", "#f2cc60", "#ff9e64")
"""Stages in their order; they have no colour of their own, so neighbours only need to differ."""
FONT = 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
HEIGHT = 150
WINDOW_S = 600.0


@dataclass(frozen=True, slots=True)
class Theme:
    name: str
    background: str
    surface: str
    line: str
    text: str
    muted: str


DARK = Theme("dark", "#0d1117", "#151b23", "#263040", "#e6edf3", "#8d99a8")
LIGHT = Theme("light", "#f6f8fa", "#ffffff", "#d5dce4", "#1a212b", "#57636f")

_MOMENT = {"seconds": "%H:%M:%S", "minsec": "%H:%M:%S", "minutes": "%H:%M", "hourmin": "%H:%M", "hours": "%H:%M",
           "days": "%d %b", "months": "%b %Y", "years": "%Y"}


def blank(theme: Theme = DARK, *, height: int = HEIGHT, **options: Any) -> Figure:
    """An empty figure in our look: transparent, hairline grid, no toolbar, as wide as its place.

    `options` are the figure's own (ranges, axis types).
    """
    fig = Figure(height=height, sizing_mode="stretch_width", toolbar_location=None, tools="", output_backend="canvas",
                 background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None, min_border=4, **options)
    fig.toolbar.autohide = True
    fig.toolbar.logo = None
    fig.xgrid.grid_line_color = None
    fig.ygrid.grid_line_color = theme.line
    fig.ygrid.grid_line_width = 1
    if not isinstance(fig.y_range, FactorRange):
        fig.yaxis.ticker.desired_num_ticks = 4
    for axis in (*fig.xaxis, *fig.yaxis):
        axis.axis_line_color = None
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = None
        axis.major_label_text_color = theme.muted
        axis.major_label_text_font = FONT
        axis.major_label_text_font_size = "11px"
        axis.axis_label_text_color = theme.muted
        axis.axis_label_text_font = FONT
        axis.axis_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
    return fig


def over_time(theme: Theme = DARK, *, high: float | None = None, window_s: float | None = WINDOW_S,
              **options: Any) -> Figure:
    """A figure whose x axis is the clock. With `high` y is fixed to 0..high, else it starts at 0 and follows the data;
    the last `window_s` seconds are shown, None for all."""
    y_range = Range1d(0, high) if high is not None else DataRange1d(start=0, range_padding=0.15)
    follow = {"follow": "end", "follow_interval": window_s * 1000} if window_s else {}
    fig = blank(theme, x_axis_type="datetime", y_range=y_range,
                x_range=DataRange1d(range_padding=0, default_span=60_000, **follow), **options)
    fig.xaxis.formatter = DatetimeTickFormatter(**_MOMENT)
    fig.xaxis.ticker.desired_num_ticks = 5
    plain_numbers(fig)
    return fig


def plain_numbers(fig: Figure) -> None:
    """No scientific notation on the y axis."""
    fig.yaxis.formatter = BasicTickFormatter(use_scientific=False)


def line(fig: Figure, data: ColumnDataSource, x: str, y: str, color: str, *, fill: bool = False) -> Any:
    """One line of a chart, with a faint surface below it if asked. Returns its renderer."""
    if fill:
        fig.varea(x=x, y1=0, y2=y, source=data, fill_color=color, fill_alpha=0.08)
    return fig.line(x=x, y=y, source=data, line_color=color, line_width=1.6, line_join="round")


def hover(fig: Figure, rows: Sequence[tuple[str, str]], *, renderers: Sequence[Any] | str = "auto",
          mode: str = "mouse", moments: Sequence[str] = ()) -> None:
    """Tooltips by (label, "@column{format}"). Never use `{safe}`: it would run a name as HTML. `moments` are the
    "@column"s shown with a date format."""
    fig.add_tools(HoverTool(tooltips=list(rows), mode=mode, renderers=renderers, point_policy="snap_to_data",
                            line_policy="nearest", formatters=dict.fromkeys(moments, "datetime")))
