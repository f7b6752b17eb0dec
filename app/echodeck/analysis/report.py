"""The day in one file: it opens from disk, with no network, and looks like the dashboard, of whose charts it is made.

Everything that people or engines named goes through an element tree, which escapes it; the page's own policy forbids
it to fetch anything. Empty states are said in words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pandas as pd
from bokeh.util.paths import bokehjs_path

from .. import charts
from ..charts import Chart
from ..errors import ConfigError
from ..version import __version__
from . import frames, stats
from .frames import Row
from .thumbnail import data_url

MOST_JOBS = 300
MOST_PICTURES = 80
MOST_DETAIL_CHARS = 8_000
LOGO = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="3" fill="#58a6ff" /><path d="M5.6 5.6a9 9'
    ' 0 0 0 0 12.8M18.4 5.6a9 9 0 0 1 0 12.8M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7" stroke="#58a6ff"'
    ' stroke-width="1.8" fill="none" stroke-linecap="round" /></svg>'
)
GIB = 1 << 30


def write(path: Path | str, jobs: Iterable[Row], steps: Iterable[Row], runs: Iterable[Row], estimates: Iterable[Row],
          hosts: Iterable[Row], made_at: datetime) -> None:
    """Write the report of the day that `made_at` (aware) lies in, on its own clock, to `path`.

    `jobs`, `steps`, `runs` and `estimates` are rows of the hub's history (see `frames`), `hosts` are machines as the
    wire has them. Rows of other days may be among them. Raises ConfigError when the file cannot be written.
    """
    document = render(jobs, steps, runs, estimates, hosts, made_at)
    try:
        Path(path).write_bytes(document.encode("utf-8", "replace"))
    except OSError as error:
        raise ConfigError(f"-o {path}: cannot be written: {error.strerror or error}", field="output") from error


def render(jobs: Iterable[Row], steps: Iterable[Row], runs: Iterable[Row], estimates: Iterable[Row],
           hosts: Iterable[Row], made_at: datetime) -> str:
    """The report as one HTML document; arguments as for `write`."""
    start, end = stats.local_day(made_at)
    today = stats.between(frames.jobs(jobs), start, end)
    ids = set(today["id"])
    step_table, run_table, estimate_table = (
        frame[frame["job_id"].isin(ids)]
        for frame in (frames.steps(steps), frames.runs(runs), frames.estimates(estimates)))
    shown = Figures()
    body = Element("body")
    _header(body, made_at)
    main = SubElement(body, "main")
    _counts(main, today)
    _when_and_where(main, shown, today, run_table, start, end)
    _pace(main, shown, today, step_table, estimate_table)
    _durations(main, today)
    _jobs(main, today, start)
    _machines(main, list(hosts))
    footer = SubElement(body, "footer")
    footer.text = f"Made by echodeck {__version__}. Everything is in this file; it fetches nothing."
    parts = files(__package__)
    return Template(parts.joinpath("report.html").read_text("utf-8")).substitute(
        title=escape(f"echodeck · {made_at:%d %B %Y}"), style=parts.joinpath("report.css").read_text("utf-8"),
        # Not bokeh's own Resources: once Panel is imported, they point outside.
        bokeh=(bokehjs_path() / "js" / "bokeh.min.js").read_text("utf-8"), charts=shown.data(),
        body="".join(tostring(child, "unicode", method="html") for child in body),
    )


class Figures:
    """The charts of one document. Its script embeds each in the place that was made for it, as the dashboard does."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def place(self, parent: Element, chart: Chart) -> None:
        SubElement(parent, "div", {"class": "chart", "id": f"chart-{chart.name}"})
        self.items[f"chart-{chart.name}"] = charts.to_json(chart)["item"]

    def data(self) -> str:
        """The charts by their places' ids, as JSON that may stand in a script element."""
        return json.dumps(self.items).replace("<", "\\u003c")


def _header(body: Element, made_at: datetime) -> None:
    header = SubElement(body, "header")
    header.append(fromstring(LOGO))
    _text(header, "h1", f"{made_at:%A} {made_at.day} {made_at:%B %Y}")
    _text(header, "span", f"made at {made_at:%H:%M %Z}", "sub")


def _counts(main: Element, today: pd.DataFrame) -> None:
    ended = stats.success(today)
    working = today["elapsed_s"].sum()
    unfinished = len(today) - ended.ended
    row = SubElement(main, "section", {"class": "counts wide", "aria-label": "the day in numbers"})
    rate = "–" if ended.rate is None else percent(ended.rate)
    for number, label in ((str(len(today)), "jobs today"), (str(ended.completed), "completed"),
                          (str(ended.failed), "failed"), (rate, "success"), (str(unfinished), "not ended yet"),
                          (span(working), "of work")):
        card = _card(row, "count")
        _text(card, "b", number)
        _text(card, "span", label)


def _when_and_where(main: Element, shown: Figures, today: pd.DataFrame, runs: pd.DataFrame, start: datetime,
                    end: datetime) -> None:
    by_hour = stats.success_by_hour(today, start, end)
    first, last = start.replace(tzinfo=None), end.replace(tzinfo=None)
    _chart(main, shown, by_hour, "No job has ended today.",
           lambda: charts.success(_columns(by_hour), start=first, end=last), "How jobs ended")
    stages = stats.stage_durations(runs, today)
    _chart(main, shown, stages, "No job has finished a stage today.",
           lambda: charts.durations({**_columns(stages), "label": stats.labels(stages)}), "Where the time goes")


def _pace(main: Element, shown: Figures, today: pd.DataFrame, steps: pd.DataFrame, estimates: pd.DataFrame) -> None:
    times = stats.step_quantiles(steps, today)
    _chart(main, shown, times, "No steps were taken today.",
           lambda: charts.step_times({**_columns(times), "label": stats.labels(times)}), "Seconds per step")
    errors = stats.estimate_errors(estimates, today)
    bins = stats.error_by_progress(errors)
    scaled = bins.assign(**{name: bins[name] * 100 for name in ("low", "median", "high")})
    card = _chart(main, shown, bins, "No finished job has estimates to judge today.",
                  lambda: charts.error(_columns(scaled)), "Error of the estimate")
    if len(errors):
        _text(card, "p", f"{len(errors)} estimates, off by {percent(errors['error'].mean())} of the time left on"
              f" average; the 80 % interval held the truth {percent(errors['covered'].mean())} of the time.", "note")


def _chart(main: Element, shown: Figures, table: pd.DataFrame, empty: str, draw: Callable[[], Chart],
           title: str) -> Element:
    card = _card(main)
    heading = _text(card, "h2", title)
    if len(table):
        chart = draw()
        heading.text = chart.title
        _legend(card, chart)
        shown.place(card, chart)
    else:
        _text(card, "p", empty, "empty")
    return card


def _legend(card: Element, chart: Chart) -> None:
    if chart.notes:
        row = SubElement(card, "p", {"class": "legend"})
        for label, color in chart.notes.items():
            item = SubElement(row, "span")
            SubElement(item, "i", {"style": f"background: {color}"})
            item[0].tail = label


def _durations(main: Element, today: pd.DataFrame) -> None:
    card = _card(main, "wide")
    _text(card, "h2", "How long completed jobs took")
    table = stats.durations(today)
    if table.empty:
        _text(card, "p", "No job has completed today.", "empty")
        return
    grid = SubElement(card, "table", {"class": "durations"})
    head = SubElement(grid, "tr")
    for label, kind in (("model and size", ""), ("jobs", "num"), ("median", "num"), ("10–90 %", "num quiet"),
                        ("in all", "num quiet")):
        _text(head, "th", label, kind)
    for label, row in zip(stats.labels(table), table.to_dict("records"), strict=True):
        line = SubElement(grid, "tr")
        _text(line, "td", label)
        _text(line, "td", str(row["count"]), "num")
        _text(line, "td", span(row["median_s"]), "num")
        _text(line, "td", f"{span(row['low_s'])} – {span(row['high_s'])}", "num quiet")
        _text(line, "td", span(row["total_s"]), "num quiet")


def _jobs(main: Element, today: pd.DataFrame, start: datetime) -> None:
    card = _card(main, "wide")
    _text(card, "h2", "Today's jobs, newest first")
    if today.empty:
        _text(card, "p", "No jobs today.", "empty")
        return
    newest = today.iloc[::-1]
    for place, row in enumerate(newest.head(MOST_JOBS).to_dict("records")):
        _job(card, row, start, picture=place < MOST_PICTURES)
    if len(newest) > MOST_JOBS:
        _text(card, "p", f"And {len(newest) - MOST_JOBS} earlier ones.", "note")


def _job(card: Element, row: Mapping[Any, Any], start: datetime, *, picture: bool) -> None:
    line = SubElement(card, "div", {"class": "job"})
    path = _said(row["output_path"])
    small = data_url(path) if path and picture else None
    if small:
        SubElement(line, "img", {"src": small, "alt": ""})
    else:
        SubElement(line, "span", {"class": "none"})
    what = SubElement(line, "div")
    _text(what, "b", _said(row["title"]) or _said(row["id"]))
    parts = (row["user"], row["model"], row["resolution"], f"{row['steps']} steps" if row["steps"] else "", row["host"],
             _origin(row))
    _text(what, "small", " · ".join(said for part in parts if (said := _said(part))))
    if error := _said(row["error"]):
        _error(what, row, error)
    elif link := _said(row["output_link"]):
        _link(what, link)
    elif path and not small:
        _text(what, "small", path)
    status = _said(row["status"])
    _text(line, "span", status, f"pill {status}" if status.isalpha() else "pill")
    moment = row["started"] if pd.notna(row["started"]) else row["created"]
    when = "" if pd.isna(moment) else f"{moment.tz_convert(start.tzinfo):%H:%M:%S}"
    _text(line, "span", when, "num when")
    _text(line, "span", span(row["elapsed_s"]) if row["elapsed_s"] > 0 else "", "num took")


def _origin(row: Mapping[Any, Any]) -> str:
    """Where a job lived that was none of our own queue; "" if it was."""
    origin = _said(row["origin"])
    return "" if origin in ("", "echodeck") else "a script" if origin == "script" else f"seen in {_said(row['engine'])}"


def _error(what: Element, row: Mapping[Any, Any], error: str) -> None:
    """What went wrong, and where it came from to be opened."""
    memory = _said(row["error_kind"]) == "out_of_memory" and "out of memory" not in error.lower()
    _text(what, "small", f"out of memory: {error}" if memory else error, "bad")
    if detail := _said(row["error_detail"]):
        box = SubElement(what, "details")
        _text(box, "summary", "Details")
        _text(box, "pre", detail[-MOST_DETAIL_CHARS:])


def _link(what: Element, link: str) -> None:
    """The address of an original; one that is no web address is only said."""
    web = {"href": link, "rel": "noreferrer"} if link.startswith(("http://", "https://")) else {}
    SubElement(_text(what, "small", ""), "a", web).text = link


def _machines(main: Element, hosts: Sequence[Row]) -> None:
    card = _card(main, "wide")
    _text(card, "h2", "Machines")
    if not hosts:
        _text(card, "p", "No machine has reported.", "empty")
        return
    for host in hosts:
        line = SubElement(card, "div", {"class": "machine"})
        _text(line, "b", _said(host.get("name")))
        gpus = [f"{gpu.get('name')} ({(gpu.get('vram_total_bytes') or 0) / GIB:.0f} GiB)" for gpu in host["gpus"]]
        parts = (host.get("os"), f"{len(host['cores_percent'])} cores", f"{host['memory_total_bytes'] / GIB:.0f} GiB",
                 ", ".join(gpus) or host.get("gpu_reason"))
        _text(line, "small", " · ".join(said for part in parts if (said := _said(part))))


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def span(seconds: float) -> str:
    """A duration as people read it: 4.2 s, 1:05, 2:03:00."""
    if math.isnan(seconds):
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(column): values for column, values in table.to_dict("list").items()}


def _card(parent: Element, kind: str = "") -> Element:
    return SubElement(parent, "section", {"class": f"card {kind}".strip()})


def _text(parent: Element, tag: str, text: str, kind: str = "") -> Element:
    element = SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = text
    return element


def _said(cell: Any) -> str:
    """A cell as text, "" for a missing one."""
    missing: bool = pd.isna(cell)
    return "" if missing else str(cell)
