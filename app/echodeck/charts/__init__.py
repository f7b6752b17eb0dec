"""Charts, Bokeh only: functions that return a `Chart` (figure, sources, bindings) for the page, notebook and report.

Live ones (`system`, `gpu`, `network`, `disk`, `steps`, `estimate`) are bound to records of the board; the others
(`durations`, `step_times`, `success`, `error`) are drawn once from columns that `analysis` computed, and `series` is
filled where it is shown.
"""

from __future__ import annotations

from .chart import Binding, Chart, Field, feed, source, to_json, value
from .live import disk, estimate, gpu, network, steps, system
from .past import durations, error, series, step_times, success
from .style import COLORS, DARK, LIGHT, Theme

__all__ = ["COLORS", "DARK", "LIGHT", "Binding", "Chart", "Field", "Theme", "disk", "durations", "error", "estimate",
           "feed", "gpu", "network", "series", "source", "step_times", "steps", "success", "system", "to_json", "value"]
