"""The component classes. Their JavaScript is beside this file; see the package for how it reaches the browser."""

from __future__ import annotations

from typing import Any

import param
from panel.custom import JSComponent

from ... import charts
from ...model.metric import METRICS
from ...wire import GONE, INITIAL, ROUTES
from . import carrier, module, style_elsewhere

PATTERN = "@machine@"
"""Stands for the machine's name in the charts that are copied for each machine."""
FEED = "default"


def table() -> dict[str, Any]:
    """The routing table of the wire as JSON values, for the browser's board."""
    return {
        "routes": {name: [route.kind, route.key] for name, route in ROUTES.items() if route.kind},
        "initial": {field: list(where) for field, where in INITIAL.items()},
        "removed": list(GONE.values()),
    }


class Component(JSComponent):  # type: ignore[misc]  # panel has no types
    """What all have: the name of the feed they read."""

    feed = param.String(default=FEED, doc="The name of the page's feed.")

    __abstract = True

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})


class Channel(Component):
    """The page's way to the hub, with the code and the style that all components share. Draws nothing.

    `config`: `transport` (served, notebook, report), `table`, `user`, and for served pages `address`: "port" (the
    page's own host at `port`), "same-origin" (behind a proxy, under `prefix`), or the hub's URL.
    `messages` are a report's, which has no hub.
    """

    config = param.Dict(default={})
    messages = param.List(default=[])
    style_text = param.String(default="", doc="The style, where the page around does not bring it.")

    _esm = carrier("channel")


class Top(Component):
    """The head of a page: what goes on, the connection, who watches. `paged`: it has the page's own switches."""

    paged = param.Boolean(default=True)

    _esm = module("news", "bell", "top")


class Nav(Component):
    """The way to the page's views."""

    _esm = module("nav")


class Counts(Component):
    """How many jobs are pending, running, completed, failed."""

    _esm = module("counts")


class Generations(Component):
    """The generations in hand, one card each: picture, progress, estimate, stages, commands."""

    _esm = module("stages", "stagelist", "controls", "figures", "story", "took", "generation", "generations")


class Recent(Component):
    """What has ended, with its pictures."""

    _esm = module("outputs", "verdict", "took", "tile", "today", "recent")


class Queue(Component):
    """What waits, in order, with commands."""

    _esm = module("story", "queue")


class Machines(Component):
    """Machines as bars."""

    _esm = module("sensors", "machines")


class Engines(Component):
    """The engines: what they are, whether they are ready, and what they can be asked. Where several views are on one
    page, the first one shows only those with which something is wrong."""

    _esm = module("engines")


class Alerts(Component):
    """Alerts, to be acknowledged."""

    _esm = module("about", "alerts")


class Toasts(Component):
    """News in the corner: what went wrong, and how one's own jobs ended."""

    _esm = module("news", "toasts")


class Channels(Component):
    """The channels that messages go out by, to be tested."""

    _esm = module("channels")


class Logs(Component):
    """The log with its filter, to be cleared or downloaded."""

    _esm = module("logs")


class Decisions(Component):
    """What the hub decided by itself, with its reasons."""

    _esm = module("fields", "decisions")


class Parts(Component):
    """Which parts of the brain are on, to be switched."""

    _esm = module("parts")


class Ladders(Component):
    """The ladders of models, and what is believed of their rungs."""

    _esm = module("ladders")


class Ask(Component):
    """Questions to the coordinator, answered in words and figures."""

    _esm = module("fields", "answers", "pickjob", "ask")


class Messages(Component):
    """What people and agents say to each other."""

    _esm = module("fields", "messages")


class Estimates(Component):
    """How good the estimates were, by model and by how far jobs were."""

    _esm = module("estimates")


class SubmitForm(Component):
    """The form that queues a job: a dialog, or `inline` a card."""

    inline = param.Boolean(default=False)

    _esm = module("fields", "common", "settings", "wishes", "workflow", "form", "submit")


class ChartView(Component):
    """One chart of `echodeck.charts`, live. `chart` is `charts.to_json(chart)`."""

    chart = param.Dict(default={})

    _esm = module("chart")


class HostCharts(Component):
    """The streaming plots of every machine."""

    patterns = param.Dict(default={})
    pattern = param.String(default=PATTERN)

    _esm = module("hostcharts")

    @classmethod
    def of(cls, theme: charts.Theme = charts.DARK, **params: Any) -> HostCharts:
        """With the charts of a machine as patterns."""
        made = {"system": charts.system(PATTERN, theme), "gpu": charts.gpu(PATTERN, 0, theme=theme),
                "network": charts.network(PATTERN, theme), "disk": charts.disk(PATTERN, theme=theme)}
        return cls(patterns={name: charts.to_json(chart) for name, chart in made.items()}, **params)


class Series(Component):
    """Any figure that is kept of any machine, over a time that is chosen."""

    chart = param.Dict(default={})
    metrics = param.Dict(default={}, doc="Of each metric's name its label.")

    _esm = module("fields", "figure", "series")

    @classmethod
    def of(cls, theme: charts.Theme = charts.DARK, **params: Any) -> Series:
        return cls(chart=charts.to_json(charts.series(theme)),
                   metrics={name: metric.label for name, metric in METRICS.items()}, **params)


def channel(transport: str, **config: Any) -> Channel:
    """A channel for a transport; away from our own page it brings the style along."""
    text = "" if transport == "served" else style_elsewhere()
    return Channel(config={"transport": transport, "table": table(), "user": "", **config}, style_text=text,
                   width=0, height=0, sizing_mode="fixed")
