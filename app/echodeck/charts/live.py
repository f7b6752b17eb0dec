"""Charts that move: bound to records of the board, they start with what is known and grow row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.models import BasicTickFormatter, DataRange1d, Range1d

from ..model.period import FASTEST_S
from .chart import Binding, Chart, Field, source
from .style import COLORS, DARK, WINDOW_S, Theme, blank, hover, line, over_time, plain_numbers

PERIOD_S = FASTEST_S
AT = Field("at_s", moment=True)
CLOCK_SET_BACK_MS = 60_000.0
MB_PER_S = 1e-6


def system(host: str, theme: Theme = DARK, *, period_s: float = PERIOD_S) -> Chart:
    """CPU and memory of a machine in percent, over the last ten minutes."""
    return _host_chart("system", "CPU and memory", host, theme, {
        "CPU %": ("cpu", COLORS["cpu"], Field("cpu_percent")),
        "memory %": ("memory", COLORS["memory"], Field("memory_used_bytes", 100.0, over="memory_total_bytes")),
    }, period_s, high=100.0)


def gpu(host: str, index: int, name: str = "GPU", theme: Theme = DARK, *, period_s: float = PERIOD_S) -> Chart:
    """One GPU's utilisation and VRAM in percent. `index` is its place in the host's list, `name` what it is called."""
    at = f"gpus.{index}."
    return _host_chart(f"gpu{index}", name, host, theme, {
        "GPU %": ("util", COLORS["gpu"], Field(f"{at}util_percent")),
        "VRAM %": ("vram", COLORS["vram"], Field(f"{at}vram_used_bytes", 100.0, over=f"{at}vram_total_bytes")),
    }, period_s, high=100.0)


def network(host: str, theme: Theme = DARK, *, period_s: float = PERIOD_S) -> Chart:
    """What a machine receives and sends, in MB/s (10⁶ bytes)."""
    return _host_chart("network", "Network, MB/s", host, theme, {
        "received MB/s": ("received", COLORS["received"], Field("net_received_bytes_per_s", MB_PER_S)),
        "sent MB/s": ("sent", COLORS["sent"], Field("net_sent_bytes_per_s", MB_PER_S)),
    }, period_s)


def disk(host: str, index: int = 0, theme: Theme = DARK, *, period_s: float = PERIOD_S) -> Chart:
    """What the `index`-th disk of a machine reads and writes, in MB/s (10⁶ bytes)."""
    at = f"disks.{index}."
    return _host_chart(f"disk{index}", "Disk, MB/s", host, theme, {
        "read MB/s": ("read", COLORS["read"], Field(f"{at}read_bytes_per_s", MB_PER_S)),
        "written MB/s": ("write", COLORS["write"], Field(f"{at}write_bytes_per_s", MB_PER_S)),
    }, period_s)


def _host_chart(name: str, title: str, host: str, theme: Theme, lines: Mapping[str, tuple[str, str, Field]],
                period_s: float, high: float | None = None) -> Chart:
    """`lines` is label -> (column, colour, where the value is)."""
    label = f"{name}:{host}"
    data = source(label, {"time": [], **{column: [] for column, _, _ in lines.values()}})
    fig = over_time(theme, high=high)
    if high is not None:
        fig.yaxis.ticker = [0, high / 2, high]
    drawn = {text: line(fig, data, "time", column, color, fill=True) for text, (column, color, _) in lines.items()}
    shape = "{0}" if high is not None else "{0.00}"
    rows = [(text, f"@{column}{shape}") for text, (column, _, _) in lines.items()]
    hover(fig, [("at", "@time{%H:%M:%S}"), *rows], mode="vline", moments=["@time"],
          renderers=[next(iter(drawn.values()))])
    bound = Binding("hosts", host, label, {"time": AT, **{column: where for column, _, where in lines.values()}},
                    rollover=round(WINDOW_S / period_s) + 1, restart=CLOCK_SET_BACK_MS)
    return Chart(label, title, fig, {label: data}, (bound,), {text: color for text, (_, color, _) in lines.items()})


def steps(job_id: str, trail: Sequence[Sequence[Any]] = (), total: int = 0, theme: Theme = DARK) -> Chart:
    """Seconds per step of one job's current stage, by step. `trail` has (step, seconds) so far; `total` steps fix the
    x axis, 0 lets it follow."""
    name = f"steps:{job_id}"
    data = source(name, {"step": [row[0] for row in trail], "seconds": [row[1] for row in trail]})
    x_range = Range1d(1, max(2, total)) if total else DataRange1d(range_padding=0.02)
    fig = blank(theme, height=120, x_range=x_range, y_range=DataRange1d(start=0, range_padding=0.2))
    fig.xaxis.formatter = BasicTickFormatter(use_scientific=False)
    plain_numbers(fig)
    drawn = line(fig, data, "step", "seconds", COLORS["running"], fill=True)
    hover(fig, [("step", "@step{0}"), ("seconds", "@seconds{0.00}")], mode="vline", renderers=[drawn])
    # A step's duration is one over the speed, which is the wire's figure for it. Step 0 is a stage without steps.
    bound = Binding("jobs", job_id, name, {"step": Field("currentStep"), "seconds": Field("", over="speed")}, x="step",
                    rollover=1000, restart=0.0, least=1.0)
    return Chart(name, "Seconds per step", fig, {name: data}, (bound,))


def estimate(job_id: str, trail: Sequence[Sequence[Any]] = (), theme: Theme = DARK) -> Chart:
    """How long one job was expected to take in all, as it went, with the 80 % interval as a band.

    `trail` has (elapsed, left, low, high) so far, all in seconds. Total, not time left: a good estimate is then a flat
    line whose band closes.
    """
    name = f"estimate:{job_id}"
    names = ("elapsed", "total", "low", "high")
    data = source(name, {column: [row[0] + (row[place] if place else 0) for row in trail]
                         for place, column in enumerate(names)})
    fig = blank(theme, height=120, x_range=DataRange1d(range_padding=0.02),
                y_range=DataRange1d(start=0, range_padding=0.2))
    fig.xaxis.formatter = BasicTickFormatter(use_scientific=False)
    plain_numbers(fig)
    fig.varea(x="elapsed", y1="low", y2="high", source=data, fill_color=COLORS["running"], fill_alpha=0.14)
    drawn = line(fig, data, "elapsed", "total", COLORS["running"])
    hover(fig, [("after", "@elapsed{0.0} s"), ("in all", "@total{0.0} s"), ("80 %", "@low{0.0}–@high{0.0} s")],
          mode="vline", renderers=[drawn])
    columns = {"elapsed": Field("elapsed"), "total": Field("eta", plus="elapsed"),
               "low": Field("etaLow", plus="elapsed"), "high": Field("etaHigh", plus="elapsed")}
    bound = Binding("jobs", job_id, name, columns, x="elapsed", rollover=1000, restart=0.0)
    return Chart(name, "Estimate over time", fig, {name: data}, (bound,))
